"""Clauses: single shops, revisions, and the feed of changes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from geo_offers.domain.errors import Conflict, ShopNotFound
from geo_offers.domain.place import shop_id_of
from geo_offers.stores.ports import CatalogStore, Change
from tests.builders import a_shop, a_source, some_shops
from tests.contract.asking import opened, shops_of, steps_of


class FeedClauses:
    async def test_an_empty_store_is_at_revision_0_and_has_no_changes(self, store: CatalogStore):
        assert await store.revision() == 0
        assert await steps_of(store) == []

    async def test_each_shop_that_is_put_is_one_step_in_the_given_order(self, store: CatalogStore):
        second, first = some_shops(2)
        assert await store.put_shops([first, second]) == 2
        assert await store.put_shops([second]) == 3
        assert await steps_of(store) == [
            Change(1, "shop", first.id),
            Change(2, "shop", second.id),
            Change(3, "shop", second.id),
        ]

    async def test_of_a_shop_put_twice_at_once_the_last_one_counts(self, store: CatalogStore):
        assert await store.put_shops([a_shop(name="First"), a_shop(name="Last")]) == 1
        assert await shops_of(store) == [a_shop(name="Last")]

    async def test_putting_no_shops_changes_nothing(self, store: CatalogStore):
        await store.put_shops([a_shop()])
        assert await store.put_shops([]) == 1

    async def test_a_put_shop_may_change_its_source_and_everything_but_its_id(self, store: CatalogStore):
        shop = a_shop()
        await store.put_shops([shop])
        moved = a_shop(id=shop.id, source=a_source("42", provider="csv"), name="New", brand=None, names={})
        await store.put_shops([moved])
        assert await store.get_shop(shop.id) == moved

    async def test_a_put_that_meets_another_ids_source_is_refused_whole(self, store: CatalogStore):
        await store.put_shops([a_shop("node/1")])
        thief = a_shop("node/1", id=shop_id_of("elsewhere", "1"))
        with pytest.raises(Conflict):
            await store.put_shops([a_shop("node/2"), thief])
        assert await shops_of(store) == [a_shop("node/1")]
        assert await store.revision() == 1

    async def test_a_retired_shop_is_gone_and_can_be_put_again(self, store: CatalogStore):
        shop = a_shop()
        await store.put_shops([shop])
        assert await store.retire_shop(shop.id) == 2
        with pytest.raises(ShopNotFound, match=shop.id):
            await store.get_shop(shop.id)
        assert await shops_of(store) == []
        assert await store.put_shops([shop]) == 3
        assert await store.get_shop(shop.id) == shop

    async def test_retiring_what_is_not_there_changes_nothing(self, store: CatalogStore):
        await store.put_shops([a_shop()])
        await store.retire_shop(a_shop().id)
        for shop_id in (a_shop().id, a_shop("node/2").id):
            with pytest.raises(ShopNotFound, match=shop_id):
                await store.retire_shop(shop_id)
        assert await store.revision() == 2

    async def test_the_feed_is_read_in_pages_that_join(self, store: CatalogStore):
        await store.put_shops(some_shops(5))
        first = await store.changes_since(0, limit=2)
        rest = await store.changes_since(first[-1].revision, limit=10)
        assert [step.revision for step in [*first, *rest]] == [1, 2, 3, 4, 5]
        assert await store.changes_since(5) == []

    async def test_under_four_writers_no_step_arrives_late(self, store: CatalogStore, url: str):
        shops = some_shops(100)
        seen: list[Change] = []

        async def follow() -> None:
            while len(seen) < len(shops):
                seen.extend(await store.changes_since(len(seen)))

        async def write(writer: CatalogStore, mine: int) -> None:
            for shop in shops[mine::4]:
                await writer.put_shops([shop])

        async with AsyncExitStack() as others, asyncio.TaskGroup() as tasks:
            writers = [store] + [await others.enter_async_context(opened(url)) for _ in range(3)]
            follower = tasks.create_task(follow())
            async with asyncio.TaskGroup() as writing:
                for mine, writer in enumerate(writers):
                    writing.create_task(write(writer, mine))
            await follower
        assert [step.revision for step in seen] == list(range(1, 101))
        assert {step.id for step in seen} == {shop.id for shop in shops}
