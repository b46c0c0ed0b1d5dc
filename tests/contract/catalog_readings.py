"""Clauses: what comes back, in which order, and at which revision."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

import pytest

from geo_offers.domain.errors import ShopNotFound
from geo_offers.domain.place import LngLat, Shop
from geo_offers.index.cells import cell_at
from geo_offers.stores.ports import CatalogStore
from tests.builders import a_district, a_shop, a_source, some_shops
from tests.contract.asking import rows_of, shops_of

SCRIPTS = [
    "星巴克咖啡 東京駅前店 ﾄｳｷﾖｳ",
    "مقهى القاهرة",
    "בית קפה",
    "ร้านกาแฟ",
    "कॉफ़ी की दुकान",
    "Ἀθῆναι — Кофейня “Ёж” №5",
    "☕️👩🏽‍🍳 𠮷野家",
    'O\'Neill "Bar" \\ 100% _ $1 :name ?; DROP TABLE shops--',
    "x" * 512,
]
POINTS = [
    LngLat(0.1 + 0.2, -1 / 3),
    LngLat(180.0, 90.0),
    LngLat(-180.0, -90.0),
    LngLat(5e-324, 1e-300),
    LngLat(139.69171000000001, 35.689500000000002),
]


class ReadingClauses:
    @pytest.mark.parametrize("name", SCRIPTS)
    async def test_text_in_any_script_comes_back_as_it_went_in(self, store: CatalogStore, name: str):
        shop = a_shop(
            name=name, names={"zh-Hant": name, "x": "#"}, brand=name, address=name, opening_hours=name
        )
        await store.put_shops([shop])
        assert await store.get_shop(shop.id) == shop
        assert await shops_of(store) == [shop]

    @pytest.mark.parametrize("at", POINTS, ids=str)
    async def test_coordinates_come_back_to_the_last_bit(self, store: CatalogStore, at: LngLat):
        shop = a_shop(at=at)
        await store.put_shops([shop])
        assert (await store.get_shop(shop.id)).at == at

    async def test_what_is_unknown_stays_unknown(self, store: CatalogStore):
        shop = a_shop(names={}, brand=None, address=None, opening_hours=None, country=None)
        await store.put_shops([shop])
        assert await store.get_shop(shop.id) == shop

    async def test_a_shop_that_is_not_there_is_named(self, store: CatalogStore):
        with pytest.raises(ShopNotFound, match=a_shop().id):
            await store.get_shop(a_shop().id)

    async def test_shops_come_in_the_order_of_cell_then_id(self, store: CatalogStore):
        here = LngLat(24.94, 60.17)
        shops = some_shops(30) + some_shops(30, first=30, at=here)
        await store.import_shops(shops, dataset="town")
        assert await shops_of(store) == sorted(shops, key=cell_then_id)

    async def test_rows_are_the_shops_in_their_order(self, store: CatalogStore):
        shops = [*some_shops(20), a_shop("node/99", names={}, brand=None, address=None, country=None)]
        await store.put_shops(shops)
        for row, shop in zip(await rows_of(store), await shops_of(store), strict=True):
            assert row.cell == cell_at(shop.at.lng, shop.at.lat, 15)
            assert json.loads(row.names_json) == dict(shop.names)
            assert (row.lng, row.lat) == (shop.at.lng, shop.at.lat)
            assert a_source(row.source_id, provider=row.source_provider, licence=row.licence) == shop.source
            for same in (
                "id",
                "category",
                "name",
                "brand",
                "address",
                "opening_hours",
                "time_zone",
                "country",
            ):
                assert getattr(row, same) == getattr(shop, same)

    async def test_an_empty_catalog_is_read_as_nothing(self, store: CatalogStore):
        async with store.reading() as reading:
            assert reading.revision == 0
            assert [chunk async for chunk in reading.shops()] == []
            assert [chunk async for chunk in reading.shop_rows()] == []
            assert await reading.districts() == []

    async def test_a_reading_stays_at_its_revision_whatever_writers_do(self, store: CatalogStore):
        before = some_shops(600)
        await store.import_shops(before, dataset="town")
        async with store.reading() as reading:
            chunks = reading.shops()
            seen = list(await anext(chunks))
            assert len(seen) < len(before)
            await store.import_shops(some_shops(10, first=900), dataset="town", replace=True)
            await store.import_districts([a_district()], dataset="town")
            seen += [shop async for chunk in chunks for shop in chunk]
            assert sorted(seen, key=cell_then_id) == sorted(before, key=cell_then_id)
            assert await reading.districts() == []
            assert reading.revision == 600
        assert len(await shops_of(store)) == 10

    async def test_a_reading_left_half_way_leaves_no_old_view_behind(self, store: CatalogStore):
        await store.import_shops(some_shops(1_200), dataset="town")
        left_half_way = []
        async with AsyncExitStack() as readings:
            for _ in range(4):
                reading = await readings.enter_async_context(store.reading())
                left_half_way.append(reading.shops())
                await anext(left_half_way[-1])
        await store.import_shops(some_shops(3), dataset="town", replace=True)
        for _ in range(10):  # whichever connection it gets
            assert len(await shops_of(store)) == 3
            assert await store.revision() == 2

    async def test_one_reading_may_be_read_twice_at_once(self, store: CatalogStore):
        await store.import_shops(some_shops(1_100), dataset="town")
        async with store.reading() as reading:
            one, other = reading.shops(), reading.shops()
            seen: list[Shop] = []
            async for chunk in one:
                assert await anext(other) == chunk
                seen += chunk
        assert len(seen) == 1_100


def cell_then_id(shop: Shop) -> tuple[int, str]:
    return cell_at(shop.at.lng, shop.at.lat, 15), shop.id
