"""The fast lane and the app behind it give the same bytes and headers, for answers and for errors."""

from __future__ import annotations

import pytest

from geo_offers.domain.fence import CircleFence
from geo_offers.domain.place import LngLat
from tests.api.conftest import Serving
from tests.builders import a_district, a_promotion, a_shop, some_shops

#: The app behind answers requests that name a revision; every store has had revision 0.
_BEHIND = {"X-Min-Catalog-Revision": "0"}
_PLACE = "lng=24.9414&lat=60.1699"
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
            url: str | None = f"{route}?{_PLACE}{more}"
            while url:
                fast = await client.get(url, headers=headers)
                slow = await client.get(url, headers=headers | _BEHIND)
                assert fast.status_code == slow.status_code, url
                assert _without_cursor(fast.content) == _without_cursor(slow.content), url
                assert set(fast.headers) == set(slow.headers)
                same = set(fast.headers) - {"link", "content-length"}
                assert {name: fast.headers[name] for name in same} == {
                    name: slow.headers[name] for name in same
                }
                compared += 1
                url = fast.links["next"]["url"] if "next" in fast.links else None
    assert compared > 30


def _without_cursor(body: bytes) -> bytes:
    """An answer without its cursor, which holds the moment of the question."""
    head, found, tail = body.partition(b'"next":"')
    return head + tail.partition(b'"')[2] if found else body
