"""Clauses: who gets a coupon, and who is refused with which facts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from geo_offers.domain.coupon import Coupon, CouponState
from geo_offers.domain.errors import (
    CodesExhausted,
    Conflict,
    CouponNotFound,
    KeyReused,
    NotEligible,
    PositionRefused,
    PromotionNotFound,
)
from geo_offers.domain.fence import AroundShopsFence, DistrictFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Audience, PeriodLimits, Promotion, Status
from geo_offers.stores import durable_promotions, merging
from geo_offers.stores.commerce_ports import Counted
from geo_offers.stores.rows import incoming_districts
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.units import Units
from tests.builders import a_district
from tests.contract.commerce_asking import (
    DAY,
    HOUR,
    INSIDE,
    MINE,
    NOW,
    OTHER,
    OUTSIDE,
    SHOPS,
    a_claim,
    an_offer,
    claimed,
    counts_of,
    fill,
    once,
    put,
    redeemed,
    tally,
)
from tests.stores.merges import merged

REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str, dict[str, Any]]] = {
    "paused": ({"status": Status.PAUSED}, {}, "paused", {}),
    "ended by hand": ({"status": Status.ENDED}, {}, "ended", {}),
    "over": ({"ends_at": NOW}, {}, "ended", {"ended_at": NOW}),
    "not started": ({"starts_at": NOW + HOUR}, {}, "not_started", {"opens_at": NOW + HOUR}),
    "outside hours": (
        {"hours": "Mo-Fr 12:00-14:00"},
        {},
        "outside_hours",
        {"opens_at": datetime(2026, 3, 2, 10, 0, tzinfo=UTC)},
    ),
    "segment": ({"audience": Audience(frozenset({"student"}))}, {}, "wrong_audience", {}),
    "returning": ({"audience": Audience(visitors="returning")}, {}, "wrong_audience", {}),
    "no position": ({}, {"at": None}, "position_missing", {"missing": ["position"]}),
    "no accuracy": ({}, {"accuracy_m": None}, "position_missing", {"missing": ["accuracy_m"]}),
    "no fix": ({}, {"fix_at": None}, "position_missing", {"missing": ["fix_at"]}),
    "stale": (
        {},
        {"fix_at": NOW - timedelta(seconds=121)},
        "position_stale",
        {"fix_at": NOW - timedelta(seconds=121), "fresh_for_s": 120.0},
    ),
    "vague": (
        {"max_accuracy_m": 50},
        {"accuracy_m": 50.5},
        "position_vague",
        {"accuracy_m": 50.5, "max_accuracy_m": 50.0},
    ),
    "outside": ({}, {"at": OUTSIDE}, "outside_fence", {}),
}


class ClaimClauses:
    async def test_a_claim_inside_the_fence_gets_a_coupon_that_is_kept(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer()
        await fill(units, offer)
        asked = a_claim(offer, when=NOW + timedelta(microseconds=1_999))
        kept = await commerce.claim(asked, once=once())
        coupon = Coupon(
            code=asked.code,
            promotion_id=offer.id,
            merchant_id=MINE.id,
            account="app",
            visitor_key="v1",
            state=CouponState.ISSUED,
            issued_at=NOW + timedelta(milliseconds=1),
            expires_at=offer.schedule.ends_at,
        )
        assert (kept.value, kept.body) == (coupon, asked.code.encode())
        assert await commerce.coupon(asked.code, when=NOW, account="app", merchant_id=None) == coupon
        assert await commerce.coupon(asked.code, when=NOW, account=None, merchant_id=MINE.id) == coupon
        assert await counts_of(commerce, offer) == (1, 0, 0)
        assert await commerce.verify() == []

    @pytest.mark.parametrize(("over", "asked", "code", "facts"), REFUSALS.values(), ids=REFUSALS.keys())
    async def test_what_is_no_offer_is_refused_by_its_reason_and_spends_nothing(
        self,
        units: Units,
        commerce: SqlCommerce,
        over: dict[str, Any],
        asked: dict[str, Any],
        code: str,
        facts: dict[str, Any],
    ):
        offer = an_offer(**over)
        await fill(units, offer)
        with pytest.raises(NotEligible) as refused:
            await commerce.claim(a_claim(offer, **asked), once=once("k"))
        assert (refused.value.code, refused.value.facts) == (code, facts)
        assert isinstance(refused.value, PositionRefused) == code.startswith("position_")
        assert await counts_of(commerce, offer) == (0, 0, 0)
        assert not await commerce.has_claimed("v1")

    async def test_a_draft_a_retired_and_no_promotion_are_not_there(
        self, units: Units, commerce: SqlCommerce
    ):
        draft, gone = an_offer("draft", status=Status.DRAFT), an_offer("gone")
        await fill(units, draft, gone)
        await units.write(durable_promotions.retire_promotion, gone.id, NOW)
        for one in (draft, gone, an_offer("never")):
            with pytest.raises(PromotionNotFound, match=one.id):
                await commerce.claim(a_claim(one), once=once())

    async def test_limits_are_reached_and_not_exceeded_each_with_its_facts(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer(max_claims=2, max_per_visitor=1)
        await fill(units, offer)
        await claimed(commerce, offer)
        with pytest.raises(NotEligible) as refused:
            await claimed(commerce, offer)
        assert refused.value.code == "per_visitor_limit"
        assert refused.value.facts == {"of": "claims of a visitor", "period": None, "limit": 1, "used": 1}
        await claimed(commerce, offer, visitor_key="v2")
        with pytest.raises(NotEligible) as refused:
            await claimed(commerce, offer, visitor_key="v3")
        assert refused.value.code == "limit_reached"
        assert refused.value.facts == {"of": "claims", "period": None, "limit": 2, "used": 2}
        assert await commerce.used_by("v1", [offer.id, "other"]) == {offer.id: 1}
        assert await counts_of(commerce, offer) == (2, 0, 0)
        assert await commerce.verify() == []

    async def test_limits_of_a_period_begin_anew_with_it(self, units: Units, commerce: SqlCommerce):
        offer = an_offer(max_claims=4, per_period=PeriodLimits("day", max_claims=2, max_per_visitor=1))
        await fill(units, offer)
        eve = datetime(2026, 3, 2, 21, 59, 59, tzinfo=UTC)  # Helsinki's midnight is at 22:00 UTC
        await claimed(commerce, offer, when=eve)
        with pytest.raises(NotEligible) as refused:
            await claimed(commerce, offer, when=eve)
        assert (refused.value.code, refused.value.facts["period"]) == ("per_visitor_limit", "day")
        await claimed(commerce, offer, when=eve, visitor_key="v2")
        with pytest.raises(NotEligible) as refused:
            await claimed(commerce, offer, when=eve, visitor_key="v3")
        assert refused.value.facts == {"of": "claims", "period": "day", "limit": 2, "used": 2}
        await claimed(commerce, offer, when=eve + timedelta(seconds=1))
        await claimed(commerce, offer, when=eve + DAY + timedelta(seconds=1))
        with pytest.raises(NotEligible) as refused:
            await claimed(commerce, offer, when=eve + 3 * DAY)
        assert refused.value.facts == {"of": "claims", "period": None, "limit": 4, "used": 4}
        assert await commerce.verify() == []

    async def test_a_claim_after_all_redemptions_or_the_budget_is_refused(
        self, units: Units, commerce: SqlCommerce
    ):
        one, two = an_offer("one", max_redemptions=1), an_offer("two", budget_minor=200, currency="EUR")
        one, two = (replace(offer, shop_ids=(SHOPS[0].id,)) for offer in (one, two))
        await fill(units, one, two)
        for offer in (one, two):
            await redeemed(commerce, (await claimed(commerce, offer)).code)
        with pytest.raises(NotEligible) as refused:
            await claimed(commerce, one)
        assert refused.value.facts == {"of": "redemptions", "period": None, "limit": 1, "used": 1}
        with pytest.raises(NotEligible) as refused:
            await claimed(commerce, two)
        assert (refused.value.code, refused.value.facts) == (
            "budget_spent",
            {"limit": 200, "used": 200, "currency": "EUR"},
        )

    async def test_new_visitors_have_claimed_nothing_yet_and_returning_ones_something(
        self, units: Units, commerce: SqlCommerce
    ):
        new, back = (an_offer(word, audience=Audience(visitors=word)) for word in ("new", "returning"))
        await fill(units, new, back)
        await claimed(commerce, new)
        await claimed(commerce, back)
        with pytest.raises(NotEligible, match="not for this visitor"):
            await claimed(commerce, new)
        assert await commerce.has_claimed("v1")
        assert not await commerce.has_claimed("v2")

    async def test_the_promotion_is_judged_as_it_stands_now(self, units: Units, commerce: SqlCommerce):
        offer = an_offer()
        await fill(units, offer)
        await claimed(commerce, offer)
        await put(units, replace(offer, status=Status.PAUSED))
        with pytest.raises(NotEligible, match="paused"):
            await claimed(commerce, offer)
        await put(units, offer)
        await claimed(commerce, offer)

    async def test_fences_of_shops_and_of_a_district_are_where_these_are(
        self, units: Units, commerce: SqlCommerce
    ):
        district = a_district()

        def bring(connection: Connection) -> None:
            merged(connection, merging.staging_of_districts(), incoming_districts([district]))

        await units.write(bring)
        shops = an_offer("shops", fence=AroundShopsFence(50), shop_ids=(SHOPS[0].id,))
        quarter = an_offer("quarter", fence=DistrictFence(district.id))
        await fill(units, shops, quarter)
        await claimed(commerce, shops, at=SHOPS[0].at)
        await claimed(commerce, quarter, at=LngLat(24.9435, 60.1735))
        for offer in (shops, quarter):
            with pytest.raises(NotEligible, match="inside its fence"):
                await claimed(commerce, offer, at=OUTSIDE)

    async def test_the_same_key_gives_the_same_answer_and_spends_once(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer()
        await fill(units, offer)
        first = await commerce.claim(a_claim(offer), once=once("k"))
        again = await commerce.claim(a_claim(offer), once=once("k"))
        assert (again.body, again.value) == (first.body, None)
        with pytest.raises(KeyReused):
            await commerce.claim(a_claim(offer), once=once("k", asked=b"another"))
        await commerce.claim(a_claim(offer), once=once("k", account="other-app"))
        late = a_claim(offer, when=NOW + DAY)
        assert (await commerce.claim(late, once=once("k", asked=b"new"))).body == late.code.encode()
        assert await counts_of(commerce, offer) == (3, 0, 0)

    async def test_a_refusal_is_not_kept(self, units: Units, commerce: SqlCommerce):
        offer = an_offer()
        await fill(units, offer)
        with pytest.raises(NotEligible):
            await commerce.claim(a_claim(offer, at=OUTSIDE), once=once("k"))
        assert (await commerce.claim(a_claim(offer), once=once("k"))).value is not None

    async def test_one_key_many_times_at_once_is_one_claim(self, units: Units, commerce: SqlCommerce):
        offer = an_offer()
        await fill(units, offer)
        kept = await asyncio.gather(*(commerce.claim(a_claim(offer), once=once("k")) for _ in range(8)))
        assert len({one.body for one in kept}) == 1
        assert sum(one.value is not None for one in kept) == 1
        assert await counts_of(commerce, offer) == (1, 0, 0)

    async def test_many_at_once_get_what_there_is_and_no_more(self, units: Units, commerce: SqlCommerce):
        offer = an_offer(max_claims=10, max_per_visitor=2, per_period=PeriodLimits("week", max_claims=9))
        await fill(units, offer)
        asked = [a_claim(offer, visitor_key=f"v{number % 12}") for number in range(48)]
        outcomes = await asyncio.gather(
            *(commerce.claim(one, once=once()) for one in asked), return_exceptions=True
        )
        counted = tally(outcomes)
        assert counted.pop("ok") == 9
        assert sum(counted.values()) == 39
        assert set(counted) <= {"limit_reached", "per_visitor_limit"}
        assert await counts_of(commerce, offer) == (9, 0, 0)
        assert await commerce.verify() == []

    async def test_a_coupon_is_another_apps_or_merchants_as_little_as_it_is_nobodys(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer()
        await fill(units, offer)
        code = (await claimed(commerce, offer)).code
        for account, merchant, wanted in (("b", None, code), (None, OTHER.id, code), ("app", None, "none")):
            with pytest.raises(CouponNotFound, match=wanted):
                await commerce.coupon(wanted, when=NOW, account=account, merchant_id=merchant)

    async def test_a_wallet_is_turned_page_by_page_newest_first(self, units: Units, commerce: SqlCommerce):
        offer = an_offer(ends_at=NOW + 4 * HOUR)
        await fill(units, offer)
        for minutes in (0, 0, 0, 1, 2):
            await claimed(commerce, offer, when=NOW + timedelta(minutes=minutes))
        await claimed(commerce, offer, visitor_key="v2")
        every = list(await commerce.coupons_of("v1", when=NOW, after=None, limit=10))
        assert every == sorted(every, key=lambda one: (one.issued_at, one.code), reverse=True)
        assert [one.state for one in every] == ["issued"] * 5
        pages, after = [], None
        while page := await commerce.coupons_of("v1", when=NOW, after=after, limit=2):
            pages += page
            after = page[-1].code
        assert pages == every
        late = await commerce.coupons_of("v1", when=NOW + 4 * HOUR, after=None, limit=1)
        assert late == [replace(every[0], state=CouponState.EXPIRED)]

    async def test_claims_take_the_merchants_own_codes_until_there_are_none(
        self, units: Units, commerce: SqlCommerce
    ):
        offer, other = an_offer(), an_offer("other")
        await fill(units, offer, other)
        random = (await claimed(commerce, offer)).code

        async def add(*codes: str, to: Promotion = offer, key: str | None = None) -> bytes:
            kept = await commerce.add_codes(
                to.id, codes, merchant_id=MINE.id, when=NOW, once=once(key, asked=repr(codes).encode())
            )
            return kept.body

        assert await add("TEA-2", "TEA-1", key="k") == await add("TEA-2", "TEA-1", key="k") == b"2"
        assert (await claimed(commerce, offer)).code == "TEA-1"
        for taken in ("TEA-1", "TEA-2", random):
            with pytest.raises(Conflict, match=taken):
                await add("NEW-1", taken, to=other)
        with pytest.raises(Conflict, match="twice"):
            await add("NEW-1", "NEW-1")
        assert (await claimed(commerce, offer)).code == "TEA-2"
        with pytest.raises(CodesExhausted):
            await claimed(commerce, offer)
        assert await counts_of(commerce, offer) == (3, 0, 0)
        assert await add("NEW-1") == b"1"
        with pytest.raises(PromotionNotFound):
            await commerce.add_codes(offer.id, ["X-1"], merchant_id=OTHER.id, when=NOW, once=once())
        assert await commerce.verify() == []

    async def test_what_was_counted_since_a_step_is_told(self, units: Units, commerce: SqlCommerce):
        one, two = an_offer("one"), an_offer("two")
        await fill(units, one, two)
        await claimed(commerce, one, at=INSIDE)
        (first,) = await commerce.counted_since(0)
        assert first == Counted(one.id, 1, 0, 0, first.step)
        await claimed(commerce, two)
        (second,) = await commerce.counted_since(first.step)
        assert (second.promotion_id, second.step > first.step) == (two.id, True)
        await claimed(commerce, one)
        assert [counted.promotion_id for counted in await commerce.counted_since(first.step)] == [
            two.id,
            one.id,
        ]
        assert len(await commerce.counted_since(0, limit=1)) == 1
        (last,) = await commerce.counted_since(second.step)
        assert await commerce.counted_since(last.step) == []
