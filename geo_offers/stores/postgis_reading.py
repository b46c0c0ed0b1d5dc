"""One consistent view of a catalog on PostgreSQL: a connection that holds a read transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.domain.place import District, Shop, ShopRow
from geo_offers.domain.promotion import Merchant, Promotion, PromotionRow
from geo_offers.stores import durable_promotions, durable_sql
from geo_offers.stores.postgis_engine import our_errors
from geo_offers.stores.postgis_units import PostgisUnits
from geo_offers.stores.promotion_rows import promotion_of_row, promotion_row_of
from geo_offers.stores.rows import shop_of
from geo_offers.stores.tables import promotions

_T = TypeVar("_T")
_VALUES_A_CHUNK = 500  # a chunk of domain values is made in one go, and holds the event loop for so long
#: Rows as the driver gives them: a chunk takes some 10 ms of the event loop (2 cores, 2.4 GHz).
_ROWS_A_CHUNK = 2_500


class PostgisReading:
    """CatalogReading on a connection of its own, one step at a time."""

    def __init__(self, units: PostgisUnits) -> None:
        self._units = units
        self._engine = units.address.apart()
        self._one_step = asyncio.Lock()
        self._connection: AsyncConnection | None = None
        self._revision = 0

    @property
    def revision(self) -> int:
        return self._revision

    async def shops(self) -> AsyncIterator[Sequence[Shop]]:
        async for rows in self._rows(durable_sql.LIVE_SHOP_ROWS, ShopRow._make, _VALUES_A_CHUNK):
            yield [shop_of(row) for row in rows]

    async def shop_rows(self) -> AsyncIterator[Sequence[ShopRow]]:
        async for rows in self._rows(durable_sql.LIVE_SHOP_ROWS, ShopRow._make, _ROWS_A_CHUNK):
            yield rows

    async def districts(self) -> Sequence[District]:
        return await self._step(lambda connection: connection.run_sync(durable_sql.live_districts))

    async def promotions(self) -> AsyncIterator[Sequence[Promotion]]:
        last = ""
        while chunk := await self._step(lambda connection, last=last: connection.run_sync(_after, last)):  # type: ignore[misc]
            yield chunk
            last = chunk[-1].id

    async def promotion_rows(self) -> AsyncIterator[Sequence[PromotionRow]]:
        query = durable_promotions.PROMOTION_ROWS
        async for rows in self._rows(query, lambda row: promotion_row_of(tuple(row)), _ROWS_A_CHUNK):
            yield rows

    async def promotion_rows_of(self, ids: Sequence[str]) -> Sequence[PromotionRow]:
        return await self._step(
            lambda connection: connection.run_sync(durable_promotions.promotion_rows_of, ids)
        )

    async def merchants(self) -> Sequence[Merchant]:
        return await self._step(lambda connection: connection.run_sync(durable_promotions.all_merchants))

    async def begin(self) -> None:
        """Take the view."""
        self._units.require_open()
        with our_errors(self._units.address.where):
            connection = await self._engine.connect()
            self._connection = await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            await connection.run_sync(durable_sql.require_version, self._units.version)
            self._revision = await connection.run_sync(durable_sql.revision_of)

    async def end(self) -> None:
        """Let the view go, once the step under way is done."""
        async with self._one_step:
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()
            await self._engine.dispose()

    async def _rows(
        self, query: Select[Any], row_of: Callable[[Any], _T], rows: int
    ) -> AsyncIterator[list[_T]]:
        """The rows of a query without parameters, by a cursor of the server's.

        Straight from the driver, in its binary form.
        """
        text = str(query.compile(dialect=self._engine.dialect))

        async def opened(connection: AsyncConnection) -> Any:
            raw = await connection.get_raw_connection()
            return await raw.driver_connection.cursor(text)  # type: ignore[union-attr]

        cursor = await self._step(opened)
        while chunk := await self._step(lambda _: cursor.fetch(rows)):
            yield list(map(row_of, chunk))

    async def _step(self, function: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        self._units.require_open()
        async with self._one_step:
            if self._connection is None:
                raise StoreUnavailable("this reading of the catalog has ended")
            with our_errors(self._units.address.where):
                return await function(self._connection)


def _after(connection: Connection, last: str) -> list[Promotion]:
    query = durable_promotions.LIVE_PROMOTIONS.where(promotions.c.id > last).limit(_VALUES_A_CHUNK)
    return [promotion_of_row(row) for row in connection.execute(query)]
