"""What catalogs in SQLite and on PostgreSQL do alike: each method is one unit; readings and imports are the engine's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from geo_offers.domain.place import District, Shop
from geo_offers.domain.promotion import Merchant, Promotion
from geo_offers.stores import durable_promotions, durable_sql, merging
from geo_offers.stores.durable_sql import ROWS_A_CHUNK
from geo_offers.stores.merging import Staging
from geo_offers.stores.ports import Change, ImportCounts
from geo_offers.stores.promotion_rows import incoming_promotions
from geo_offers.stores.rows import incoming_districts, incoming_shops
from geo_offers.stores.units import Units

_T = TypeVar("_T")
Chunks = Iterator[Sequence[tuple[object, ...]]]


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


class SqlCatalog:
    """CatalogStore but for `reading` and `close`, on units of either engine; `now` dates what is written."""

    def __init__(self, units: Units, now: Callable[[], datetime]) -> None:
        self._units = units
        self._now = now

    async def revision(self) -> int:
        return await self._units.read(durable_sql.revision_of)

    async def changes_since(self, revision: int, *, limit: int = 1_000) -> Sequence[Change]:
        return await self._units.read(durable_sql.changes_since, revision, limit)

    async def get_shop(self, shop_id: str) -> Shop:
        return await self._units.read(durable_sql.get_shop, shop_id)

    async def get_district(self, district_id: str) -> District:
        return await self._units.read(durable_sql.get_district, district_id)

    async def put_shops(self, shops: Sequence[Shop]) -> int:
        return await self._units.write(durable_sql.put_shops, shops, self._now())

    async def retire_shop(self, shop_id: str) -> int:
        return await self._units.write(durable_sql.retire_shop, shop_id, self._now())

    async def get_promotion(self, promotion_id: str) -> Promotion:
        return await self._units.read(durable_promotions.get_promotion, promotion_id)

    async def put_promotion(self, promotion: Promotion) -> int:
        return await self._units.write(durable_promotions.put_promotion, promotion, self._now())

    async def retire_promotion(self, promotion_id: str) -> int:
        return await self._units.write(durable_promotions.retire_promotion, promotion_id, self._now())

    async def put_merchants(self, merchants: Sequence[Merchant]) -> int:
        return await self._units.write(durable_promotions.put_merchants, merchants, self._now())

    async def import_shops(
        self,
        shops: Iterable[Shop],
        *,
        dataset: str,
        replace: bool = False,
        on_rows: Callable[[int], None] | None = None,
    ) -> ImportCounts:
        chunks = (incoming_shops(chunk) for chunk in _chunks(shops))
        return await self._import(merging.staging_of_shops(), chunks, dataset, replace, on_rows)

    async def import_districts(
        self, districts: Sequence[District], *, dataset: str, replace: bool = False
    ) -> ImportCounts:
        chunks = (incoming_districts(chunk) for chunk in _chunks(districts))
        return await self._import(merging.staging_of_districts(), chunks, dataset, replace, None)

    async def import_promotions(
        self,
        promotions: Iterable[Promotion],
        merchants: Sequence[Merchant],
        *,
        dataset: str,
        replace: bool = False,
        on_rows: Callable[[int], None] | None = None,
    ) -> ImportCounts:
        chunks = (incoming_promotions(chunk) for chunk in _chunks(promotions))
        staging = merging.staging_of_promotions()
        return await self._import(staging, chunks, dataset, replace, on_rows, merchants=merchants)

    async def _import(
        self,
        staging: Staging,
        chunks: Chunks,
        dataset: str,
        replace: bool,
        on_rows: Callable[[int], None] | None,
        *,
        merchants: Sequence[Merchant] = (),
    ) -> ImportCounts:
        """Stage the chunks and merge them, in another thread than the caller's."""
        raise NotImplementedError("an engine's class says how rows are staged")


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while chunk := list(islice(rest, ROWS_A_CHUNK)):
        yield chunk
