"""Claims and coupons over HTTP, as an app sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from geo_offers.domain.account import Role
from geo_offers.domain.codes import canonical, new_code, shown
from geo_offers.domain.coupon import Claim
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Audience, Limits, Merchant, Status
from geo_offers.stores.once import Once
from tests.api.commerce import AT, a_live_promotion, a_market, away, claim_of, in_hours
from tests.api.conftest import Serving, key_for
from tests.builders import a_merchant


async def test_a_claim_inside_the_fence_is_a_coupon(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        answer = await market.claim(promotion)
        assert answer.status_code == 201, answer.text
        coupon = answer.json()
        code = coupon["code"]
        assert coupon == {
            "code": canonical(code),
            "promotion_id": promotion.id,
            "state": "issued",
            "expires_at": promotion.schedule.ends_at.isoformat().replace("+00:00", "Z"),
            "qr_url": f"http://test/v1/coupons/{code}/qr.svg",
        }
        assert answer.headers["location"] == f"/v1/coupons/{code}"
        read = await market.client.get(
            f"/v1/coupons/{shown(code).lower()}", headers=market.app | {"Accept-Language": "zh"}
        )
        issued_at = datetime.fromisoformat(read.json()["issued_at"])
        assert abs(datetime.now(UTC) - issued_at) < timedelta(minutes=1)
        assert read.json() == coupon | {
            "shown_code": shown(code),
            "title": "两杯八折",
            "benefit": {"type": "amount_off", "amount_minor": 500, "currency": "EUR"},
            "issued_at": read.json()["issued_at"],
        }
        assert (await market.client.get(f"/v1/coupons/{code}", headers=market.till)).status_code == 200


async def test_the_same_claim_again_is_the_same_bytes_and_one_coupon(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        body, headers = claim_of(promotion), market.fresh(market.app)
        first = await market.client.post("/v1/coupons", json=body, headers=headers)
        again = await market.client.post("/v1/coupons", json=body, headers=headers)
        other = await market.client.post("/v1/coupons", json=body | {"visitor_id": "bert"}, headers=headers)
        unkeyed = await market.client.post("/v1/coupons", json=body, headers=market.app)
        wallet = await market.client.get("/v1/coupons?visitor_id=anna", headers=market.app)
    assert (again.status_code, again.content) == (201, first.content)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (unkeyed.status_code, unkeyed.json()["code"]) == (422, "idempotency_key_missing")
    assert [item["code"] for item in wallet.json()["items"]] == [first.json()["code"]]


_STALE = (datetime.now(UTC) - timedelta(seconds=600)).isoformat()


_BAD_CLAIMS: list[tuple[dict[str, Any], int, str, dict[str, Any] | None]] = [
    ({"lng": None, "lat": None}, 422, "position_missing", {"missing": ["lng", "lat"]}),
    ({"lat": None}, 422, "position_missing", {"missing": ["lng", "lat"]}),
    ({"accuracy_m": None}, 422, "position_missing", {"missing": ["accuracy_m"]}),
    ({"fix_at": None}, 422, "position_missing", {"missing": ["fix_at"]}),
    ({"fix_at": _STALE}, 422, "position_stale", None),
    ({"accuracy_m": 150.5}, 422, "position_vague", {"accuracy_m": 150.5, "max_accuracy_m": 150.0}),
    ({"promotion_id": "prm_0000000000000000"}, 404, "promotion_not_found", None),
    ({"promotion_id": "spring-1"}, 404, "promotion_not_found", None),
    ({"lng": 181}, 422, "invalid_value", None),
    ({"lng": "24.9"}, 422, "invalid_value", None),
    ({"accuracy_m": True}, 422, "invalid_value", None),
    ({"fix_at": "now"}, 422, "invalid_value", None),
    ({"visitor_id": ""}, 422, "invalid_value", None),
    ({"colour": "red"}, 422, "unknown_parameter", None),
]


async def test_a_bad_claim_is_refused_by_its_own_code_and_spends_nothing(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        for over, status, code, facts in _BAD_CLAIMS:
            answer = await market.claim(promotion, **over)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (over, answer.text)
            assert facts is None or answer.json()["facts"] == facts
        stats = await market.client.get(f"/v1/promotions/{promotion.id}/stats", headers=market.till)
        assert stats.json()["claimed"] == 0


_NO_OFFERS: list[tuple[dict[str, Any], str]] = [
    ({"status": Status.PAUSED}, "paused"),
    ({"status": Status.ENDED}, "ended"),
    ({"starts_at": in_hours(1)}, "not_started"),
    ({"audience": Audience(frozenset({"vip"}))}, "wrong_audience"),
    ({"audience": Audience(visitors="returning")}, "wrong_audience"),
]


async def test_a_promotion_that_is_no_offer_is_not_claimed(serving: Serving) -> None:
    promotions = [a_live_promotion(f"p-{n}", **over) for n, (over, _) in enumerate(_NO_OFFERS)]
    async with a_market(serving, *promotions) as market:
        for promotion, (_, code) in zip(promotions, _NO_OFFERS, strict=True):
            answer = await market.claim(promotion)
            assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text


async def test_outside_the_fence_says_how_far_it_is_and_the_place_it_names_is_inside(
    serving: Serving,
) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        answer = await market.claim(promotion, at=away(342.05))
        facts = answer.json()["facts"]
        moved = await market.claim(promotion, at=LngLat(facts["nearest"]["lng"], facts["nearest"]["lat"]))
    assert (answer.status_code, answer.json()["code"]) == (409, "outside_fence")
    assert facts["distance_to_fence_m"] == 42.1
    assert moved.status_code == 201


async def test_limits_of_all_and_of_one_visitor_are_said_apart(serving: Serving) -> None:
    promotion = a_live_promotion(limits=Limits(max_claims=2, max_per_visitor=1))
    async with a_market(serving, promotion) as market:
        assert (await market.claim(promotion, "anna")).status_code == 201
        twice = await market.claim(promotion, "anna")
        assert (await market.claim(promotion, "bert")).status_code == 201
        full = await market.claim(promotion, "carl")
    assert (twice.status_code, twice.json()["code"]) == (409, "per_visitor_limit")
    assert (full.status_code, full.json()["code"]) == (409, "limit_reached")
    assert full.json()["facts"]["limit"] == 2


async def test_two_apps_never_share_a_visitor(serving: Serving) -> None:
    promotion = a_live_promotion(limits=Limits(max_per_visitor=1))
    async with a_market(serving, promotion) as market:
        other_app = await key_for(market.client, Role.APP, "seaside")
        mine = (await market.claim(promotion, "anna")).json()
        theirs = await market.client.post(
            "/v1/coupons", json=claim_of(promotion, "anna"), headers=market.fresh(other_app)
        )
        assert theirs.status_code == 201
        hidden = await market.client.get(f"/v1/coupons/{mine['code']}", headers=other_app)
        wallet = await market.client.get("/v1/coupons?visitor_id=anna", headers=other_app)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "coupon_not_found")
    assert [item["code"] for item in wallet.json()["items"]] == [theirs.json()["code"]]


async def test_another_merchants_coupon_is_as_if_it_were_not_there(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        other = Merchant("mrc_0000000000000000", "Another")
        await market.services.store.put_merchants([other])
        till = await key_for(market.client, Role.MERCHANT, other.id)
        foreign = await market.client.get(f"/v1/coupons/{code}", headers=till)
        absent = await market.client.get(f"/v1/coupons/{new_code()}", headers=till)
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()


async def test_a_code_with_a_typo_is_said_to_be_one(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        wrong = ("0" if code[0] != "0" else "1") + code[1:]
        typo = await market.client.get(f"/v1/coupons/{wrong}", headers=market.app)
        odd = await market.client.get("/v1/coupons/U%24", headers=market.app)
    assert (typo.status_code, typo.json()["code"]) == (422, "code_invalid")
    assert (odd.status_code, odd.json()["code"]) == (422, "code_invalid")


async def test_a_wallet_is_newest_first_and_complete_page_by_page(serving: Serving) -> None:
    promotions = [a_live_promotion(f"p-{number}") for number in range(5)]
    async with a_market(serving, *promotions) as market:
        claimed = [(await market.claim(one)).json()["code"] for one in promotions]
        await market.claim(promotions[0], "bert")
        seen: list[str] = []
        url: str | None = "/v1/coupons?visitor_id=anna&limit=2"
        while url:
            answer = await market.client.get(url, headers=market.app)
            assert answer.status_code == 200, answer.text
            seen += [item["code"] for item in answer.json()["items"]]
            url = answer.links["next"]["url"] if "next" in answer.links else None
        cursor = (await market.client.get("/v1/coupons?visitor_id=anna&limit=2", headers=market.app)).json()[
            "next"
        ]
        stolen = await market.client.get(f"/v1/coupons?visitor_id=bert&cursor={cursor}", headers=market.app)
    assert sorted(seen) == sorted(claimed)
    assert seen[0] == claimed[-1] or len(set(seen)) == 5
    assert (stolen.status_code, stolen.json()["code"]) == (422, "cursor_invalid")


async def test_a_coupon_of_an_ended_promotion_has_expired(serving: Serving) -> None:
    promotion = a_live_promotion(starts_at=in_hours(-3), ends_at=in_hours(-1))
    async with a_market(serving, promotion) as market:
        code = await _claimed_then(market, promotion, in_hours(-2))
        read = await market.client.get(f"/v1/coupons/{code}", headers=market.app)
        late = await market.redeem(code)
    assert read.json()["state"] == "expired"
    assert (late.status_code, late.json()["code"]) == (409, "coupon_expired")


async def _claimed_then(market: Any, promotion: Any, when: datetime) -> str:
    """The code of a coupon that was claimed at another time."""
    claim = Claim(
        promotion_id=promotion.id,
        account="lakeside",
        visitor_key=market.services.coupons.visitor_key("anna", account="lakeside"),
        segments=frozenset(),
        at=AT,
        cell=None,
        accuracy_m=10.0,
        fix_at=when,
        code=new_code(),
        when=when,
    )
    kept = await market.services.commerce.claim(claim, once=Once("", None, b"", lambda _: b""))
    return str(kept.value.code)


async def test_only_an_app_claims(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        for role in (Role.MERCHANT, Role.PLANNER, Role.ADMIN):
            key = await key_for(market.client, role, a_merchant().id if role is Role.MERCHANT else None)
            headers = market.fresh(key)
            answer = await market.client.post("/v1/coupons", json=claim_of(promotion), headers=headers)
            assert answer.status_code == 403
        nobody = await market.client.post("/v1/coupons", json=claim_of(promotion))
    assert nobody.status_code == 401
