"""Who may do what: roles, keys and callers; a key's secret is told once and only its digest is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.place import clean_text

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SECRET = re.compile(r"gok_(admin|merchant|app|planner)_[0-9a-hjkmnp-tv-z]{32}\Z")
_KEY_ID = re.compile(r"key_[0-9a-hjkmnp-tv-z]{16}\Z")
_MERCHANT = re.compile(r"mrc_[0-9a-hjkmnp-tv-z]{16}\Z")
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_LONGEST_LABEL = 200


class Role(StrEnum):
    """What a key is for."""

    ADMIN = "admin"
    MERCHANT = "merchant"
    APP = "app"
    PLANNER = "planner"


def random_word(length: int) -> str:
    """So many characters of Crockford's base 32, lower case, that nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_secret(role: Role) -> str:
    """A new key as its owner sends it: gok_<role>_ and 32 characters, 160 bits."""
    return f"gok_{role}_{random_word(32)}"


def digest_of(secret: str) -> bytes | None:
    """What is kept of a key: its SHA-256; None for a word that cannot be a key."""
    return hashlib.sha256(secret.encode()).digest() if _SECRET.match(secret) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key without its secret.

    id        "key_" and 16 characters of Crockford's base 32, lower case
    account   whose it is: a merchant's id for role merchant, else a name such as an app's; keys of one
              account see the same things, so a new one can take over from an old one
    expires_at, revoked_at, last_used_at   None is never
    Raises InvalidInput.
    """

    id: str
    role: Role
    account: str
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def __post_init__(self) -> None:
        if not _KEY_ID.match(self.id):
            raise InvalidInput(f"key id {self.id!r} is not of the form key_ and 16 characters")
        form = _MERCHANT if self.role is Role.MERCHANT else _ACCOUNT
        if not form.match(self.account):
            wanted = "a merchant's id" if self.role is Role.MERCHANT else "small letters, digits, - and _"
            raise InvalidInput(f"account {self.account!r}: write {wanted}", pointer="/account")
        cleaned = clean_text(self.label, what="label", longest=_LONGEST_LABEL)
        object.__setattr__(self, "label", cleaned)

    def is_valid_at(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: a valid key's id, role and account; the id is "" where no key was shown."""

    key_id: str
    role: Role
    account: str

    @property
    def visitors_of(self) -> str:
        """The account whose visitors he may name: an app's own; "" for everybody else, whose are nobody's."""
        return self.account if self.role is Role.APP else ""
