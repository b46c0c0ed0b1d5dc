"""Clauses: imports of shops."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from geo_offers.domain.errors import Conflict, ShopNotFound
from geo_offers.domain.place import Shop, shop_id_of
from geo_offers.stores.ports import CatalogStore, Change, ImportCounts
from tests.builders import a_shop, some_shops
from tests.contract.asking import from_thread, names_of, opened, shops_of, steps_of


def counts(*, added: int = 0, updated: int = 0, unchanged: int = 0, retired: int = 0) -> ImportCounts:
    return ImportCounts(added, updated, unchanged, retired)


class ImportClauses:
    async def test_the_same_import_again_changes_nothing(self, store: CatalogStore):
        shops = some_shops(10)
        assert await store.import_shops(shops, dataset="town") == counts(added=10)
        assert await store.import_shops(shops, dataset="town", replace=True) == counts(unchanged=10)
        assert await store.revision() == 10

    async def test_an_import_tells_added_from_changed_from_unchanged(self, store: CatalogStore):
        await store.import_shops(some_shops(10), dataset="town")
        again = some_shops(2, name="Renamed") + some_shops(10, first=2)
        assert await store.import_shops(again, dataset="town") == counts(added=2, updated=2, unchanged=8)
        assert sorted(await shops_of(store), key=by_id) == sorted(again, key=by_id)

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "x"}, {"names": {}}, {"category": "hobby.books"}, {"brand": None}, {"address": "x"},
            {"opening_hours": None}, {"time_zone": "UTC"}, {"country": None}, {"at": some_shops(2)[1].at},
        ],
        ids=lambda change: next(iter(change)),
    )  # fmt: skip
    async def test_a_change_of_any_field_is_seen(self, store: CatalogStore, change: dict[str, object]):
        await store.import_shops([a_shop()], dataset="town")
        changed = a_shop(**change)
        assert await store.import_shops([changed], dataset="town") == counts(updated=1)
        assert await shops_of(store) == [changed]

    async def test_of_two_with_one_source_the_last_one_counts(self, store: CatalogStore):
        def twice() -> Iterator[Shop]:
            yield a_shop(name="First")
            yield from some_shops(5_100, first=100)
            yield a_shop(name="Last")

        assert await store.import_shops(twice(), dataset="town") == counts(added=5_101)
        assert (await store.get_shop(a_shop().id)).name == "Last"

    async def test_a_known_shop_keeps_its_id_when_it_comes_under_another(self, store: CatalogStore):
        await store.import_shops([a_shop()], dataset="town")
        other_id = shop_id_of("elsewhere", "1")
        await store.import_shops([a_shop(id=other_id, name="Renamed")], dataset="town")
        assert await shops_of(store) == [a_shop(name="Renamed")]

    async def test_replace_retires_what_did_not_come_of_this_dataset_only(self, store: CatalogStore):
        await store.import_shops(some_shops(3), dataset="town")
        await store.import_shops(some_shops(3, first=10), dataset="suburb")
        await store.put_shops([a_shop("by hand/1")])
        counted = await store.import_shops(some_shops(1), dataset="town", replace=True)
        assert counted == counts(unchanged=1, retired=2)
        left = some_shops(1) + some_shops(3, first=10) + [a_shop("by hand/1")]
        assert sorted(await shops_of(store), key=by_id) == sorted(left, key=by_id)

    async def test_without_replace_nothing_is_retired(self, store: CatalogStore):
        await store.import_shops(some_shops(3), dataset="town")
        assert await store.import_shops([], dataset="town") == counts()
        assert len(await shops_of(store)) == 3

    async def test_replace_by_nothing_retires_the_dataset(self, store: CatalogStore):
        await store.import_shops(some_shops(3), dataset="town")
        assert await store.import_shops([], dataset="town", replace=True) == counts(retired=3)
        assert await store.import_shops([], dataset="town", replace=True) == counts()

    async def test_a_shop_belongs_to_the_dataset_that_brought_it_last(self, store: CatalogStore):
        await store.import_shops(some_shops(2), dataset="town")
        assert await store.import_shops(some_shops(1), dataset="suburb") == counts(updated=1)
        assert await store.import_shops([], dataset="town", replace=True) == counts(retired=1)
        assert await shops_of(store) == some_shops(1)

    async def test_a_retired_shop_that_comes_again_lives_again_with_its_id(self, store: CatalogStore):
        await store.import_shops(some_shops(2), dataset="town")
        first, second = some_shops(2)
        await store.retire_shop(first.id)
        await store.retire_shop(second.id)
        back = a_shop(first.source.id, id=shop_id_of("elsewhere", "1"), at=first.at)
        assert await store.import_shops([back], dataset="town") == counts(added=1)
        assert await shops_of(store) == [first]

    async def test_a_small_import_is_one_step_a_shop_in_the_order_of_ids(self, store: CatalogStore):
        await store.import_shops(some_shops(3), dataset="town")
        retired = some_shops(1)[0]
        await store.retire_shop(retired.id)
        before = await store.revision()
        came = [*some_shops(1), *some_shops(1, first=1, name="Renamed"), *some_shops(2, first=10)]
        await store.import_shops(came, dataset="town", replace=True)
        touched = sorted({shop.id for shop in came} | {some_shops(3)[2].id})
        expected = [Change(before + n, "shop", shop_id) for n, shop_id in enumerate(touched, start=1)]
        assert await steps_of(store, after=before) == expected

    async def test_up_to_1000_changes_are_told_singly_and_more_as_one_step(self, store: CatalogStore):
        await store.import_shops(some_shops(1_000), dataset="town")
        assert len(await steps_of(store)) == 1_000
        await store.import_shops(some_shops(1_001, name="Renamed"), dataset="town")
        assert await steps_of(store, after=1_000) == [Change(1_001, "all", None)]
        mixed = some_shops(500, first=5_000) + some_shops(501, name="Again")
        await store.import_shops(mixed, dataset="town")
        assert await steps_of(store, after=1_001) == [Change(1_002, "all", None)]
        await store.import_shops([], dataset="town", replace=True)
        assert await steps_of(store, after=1_002) == [Change(1_003, "all", None)]

    async def test_when_the_rows_raise_nothing_was_imported(self, store: CatalogStore):
        class BrokenFileError(Exception):
            pass

        def broken() -> Iterator[Shop]:
            yield from some_shops(6_000)
            raise BrokenFileError("line 6,001")

        await store.import_shops([a_shop()], dataset="town")
        with pytest.raises(BrokenFileError, match="line 6,001"):
            await store.import_shops(broken(), dataset="town", replace=True)
        assert await shops_of(store) == [a_shop()]
        assert await store.revision() == 1

    async def test_a_batch_that_fails_in_the_store_leaves_nothing(self, store: CatalogStore):
        await store.import_shops([a_shop()], dataset="town")
        thief = a_shop("node/2", id=a_shop().id)
        with pytest.raises(Conflict):
            await store.import_shops([*some_shops(3, first=10), thief], dataset="town", replace=True)
        assert await shops_of(store) == [a_shop()]
        assert await store.revision() == 1

    async def test_others_read_and_write_while_the_rows_come(self, store: CatalogStore, url: str):
        loop = asyncio.get_running_loop()

        def rows() -> Iterator[Shop]:
            yield from some_shops(6_000, name="Imported")
            from_thread(loop, store.put_shops([a_shop("by hand/1", name="Put")]))
            from_thread(loop, put_by_another())
            assert from_thread(loop, names_of(store)) == {"Put", "Put by another"}

        async def put_by_another() -> None:
            async with opened(url) as another:
                await another.put_shops([a_shop("by hand/2", name="Put by another")])

        assert await store.import_shops(rows(), dataset="town") == counts(added=6_000)
        assert await names_of(store) == {"Put", "Put by another", "Imported"}
        assert await steps_of(store, after=2) == [Change(3, "all", None)]

    async def test_two_imports_may_run_at_once(self, store: CatalogStore):
        one = store.import_shops(some_shops(20), dataset="town", replace=True)
        other = store.import_shops(some_shops(20, first=20), dataset="suburb", replace=True)
        assert await asyncio.gather(one, other) == [counts(added=20), counts(added=20)]
        assert len(await shops_of(store)) == 40

    async def test_memory_does_not_grow_with_the_number_of_shops(self, store: CatalogStore):
        alive: list[int] = []

        def rows() -> Iterator[Shop]:
            for shop in some_shops_lazily(16_000):
                yield shop
                if shop.source.id in {"node/0", "node/7999", "node/15999"}:
                    alive.append(sum(type(thing) is Shop for thing in gc.get_objects()))

        await store.import_shops(rows(), dataset="town")
        assert max(alive) - alive[0] <= 10_000

    async def test_on_rows_hears_how_many_came_and_at_last_all(self, store: CatalogStore):
        heard: list[int] = []
        await store.import_shops(some_shops(12_345), dataset="town", on_rows=heard.append)
        assert heard == sorted(heard)
        assert len(heard) > 1
        assert heard[-1] == 12_345

    async def test_an_import_whose_caller_is_cancelled_leaves_nothing(self, store: CatalogStore):
        loop = asyncio.get_running_loop()
        started = asyncio.Event()
        cancelled = asyncio.Event()

        def rows() -> Iterator[Shop]:
            yield a_shop()
            loop.call_soon_threadsafe(started.set)
            from_thread(loop, cancelled.wait())

        running = asyncio.create_task(store.import_shops(rows(), dataset="town"))
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        cancelled.set()
        await store.put_shops([a_shop("node/2")])
        assert await shops_of(store) == [a_shop("node/2")]

    async def test_a_shop_that_was_never_imported_is_not_found_after_it(self, store: CatalogStore):
        await store.import_shops(some_shops(3), dataset="town")
        with pytest.raises(ShopNotFound):
            await store.get_shop(a_shop("node/77").id)


def by_id(shop: Shop) -> str:
    return shop.id


def some_shops_lazily(count: int) -> Iterator[Shop]:
    for number in range(count):
        yield from some_shops(1, first=number)
