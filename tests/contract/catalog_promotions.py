"""Clauses: single promotions and merchants, what comes back of them, and what the feed says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import shapely

from geo_offers.domain.errors import Conflict, InvalidInput, PromotionNotFound
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, Fence, PolygonFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import (
    AmountOff,
    Audience,
    BuyXGetY,
    FreeItem,
    Limits,
    PercentOff,
    PeriodLimits,
    Points,
    Promotion,
    PromotionRow,
    Status,
)
from geo_offers.domain.promotion_document import document_of
from geo_offers.stores.ports import CatalogStore, Change
from tests.builders import a_district, a_merchant, a_promotion, a_shop, some_promotions, some_shops
from tests.contract.asking import merchants_of, promotion_rows_in, promotions_of, steps_of
from tests.contract.catalog_readings import SCRIPTS

SHOP_IDS = tuple(shop.id for shop in some_shops(3))
FENCES: dict[str, Fence] = {
    "circle": CircleFence(LngLat(0.1 + 0.2, -1 / 3), 300.00000000000006),
    "circle at the antimeridian": CircleFence(LngLat(-180.0, 85.1), 49_999.5),
    "hole": PolygonFence(shapely.box(24, 60, 24.5, 60.5).difference(shapely.box(24.2, 60.2, 24.3, 60.3))),
    "across the antimeridian": PolygonFence(shapely.box(179.8, -17.2, 180.25, -17)),
    "parts on both sides": PolygonFence(
        shapely.MultiPolygon([shapely.box(-180, 1, -179.9, 1.1), shapely.box(179.9, 1, 180, 1.1)])
    ),
    "multipolygon of one": PolygonFence(shapely.MultiPolygon([shapely.box(1 / 3, 0, 0.5, 0.1)])),
    "district": DistrictFence(a_district().id),
    "around shops": AroundShopsFence(80),
}
CONTENTS: dict[str, dict[str, Any]] = {
    "at most": {"benefit": PercentOff(1, 2**53)},
    "amount": {"benefit": AmountOff(500, "EUR")},
    "amount from": {"benefit": AmountOff(500, "EUR", 2_500)},
    "free item": {"benefit": FreeItem("Korvapuusti 🥐")},
    "buy and get": {"benefit": BuyXGetY(2, 1)},
    "points": {"benefit": Points(100)},
    "every limit": {"limits": Limits(2**53, 2, 3, 4, "JPY")},
    "limits of a day": {"limits": Limits(max_claims=100, per_period=PeriodLimits("day", 10, 9, 1))},
    "limits of a month alone": {"limits": Limits(per_period=PeriodLimits("month", max_redemptions=2**53))},
    "no limit": {"limits": Limits()},
    "audience": {"audience": Audience(frozenset({"student", "a-b_9"}), "returning")},
    "new visitors": {"audience": Audience(visitors="new")},
    "hours": {"hours": "Mo-Fr 11:00-14:00; PH off", "zone": "America/St_Johns"},
    "not listed": {"listed": False, "max_accuracy_m": 12.5},
    "nothing optional": {"external_id": None, "title_i18n": {}},
    "paused": {"status": Status.PAUSED},
    "ended": {"status": Status.ENDED},
    "draft": {"status": Status.DRAFT},
    "milliseconds": {
        "starts_at": datetime(2026, 3, 29, 2, 59, 59, 999_000, timezone(timedelta(hours=5, minutes=45))),
        "ends_at": datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC),
    },
    "before 1970": {"starts_at": datetime(1969, 12, 31, 23, 59, 59, 1_000, UTC)},
}


class PromotionClauses:
    @pytest.fixture
    async def ready(self, store: CatalogStore) -> CatalogStore:
        """A store with a merchant, a district and three shops."""
        await store.put_merchants([a_merchant()])
        await store.import_districts([a_district()], dataset="town")
        await store.import_shops(some_shops(3), dataset="town")
        return store

    @pytest.mark.parametrize("fence", FENCES.values(), ids=FENCES.keys())
    async def test_every_fence_survives_the_round_trip(self, ready: CatalogStore, fence: Fence):
        promotion = a_promotion(fence=fence, shop_ids=SHOP_IDS)
        await ready.put_promotion(promotion)
        assert await ready.get_promotion(promotion.id) == promotion
        assert await promotions_of(ready) == [promotion]

    @pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
    async def test_all_that_a_promotion_says_survives_the_round_trip(
        self, ready: CatalogStore, content: dict[str, Any]
    ):
        promotion = a_promotion(**content)
        await ready.put_promotion(promotion)
        assert await ready.get_promotion(promotion.id) == promotion

    @pytest.mark.parametrize("text", SCRIPTS)
    async def test_promotions_in_any_script_come_back_as_they_went_in(self, ready: CatalogStore, text: str):
        merchant = a_merchant(text)
        promotion = a_promotion(text, merchant_id=merchant.id, title=text, title_i18n={"zh-Hant": text})
        await ready.import_promotions([promotion], [merchant], dataset="town")
        assert await ready.get_promotion(promotion.id) == promotion
        assert merchant in await merchants_of(ready)
        (row,) = await promotion_rows_in(ready)
        assert (row.merchant_name, row.title) == (merchant.name, text)
        assert json.loads(row.title_i18n_json) == {"zh-Hant": text}

    @pytest.mark.parametrize("fence", FENCES.values(), ids=FENCES.keys())
    async def test_rows_are_the_promotions_as_plain_values(self, ready: CatalogStore, fence: Fence):
        promotion = a_promotion(fence=fence, shop_ids=SHOP_IDS, listed=False, hours="24/7")
        await ready.put_promotion(promotion)
        assert [as_written(row) for row in await promotion_rows_in(ready)] == [as_written(row_of(promotion))]

    async def test_rows_are_in_the_order_of_ids_and_without_drafts(self, ready: CatalogStore):
        promotions = some_promotions(20)
        draft = a_promotion("draft", status=Status.DRAFT)
        await ready.import_promotions([draft, *promotions], [], dataset="town")
        await ready.retire_promotion(promotions.pop().id)
        ids = sorted(promotion.id for promotion in promotions)
        assert [row.id for row in await promotion_rows_in(ready)] == ids
        assert {row.listed for row in await promotion_rows_in(ready)} == {True}
        assert [one.id for one in await promotions_of(ready)] == sorted([*ids, draft.id])

    async def test_rows_of_some_ids_are_the_live_ones_among_them(self, ready: CatalogStore):
        promotions = some_promotions(6)
        draft = a_promotion("draft", status=Status.DRAFT)
        await ready.import_promotions([draft, *promotions], [], dataset="town")
        await ready.retire_promotion(promotions[5].id)
        every = {row.id: row for row in await promotion_rows_in(ready)}
        async with ready.reading() as reading:
            asked = [promotions[place].id for place in (5, 3, 1, 3)]
            found = await reading.promotion_rows_of([*asked, draft.id, "nobody's"])
            assert found == [every[one] for one in sorted(asked[1:3])]
            assert await reading.promotion_rows_of([]) == []

    async def test_a_reading_of_promotions_stays_at_its_revision(self, ready: CatalogStore):
        before = some_promotions(600)
        await ready.import_promotions(before, [], dataset="town")
        async with ready.reading() as reading:
            chunks = reading.promotions()
            seen = list(await anext(chunks))
            await ready.import_promotions([], [a_merchant(id=a_merchant().id, name="New")], dataset="town")
            await ready.import_promotions([], [], dataset="town", replace=True)
            seen += [promotion async for chunk in chunks for promotion in chunk]
            assert seen == sorted(before, key=lambda one: one.id)
            assert await reading.merchants() == [a_merchant()]
            rows = [row async for chunk in reading.promotion_rows() for row in chunk]
            assert {row.merchant_name for row in rows} == {a_merchant().name}
        assert await promotions_of(ready) == []

    async def test_each_put_and_each_retirement_of_a_promotion_is_one_step(self, ready: CatalogStore):
        before = await ready.revision()
        promotion = a_promotion()
        assert await ready.put_promotion(promotion) == before + 1
        paused = replace(promotion, status=Status.PAUSED, external_id="other", title="Paused")
        assert await ready.put_promotion(paused) == before + 2
        assert await ready.get_promotion(promotion.id) == paused
        assert await ready.retire_promotion(promotion.id) == before + 3
        with pytest.raises(PromotionNotFound, match=promotion.id):
            await ready.get_promotion(promotion.id)
        assert await ready.put_promotion(promotion) == before + 4
        assert await ready.get_promotion(promotion.id) == promotion
        steps = [Change(before + number, "promotion", promotion.id) for number in (1, 2, 3, 4)]
        assert await steps_of(ready, after=before) == steps

    async def test_retiring_a_promotion_that_is_not_there_changes_nothing(self, ready: CatalogStore):
        before = await ready.revision()
        with pytest.raises(PromotionNotFound, match=a_promotion().id):
            await ready.retire_promotion(a_promotion().id)
        assert await ready.revision() == before

    @pytest.mark.parametrize(
        ("over", "word"),
        [
            ({"merchant_id": a_merchant("Nobody").id}, a_merchant("Nobody").id),
            ({"fence": DistrictFence("nowhere")}, "district nowhere"),
            ({"shop_ids": (SHOP_IDS[0], a_shop("node/99").id)}, a_shop("node/99").id),
        ],
        ids=["merchant", "district", "shop"],
    )
    async def test_a_promotion_of_strangers_is_refused_by_name(
        self, ready: CatalogStore, over: dict[str, Any], word: str
    ):
        before = await ready.revision()
        stranger = a_promotion("spring-9", **over)
        with pytest.raises(InvalidInput, match=f"spring-9 names the .*{word}"):
            await ready.put_promotion(stranger)
        with pytest.raises(InvalidInput, match=f"spring-9 names the .*{word}"):
            await ready.import_promotions([a_promotion(), stranger], [], dataset="town")
        assert await promotions_of(ready) == []
        assert await ready.revision() == before

    async def test_a_promotion_stays_right_when_its_shop_is_retired(self, ready: CatalogStore):
        await ready.retire_shop(SHOP_IDS[0])
        await ready.put_promotion(a_promotion(shop_ids=SHOP_IDS))
        assert (await ready.get_promotion(a_promotion().id)).shop_ids == SHOP_IDS

    async def test_two_promotions_of_one_merchant_cannot_have_one_external_id(self, ready: CatalogStore):
        await ready.put_promotion(a_promotion())
        with pytest.raises(Conflict):
            await ready.put_promotion(a_promotion(id=a_promotion("other").id))
        other = a_merchant("Other")
        await ready.put_merchants([other])
        await ready.put_promotion(a_promotion(merchant_id=other.id))
        assert len(await promotions_of(ready)) == 2

    async def test_merchants_are_kept_by_id_and_their_new_name_is_told_by_their_promotions(
        self, ready: CatalogStore
    ):
        other = a_merchant("Other")
        await ready.put_merchants([other, a_merchant()])
        mine, theirs = some_promotions(3), some_promotions(2, merchant_id=other.id)
        await ready.import_promotions(mine + theirs, [], dataset="town")
        await ready.retire_promotion(mine.pop().id)
        before = await ready.revision()
        assert await ready.put_merchants([a_merchant(), a_merchant("Third"), other]) == before
        renamed = a_merchant("Karl", id=a_merchant().id)
        assert await ready.put_merchants([replace(renamed, name="First"), renamed]) == before + 2
        told = [Change(before + n, "promotion", one) for n, one in enumerate(sorted(p.id for p in mine), 1)]
        assert await steps_of(ready, after=before) == told
        every = [renamed, other, a_merchant("Third")]
        assert await merchants_of(ready) == sorted(every, key=lambda one: one.id)
        names = {row.id: row.merchant_name for row in await promotion_rows_in(ready)}
        assert names == {one.id: "Karl" for one in mine} | {one.id: "Other" for one in theirs}

    async def test_a_catalog_without_promotions_is_read_as_nothing(self, store: CatalogStore):
        assert await promotions_of(store) == []
        assert await promotion_rows_in(store) == []
        assert await merchants_of(store) == []
        with pytest.raises(PromotionNotFound, match="nobody"):
            await store.get_promotion("nobody")


def row_of(promotion: Promotion) -> PromotionRow:
    """The row that a promotion must become, said slowly, from its document."""
    document = document_of(promotion)
    fence, limits = document["fence"], document["limits"]
    lng, lat = fence.get("center", (None, None))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return PromotionRow(
        id=promotion.id,
        merchant_id=promotion.merchant_id,
        merchant_name=a_merchant().name,
        title=document["title"],
        title_i18n_json=json.dumps(document["title_i18n"]),
        benefit_json=json.dumps(document["benefit"]),
        fence_kind=fence["type"],
        fence_lng=lng,
        fence_lat=lat,
        fence_radius_m=fence.get("radius_m"),
        fence_wkb=shapely.to_wkb(shapely.geometry.shape(fence["geometry"])) if "geometry" in fence else None,
        fence_district_id=fence.get("district_id"),
        shop_ids_json=json.dumps(document["shop_ids"]),
        starts_at_ms=(promotion.schedule.starts_at - epoch) // timedelta(milliseconds=1),
        ends_at_ms=(promotion.schedule.ends_at - epoch) // timedelta(milliseconds=1),
        weekly_hours=document.get("weekly_hours"),
        time_zone=document["time_zone"],
        listed=document["listed"],
        max_accuracy_m=document["max_accuracy_m"],
        status=document["status"],
        max_claims=limits.get("max_claims"),
        max_redemptions=limits.get("max_redemptions"),
        max_per_visitor=limits.get("max_per_visitor"),
        budget_minor=limits.get("budget_minor"),
        currency=limits.get("currency"),
        segments_json=json.dumps(document["audience"]["segments"]),
        visitors=document["audience"].get("visitors", "all"),
        per_period_json=json.dumps(limits["per_period"]) if "per_period" in limits else None,
    )


def as_written(row: PromotionRow) -> dict[str, object]:
    """The row with its JSON decoded, for how that is spaced is the adapter's affair."""
    facts = row._asdict()
    return facts | {name: json.loads(facts[name] or "null") for name in facts if name.endswith("_json")}
