"""Keys as requests show them: the book of all that are valid, in memory, a tenth of a second behind the store at most."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from geo_offers.domain.account import Caller, Key, digest_of
from geo_offers.domain.errors import StoreUnavailable, Unauthorized
from geo_offers.stores.account_ports import AccountStore, KeyBook
from geo_offers.stores.ports import Nudges

_BEARER = re.compile(rb"bearer +([!-~]+) *\Z", re.IGNORECASE)
_MOST_KNOWN = 10_000
_MISSING = "send a key with the request: Authorization: Bearer gok_…"
_INVALID = "this key is not valid, or no longer: ask for a new one"

log = structlog.get_logger(__name__)


class KeyRing:
    """Who a key is, at once and without I/O.

    A key that was created or revoked by another process is seen at its nudge, else after a poll; one that expires,
    at that moment.
    While the store is away the last book stays, and `behind` says why. Not for use by several threads.
    """

    def __init__(self, accounts: AccountStore, now: Callable[[], datetime], nudges: Nudges) -> None:
        self._accounts = accounts
        self._now = now
        self._nudges = nudges
        self._book = KeyBook(-1, {})
        # By the header as it came; only what was valid, so nobody without a key can fill it.
        self._known: dict[bytes, tuple[Key, Caller]] = {}
        self._used: dict[str, datetime] = {}
        self._reading = asyncio.Lock()
        self.behind: str | None = None

    def caller_of(self, authorization: str | bytes | None) -> Caller:
        """Whose key the header Authorization shows. Raises Unauthorized. Takes about a microsecond."""
        if authorization is None:
            raise Unauthorized(_MISSING)
        header = authorization if isinstance(authorization, bytes) else authorization.encode()
        found = self._known.get(header) or self._look_up(header)
        key, caller = found
        now = self._now()
        if key.expires_at is not None and now >= key.expires_at:
            raise Unauthorized(_INVALID)
        self._used[key.id] = now
        return caller

    def _look_up(self, header: bytes) -> tuple[Key, Caller]:
        shown = _BEARER.match(header)
        if shown is None:
            raise Unauthorized(_MISSING)
        digest = digest_of(shown[1].decode("ascii"))
        key = self._book.keys.get(digest) if digest is not None else None
        if key is None or key.revoked_at is not None:
            raise Unauthorized(_INVALID)
        found = key, Caller(key.id, key.role, key.account)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[header] = found
        return found

    async def refresh(self) -> bool:
        """Take the newest book, if it is another; whether it was. Raises StoreUnavailable."""
        async with self._reading:  # so that a book that was read earlier never comes after a later one
            if await self._accounts.key_version() == self._book.version:
                return False
            self._take(await self._accounts.key_book())
            return True

    async def forget(self, key_id: str) -> None:
        """Let nobody in with this key from now on, even while the store is away."""
        async with self._reading:
            left = {digest: key for digest, key in self._book.keys.items() if key.id != key_id}
            self._take(KeyBook(self._book.version, left))

    async def call_others(self) -> None:
        """Say that keys have changed, so that every process looks at once."""
        await self._nudges.nudge("keys")

    def _take(self, book: KeyBook) -> None:
        self._book = book
        self._known.clear()

    async def write_used(self) -> None:
        """Tell the store when keys were last used. Raises StoreUnavailable, and then keeps it for the next time."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await self._accounts.note_used(used)
        except StoreUnavailable:
            self._used = used | self._used
            raise

    async def run(self, *, poll_s: float = 0.1, write_s: float = 10.0) -> None:
        """Follow the store until cancelled; then tell it once more what was used. A poll takes 0.3 ms."""
        written = time.monotonic()
        try:
            while True:
                await self._nudges.wait({"keys"}, within_s=poll_s)
                try:
                    await self.refresh()
                    if time.monotonic() - written >= write_s:
                        written = time.monotonic()
                        await self.write_used()
                    self.behind = None
                except StoreUnavailable as error:
                    self._fall_behind(str(error))
                except Exception as error:  # noqa: BLE001  # one that ends lets revoked keys in for ever
                    self._fall_behind(f"{type(error).__name__}: {error}")
        finally:
            with suppress(StoreUnavailable):
                await self.write_used()

    def _fall_behind(self, reason: str) -> None:
        if reason != self.behind:
            log.warning("keys_behind", reason=reason)
        self.behind = reason
