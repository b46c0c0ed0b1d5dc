"""Clauses: what a till gets for a coupon, once, and how it is undone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from geo_offers.domain.coupon import CouponState, Funnel, Redemption
from geo_offers.domain.errors import (
    AlreadyRedeemed,
    AlreadyRolledBack,
    BasketInvalid,
    Conflict,
    CouponExpired,
    CouponNotFound,
    GeoOffersError,
    NotEligible,
    PromotionNotFound,
    RedemptionNotFound,
    WrongShop,
)
from geo_offers.domain.promotion import AmountOff, FreeItem, PeriodLimits, Status
from geo_offers.stores import durable_promotions
from geo_offers.stores.commerce_ports import Disagreement
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.units import Units
from tests.contract.commerce_asking import (
    DAY,
    HOUR,
    MINE,
    NOW,
    OTHER,
    SHOP,
    SHOPS,
    a_redeem,
    an_offer,
    claimed,
    counts_of,
    fill,
    once,
    put,
    redeemed,
    rolled_back,
    tally,
)

BUDGET: dict[str, Any] = {"budget_minor": 500, "currency": "EUR"}


class RedemptionClauses:
    async def test_a_coupon_is_redeemed_once_for_its_discount(self, units: Units, commerce: SqlCommerce):
        offer = an_offer(**BUDGET)
        await fill(units, offer)
        code = (await claimed(commerce, offer)).code
        redemption = await redeemed(commerce, code, when=NOW + HOUR)
        assert redemption == Redemption(
            id=f"red_{code.lower()}",
            code=code,
            promotion_id=offer.id,
            merchant_id=MINE.id,
            shop_id=SHOP,
            basket_minor=1_000,
            discount_minor=200,
            currency="EUR",
            redeemed_at=NOW + HOUR,
        )
        assert await commerce.redemption(redemption.id, merchant_id=MINE.id) == redemption
        with pytest.raises(AlreadyRedeemed) as refused:
            await redeemed(commerce, code, id="red_2")
        assert refused.value.facts == {
            "redemption_id": redemption.id,
            "redeemed_at": NOW + HOUR,
            "shop_id": SHOP,
        }
        coupon = await commerce.coupon(code, when=NOW, account=None, merchant_id=MINE.id)
        assert coupon.state is CouponState.REDEEMED
        assert await counts_of(commerce, offer) == (1, 1, 200)
        assert await commerce.verify() == []

    async def test_a_roll_back_is_as_if_it_had_not_been(self, units: Units, commerce: SqlCommerce):
        offer = an_offer(**BUDGET, max_redemptions=1, per_period=PeriodLimits("day", max_redemptions=1))
        await fill(units, offer)
        code = (await claimed(commerce, offer)).code
        first = await redeemed(commerce, code)
        undone = await rolled_back(commerce, first.id, when=NOW + DAY)
        assert undone == replace(first, rolled_back_at=NOW + DAY)
        assert await commerce.redemption(first.id, merchant_id=MINE.id) == undone
        assert await counts_of(commerce, offer) == (1, 0, 0)
        with pytest.raises(AlreadyRolledBack) as refused:
            await rolled_back(commerce, first.id)
        assert refused.value.facts == {"rolled_back_at": NOW + DAY}
        await redeemed(commerce, code, id="red_again")
        assert await counts_of(commerce, offer) == (1, 1, 200)
        assert await commerce.verify() == []

    async def test_another_merchants_things_are_not_there(self, units: Units, commerce: SqlCommerce):
        offer = an_offer()
        await fill(units, offer)
        code = (await claimed(commerce, offer)).code
        for stranger in ({"merchant_id": OTHER.id}, {"code": "none"}):
            with pytest.raises(CouponNotFound):
                await commerce.redeem(replace(a_redeem(code), **stranger), once=once())
        redemption = await redeemed(commerce, code)
        with pytest.raises(RedemptionNotFound):
            await rolled_back(commerce, redemption.id, merchant_id=OTHER.id)
        with pytest.raises(RedemptionNotFound):
            await commerce.redemption(redemption.id, merchant_id=OTHER.id)
        with pytest.raises(PromotionNotFound):
            await commerce.funnel(offer.id, merchant_id=OTHER.id, when=NOW)

    async def test_a_coupon_is_good_while_paused_and_not_after_the_end(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer(ends_at=NOW + HOUR)
        await fill(units, offer)
        codes = [(await claimed(commerce, offer)).code for _ in range(2)]
        await put(units, replace(offer, status=Status.PAUSED))
        await redeemed(commerce, codes[0], when=NOW + HOUR - timedelta(milliseconds=1))
        with pytest.raises(CouponExpired) as late:
            await redeemed(commerce, codes[1], when=NOW + HOUR)
        assert late.value.facts == {"expired_at": NOW + HOUR}
        await put(units, replace(offer, status=Status.ENDED))
        with pytest.raises(NotEligible) as ended:
            await redeemed(commerce, codes[1])
        assert (ended.value.code, ended.value.facts) == ("ended", {})
        shorter = replace(offer, schedule=replace(offer.schedule, ends_at=NOW - HOUR))
        await put(units, shorter)
        with pytest.raises(NotEligible) as ended:
            await redeemed(commerce, codes[1])
        assert (ended.value.code, ended.value.facts) == ("ended", {"ended_at": NOW - HOUR})
        await put(units, offer)
        await units.write(durable_promotions.retire_promotion, offer.id, NOW)
        with pytest.raises(NotEligible, match="ended"):
            await redeemed(commerce, codes[1])
        assert await counts_of(commerce, offer) == (2, 1, 0)

    async def test_only_a_shop_of_the_promotion_or_of_the_merchant_will_do(
        self, units: Units, commerce: SqlCommerce
    ):
        named, unnamed = an_offer("named", shop_ids=(SHOPS[2].id,)), an_offer("unnamed")
        await fill(units, named, unnamed)
        at_third, at_mine = [(await claimed(commerce, offer)).code for offer in (named, unnamed)]
        for code, wrong in ((at_third, SHOP), (at_mine, SHOPS[1].id), (at_mine, SHOPS[2].id), (at_mine, "x")):
            with pytest.raises(WrongShop) as refused:
                await redeemed(commerce, code, shop_id=wrong)
            assert refused.value.facts == {"shop_id": wrong}
        await redeemed(commerce, at_third, shop_id=SHOPS[2].id)
        await redeemed(commerce, at_mine)

    async def test_a_discount_that_is_more_than_what_is_left_is_refused_not_cut(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer(**BUDGET)
        await fill(units, offer)
        codes = [(await claimed(commerce, offer)).code for _ in range(3)]
        await redeemed(commerce, codes[0], basket_minor=2_000)
        with pytest.raises(NotEligible) as refused:
            await redeemed(commerce, codes[1], basket_minor=505)
        assert refused.value.code == "budget_spent"
        assert refused.value.facts == {"limit": 500, "used": 400, "currency": "EUR", "discount_minor": 101}
        await redeemed(commerce, codes[1], basket_minor=500)
        await redeemed(commerce, codes[2], basket_minor=0)
        assert await counts_of(commerce, offer) == (3, 3, 500)
        assert await commerce.verify() == []

    async def test_limits_of_redemptions_are_reached_and_not_exceeded(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer(max_redemptions=2, per_period=PeriodLimits("day", max_redemptions=1))
        await fill(units, offer)
        codes = [(await claimed(commerce, offer)).code for _ in range(3)]
        await redeemed(commerce, codes[0])
        with pytest.raises(NotEligible) as refused:
            await redeemed(commerce, codes[1])
        assert refused.value.facts == {"of": "redemptions", "period": "day", "limit": 1, "used": 1}
        await redeemed(commerce, codes[1], when=NOW + DAY)
        with pytest.raises(NotEligible) as refused:
            await redeemed(commerce, codes[2], when=NOW + 2 * DAY)
        assert refused.value.facts == {"of": "redemptions", "period": None, "limit": 2, "used": 2}
        assert await commerce.verify() == []

    async def test_what_a_benefit_is_worth_needs_a_basket_only_where_money_is_counted(
        self, units: Units, commerce: SqlCommerce
    ):
        free, amount = an_offer("free", benefit=FreeItem("Coffee"), **BUDGET), an_offer("amount", **BUDGET)
        amount = replace(amount, benefit=AmountOff(300, "EUR"))
        share, budget = an_offer("share"), an_offer("budget", **BUDGET)
        await fill(units, free, amount, share, budget)
        nothing: dict[str, Any] = {"basket_minor": None, "currency": None}
        for offer, worth in ((free, None), (amount, 300), (share, None)):
            code = (await claimed(commerce, offer)).code
            assert (await redeemed(commerce, code, **nothing)).discount_minor == worth
        code = (await claimed(commerce, budget)).code
        for basket in (nothing, {"currency": "SEK"}, {"basket_minor": None}):
            with pytest.raises(BasketInvalid):
                await redeemed(commerce, code, **basket)
        assert [(await counts_of(commerce, one))[2] for one in (free, amount, share, budget)] == [
            0,
            300,
            0,
            0,
        ]
        await redeemed(commerce, code)
        assert await commerce.verify() == []

    async def test_many_tills_at_once_redeem_each_coupon_once_and_the_budget_holds(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer(**BUDGET, max_redemptions=9)
        await fill(units, offer)
        codes = [(await claimed(commerce, offer)).code for _ in range(4)]
        asked = [a_redeem(code, id=f"red_{code}_{till}") for code in codes for till in range(6)]
        outcomes = await asyncio.gather(
            *(commerce.redeem(one, once=once()) for one in asked), return_exceptions=True
        )
        counted = tally(outcomes)
        assert counted.pop("ok") == 2  # 200 of 500 each
        assert set(counted) == {"already_redeemed", "budget_spent"}
        assert await counts_of(commerce, offer) == (4, 2, 400)
        done = [one.value.id for one in outcomes if not isinstance(one, BaseException)]
        undoing = [rolled_back(commerce, one) for one in done for _ in range(4)]
        undone = tally(await asyncio.gather(*undoing, return_exceptions=True))
        assert undone == {"already_rolled_back": 6, "ok": 2}
        assert await counts_of(commerce, offer) == (4, 0, 0)
        assert await commerce.verify() == []

    async def test_a_coupon_that_many_redeem_and_give_back_is_always_used_or_not(
        self, units: Units, commerce: SqlCommerce
    ):
        promotion = an_offer()
        await fill(units, promotion)
        code = (await claimed(commerce, promotion)).code

        async def till(number: int) -> None:
            for turn in range(15):
                with suppress(AlreadyRedeemed):
                    redemption = await redeemed(commerce, code, id=f"red_{number}_{turn}")
                    await rolled_back(commerce, redemption.id)

        await asyncio.gather(*map(till, range(8)))
        assert (await redeemed(commerce, code)).code == code
        assert await commerce.verify() == []

    async def test_the_same_key_redeems_once_also_after_it_was_rolled_back(
        self, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer()
        await fill(units, offer)
        code = (await claimed(commerce, offer)).code
        asked = once("k")
        first = await commerce.redeem(a_redeem(code), once=asked)
        undo = {"merchant_id": MINE.id, "key_id": "key_1", "when": NOW, "once": once("undo")}
        assert (await commerce.roll_back(first.body.decode(), **undo)).value is not None
        assert (await commerce.roll_back(first.body.decode(), **undo)).value is None
        again = await commerce.redeem(a_redeem(code, id="red_2"), once=asked)
        assert (again.body, again.value) == (first.body, None)
        assert await counts_of(commerce, offer) == (1, 0, 0)

    async def test_the_funnel_counts_what_became_of_coupons(self, units: Units, commerce: SqlCommerce):
        offer = an_offer(ends_at=NOW + HOUR, **BUDGET)
        await fill(units, offer)
        assert await commerce.funnel(offer.id, merchant_id=MINE.id, when=NOW) == Funnel(0, 0, 0, 0, 0, "EUR")
        codes = [(await claimed(commerce, offer)).code for _ in range(4)]
        for code in codes[:2]:
            await redeemed(commerce, code)
        await rolled_back(commerce, f"red_{codes[0].lower()}")
        assert await commerce.funnel(offer.id, merchant_id=MINE.id, when=NOW) == Funnel(
            4, 1, 1, 0, 200, "EUR"
        )
        late = await commerce.funnel(offer.id, merchant_id=MINE.id, when=NOW + HOUR)
        assert late == Funnel(4, 1, 1, 3, 200, "EUR")

    @pytest.mark.parametrize("deed", ["UPDATE ledger SET budget_minor = 0", "DELETE FROM ledger"])
    async def test_the_database_refuses_to_change_the_ledger(
        self, units: Units, commerce: SqlCommerce, deed: str
    ):
        offer = an_offer()
        await fill(units, offer)
        await claimed(commerce, offer)
        with pytest.raises((Conflict, DBAPIError), match="only ever added to"):
            await units.write(lambda connection: connection.execute(text(deed)))
        assert await commerce.verify() == []

    @pytest.mark.parametrize(
        ("deed", "expected"),
        [
            ("UPDATE usage_totals SET claims = 7", {("claims", 2, 7)}),
            ("UPDATE usage_totals SET redemptions = 0", {("redemptions", 1, 0)}),
            ("UPDATE usage_totals SET budget_minor = 300", {("budget", 200, 300)}),
            (
                "UPDATE usage_periods SET claims = 1, redemptions = 0",
                {("claims of a period", 2, 1), ("redemptions of a period", 1, 0)},
            ),
            (
                "UPDATE usage_visitors SET claims = 1",
                {("claims of a visitor", 2, 1), ("claims of a visitor in a period", 2, 1)},
            ),
            ("UPDATE coupons SET state = 'issued'", {("used coupons", 1, 0)}),
            (
                "UPDATE redemptions SET rolled_back_at = redeemed_at",
                {("rolled back redemptions", 0, 1), ("budget of a redemption", 200, 0)},
            ),
            ("DELETE FROM redemptions", {("redemptions by id", 1, 0), ("budget of a redemption", 200, 0)}),
            ("DELETE FROM usage_totals", {("claims", 2, 0), ("redemptions", 1, 0), ("budget", 200, 0)}),
        ],
    )
    async def test_whatever_the_ledger_does_not_bear_out_is_found(
        self, units: Units, commerce: SqlCommerce, deed: str, expected: set[tuple[str, int, int]]
    ):
        offer = an_offer(**BUDGET, per_period=PeriodLimits("day", max_claims=9))
        await fill(units, offer)
        codes = [(await claimed(commerce, offer)).code for _ in range(2)]
        await redeemed(commerce, codes[0])
        assert await commerce.verify() == []
        await units.write(lambda connection: connection.execute(text(deed)))
        found = await commerce.verify()
        assert {(one.what, one.ledger, one.other) for one in found} == expected
        assert all(isinstance(one, Disagreement) and one.of for one in found)

    async def test_a_coupon_too_many_in_the_table_is_found_too(self, units: Units, commerce: SqlCommerce):
        offer = an_offer()
        await fill(units, offer)
        code = (await claimed(commerce, offer)).code
        columns = "promotion_id, merchant_id, account, visitor_key, state, cell, issued_at, expires_at"
        copy = text(f"INSERT INTO coupons (code, {columns}) SELECT 'EXTRA', {columns} FROM coupons")
        await units.write(lambda connection: connection.execute(copy))
        assert await commerce.verify() == [Disagreement("coupons", "EXTRA", 0, 1)]
        with pytest.raises(GeoOffersError):
            await redeemed(commerce, code, merchant_id="mrc_0000000000000000")
