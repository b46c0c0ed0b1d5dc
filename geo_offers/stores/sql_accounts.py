"""AccountStore and MerchantStore over SQL: each method is one unit, and a merchant's units are bound to him."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from geo_offers.domain.account import Key
from geo_offers.domain.place import Shop
from geo_offers.domain.promotion import Merchant, Promotion, Status
from geo_offers.stores import durable_keys, durable_once, durable_owned, tenancy
from geo_offers.stores import durable_owned_promotions as owned_promotions
from geo_offers.stores.account_ports import KeyBook, Tagged, Version
from geo_offers.stores.once import Kept, Once
from geo_offers.stores.units import Units

_P = ParamSpec("_P")
_T = TypeVar("_T")


class SqlAccounts:
    """AccountStore on units of either engine; `now` dates what is written."""

    def __init__(self, units: Units, now: Callable[[], datetime]) -> None:
        self._units = units
        self._now = now

    async def key_version(self) -> int:
        return await self._units.read(durable_keys.version_of_keys)

    async def key_book(self) -> KeyBook:
        return await self._units.read(durable_keys.key_book)

    async def create_key(self, key: Key, digest: bytes) -> None:
        await self._units.write(durable_keys.create_key, key, digest)

    async def create_first_key(self, key: Key, digest: bytes) -> bool:
        return await self._units.write(durable_keys.create_first_key, key, digest)

    async def list_keys(self, *, account: str | None = None) -> Sequence[Key]:
        return await self._units.read(durable_keys.list_keys, account)

    async def revoke_key(self, key_id: str, *, at: datetime, account: str | None = None) -> Key:
        return await self._units.write(durable_keys.revoke_key, key_id, at, account)

    async def rotate_key(
        self, key_id: str, new: Key, digest: bytes, *, until: datetime, account: str | None = None
    ) -> None:
        await self._units.write(durable_keys.rotate_key, key_id, new, digest, until, account)

    async def note_used(self, used: Mapping[str, datetime]) -> None:
        if used:
            await self._units.write(durable_keys.note_used, used)

    async def create_merchant(
        self, merchant: Merchant, *, once: Once[Tagged[Merchant]]
    ) -> Kept[Tagged[Merchant]]:
        def unit(connection: Connection) -> Kept[Tagged[Merchant]]:
            at = self._now()

            def work() -> Tagged[Merchant]:
                durable_keys.create_merchant(connection, merchant, at)
                return Tagged(merchant, durable_owned.merchant_tag(merchant))

            return durable_once.done_once(connection, once, when=at, work=work)

        return await self._units.write(unit)

    async def list_merchants(self, *, after: str | None, limit: int) -> Sequence[Merchant]:
        return await self._units.read(durable_keys.list_merchants, after, limit)

    async def kept(self, once: Once[_T]) -> Kept[_T] | None:
        def unit(connection: Connection) -> Kept[_T] | None:
            return durable_once.kept_answer(connection, once, when=self._now())

        return None if once.key is None else await self._units.read(unit)

    def of_merchant(self, merchant_id: str) -> SqlMerchant:
        return SqlMerchant(self._units, self._now, merchant_id)


class SqlMerchant:
    """MerchantStore of one merchant: whatever it does, it does on a connection that is bound to him."""

    def __init__(self, units: Units, now: Callable[[], datetime], merchant_id: str) -> None:
        self._units = units
        self._now = now
        self._merchant_id = merchant_id

    async def merchant(self) -> Tagged[Merchant]:
        merchant = await self._read(durable_owned.get_merchant)
        return Tagged(merchant, durable_owned.merchant_tag(merchant))

    async def rename(
        self, merchant: Merchant, *, expected: str | None, once: Once[Tagged[Merchant]]
    ) -> Kept[Tagged[Merchant]]:
        return await self._once(
            once,
            lambda connection, at: durable_owned.rename(
                connection, self._merchant_id, merchant, expected, at
            ),
        )

    async def shops(self, *, after: str | None, limit: int) -> Sequence[Shop]:
        return await self._read(durable_owned.list_shops, after, limit)

    async def shop(self, shop_id: str) -> Tagged[Shop]:
        return await self._read(durable_owned.get_shop, shop_id)

    async def own_shops(self, shop_ids: Sequence[str]) -> None:
        await self._units.write(self._bound(durable_owned.own_shops), shop_ids)

    async def put_shop(
        self, shop: Shop, *, new: bool, expected: str | None, once: Once[Tagged[Shop]]
    ) -> Kept[Tagged[Shop]]:
        return await self._once(
            once,
            lambda connection, at: durable_owned.put_shop(
                connection, self._merchant_id, shop, new=new, expected=expected, at=at
            ),
        )

    async def retire_shop(self, shop_id: str, *, expected: str | None, once: Once[int]) -> Kept[int]:
        return await self._once(
            once,
            lambda connection, at: durable_owned.retire_shop(
                connection, self._merchant_id, shop_id, expected, at
            ),
        )

    async def import_shops(self, shops: Sequence[Shop], *, once: Once[int]) -> Kept[int]:
        return await self._once(
            once,
            lambda connection, at: durable_owned.import_shops(connection, self._merchant_id, shops, at),
        )

    async def promotions(
        self, *, after: str | None, limit: int, status: Status | None
    ) -> Sequence[Tagged[Promotion]]:
        return await self._read(owned_promotions.list_promotions, after, limit, status)

    async def promotion(self, promotion_id: str) -> Tagged[Promotion]:
        return await self._read(owned_promotions.get_promotion, promotion_id)

    async def put_promotion(
        self,
        promotion: Promotion,
        *,
        new: bool,
        expected: str | None,
        key_id: str | None,
        once: Once[Tagged[Promotion]],
    ) -> Kept[Tagged[Promotion]]:
        return await self._once(
            once,
            lambda connection, at: owned_promotions.put_promotion(
                connection, self._merchant_id, promotion, new=new, expected=expected, key_id=key_id, at=at
            ),
        )

    async def import_promotions(
        self, promotions: Sequence[Promotion], *, key_id: str | None, once: Once[int]
    ) -> Kept[int]:
        return await self._once(
            once,
            lambda connection, at: owned_promotions.import_promotions(
                connection, self._merchant_id, promotions, key_id, at
            ),
        )

    async def versions(self, promotion_id: str) -> Sequence[Version]:
        return await self._read(owned_promotions.list_versions, promotion_id)

    async def _read(
        self,
        function: Callable[Concatenate[Connection, str, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        return await self._units.read(self._bound(function), *args, **kwargs)

    async def _once(self, once: Once[_T], change: Callable[[Connection, datetime], _T]) -> Kept[_T]:
        """A unit that writes, and answers the same key again with what it answered."""

        def unit(connection: Connection, _merchant_id: str) -> Kept[_T]:
            at = self._now()
            return durable_once.done_once(connection, once, when=at, work=lambda: change(connection, at))

        return await self._units.write(self._bound(unit))

    def _bound(
        self, function: Callable[Concatenate[Connection, str, _P], _T]
    ) -> Callable[Concatenate[Connection, _P], _T]:
        """The function as a unit of this merchant and of nobody else."""

        def unit(connection: Connection, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
            with tenancy.bound(connection, self._merchant_id):
                return function(connection, self._merchant_id, *args, **kwargs)

        return unit
