"""Clauses: a store that is closed, or whose tables are not this program's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import pytest

from geo_offers.bootstrap import open_store
from geo_offers.domain.errors import SchemaOutdated, StoreUnavailable
from geo_offers.domain.place import Shop
from geo_offers.settings import Settings
from geo_offers.stores.ports import CatalogStore
from tests.builders import a_district, a_merchant, a_promotion, a_shop, some_shops
from tests.contract.asking import execute_behind_its_back, from_thread, opened, shops_of

EVERY_METHOD: dict[str, Callable[[CatalogStore], Awaitable[object]]] = {
    "revision": lambda store: store.revision(),
    "changes_since": lambda store: store.changes_since(0),
    "reading": shops_of,
    "import_shops": lambda store: store.import_shops([a_shop()], dataset="town"),
    "put_shops": lambda store: store.put_shops([a_shop()]),
    "retire_shop": lambda store: store.retire_shop(a_shop().id),
    "get_shop": lambda store: store.get_shop(a_shop().id),
    "import_districts": lambda store: store.import_districts([a_district()], dataset="town"),
    "get_district": lambda store: store.get_district(a_district().id),
    "import_promotions": lambda store: store.import_promotions([], [a_merchant()], dataset="town"),
    "put_promotion": lambda store: store.put_promotion(a_promotion()),
    "retire_promotion": lambda store: store.retire_promotion(a_promotion().id),
    "get_promotion": lambda store: store.get_promotion(a_promotion().id),
    "put_merchants": lambda store: store.put_merchants([a_merchant()]),
}
every_method = pytest.mark.parametrize("ask", EVERY_METHOD.values(), ids=EVERY_METHOD.keys())


class FaultClauses:
    @every_method
    async def test_a_closed_store_says_so(
        self, store: CatalogStore, ask: Callable[[CatalogStore], Awaitable[object]]
    ):
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await ask(store)

    async def test_a_store_opened_again_has_everything(self, store: CatalogStore, url: str):
        await store.put_shops([a_shop()])
        await store.close()
        async with opened(url) as again:
            assert await shops_of(again) == [a_shop()]
            assert await again.revision() == 1

    async def test_a_reading_of_a_store_that_is_closed_meanwhile_says_so(self, store: CatalogStore):
        await store.import_shops(some_shops(600), dataset="town")
        async with store.reading() as reading:
            chunks = reading.shops()
            await anext(chunks)
            await store.close()
            with pytest.raises(StoreUnavailable, match="closed"):
                await anext(chunks)
            with pytest.raises(StoreUnavailable, match="closed"):
                await reading.districts()

    async def test_a_reading_that_has_ended_says_so(self, store: CatalogStore):
        async with store.reading() as reading:
            pass
        with pytest.raises(StoreUnavailable, match="ended"):
            await reading.districts()

    async def test_an_import_ends_without_a_trace_when_the_store_is_closed(
        self, store: CatalogStore, url: str
    ):
        loop = asyncio.get_running_loop()
        closing: list[asyncio.Task[None]] = []

        def rows() -> Iterator[Shop]:
            yield from some_shops(5_000)
            loop.call_soon_threadsafe(lambda: closing.append(asyncio.ensure_future(store.close())))
            with suppress(StoreUnavailable):
                while True:
                    from_thread(loop, store.revision())
            yield from some_shops(5_000, first=5_000)

        with pytest.raises(StoreUnavailable):
            await store.import_shops(rows(), dataset="town")
        await asyncio.gather(*closing)
        async with opened(url) as again:
            assert await shops_of(again) == []
            assert await again.revision() == 0

    @every_method
    async def test_tables_of_another_version_are_not_touched(
        self, store: CatalogStore, url: str, ask: Callable[[CatalogStore], Awaitable[object]]
    ):
        await execute_behind_its_back(url, "UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(SchemaOutdated, match=r"version 9999.*update the program"):
            await ask(store)

    async def test_a_store_of_another_version_is_not_opened(self, store: CatalogStore, url: str):
        await store.close()
        await execute_behind_its_back(url, "UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(SchemaOutdated, match=r"version 9999.*update the program"):
            await open_store(Settings(database_url=url))
