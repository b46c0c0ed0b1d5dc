"""The embedded store: the catalog in one SQLite file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from geo_offers.domain.place import District, Shop
from geo_offers.domain.promotion import Merchant, Promotion
from geo_offers.stores import durable_promotions, durable_sql, merging, sqlite_files
from geo_offers.stores.durable_sql import ROWS_A_CHUNK
from geo_offers.stores.merging import Staging
from geo_offers.stores.ports import Change, ImportCounts
from geo_offers.stores.promotion_rows import incoming_promotions
from geo_offers.stores.rows import incoming_districts, incoming_shops
from geo_offers.stores.sqlite_import import SqliteImport
from geo_offers.stores.sqlite_reading import SqliteReading
from geo_offers.stores.sqlite_units import SqliteUnits

_T = TypeVar("_T")


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


class SqliteStore:
    """CatalogStore in one SQLite file.

    units   for other adapters on the same file; they end with the store
    An import whose caller is cancelled ends without a trace unless it was being committed already.
    """

    def __init__(self, units: SqliteUnits, *, now: Callable[[], datetime]) -> None:
        self.units = units
        self._now = now
        self._running_imports: set[threading.Event] = set()

    @classmethod
    async def open(
        cls, path: Path, *, now: Callable[[], datetime] = utc_now, busy_s: float = sqlite_files.BUSY_S
    ) -> Self:
        """The store in this file, which is made, with its folder, when it is not there.

        Raises StoreUnavailable when the file is not ours or cannot be had, SchemaOutdated when its tables are
        of another version.
        """
        version = await asyncio.to_thread(sqlite_files.make_ready, path, busy_s=busy_s)
        return cls(SqliteUnits(path, version=version, busy_s=busy_s), now=now)

    async def revision(self) -> int:
        return await self.units.read(durable_sql.revision_of)

    async def changes_since(self, revision: int, *, limit: int = 1_000) -> Sequence[Change]:
        return await self.units.read(durable_sql.changes_since, revision, limit)

    async def get_shop(self, shop_id: str) -> Shop:
        return await self.units.read(durable_sql.get_shop, shop_id)

    async def get_district(self, district_id: str) -> District:
        return await self.units.read(durable_sql.get_district, district_id)

    async def put_shops(self, shops: Sequence[Shop]) -> int:
        return await self.units.write(durable_sql.put_shops, shops, self._now())

    async def retire_shop(self, shop_id: str) -> int:
        return await self.units.write(durable_sql.retire_shop, shop_id, self._now())

    async def get_promotion(self, promotion_id: str) -> Promotion:
        return await self.units.read(durable_promotions.get_promotion, promotion_id)

    async def put_promotion(self, promotion: Promotion) -> int:
        return await self.units.write(durable_promotions.put_promotion, promotion, self._now())

    async def retire_promotion(self, promotion_id: str) -> int:
        return await self.units.write(durable_promotions.retire_promotion, promotion_id, self._now())

    async def put_merchants(self, merchants: Sequence[Merchant]) -> int:
        return await self.units.write(durable_promotions.put_merchants, merchants, self._now())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqliteReading]:
        reading = SqliteReading(
            self.units.engine, self.units.path, self.units.version, hop=self.units.in_reader
        )
        try:
            await self.units.in_reader(reading.begin)
            yield reading
        finally:
            # Not through our threads: a reading may outlive the store.
            await asyncio.to_thread(reading.end)

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

    async def close(self) -> None:
        """Let go of the file; units under way end first, imports at their next chunk and without a trace."""
        for stop in self._running_imports:
            stop.set()
        await self.units.close()

    async def _import(
        self,
        staging: Staging,
        chunks: Iterator[Sequence[tuple[object, ...]]],
        dataset: str,
        replace: bool,
        on_rows: Callable[[int], None] | None,
        *,
        merchants: Sequence[Merchant] = (),
    ) -> ImportCounts:
        units, stop = self.units, threading.Event()
        run = SqliteImport(
            units.engine, units.path, units.version, staging, dataset, replace, self._now, stop, merchants
        )

        def work() -> ImportCounts:
            with run.connected() as connection:
                run.stage(connection, chunks, on_rows)
                return units.writer.submit(run.merge, connection).result()

        self._running_imports.add(stop)
        try:
            return await units.hop(units.importers, work)
        finally:
            stop.set()  # when our caller was cancelled the thread is still at it
            self._running_imports.discard(stop)


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while chunk := list(islice(rest, ROWS_A_CHUNK)):
        yield chunk
