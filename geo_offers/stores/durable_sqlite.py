"""The embedded store: one SQLite file, one thread that writes, a few that read, one for each import."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.domain.place import District, Shop
from geo_offers.domain.promotion import Merchant, Promotion
from geo_offers.stores import durable_promotions, durable_sql, merging, sqlite_files
from geo_offers.stores.durable_sql import ROWS_A_CHUNK
from geo_offers.stores.merging import Staging
from geo_offers.stores.ports import Change, ImportCounts
from geo_offers.stores.promotion_rows import incoming_promotions
from geo_offers.stores.rows import incoming_districts, incoming_shops
from geo_offers.stores.sqlite_engine import IMMEDIATE, engine_of, our_errors
from geo_offers.stores.sqlite_import import SqliteImport
from geo_offers.stores.sqlite_reading import SqliteReading

_P = ParamSpec("_P")
_T = TypeVar("_T")
_READERS = 4
_IMPORTERS = 4


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


class SqliteStore:
    """CatalogStore in one SQLite file.

    Several processes may share the file: each writing unit begins IMMEDIATE and waits up to `busy_s` for its
    turn. A caller that is cancelled stops waiting; the unit it asked for ends by itself, an import without a
    trace unless it was being committed already.
    """

    def __init__(self, path: Path, *, version: str, now: Callable[[], datetime], busy_s: float) -> None:
        self._path = path
        self._version = version
        self._now = now
        self._engine: Engine = engine_of(path, busy_s=busy_s)
        self._writing: Engine = self._engine.execution_options(**IMMEDIATE)
        self._readers = ThreadPoolExecutor(_READERS, "geo-offers-reads")
        self._writer = ThreadPoolExecutor(1, "geo-offers-writes")
        self._importers = ThreadPoolExecutor(_IMPORTERS, "geo-offers-imports")
        self._running_imports: set[threading.Event] = set()
        self._closed = False

    @classmethod
    async def open(
        cls, path: Path, *, now: Callable[[], datetime] = utc_now, busy_s: float = sqlite_files.BUSY_S
    ) -> Self:
        """The store in this file, which is made, with its folder, when it is not there.

        Raises StoreUnavailable when the file is not ours or cannot be had, SchemaOutdated when its tables are
        of another version.
        """
        version = await asyncio.to_thread(sqlite_files.make_ready, path, busy_s=busy_s)
        return cls(path, version=version, now=now, busy_s=busy_s)

    async def revision(self) -> int:
        return await self._read(durable_sql.revision_of)

    async def changes_since(self, revision: int, *, limit: int = 1_000) -> Sequence[Change]:
        return await self._read(durable_sql.changes_since, revision, limit)

    async def get_shop(self, shop_id: str) -> Shop:
        return await self._read(durable_sql.get_shop, shop_id)

    async def get_district(self, district_id: str) -> District:
        return await self._read(durable_sql.get_district, district_id)

    async def put_shops(self, shops: Sequence[Shop]) -> int:
        return await self._write(durable_sql.put_shops, shops, self._now())

    async def retire_shop(self, shop_id: str) -> int:
        return await self._write(durable_sql.retire_shop, shop_id, self._now())

    async def get_promotion(self, promotion_id: str) -> Promotion:
        return await self._read(durable_promotions.get_promotion, promotion_id)

    async def put_promotion(self, promotion: Promotion) -> int:
        return await self._write(durable_promotions.put_promotion, promotion, self._now())

    async def retire_promotion(self, promotion_id: str) -> int:
        return await self._write(durable_promotions.retire_promotion, promotion_id, self._now())

    async def put_merchants(self, merchants: Sequence[Merchant]) -> int:
        return await self._write(durable_promotions.put_merchants, merchants, self._now())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqliteReading]:
        reading = SqliteReading(self._engine, self._path, self._version, hop=self._in_reader)
        try:
            await self._in_reader(reading.begin)
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
        if self._closed:
            return
        self._closed = True
        for stop in self._running_imports:
            stop.set()
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        for threads in (
            self._importers,
            self._writer,
            self._readers,
        ):  # an import ends in the writer's thread
            threads.shutdown()
        self._engine.dispose()

    # -- hops into threads

    async def _hop(self, threads: Executor, function: Callable[[], _T]) -> _T:
        if self._closed:
            raise _closed(self._path)
        return await asyncio.get_running_loop().run_in_executor(threads, function)

    async def _in_reader(self, function: Callable[[], _T]) -> _T:
        return await self._hop(self._readers, function)

    async def _read(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        return await self._hop(self._readers, lambda: self._unit(self._engine, function, *args, **kwargs))

    async def _write(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        return await self._hop(self._writer, lambda: self._unit(self._writing, function, *args, **kwargs))

    def _unit(
        self,
        engine: Engine,
        function: Callable[Concatenate[Connection, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        with our_errors(self._path), engine.begin() as connection:
            durable_sql.require_version(connection, self._version)
            return function(connection, *args, **kwargs)

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
        stop = threading.Event()
        run = SqliteImport(
            self._engine, self._path, self._version, staging, dataset, replace, self._now, stop, merchants
        )

        def work() -> ImportCounts:
            with run.connected() as connection:
                run.stage(connection, chunks, on_rows)
                return self._writer.submit(run.merge, connection).result()

        self._running_imports.add(stop)
        try:
            return await self._hop(self._importers, work)
        finally:
            stop.set()  # when our caller was cancelled the thread is still at it
            self._running_imports.discard(stop)


def _closed(path: Path) -> StoreUnavailable:
    return StoreUnavailable(f"the store {path} is closed")


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while chunk := list(islice(rest, ROWS_A_CHUNK)):
        yield chunk
