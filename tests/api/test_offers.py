"""GET /v1/offers and POST /v1/offers/match, as a client sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import ANY

import httpx
import pyproj
import pytest

from geo_offers.domain.codes import new_code
from geo_offers.domain.coupon import Claim
from geo_offers.domain.fence import AroundShopsFence, CircleFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Audience, Promotion, Status
from geo_offers.stores.once import Once
from tests.api.conftest import Serving
from tests.builders import a_merchant, a_promotion, a_shop

AT = LngLat(24.9414, 60.1699)
MONDAY = "2026-11-23T12:00:00Z"
_GEOD = pyproj.Geod(ellps="WGS84")


def _away(metres: float, azimuth: float = 90.0) -> LngLat:
    lng, lat, _ = _GEOD.fwd(AT.lng, AT.lat, azimuth, metres)
    return LngLat(float(lng), float(lat))


async def _ask(client: httpx.AsyncClient, place: LngLat = AT, **more: Any) -> dict[str, Any]:
    answer = await client.get("/v1/offers", params={"lng": place.lng, "lat": place.lat, "at": MONDAY} | more)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _ids(answer: dict[str, Any]) -> list[str]:
    return [item["promotion_id"] for item in answer["items"]]


async def test_an_offer_has_the_shape_of_the_contract(serving: Serving) -> None:
    shop, far = a_shop("node/1", at=_away(50)), a_shop("node/2", at=_away(200))
    promotion = a_promotion(shop_ids=(far.id, shop.id))
    async with serving([shop, far], [], [promotion]) as client:
        answer = await client.get(
            "/v1/offers", params={"lng": AT.lng, "lat": AT.lat, "at": MONDAY, "lang": "zh"}
        )
    assert answer.headers["x-catalog-revision"] == "3"
    assert answer.json() == {
        "items": [
            {
                "promotion_id": promotion.id,
                "title": "两杯八折",
                "benefit": {"type": "percent_off", "basis_points": 2000},
                "merchant": {"id": a_merchant().id, "name": a_merchant().name},
                "shop": {
                    "id": shop.id, "name": "埃克贝里咖啡馆", "category": "food.cafe",
                    "lng": shop.at.lng, "lat": shop.at.lat, "open": True,
                },
                "inside": True,
                "distance_m": 50.0,
                "distance_to_fence_m": 0.0,
                "ends_at": "2027-01-01T00:00:00Z",
                "score": 58.5,
                "score_parts": {"near": 52.5, "benefit": 6.0},
                "claimable": True,
            }
        ],
        "next": None,
        "assumed": ["accuracy_m", "fix_at"],
        "degraded": [],
    }  # fmt: skip


async def test_listed_offers_are_shown_near_their_fence_and_cannot_be_claimed_there(serving: Serving) -> None:
    listed = a_promotion("listed")
    unlisted = a_promotion("unlisted", listed=False)
    async with serving([], [], [listed, unlisted]) as client:
        inside = await _ask(client)
        near = await _ask(client, _away(342.05))
        explained = await _ask(client, _away(342.05), explain="true")
        far = await _ask(client, _away(342.05), radius_m=42)
    assert set(_ids(inside)) == {listed.id, unlisted.id}
    assert _ids(near) == [listed.id]
    assert (near["items"][0]["inside"], near["items"][0]["claimable"]) == (False, False)
    assert near["items"][0]["distance_to_fence_m"] == 42.1
    assert near["items"][0]["shop"] is None
    assert _ids(far) == []
    assert explained["excluded"] == [
        {
            "promotion_id": unlisted.id,
            "reason": "outside_fence",
            "facts": {"distance_to_fence_m": 42.1, "nearest": ANY},
        }
    ]
    nearest = explained["excluded"][0]["facts"]["nearest"]
    async with serving([], [], [listed, unlisted]) as client:
        moved = await _ask(client, LngLat(nearest["lng"], nearest["lat"]))
    assert set(_ids(moved)) == {listed.id, unlisted.id}


@pytest.mark.parametrize(
    ("over", "reason", "facts"),
    [
        ({"status": Status.PAUSED}, "paused", {}),
        ({"status": Status.ENDED}, "ended", {"ended_at": "2026-11-23T12:00:00Z"}),
        ({"ends_at": datetime(2026, 11, 23, 12, tzinfo=UTC)}, "ended", {"ended_at": "2026-11-23T12:00:00Z"}),
        (
            {"starts_at": datetime(2026, 11, 23, 12, 0, 0, 1_000, tzinfo=UTC)},
            "not_started",
            {"opens_at": "2026-11-23T12:00:00.001000Z"},
        ),
        ({"hours": "Tu 09:00-12:00"}, "outside_hours", {"opens_at": "2026-11-24T07:00:00Z"}),
        ({"audience": Audience(frozenset({"vip"}))}, "wrong_audience", {}),
        ({"audience": Audience(visitors="returning")}, "wrong_audience", {}),
    ],
)
async def test_why_not(serving: Serving, over: dict[str, Any], reason: str, facts: dict[str, Any]) -> None:
    promotion = a_promotion(**over)
    async with serving([], [], [promotion]) as client:
        answer = await _ask(client, explain="true")
        assert (await _ask(client))["items"] == []
        if "opens_at" in facts:
            assert _ids(await _ask(client, at=facts["opens_at"])) == [promotion.id]
    assert answer["excluded"] == [{"promotion_id": promotion.id, "reason": reason, "facts": facts}]


async def test_a_draft_is_nobodys_to_see(serving: Serving) -> None:
    async with serving([], [], [a_promotion(status=Status.DRAFT)]) as client:
        answer = await _ask(client, explain="true")
    assert (answer["items"], answer["excluded"]) == ([], [])


async def test_an_old_or_vague_position_opens_no_fence(serving: Serving) -> None:
    listed, unlisted = a_promotion("a"), a_promotion("b", listed=False, max_accuracy_m=20)
    async with serving([], [], [listed, unlisted]) as client:
        fresh = await _ask(client, fix_at="2026-11-23T11:58:00Z", accuracy_m=20)
        stale = await _ask(client, fix_at="2026-11-23T11:57:59Z", explain="true")
        early = await _ask(client, fix_at="2026-11-23T12:02:01Z")
        vague = await _ask(client, accuracy_m=20.5, explain="true")
    assert [item["inside"] for item in fresh["items"]] == [True, True]
    assert fresh["assumed"] == []
    assert [
        (item["promotion_id"], item["inside"], item["distance_to_fence_m"]) for item in stale["items"]
    ] == [(listed.id, False, 0.0)]
    assert stale["excluded"] == [
        {"promotion_id": unlisted.id, "reason": "position_stale", "facts": {"max_age_s": 120}}
    ]
    assert [item["inside"] for item in early["items"]] == [False]
    assert [(item["promotion_id"], item["inside"]) for item in vague["items"]] == [(listed.id, True)]
    assert vague["excluded"] == [
        {"promotion_id": unlisted.id, "reason": "position_vague", "facts": {"max_accuracy_m": 20.0}}
    ]


async def test_segments_open_what_is_for_them(serving: Serving) -> None:
    promotion = a_promotion(audience=Audience(frozenset({"vip"})))
    async with serving([], [], [promotion]) as client:
        assert _ids(await _ask(client, segments="staff, vip")) == [promotion.id]
        assert _ids(await _ask(client, segments="staff")) == []


async def _claim(client: httpx.AsyncClient, promotion: Promotion, visitor_key: str) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    monday = datetime.fromisoformat(MONDAY)
    claim = Claim(
        promotion_id=promotion.id,
        account="",
        visitor_key=visitor_key,
        segments=frozenset(),
        at=AT,
        cell=None,
        accuracy_m=5.0,
        fix_at=monday,
        code=new_code(),
        when=monday,
    )
    await services.commerce.claim(claim, once=Once("", None, b"", lambda _: b""))
    await services.usage_follower.advance()


async def test_reached_limits_are_said(serving: Serving) -> None:
    promotion = a_promotion()
    async with serving([], [], [promotion]) as client:
        matching = client.app.state.services.match_offers  # type: ignore[attr-defined]
        await _claim(client, promotion, matching.visitor_key("anna"))
        anna = await _ask(client, visitor_id="anna", explain="true")
        bert = await _ask(client, visitor_id="bert")
        await matching._usage.note_redemption(promotion.id, 50_000)
        spent = await _ask(client, explain="true")
    assert anna["excluded"][0]["reason"] == "per_visitor_limit"
    assert anna["excluded"][0]["facts"] == {"max_per_visitor": 1}
    assert _ids(bert) == [promotion.id]
    assert spent["excluded"][0]["reason"] == "budget_spent"
    assert spent["excluded"][0]["facts"] == {"budget_minor": 50_000, "currency": "EUR"}


async def test_pages_are_complete_and_filters_look_at_shops(serving: Serving) -> None:
    cafe, books = a_shop("node/1", at=_away(10)), a_shop("node/2", category="hobby.books", at=_away(20))
    promotions = [
        a_promotion(
            f"p{n}", fence=CircleFence(_away(n * 10), 60.0), shop_ids=(books.id if n % 3 else cafe.id,)
        )
        for n in range(25)
    ]
    async with serving([cafe, books], [], promotions) as client:
        seen: list[str] = []
        url: str | None = f"/v1/offers?lng={AT.lng}&lat={AT.lat}&limit=4&at={MONDAY}"
        while url:
            answer = await client.get(url)
            seen += _ids(answer.json())
            url = answer.links["next"]["url"] if "next" in answer.links else None
        whole = await _ask(client, limit=100)
        food = await _ask(client, limit=100, category="food")
    assert seen == _ids(whole)
    assert len(set(seen)) == 25
    sides = [item["inside"] for item in whole["items"]]
    assert sides == sorted(sides, reverse=True)
    assert sum(sides) == 7
    assert len(_ids(food)) == 9
    assert {item["shop"]["category"] for item in food["items"]} == {"food.cafe"}


async def test_a_published_change_is_live_without_a_rebuild(serving: Serving) -> None:
    shop = a_shop(at=_away(5))
    first, second = a_promotion("one"), a_promotion("two", fence=AroundShopsFence(50.0), shop_ids=(shop.id,))
    async with serving([shop], [], [first]) as client:
        services = client.app.state.services  # type: ignore[attr-defined]
        before = services.catalog.current
        await services.store.put_promotion(second)
        assert await services.follower.advance()
        assert set(_ids(await _ask(client))) == {first.id, second.id}
        assert services.catalog.current.shops is before.shops
        await services.store.retire_promotion(first.id)
        assert await services.follower.advance()
        assert _ids(await _ask(client)) == [second.id]
        assert (await client.get("/v1/context", params={"lng": AT.lng, "lat": AT.lat})).json()[
            "offers_live"
        ] == 1


async def test_many_positions_answer_as_each_alone(serving: Serving) -> None:
    promotions = [a_promotion(f"p{n}", fence=CircleFence(_away(n * 60), 100.0)) for n in range(8)]
    places = [_away(n * 45.0, n * 40.0) for n in range(12)]
    async with serving([a_shop()], [], promotions) as client:
        answer = await client.post(
            "/v1/offers/match",
            json={
                "positions": [{"lng": at.lng, "lat": at.lat, "accuracy_m": 10} for at in places],
                "limit": 3, "radius_m": 200, "at": MONDAY, "explain": True,
            },
        )  # fmt: skip
        alone = [
            await _ask(client, at, limit=3, radius_m=200, accuracy_m=10, explain="true") for at in places
        ]
    assert answer.status_code == 200
    assert answer.json()["results"] == [{"items": one["items"], "excluded": one["excluded"]} for one in alone]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("", "/"),
        ("[]", "/"),
        ('{"positions": [{"lng": 1}]}', "/positions/0/lat"),
        ('{"positions": [{"lng": 1, "lat": 91}]}', "/positions/0/lat"),
        ('{"positions": [{"lng": NaN, "lat": 1}]}', "/positions/0/lng"),
        ('{"positions": [], "limit": 0}', "/limit"),
        ('{"positions": [], "at": "2026-01-01T00:00:00"}', "/at"),
        ('{"positions": [' + ",".join(['{"lng":1,"lat":1}'] * 1_001) + "]}", "/positions"),
    ],
)
async def test_a_bad_batch_is_refused_with_the_place_of_its_fault(
    serving: Serving, body: str, pointer: str
) -> None:
    async with serving() as client:
        answer = await client.post("/v1/offers/match", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("lat=60", "missing", "/lng"),
        ("lng=1&lat=1&radius_m=60000", "invalid_value", "/radius_m"),
        ("lng=1&lat=1&accuracy_m=-1", "invalid_value", "/accuracy_m"),
        ("lng=1&lat=1&fix_at=now", "invalid_value", "/fix_at"),
        ("lng=1&lat=1&visitor_id=", "invalid_value", "/visitor_id"),
        ("lng=1&lat=1&cursor=AA", "cursor_invalid", "/cursor"),
        ("lng=1&lat=1&category=x", "category_unknown", "/category"),
        ("lng=1&lat=1&open_now=true", "unknown_parameter", "/open_now"),
    ],
)
async def test_bad_parameters_are_refused_by_name(
    serving: Serving, query: str, code: str, pointer: str
) -> None:
    async with serving() as client:
        answer = await client.get(f"/v1/offers?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
