"""How the suite opens a store and asks it for everything."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from geo_offers.bootstrap import open_store
from geo_offers.domain.place import District, Shop, ShopRow
from geo_offers.domain.promotion import Merchant, Promotion, PromotionRow
from geo_offers.settings import Settings
from geo_offers.stores.ports import CatalogStore, Change


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[CatalogStore]:
    """A store at this URL, closed afterwards."""
    store = await open_store(Settings(database_url=url))
    try:
        yield store
    finally:
        await store.close()


async def shops_of(store: CatalogStore) -> list[Shop]:
    async with store.reading() as reading:
        return [shop async for chunk in reading.shops() for shop in chunk]


async def rows_of(store: CatalogStore) -> list[ShopRow]:
    async with store.reading() as reading:
        return [row async for chunk in reading.shop_rows() for row in chunk]


async def districts_of(store: CatalogStore) -> list[District]:
    async with store.reading() as reading:
        return list(await reading.districts())


async def promotions_of(store: CatalogStore) -> list[Promotion]:
    async with store.reading() as reading:
        return [promotion async for chunk in reading.promotions() for promotion in chunk]


async def promotion_rows_in(store: CatalogStore) -> list[PromotionRow]:
    async with store.reading() as reading:
        return [row async for chunk in reading.promotion_rows() for row in chunk]


async def merchants_of(store: CatalogStore) -> list[Merchant]:
    async with store.reading() as reading:
        return list(await reading.merchants())


async def steps_of(store: CatalogStore, *, after: int = 0) -> list[Change]:
    return list(await store.changes_since(after, limit=10_000))


async def names_of(store: CatalogStore) -> set[str]:
    return {shop.name for shop in await shops_of(store)}


async def execute_behind_its_back(url: str, statement: str) -> None:
    """Run a statement on the store's database without the store."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(statement)
        return
    import asyncpg

    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def from_thread(loop: asyncio.AbstractEventLoop, coroutine):  # type: ignore[no-untyped-def]
    """Run a coroutine on the test's loop from the thread that reads an import's rows; its answer."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=30)
