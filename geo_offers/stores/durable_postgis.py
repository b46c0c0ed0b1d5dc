"""The server's store: the catalog in a PostgreSQL database with PostGIS, which many processes share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Self

from geo_offers.domain.promotion import Merchant
from geo_offers.stores import postgis_tables
from geo_offers.stores.merging import Staging
from geo_offers.stores.ports import ImportCounts
from geo_offers.stores.postgis_engine import PostgisAddress
from geo_offers.stores.postgis_import import PostgisImport
from geo_offers.stores.postgis_reading import PostgisReading
from geo_offers.stores.postgis_units import PostgisUnits
from geo_offers.stores.sql_catalog import Chunks, SqlCatalog, utc_now

_IMPORTERS = 4


class PostgisStore(SqlCatalog):
    """CatalogStore in one database.

    units   for other adapters on the same database; they end with the store
    An import whose caller is cancelled ends without a trace unless it was being committed already.
    """

    def __init__(self, units: PostgisUnits, *, now: Callable[[], datetime]) -> None:
        super().__init__(units, now)
        self.units = units
        self._importers = ThreadPoolExecutor(_IMPORTERS, "geo-offers-imports")
        self._running_imports: set[threading.Event] = set()

    @classmethod
    async def open(cls, address: PostgisAddress, *, now: Callable[[], datetime] = utc_now) -> Self:
        """The store in this database, whose tables are made when there are none.

        Raises StoreUnavailable when it cannot be had or has no PostGIS, SchemaOutdated when its tables are of
        another version.
        """
        version = await asyncio.to_thread(postgis_tables.make_ready, address)
        return cls(PostgisUnits(address, version=version), now=now)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PostgisReading]:
        reading = PostgisReading(self.units)
        try:
            await reading.begin()
            yield reading
        finally:
            await reading.end()

    async def close(self) -> None:
        """Let go of the server; units under way end first, imports at their next chunk and without a trace."""
        for stop in self._running_imports:
            stop.set()
        await self.units.close()
        await asyncio.to_thread(self._importers.shutdown)

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
        self.units.require_open()
        units, stop = self.units, threading.Event()
        run = PostgisImport(
            units.address, units.version, staging, dataset, replace, self._now, stop, merchants
        )
        self._running_imports.add(stop)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._importers, run.run, chunks, on_rows)
        finally:
            stop.set()  # when our caller was cancelled the thread is still at it
            self._running_imports.discard(stop)
