"""Clauses: imports of promotions, by the promises of imports of shops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import shapely

from geo_offers.domain.errors import Conflict
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, PolygonFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Audience, Limits, PeriodLimits, Points, Promotion, Status
from geo_offers.stores.ports import CatalogStore, Change
from tests.builders import a_district, a_merchant, a_promotion, some_promotions, some_shops
from tests.contract.asking import merchants_of, promotions_of, steps_of
from tests.contract.catalog_imports import counts

MERCHANTS = [a_merchant()]
CHANGES: list[dict[str, Any]] = [
    {"title": "x"}, {"title_i18n": {}}, {"benefit": Points(1)}, {"listed": False}, {"max_accuracy_m": 151},
    {"fence": CircleFence(LngLat(24.9414, 60.1699), 301)}, {"fence": CircleFence(LngLat(24.9415, 60.1699), 300)},
    {"fence": PolygonFence(shapely.box(24, 60, 24.1, 60.1))}, {"fence": DistrictFence(a_district().id)},
    {"fence": AroundShopsFence(9), "shop_ids": (some_shops(1)[0].id,)}, {"shop_ids": (some_shops(1)[0].id,)},
    {"starts_at": datetime(2026, 1, 1, 0, 0, 0, 1_000, UTC)}, {"ends_at": datetime(2027, 1, 2, tzinfo=UTC)},
    {"hours": "24/7"}, {"zone": "UTC"}, {"status": Status.PAUSED}, {"limits": Limits(max_claims=1)},
    {"limits": Limits(max_redemptions=100, max_per_visitor=1, budget_minor=50_000, currency="EUR")},
    {"limits": Limits(100, None, 1, 50_000, "EUR", PeriodLimits("week", max_claims=100))},
    {"audience": Audience(frozenset({"student"}))}, {"audience": Audience(visitors="new")},
]  # fmt: skip


class PromotionImportClauses:
    async def test_the_same_promotions_again_change_nothing(self, store: CatalogStore):
        promotions = some_promotions(10)
        assert await store.import_promotions(promotions, MERCHANTS, dataset="town") == counts(added=10)
        again = await store.import_promotions(promotions, MERCHANTS, dataset="town", replace=True)
        assert again == counts(unchanged=10)
        ids = sorted(promotion.id for promotion in promotions)
        assert await steps_of(store) == [Change(n, "promotion", one) for n, one in enumerate(ids, start=1)]

    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
    async def test_a_change_of_anything_in_a_promotion_is_seen(
        self, store: CatalogStore, change: dict[str, Any]
    ):
        await store.import_districts([a_district()], dataset="town")
        await store.import_shops(some_shops(1), dataset="town")
        await store.import_promotions([a_promotion()], MERCHANTS, dataset="town")
        changed = a_promotion(**change)
        assert await store.import_promotions([changed], [], dataset="town") == counts(updated=1)
        assert await promotions_of(store) == [changed]

    async def test_of_two_promotions_with_one_external_id_the_last_one_counts(self, store: CatalogStore):
        def twice() -> Iterator[Promotion]:
            yield a_promotion(title="First")
            yield from some_promotions(5_100)
            yield a_promotion(title="Last")

        assert await store.import_promotions(twice(), MERCHANTS, dataset="town") == counts(added=5_101)
        assert (await store.get_promotion(a_promotion().id)).title == "Last"
        assert await steps_of(store) == [Change(1, "all", None)]

    async def test_a_known_promotion_keeps_its_id_when_it_comes_under_another(self, store: CatalogStore):
        own_id = a_promotion("made by hand").id
        await store.put_merchants(MERCHANTS)
        await store.put_promotion(a_promotion(id=own_id))
        assert await store.import_promotions([a_promotion(title="x")], [], dataset="town") == counts(
            updated=1
        )
        assert await promotions_of(store) == [a_promotion(id=own_id, title="x")]

    async def test_a_promotion_without_external_id_is_known_by_its_id(self, store: CatalogStore):
        nameless = a_promotion(None)
        await store.import_promotions([nameless], MERCHANTS, dataset="town")
        renamed = replace(nameless, title="x")
        assert await store.import_promotions([renamed], [], dataset="town") == counts(updated=1)
        assert await promotions_of(store) == [renamed]

    async def test_an_id_of_another_merchants_promotion_is_refused(self, store: CatalogStore):
        thief = a_merchant("Thief")
        await store.import_promotions([a_promotion()], MERCHANTS, dataset="town")
        stolen = a_promotion(id=a_promotion().id, merchant_id=thief.id)
        with pytest.raises(Conflict):
            await store.import_promotions([stolen], [thief], dataset="town")
        assert await promotions_of(store) == [a_promotion()]
        assert await merchants_of(store) == MERCHANTS

    async def test_replace_retires_the_promotions_of_the_dataset_that_did_not_come(self, store: CatalogStore):
        await store.import_promotions(some_promotions(3), MERCHANTS, dataset="town")
        await store.import_promotions(some_promotions(3, first=10), [], dataset="suburb")
        await store.put_promotion(a_promotion("by hand"))
        counted = await store.import_promotions(some_promotions(1), [], dataset="town", replace=True)
        assert counted == counts(unchanged=1, retired=2)
        left = [*some_promotions(1), *some_promotions(3, first=10), a_promotion("by hand")]
        assert await promotions_of(store) == sorted(left, key=lambda one: one.id)
        assert await store.import_promotions(some_promotions(3), [], dataset="town") == counts(
            added=2, unchanged=1
        )

    async def test_an_import_that_renames_merchants_tells_all_of_their_promotions(self, store: CatalogStore):
        await store.import_promotions(some_promotions(3), MERCHANTS, dataset="town")
        renamed = a_merchant("Karl", id=a_merchant().id)
        more = some_promotions(3, first=2)
        assert await store.import_promotions(more, [renamed], dataset="town") == counts(added=2, unchanged=1)
        ids = sorted(promotion.id for promotion in some_promotions(5))
        told = [Change(n, "promotion", one) for n, one in enumerate(ids, start=4)]
        assert await steps_of(store, after=3) == told

    async def test_when_promotions_raise_nothing_was_imported(self, store: CatalogStore):
        def broken() -> Iterator[Promotion]:
            yield from some_promotions(6_000)
            raise InterruptedError("line 6,001")

        with pytest.raises(InterruptedError, match="line 6,001"):
            await store.import_promotions(broken(), MERCHANTS, dataset="town")
        assert await promotions_of(store) == []
        assert await merchants_of(store) == []
        assert await store.revision() == 0

    async def test_an_import_of_promotions_says_how_many_rows_were_taken(self, store: CatalogStore):
        heard: list[int] = []
        promotions = some_promotions(12)
        await store.import_promotions(promotions, MERCHANTS, dataset="town", on_rows=heard.append)
        assert heard[-1] == 12
