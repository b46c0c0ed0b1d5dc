"""Where keys are made, handed over, rotated and revoked; a secret leaves here once and is not kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from geo_offers.domain.account import Key, Role, digest_of, new_secret, random_word
from geo_offers.domain.errors import InvalidInput, KeyNotFound, StoreUnavailable
from geo_offers.services.keys import KeyRing
from geo_offers.stores.account_ports import AccountStore

LONGEST_OVERLAP = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key and, this once, its secret."""

    key: Key
    secret: str

    def __repr__(self) -> str:
        return f"Issued({self.key.id})"


def account_of(role: Role, *, account: str | None, merchant_id: str | None) -> str:
    """Whose key is asked for: a merchant's by his id, else by a name, which is the role's when none is given.

    Raises InvalidInput when the one is given where the other is meant.
    """
    if role is Role.MERCHANT:
        if merchant_id is None:
            raise InvalidInput(
                "a key of role merchant is for a merchant: name his id", pointer="/merchant_id"
            )
        if account is not None:
            raise InvalidInput("a key of role merchant has no account but the merchant", pointer="/account")
        return merchant_id
    if merchant_id is not None:
        raise InvalidInput(f"a key of role {role} is not a merchant's", pointer="/merchant_id")
    if account is not None and account.startswith("mrc_"):  # its keys would be among a merchant's own
        raise InvalidInput("an account that begins with mrc_ is a merchant's", pointer="/account")
    return role.value if account is None else account


class KeyDesk:
    """Keys as people ask for them.

    account  in every method: only keys of this account are there; None is all
    A change counts in this process before the method ends, in others a moment later. All raise StoreUnavailable.
    """

    def __init__(self, accounts: AccountStore, now: Callable[[], datetime], ring: KeyRing) -> None:
        self._accounts = accounts
        self._now = now
        self._ring = ring

    async def create(
        self, role: Role, account: str, *, label: str = "", expires_at: datetime | None = None
    ) -> Issued:
        """A new key. Raises InvalidInput, and MerchantNotFound for an account that is no merchant's."""
        made = self._made(role, account, label, expires_at)
        await self._accounts.create_key(made.key, _digest(made))
        await self._let_in()
        return made

    async def create_first(self) -> Issued | None:
        """An operator's key for a store that never had one; None when it did."""
        made = self._made(Role.ADMIN, Role.ADMIN.value, "first key", None)
        if not await self._accounts.create_first_key(made.key, _digest(made)):
            return None
        await self._let_in()
        return made

    async def list(self, *, account: str | None = None) -> Sequence[Key]:
        """All keys ever, newest first."""
        return await self._accounts.list_keys(account=account)

    async def revoke(self, key_id: str, *, account: str | None = None) -> Key:
        """Nobody is let in with this key from now on. Raises KeyNotFound."""
        revoked = await self._accounts.revoke_key(key_id, at=self._moment(), account=account)
        await self._ring.forget(key_id)
        await self._ring.call_others()
        return revoked

    async def rotate(self, key_id: str, *, overlap: timedelta, account: str | None = None) -> Issued:
        """A new key in an old one's place; the old one is good for `overlap` yet, or as long as it was.

        The new one has the old one's label and no expiry. Raises KeyNotFound, also for a key that is revoked or
        expired, and InvalidInput for an overlap below zero or above 30 days.
        """
        if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
            raise InvalidInput("an overlap is from 0 to 30 days", pointer="/overlap_s")
        now = self._moment()
        old = await self._valid(key_id, account, now)
        made = self._made(old.role, old.account, old.label, None)
        await self._accounts.rotate_key(key_id, made.key, _digest(made), until=now + overlap, account=account)
        await self._let_in()
        return made

    async def _valid(self, key_id: str, account: str | None, now: datetime) -> Key:
        for key in await self._accounts.list_keys(account=account):
            if key.id == key_id and key.is_valid_at(now):
                return key
        raise KeyNotFound(f"there is no valid key {key_id}")

    async def _let_in(self) -> None:
        # The key is kept, and its secret must be told: a store that is away by now does not take that back.
        with suppress(StoreUnavailable):
            await self._ring.refresh()
        await self._ring.call_others()

    def _moment(self) -> datetime:
        return _to_the_millisecond(self._now())

    def _made(self, role: Role, account: str, label: str, expires_at: datetime | None) -> Issued:
        now = self._moment()
        if expires_at is not None:
            expires_at = _to_the_millisecond(expires_at)
            if expires_at <= now:
                raise InvalidInput("a key expires in the future", pointer="/expires_at")
        key = Key(
            id=f"key_{random_word(16)}",
            role=role,
            account=account,
            label=label,
            created_at=now,
            expires_at=expires_at,
        )
        return Issued(key, new_secret(role))


def _to_the_millisecond(moment: datetime) -> datetime:
    """As the store keeps it, in UTC."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1_000 * 1_000)


def _digest(issued: Issued) -> bytes:
    digest = digest_of(issued.secret)
    assert digest is not None
    return digest
