"""How the account suite asks: keys and merchants for tests, and the catalog beneath them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from geo_offers.domain.account import Key, Role
from geo_offers.domain.place import Shop
from geo_offers.domain.promotion import Merchant
from geo_offers.stores import durable_promotions, durable_sql
from geo_offers.stores.account_ports import AccountStore, MerchantStore
from geo_offers.stores.once import Once
from geo_offers.stores.ports import Change
from geo_offers.stores.units import Units
from tests.builders import a_merchant, a_shop, a_source

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINE, THEIRS = a_merchant(), a_merchant("Other Oy")


def a_key(name: str = "0", **over: Any) -> Key:
    """An app's key; its id ends with the name."""
    facts = {"role": Role.APP, "account": "wallet", "label": "Wallet", "created_at": NOON}
    return Key(**{"id": "key_" + name.rjust(16, "0")} | facts | over)


def digest(name: str = "0") -> bytes:
    return name.encode().rjust(32, b"\0")


def once(key: str | None = None, *, asked: bytes = b"asked", account: str = "mine") -> Once[Any]:
    """A write that is answered with what it came to, as Python writes it."""
    return Once(account, key, asked, lambda value: repr(value).encode())


def own_shop(source_id: str = "1", **over: Any) -> Shop:
    """A shop as a merchant brings one."""
    return a_shop(source=a_source(source_id, provider="merchant", licence="proprietary"), **over)


@dataclass
class World:
    """A store with two merchants, on units of either engine."""

    units: Units
    accounts: AccountStore
    clock: list[datetime] = field(default_factory=lambda: [NOON])

    @property
    def mine(self) -> MerchantStore:
        return self.accounts.of_merchant(MINE.id)

    @property
    def theirs(self) -> MerchantStore:
        return self.accounts.of_merchant(THEIRS.id)

    async def put_merchants(self, *merchants: Merchant) -> None:
        await self.units.write(durable_promotions.put_merchants, merchants, NOON)

    async def bring_shops(self, shops: Sequence[Shop]) -> None:
        """As an import of the catalog does: they are nobody's."""
        await self.units.write(durable_sql.put_shops, shops, NOON)

    async def revision(self) -> int:
        return await self.units.read(durable_sql.revision_of)

    async def steps(self, after: int = 0) -> list[Change]:
        return await self.units.read(durable_sql.changes_since, after, 10_000)

    async def look(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self.units.read(function, *args)
