"""One consistent view of a SQLite catalog: a connection that holds a read transaction."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Select

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.domain.place import District, Shop, ShopRow
from geo_offers.domain.promotion import Merchant, Promotion, PromotionRow
from geo_offers.stores import durable_promotions, durable_sql
from geo_offers.stores.promotion_rows import promotion_of_row, promotion_row_of
from geo_offers.stores.rows import shop_of
from geo_offers.stores.sqlite_engine import our_errors

_T = TypeVar("_T")
_VALUES_A_CHUNK = 500  # a chunk of domain values is made in one go, and holds the interpreter for so long


class Hop(Protocol):
    """Runs a function in a thread of the store; raises StoreUnavailable when the store is closed."""

    def __call__(self, function: Callable[[], _T], /) -> Awaitable[_T]: ...


class SqliteReading:
    """CatalogReading on one connection; its steps may hop between threads, one at a time."""

    def __init__(self, engine: Engine, path: Path, version: str, *, hop: Hop) -> None:
        self._engine = engine
        self._path = path
        self._version = version
        self._hop = hop
        self._one_step = threading.Lock()
        self._connection: Connection | None = None
        self._ended = False
        self._unfinished: list[Generator[Any, None, None]] = []
        self._revision = 0

    @property
    def revision(self) -> int:
        return self._revision

    async def shops(self) -> AsyncIterator[Sequence[Shop]]:
        async for rows in self._chunks(_shop_rows, _VALUES_A_CHUNK):
            yield [shop_of(row) for row in rows]

    async def shop_rows(self) -> AsyncIterator[Sequence[ShopRow]]:
        async for rows in self._chunks(_shop_rows, durable_sql.ROWS_A_CHUNK):
            yield rows

    async def districts(self) -> Sequence[District]:
        return await self._step(durable_sql.live_districts)

    async def promotions(self) -> AsyncIterator[Sequence[Promotion]]:
        async for promotions in self._chunks(_promotions, _VALUES_A_CHUNK):
            yield promotions

    async def promotion_rows(self) -> AsyncIterator[Sequence[PromotionRow]]:
        async for rows in self._chunks(_promotion_rows, durable_sql.ROWS_A_CHUNK):
            yield rows

    async def promotion_rows_of(self, ids: Sequence[str]) -> Sequence[PromotionRow]:
        return await self._step(lambda connection: durable_promotions.promotion_rows_of(connection, ids))

    async def merchants(self) -> Sequence[Merchant]:
        return await self._step(durable_promotions.all_merchants)

    def begin(self) -> None:
        """Take the view; in a thread."""
        with self._one_step, our_errors(self._path):
            if self._ended:
                return
            self._connection = self._engine.connect()
            durable_sql.require_version(self._connection, self._version)
            self._revision = durable_sql.revision_of(self._connection)

    def end(self) -> None:
        """Let the view go; in a thread, once the step under way is done."""
        with self._one_step:
            self._ended = True
            # An unfinished query would keep its old view alive on the connection, for whoever gets it next.
            for chunks in self._unfinished:
                chunks.close()
            if self._connection is not None:
                self._connection.close()

    async def _chunks(
        self, read: Callable[[Connection, int], Generator[list[_T], None, None]], rows: int
    ) -> AsyncIterator[list[_T]]:
        chunks = await self._step(lambda connection: read(connection, rows))
        self._unfinished.append(chunks)
        while (chunk := await self._step(lambda _: next(chunks, None))) is not None:
            yield chunk

    async def _step(self, function: Callable[[Connection], _T]) -> _T:
        def step() -> _T:
            with self._one_step, our_errors(self._path):
                if self._connection is None or self._ended:
                    raise StoreUnavailable("this reading of the catalog has ended")
                return function(self._connection)

        return await self._hop(step)


def _shop_rows(connection: Connection, rows: int) -> Generator[list[ShopRow], None, None]:
    return _driver_rows(connection, durable_sql.LIVE_SHOP_ROWS, ShopRow._make, rows)


def _promotion_rows(connection: Connection, rows: int) -> Generator[list[PromotionRow], None, None]:
    return _driver_rows(connection, durable_promotions.PROMOTION_ROWS, promotion_row_of, rows)


def _promotions(connection: Connection, rows: int) -> Generator[list[Promotion], None, None]:
    with connection.execute(durable_promotions.LIVE_PROMOTIONS) as result:
        for chunk in result.partitions(rows):
            yield [promotion_of_row(row) for row in chunk]


def _driver_rows(
    connection: Connection, query: Select[Any], row_of: Callable[[tuple[Any, ...]], _T], rows: int
) -> Generator[list[_T], None, None]:
    """The rows of a query without parameters, read as the chunks are taken.

    Straight from the driver: a million shops take 4 s, through SQLAlchemy's own rows 5 s (2 cores, 2.4 GHz).
    """
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(str(query.compile(connection)))
        while chunk := cursor.fetchmany(rows):
            yield list(map(row_of, chunk))
