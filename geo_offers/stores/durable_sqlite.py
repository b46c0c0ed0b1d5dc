"""The embedded store: the catalog in one SQLite file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from geo_offers.domain.promotion import Merchant
from geo_offers.stores import sqlite_files
from geo_offers.stores.merging import Staging
from geo_offers.stores.ports import ImportCounts
from geo_offers.stores.sql_catalog import Chunks, SqlCatalog, utc_now
from geo_offers.stores.sqlite_import import SqliteImport
from geo_offers.stores.sqlite_reading import SqliteReading
from geo_offers.stores.sqlite_units import SqliteUnits


class SqliteStore(SqlCatalog):
    """CatalogStore in one SQLite file.

    units   for other adapters on the same file; they end with the store
    An import whose caller is cancelled ends without a trace unless it was being committed already.
    """

    def __init__(self, units: SqliteUnits, *, now: Callable[[], datetime]) -> None:
        super().__init__(units, now)
        self.units = units
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

    async def close(self) -> None:
        """Let go of the file; units under way end first, imports at their next chunk and without a trace."""
        for stop in self._running_imports:
            stop.set()
        await self.units.close()

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
