"""The fast lane and the app behind it give the same bytes and headers, for answers and for errors."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest

from geo_offers.domain.fence import CircleFence, DistrictFence
from geo_offers.domain.place import LngLat
from geo_offers.services.catalog import advanced_snapshot
from geo_offers.services.find_shops import ShopQuery
from geo_offers.services.match_offers import OfferQuery
from tests.api.conftest import Serving
from tests.builders import a_district, a_promotion, a_shop, some_shops
from tests.matching.towns import NOW, Town, a_town, positions

#: The app behind answers requests that name a revision; every store has had revision 0.
_BEHIND = {"X-Min-Catalog-Revision": "0"}
_HELSINKI = LngLat(24.94, 60.17)
_PLACE = "lng=24.9414&lat=60.1699"
_MOMENT = "2026-11-23T10:00:00Z"
#: The door counts every request, so no two answers have the same.
_OF_THE_DOOR = {"ratelimit", "ratelimit-policy"}
_QUERIES = [
    "",
    "&radius_m=5000&limit=7",
    "&radius_m=.5e3",
    "&limit=3&at=2026-11-23T12:00:00Z",
    "&limit=3&at=2026-11-23T12:00:00%2B02:00",
    "&limit=3&at=2026-11-23T12:00:00+02:00",
    "&category=food",
    "&category=food%2Ecafe",
    "&category=nothing",
    "&district_id=" + a_district().id,
    "&district_id=dst_nowhere",
    "&limit=0",
    "&limit=007",
    "&limit=",
    "&radius_m=0",
    "&radius_m=nan",
    "&colour=red",
    "&lng=3",
    "&cursor=x",
    "&",
    "&&",
    "&=",
    "#",
    "&at=now",
]
_OF_SHOPS = [
    "&open_now=true&at=2026-11-23T12:00:00Z",
    "&open_now=1&at=2026-11-23T12:00:00Z",
    "&open_now=maybe",
]
_OF_OFFERS = [
    "&explain=true&at=2026-11-23T12:00:00Z",
    "&lang=zh&at=2026-11-23T12:00:00Z",
    "&lang=",
    "&visitor_id=anna&segments=vip,+staff&at=2026-11-23T12:00:00Z",
    "&accuracy_m=5000&fix_at=2026-11-23T11:00:00Z&at=2026-11-23T12:00:00Z",
    "&accuracy_m=-1",
    "&visitor_id=",
    "&radius_m=60000",
]


@pytest.mark.parametrize("languages", [None, "zh-CN, en;q=0.5"])
@pytest.mark.parametrize("route", ["/v1/shops", "/v1/offers"])
async def test_both_ways_give_the_same_bytes(serving: Serving, route: str, languages: str | None) -> None:
    shops = [*some_shops(60, opening_hours="24/7"), a_shop("node/900")]
    promotions = [
        a_promotion(
            f"p{n}", fence=CircleFence(LngLat(24.93 + n / 1_000, 60.17), 200.0), shop_ids=(shops[n].id,)
        )
        for n in range(30)
    ]
    headers = {"Accept-Language": languages} if languages else {}
    compared = 0
    async with serving(shops, [a_district()], promotions) as client:
        for more in [*_QUERIES, *(_OF_SHOPS if route == "/v1/shops" else _OF_OFFERS)]:
            # Offers and opening hours of now differ from one moment to the next; their next pages keep the moment.
            compared += await _same_pages(client, f"{route}?{_PLACE}{more}", headers)
    assert compared > 30


async def _same_pages(client: httpx.AsyncClient, first: str, headers: dict[str, str]) -> int:
    """Compare a page and all that come after it; how many there were."""
    compared = 0
    url: str | None = first
    while url:
        fast = await client.get(url, headers=headers)
        slow = await client.get(url, headers=headers | _BEHIND)
        _assert_same(fast, slow, url)
        compared += 1
        url = fast.links["next"]["url"] if "next" in fast.links else None
    return compared


def _assert_same(fast: httpx.Response, slow: httpx.Response, asked: object) -> None:
    assert fast.status_code == slow.status_code, asked
    assert _without_cursor(fast.content) == _without_cursor(slow.content), asked
    assert set(fast.headers) - _OF_THE_DOOR == set(slow.headers) - _OF_THE_DOOR
    same = set(fast.headers) - {"link", "content-length", *_OF_THE_DOOR}
    assert {name: fast.headers[name] for name in same} == {name: slow.headers[name] for name in same}


def _without_cursor(body: bytes) -> bytes:
    """An answer without its cursor, which holds the moment of the question."""
    head, found, tail = body.partition(b'"next":"')
    return head + tail.partition(b'"')[2] if found else body


def _seen(town: Town, *, translated: bool) -> dict[str, Any]:
    """A town as `serving` takes it: with hours of every kind, names in one or in several languages."""
    kinds = ("24/7", "Mo 09:00-12:00", "Tu-Su 09:00-12:00", None, "by appointment")
    plain: dict[str, Any] = {} if translated else {"names": {}}
    shops = [
        a_shop(f"node/{n}", at=shop.at, opening_hours=kinds[n % len(kinds)], name=f'"{n}" \\ é', **plain)
        for n, shop in enumerate(town.shops)
    ]
    districts = [a_district(), a_district("way/2", name="Kluuvi")]
    return {"shops": shops, "districts": districts, "promotions": _promotions(town, translated=translated)}


def _promotions(town: Town, *, translated: bool, only: slice = slice(None)) -> list[Any]:
    kept = [one for one in town.promotions if not isinstance(one.fence, DistrictFence)][only]
    return kept if translated else [replace(one, title_i18n={}) for one in kept]


def _urls(town: Town, count: int, seed: int) -> list[str]:
    """Questions for offers of every kind, near rims too."""
    rng = np.random.default_rng(seed)
    more = [
        "",
        "&visitor_id=anna",
        "&accuracy_m=0",
        "&accuracy_m=20",
        "&accuracy_m=21",
        "&accuracy_m=500",
        "&fix_at=2026-11-23T09:57:59Z",
        "&fix_at=2026-11-23T09:58:00Z",
    ]
    return [
        f"/v1/offers?lng={at.lng!r}&lat={at.lat!r}&at={_MOMENT}&limit={rng.choice([1, 3, 20, 100])}"
        f"&radius_m={rng.choice([1, 300, 1_000, 3_000])}{rng.choice(more)}"
        for at in positions(town, count, seed)
    ]


@pytest.mark.parametrize("translated", [True, False])
@pytest.mark.parametrize("seed", range(3))
async def test_a_town_is_answered_the_same_both_ways(
    serving: Serving, seed: int, *, translated: bool
) -> None:
    town = a_town(seed, _HELSINKI)
    async with serving(**_seen(town, translated=translated)) as client:
        for n, url in enumerate(_urls(town, 40, seed)):
            headers = {"Accept-Language": "en-GB,zh;q=0.7"} if n % 2 else {}
            assert await _same_pages(client, url, headers) >= 1


@pytest.mark.parametrize("seed", range(2))
async def test_a_changed_town_is_answered_the_same_both_ways(serving: Serving, seed: int) -> None:
    town, other = a_town(seed, _HELSINKI), a_town(seed + 7, _HELSINKI)
    seen = _seen(town, translated=False)
    async with serving(**seen) as client:
        services = client.app.state.services  # type: ignore[attr-defined]
        base = len(services.catalog.current.promotions)
        for changed in _promotions(other, translated=False, only=slice(0, 12)):
            await services.store.put_promotion(changed)
        services.catalog.current = await advanced_snapshot(services.store, services.catalog.current)
        assert len(services.catalog.current.promotions.segments) == 2
        assert len(services.catalog.current.promotions) >= base
        for url in _urls(town, 40, seed):
            await _same_pages(client, url, {})


@pytest.mark.parametrize("translated", [True, False])
async def test_shops_of_a_town_are_answered_the_same_both_ways(serving: Serving, *, translated: bool) -> None:
    town = a_town(4, _HELSINKI)
    rng = np.random.default_rng(4)
    more = ["", "&open_now=true", "&category=food", "&category=food.cafe&open_now=true"]
    async with serving(**_seen(town, translated=translated)) as client:
        for n, at in enumerate(positions(town, 40, 4)):
            headers = {"Accept-Language": "en-GB,sv"} if n % 2 else {}
            place = f"lng={at.lng!r}&lat={at.lat!r}&at={_MOMENT}"
            asked = f"limit={rng.choice([1, 3, 20, 100])}&radius_m={rng.choice([1, 300, 3_000])}"
            await _same_pages(client, f"/v1/shops?{place}&{asked}{rng.choice(more)}", headers)


@pytest.mark.parametrize("translated", [True, False])
async def test_a_batch_is_answered_the_same_both_ways(serving: Serving, *, translated: bool) -> None:
    town = a_town(5, _HELSINKI)
    rng = np.random.default_rng(5)
    people = [{}, {}, {"visitor_id": "anna"}, {"accuracy_m": 20}, {"accuracy_m": 150.5}, {"accuracy_m": None}]
    async with serving(**_seen(town, translated=translated)) as client:
        for n, count in enumerate([1, 2, 30, 300]):
            asked = {
                "positions": [
                    {"lng": at.lng, "lat": at.lat, **people[int(rng.integers(len(people)))]}
                    for at in positions(town, count, n)
                ],
                "limit": int(rng.choice([1, 20, 100])),
                "radius_m": int(rng.choice([1, 1_000])),
                "at": _MOMENT,
            }
            headers = {"Accept-Language": "en-GB,sv"} if n % 2 else {}
            answer = await _same_batch(client, json.dumps(asked), headers)
            assert len(answer.json()["results"]) == count


async def test_what_is_asked_most_is_written_at_once(serving: Serving) -> None:
    town = a_town(6, _HELSINKI)
    async with serving(**_seen(town, translated=False)) as client:
        write = client.app.state.services.write_answers  # type: ignore[attr-defined]
        anywhere = [LngLat(24.92 + n / 1_000, 60.165) for n in range(40)]
        offers = [await write.offers(OfferQuery(at=at, when=NOW), named=True) for at in anywhere]
        assert sum(page is not None for page in offers) == len(anywhere)
        assert sum(len(page.items) for page in offers if page) > 5_000
        shops = [write.shops(ShopQuery(at=at), named=True) for at in anywhere]
        assert sum(page is not None for page in shops) == len(anywhere)


async def _same_batch(
    client: httpx.AsyncClient, body: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    fast = await client.post("/v1/offers/match", content=body, headers=headers or {})
    slow = await client.post("/v1/offers/match", content=body, headers=(headers or {}) | _BEHIND)
    _assert_same(fast, slow, body)
    return fast


_HERE = '{"lng":24.9414,"lat":60.1699}'


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '{"positions":[]}',
        '{"positions":[{}]}',
        '{"positions":[{"lng":"24.9414","lat":60}],"at":"2026-11-23T10:00:00Z"}',
        '{"positions":[{"lng":181,"lat":60}]}',
        '{"positions":[{"lng":NaN,"lat":60}]}',
        '{"positions":[{"lng":24,"lat":60,"colour":"red"}]}',
        '{"positions":[{"lng":24,"lat":60,"visitor_id":""}]}',
        '{"positions":[{"lng":24.9414,"lat":60.1699,"fix_at":"2026-11-23T09:00:00Z"}],"at":"2026-11-23T10:00:00Z"}',
        '{"positions":[{"lng":24.9414,"lat":60.1699,"visitor_id":"\\ud800"}]}',
        f'{{"positions":[{_HERE}],"limit":2.0,"at":"2026-11-23T10:00:00Z"}}',
        f'{{"positions":[{_HERE}],"limit":2.5}}',
        f'{{"positions":[{_HERE}],"limit":0}}',
        f'{{"positions":[{_HERE}],"radius_m":0}}',
        f'{{"positions":[{_HERE}],"at":"2026-11-23T10:00:00"}}',
        f'{{"positions":[{_HERE}],"at":"2026-11-23T10:00:00+02:00"}}',
        f'{{"positions":[{_HERE}],"at":"2026-11-23T24:00:00Z"}}',
        f'{{"positions":[{_HERE}],"at":1795428000}}',
        f'{{"positions":[{_HERE}],"category":"food","at":"2026-11-23T10:00:00Z"}}',
        f'{{"positions":[{_HERE}],"explain":true,"at":"2026-11-23T10:00:00Z"}}',
        f'{{"positions":[{_HERE}],"positions":[{_HERE},{_HERE}],"at":"2026-11-23T10:00:00Z"}}',
        f'{{"positions":[{",".join([_HERE] * 1_001)}]}}',
    ],
)
async def test_a_batch_that_needs_a_second_look_is_answered_the_same_both_ways(
    serving: Serving, body: str
) -> None:
    async with serving([a_shop()], [], [a_promotion(shop_ids=(a_shop().id,))]) as client:
        await _same_batch(client, body)


async def test_what_is_used_up_is_no_offer_either_way(serving: Serving) -> None:
    near, far = a_promotion("near"), a_promotion("far", shop_ids=(a_shop().id,))
    async with serving([a_shop()], [], [near, far]) as client:
        services = client.app.state.services  # type: ignore[attr-defined]
        await services.match_offers._usage.note_redemption(near.id, 50_000)
        page = await client.get(f"/v1/offers?{_PLACE}&at={_MOMENT}")
        assert [one["promotion_id"] for one in page.json()["items"]] == [far.id]
        await _same_pages(client, f"/v1/offers?{_PLACE}&at={_MOMENT}", {})
        await _same_batch(client, f'{{"positions":[{_HERE},{_HERE}],"at":"{_MOMENT}"}}')
