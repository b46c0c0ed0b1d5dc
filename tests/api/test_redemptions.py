"""The till over HTTP: redeemed once, rolled back exactly, refused by name."""

from __future__ import annotations

import asyncio
from typing import Any

from geo_offers.domain.account import Role
from geo_offers.domain.codes import new_code, shown
from geo_offers.domain.promotion import FreeItem, Limits, Merchant, PercentOff, Status
from tests.api.commerce import a_live_promotion, a_market
from tests.api.conftest import Serving, key_for
from tests.builders import a_shop

_BUDGET = Limits(max_claims=100, budget_minor=1_000, currency="EUR")


async def test_a_coupon_is_redeemed_once_and_rolled_back_exactly(serving: Serving) -> None:
    promotion = a_live_promotion(limits=_BUDGET)
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        first = await market.redeem(shown(code).lower(), basket_minor=4_000, currency="EUR")
        assert first.status_code == 201, first.text
        made = first.json()
        assert made == {
            "id": made["id"], "code": code, "promotion_id": promotion.id, "shop_id": a_shop().id,
            "discount_minor": 500, "currency": "EUR", "redeemed_at": made["redeemed_at"],
        }  # fmt: skip
        url = f"/v1/redemptions/{made['id']}"
        assert first.headers["location"] == url
        assert (await market.client.get(url, headers=market.till)).json() == made
        again = await market.redeem(code)
        assert (again.status_code, again.json()["code"]) == (409, "already_redeemed")
        assert again.json()["facts"]["redemption_id"] == made["id"]
        undone = await market.client.post(f"{url}/rollback", headers=market.till)
        assert undone.status_code == 200
        assert undone.json() == made | {"rolled_back_at": undone.json()["rolled_back_at"]}
        twice = await market.client.post(f"{url}/rollback", headers=market.till)
        assert (twice.status_code, twice.json()["code"]) == (409, "already_rolled_back")
        back = await market.client.get(f"/v1/coupons/{code}", headers=market.app)
        assert back.json()["state"] == "issued"
        assert (await market.redeem(code)).status_code == 201
        stats = (await market.client.get(f"/v1/promotions/{promotion.id}/stats", headers=market.till)).json()
    assert stats == {
        "promotion_id": promotion.id, "shown": None, "opened": None, "claimed": 1, "redeemed": 1,
        "rolled_back": 1, "expired": 0, "shared": None, "discount_minor": 500, "currency": "EUR",
    }  # fmt: skip


async def test_the_same_key_is_one_redemption(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        headers, body = market.fresh(market.till), {"code": code, "shop_id": a_shop().id}
        first = await market.client.post("/v1/redemptions", json=body, headers=headers)
        again = await market.client.post("/v1/redemptions", json=body, headers=headers)
        other = await market.client.post(
            "/v1/redemptions", json=body | {"basket_minor": 1, "currency": "EUR"}, headers=headers
        )
        unkeyed = await market.client.post("/v1/redemptions", json=body, headers=market.till)
    assert (again.status_code, again.content) == (201, first.content)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (unkeyed.status_code, unkeyed.json()["code"]) == (422, "idempotency_key_missing")


async def test_many_tills_at_once_redeem_a_coupon_once(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        answers = await asyncio.gather(*(market.redeem(code) for _ in range(20)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 19
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already_redeemed"}


_SAID_WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"basket_minor": 1_000}, 422, "basket_invalid"),
    ({"currency": "EUR"}, 422, "basket_invalid"),
    ({"basket_minor": -1, "currency": "EUR"}, 422, "basket_invalid"),
    ({"basket_minor": 12.5, "currency": "EUR"}, 422, "basket_invalid"),
    ({"basket_minor": 12.0, "currency": "EUR"}, 422, "basket_invalid"),
    ({"basket_minor": True, "currency": "EUR"}, 422, "basket_invalid"),
    ({"basket_minor": "1000", "currency": "EUR"}, 422, "basket_invalid"),
    ({"basket_minor": 2**53 + 1, "currency": "EUR"}, 422, "basket_invalid"),
    ({"basket_minor": 1_000, "currency": "XXX"}, 422, "currency_unknown"),
    ({"basket_minor": 1_000, "currency": "eur"}, 422, "currency_unknown"),
    ({"basket_minor": 1_000, "currency": "CNY"}, 422, "basket_invalid"),
    ({"shop_id": a_shop("node/9").id}, 409, "wrong_shop"),
    ({"shop_id": "nowhere"}, 409, "wrong_shop"),
    ({"code": "7HXK-2M9Q-T4WZ"}, 422, "code_invalid"),
    ({"code": "!"}, 422, "code_invalid"),
    ({"code": "A" * 99}, 422, "code_invalid"),
    ({"code": ""}, 422, "code_invalid"),
    ({"code": new_code()}, 404, "coupon_not_found"),
    ({"code": 7}, 422, "invalid_value"),
    ({"colour": "red"}, 422, "unknown_parameter"),
]


async def test_what_a_till_says_wrong_has_its_own_code_and_spends_nothing(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        claimed = (await market.claim(promotion)).json()["code"]
        for over, status, code in _SAID_WRONG:
            answer = await market.redeem(**{"code": claimed} | over)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (over, answer.text)
            assert await market.verified()
        assert (await market.redeem(claimed)).status_code == 201


async def test_a_percentage_under_a_budget_needs_the_basket_and_the_budget_is_never_cut(
    serving: Serving,
) -> None:
    promotion = a_live_promotion(benefit=PercentOff(2_000), limits=_BUDGET)
    async with a_market(serving, promotion) as market:
        codes = [(await market.claim(promotion, f"v{number}")).json()["code"] for number in range(3)]
        blind = await market.redeem(codes[0])
        first = await market.redeem(codes[0], basket_minor=3_001, currency="EUR")
        over = await market.redeem(codes[1], basket_minor=2_003, currency="EUR")
        rest = await market.redeem(codes[1], basket_minor=2_000, currency="EUR")
        none = await market.redeem(codes[2], basket_minor=5, currency="EUR")
        refused = await market.claim(promotion, "v9")
    assert (blind.status_code, blind.json()["code"]) == (422, "basket_invalid")
    assert first.json()["discount_minor"] == 600  # 20 % of 3001 is 600.2
    assert (over.status_code, over.json()["code"]) == (409, "budget_spent")  # 401 of 400 left
    assert rest.json()["discount_minor"] == 400
    assert (none.status_code, none.json()["code"]) == (409, "budget_spent")
    assert (refused.status_code, refused.json()["code"]) == (409, "budget_spent")


async def test_a_free_item_takes_off_no_money(serving: Serving) -> None:
    promotion = a_live_promotion(benefit=FreeItem("korvapuusti"))
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        answer = await market.redeem(code, basket_minor=900, currency="EUR")
    assert answer.status_code == 201
    assert answer.json().keys() == {"id", "code", "promotion_id", "shop_id", "redeemed_at"}


async def test_a_limit_of_redemptions_holds_at_the_till(serving: Serving) -> None:
    promotion = a_live_promotion(limits=Limits(max_redemptions=1))
    async with a_market(serving, promotion) as market:
        codes = [(await market.claim(promotion, f"v{number}")).json()["code"] for number in range(2)]
        assert (await market.redeem(codes[0])).status_code == 201
        full = await market.redeem(codes[1])
    assert (full.status_code, full.json()["code"]) == (409, "limit_reached")


async def test_a_paused_promotions_coupons_are_good_and_an_ended_ones_are_not(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        codes = [(await market.claim(promotion, f"v{number}")).json()["code"] for number in range(2)]
        put = market.services.store.put_promotion
        schedule = {"starts_at": promotion.schedule.starts_at, "ends_at": promotion.schedule.ends_at}
        await put(a_live_promotion(status=Status.PAUSED, **schedule))
        paused = await market.redeem(codes[0])
        await put(a_live_promotion(status=Status.ENDED, **schedule))
        ended = await market.redeem(codes[1])
    assert paused.status_code == 201
    assert (ended.status_code, ended.json()["code"]) == (409, "ended")


async def test_another_merchants_things_are_as_if_they_were_not_there(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        other = Merchant("mrc_0000000000000000", "Another")
        await market.services.store.put_merchants([other])
        mine, market.till = market.till, await key_for(market.client, Role.MERCHANT, other.id)
        stolen = await market.redeem(code)
        market.till, theirs = mine, market.till
        made = (await market.redeem(code)).json()
        client = market.client
        foreign = [
            await client.get(f"/v1/redemptions/{made['id']}", headers=theirs),
            await client.post(f"/v1/redemptions/{made['id']}/rollback", headers=theirs),
            await client.get(f"/v1/promotions/{promotion.id}/stats", headers=theirs),
            await client.post(
                f"/v1/promotions/{promotion.id}/codes", json={"codes": ["SPRING-1"]}, headers=theirs
            ),
        ]
    assert (stolen.status_code, stolen.json()["code"]) == (404, "coupon_not_found")
    assert [(one.status_code, one.json()["code"]) for one in foreign] == [
        (404, "redemption_not_found"),
        (404, "redemption_not_found"),
        (404, "promotion_not_found"),
        (404, "promotion_not_found"),
    ]


async def test_a_merchants_own_codes_are_given_out_and_used_up(serving: Serving) -> None:
    promotion = a_live_promotion(limits=Limits())
    async with a_market(serving, promotion) as market:
        url = f"/v1/promotions/{promotion.id}/codes"
        added = await market.client.post(
            url, json={"codes": ["spring-0001", "SUMMER202612"]}, headers=market.fresh(market.till)
        )
        again = await market.client.post(
            url, json={"codes": ["WINTER-1", "Spring-0001"]}, headers=market.till
        )
        coupons = [(await market.claim(promotion, f"v{number}")).json()["code"] for number in range(2)]
        none = await market.claim(promotion, "v9")
        shown_codes = [
            (await market.client.get(f"/v1/coupons/{code}", headers=market.app)).json()["shown_code"]
            for code in coupons
        ]
        used = [(await market.redeem(code.lower())).status_code for code in coupons]
    assert (added.status_code, added.json()) == (201, {"left": 2})
    assert (again.status_code, again.json()["code"]) == (409, "code_taken")
    assert sorted(coupons) == sorted(shown_codes) == ["SPRING-0001", "SUMMER202612"]
    assert (none.status_code, none.json()["code"]) == (409, "codes_exhausted")
    assert used == [201, 201]


_BAD_POOLS: list[tuple[list[Any], str, str]] = [
    (["GOOD-1", "no"], "code_invalid", "/codes/1"),
    (["GOOD-1", "good-1"], "code_invalid", "/codes/1"),
    ([], "invalid_value", "/codes"),
    (["GOOD-1", 7], "invalid_value", "/codes/1"),
]


async def test_a_bad_pool_is_refused_whole(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        url = f"/v1/promotions/{promotion.id}/codes"
        for codes, code, pointer in _BAD_POOLS:
            answer = await market.client.post(url, json={"codes": codes}, headers=market.till)
            assert (answer.status_code, answer.json()["code"]) == (422, code)
            assert answer.json()["errors"][0]["pointer"] == pointer
        good = await market.client.post(url, json={"codes": ["GOOD-1"]}, headers=market.till)
    assert good.json() == {"left": 1}
