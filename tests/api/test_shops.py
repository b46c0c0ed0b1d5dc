"""GET /v1/shops, /v1/shops/{id} and /v1/context, as a client sees them."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import h3
import httpx
import numpy as np
import pytest

from geo_offers.domain.place import LngLat
from geo_offers.services.cursors import Cursor
from geo_offers.services.find_shops import ShopQuery
from tests import oracle
from tests.api.conftest import Serving
from tests.builders import a_district, a_shop, a_square, some_shops

HERE = {"lng": "24.9414", "lat": "60.1699"}
OPEN_MONDAY = "2026-11-23T12:00:00+02:00"


def _problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    document: dict[str, object] = answer.json()
    assert document["code"] == code
    assert document["status"] == status
    assert document["type"] == f"urn:geo-offers:problem:{code}"
    return document


async def test_an_item_has_the_shape_of_the_contract(serving: Serving) -> None:
    shop = a_shop(at=LngLat(24.9414, 60.1700))
    async with serving([shop], [a_district(wkb=a_square(24.9414, 60.17, hole=False))]) as client:
        answer = await client.get("/v1/shops", params=HERE | {"at": OPEN_MONDAY})
    assert answer.status_code == 200
    assert answer.headers["x-catalog-revision"] == "2"
    assert answer.json() == {
        "items": [
            {
                "id": shop.id,
                "name": "Café Ekberg",
                "category": "food.cafe",
                "lng": 24.9414,
                "lat": 60.17,
                "distance_m": 11.14,
                "open": True,
                "opening_hours": "Mo-Fr 07:30-19:00; Sa 08:30-17:00",
                "address": "Bulevardi 9",
                "brand": "Ekberg",
                "district_ids": [a_district().id],
                "source": {"provider": "osm", "id": "node/1", "licence": "ODbL-1.0"},
            }
        ],
        "next": None,
    }


async def test_shops_come_nearest_first_and_within_the_radius(serving: Serving) -> None:
    shops = some_shops(60)
    async with serving(shops) as client:
        answer = await client.get(
            "/v1/shops", params={"lng": 24.9051, "lat": 60.1702, "radius_m": 150, "limit": 100}
        )
    items = answer.json()["items"]
    distances = {shop.id: float(oracle.geodesics_m(24.9051, 60.1702, *_arrays(shop.at))[0]) for shop in shops}
    expected = sorted((metres, shop_id) for shop_id, metres in distances.items() if metres <= 150)
    assert [item["id"] for item in items] == [shop_id for _, shop_id in expected]
    assert [item["distance_m"] for item in items] == [round(metres, 2) for metres, _ in expected]


def _arrays(at: LngLat) -> tuple[np.ndarray, np.ndarray]:
    return np.array([at.lng]), np.array([at.lat])


async def test_following_next_gives_every_shop_once(serving: Serving) -> None:
    shops = [*some_shops(45), *(a_shop(f"node/{n}", at=LngLat(24.9001, 60.17)) for n in range(900, 930))]
    seen: list[str] = []
    async with serving(shops) as client:
        url: str | None = "/v1/shops?lng=24.9&lat=60.17&radius_m=5000&limit=7"
        while url:
            answer = await client.get(url)
            body = answer.json()
            seen += [item["id"] for item in body["items"]]
            link = answer.links.get("next")
            assert (link is None) == (body["next"] is None)
            url = link["url"] if link else None
    assert len(seen) == len(set(seen)) == 75
    assert set(seen) == {shop.id for shop in shops}


async def test_pages_stay_whole_when_shops_come_and_go_between_them(serving: Serving) -> None:
    async with serving(some_shops(30)) as client:
        first = (await client.get("/v1/shops?lng=24.9&lat=60.17&radius_m=5000&limit=10")).json()
        services = client.app.state.services  # type: ignore[attr-defined]
        await services.store.retire_shop(first["items"][-1]["id"])  # the one the cursor stands on
        await services.store.put_shops(
            [a_shop("node/500", at=LngLat(24.8999, 60.17))]
        )  # nearer than the cursor
        assert await services.follower.advance()
        second = (
            await client.get(f"/v1/shops?lng=24.9&lat=60.17&radius_m=5000&limit=100&cursor={first['next']}")
        ).json()
    assert [item["source"]["id"] for item in second["items"]] == [f"node/{n}" for n in range(10, 30)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("food.cafe", ["node/1", "node/2"]),
        ("food", ["node/1", "node/2", "node/3"]),
        ("health.pharmacy", ["node/4"]),
    ],
)
async def test_a_category_filters_and_a_group_takes_its_leaves(
    serving: Serving, asked: str, found: list[str]
) -> None:
    leaves = ["food.cafe", "food.cafe", "food.restaurant", "health.pharmacy"]
    shops = [
        a_shop(f"node/{n}", category=leaf, at=LngLat(24.9414 + n / 1e4, 60.17))
        for n, leaf in enumerate(leaves, 1)
    ]
    async with serving(shops) as client:
        items = (await client.get("/v1/shops", params=HERE | {"category": asked})).json()["items"]
    assert [item["source"]["id"] for item in items] == found


async def test_open_now_leaves_out_closed_and_unknown(serving: Serving) -> None:
    hours = ["Mo-Fr 09:00-18:00", "Sa 09:00-18:00", None, "Mo-Su 11:00-02:00", "no idea"]
    shops = [
        a_shop(f"node/{n}", opening_hours=text, at=LngLat(24.9414 + n / 1e4, 60.17))
        for n, text in enumerate(hours)
    ]
    async with serving(shops) as client:
        everything = (await client.get("/v1/shops", params=HERE | {"at": OPEN_MONDAY})).json()["items"]
        open_only = (
            await client.get("/v1/shops", params=HERE | {"at": OPEN_MONDAY, "open_now": "true"})
        ).json()["items"]
        at_night = (
            await client.get(
                "/v1/shops", params=HERE | {"at": "2026-11-24T01:59:00+02:00", "open_now": "true"}
            )
        ).json()["items"]
    assert [item["open"] for item in everything] == [True, False, None, True, None]
    assert [item["source"]["id"] for item in open_only] == ["node/0", "node/3"]
    assert [item["source"]["id"] for item in at_night] == ["node/3"]


async def test_a_time_whose_plus_sign_was_not_escaped_is_understood(serving: Serving) -> None:
    async with serving([a_shop()]) as client:
        answer = await client.get(f"/v1/shops?lng=24.94&lat=60.17&at={OPEN_MONDAY}")
    assert answer.json()["items"][0]["open"] is True


async def test_a_district_filters_by_containment(serving: Serving) -> None:
    inside = a_shop("node/1", at=LngLat(24.9445, 60.1745))
    on_the_rim = a_shop("node/2", at=LngLat(24.945, 60.17))
    in_the_hole = a_shop("node/3", at=LngLat(24.94, 60.17))
    async with serving([inside, on_the_rim, in_the_hole], [a_district()]) as client:
        params = {"lng": 24.94, "lat": 60.17, "district_id": a_district().id}
        items = (await client.get("/v1/shops", params=params)).json()["items"]
        nowhere = await client.get("/v1/shops", params=params | {"district_id": "dst_0000000000000000"})
    assert [item["source"]["id"] for item in items] == ["node/2", "node/1"]
    _problem(nowhere, 404, "district_not_found")


async def test_names_follow_accept_language(serving: Serving) -> None:
    names = {"zh-Hans": "咖啡馆", "zh-Hant": "咖啡館", "ja": "カフェ", "sv": "Kafé"}
    async with serving([a_shop(name="Kahvila", names=names)]) as client:
        answers = {
            header: (await client.get("/v1/shops", params=HERE, headers={"Accept-Language": header})).json()
            for header in ("zh-CN", "zh-TW, en;q=0.5", "de;q=0.9, ja;q=0.2", "fi", "*", "ja;q=0, sv", ";;=,")
        }
    assert {header: answer["items"][0]["name"] for header, answer in answers.items()} == {
        "zh-CN": "咖啡馆",
        "zh-TW, en;q=0.5": "咖啡館",
        "de;q=0.9, ja;q=0.2": "カフェ",
        "fi": "Kahvila",
        "*": "Kahvila",
        "ja;q=0, sv": "Kafé",
        ";;=,": "Kahvila",
    }


async def test_one_shop_tells_all_its_names(serving: Serving) -> None:
    shop = a_shop()
    async with serving([shop]) as client:
        answer = await client.get(f"/v1/shops/{shop.id}", params={"at": OPEN_MONDAY})
        missing = await client.get("/v1/shops/shp_0000000000000000")
        odd = await client.get("/v1/shops/%F0%9F%8D%9C")
    body = answer.json()
    assert body["names"] == {"sv": "Kafé Ekberg", "zh": "埃克贝里咖啡馆"}
    assert (body["open"], body["distance_m"], body["time_zone"], body["country"]) == (
        True, None, "Europe/Helsinki", "FI",
    )  # fmt: skip
    _problem(missing, 404, "shop_not_found")
    _problem(odd, 404, "shop_not_found")


async def test_context_says_where_a_position_is(serving: Serving) -> None:
    outer = a_district("way/1", wkb=a_square(24.9414, 60.1699, side=0.02, hole=False), names={"zh": "大区"})
    inner = a_district("way/2", name="Old Market", wkb=a_square(24.9414, 60.1699, side=0.01, hole=False))
    shops = [a_shop("node/1"), a_shop("node/2", at=LngLat(24.9414, 60.19))]
    async with serving(shops, [outer, inner]) as client:
        here = await client.get("/v1/context", params=HERE, headers={"Accept-Language": "zh"})
        away = await client.get("/v1/context", params={"lng": 180, "lat": -90})
    assert here.json() == {
        "districts": [
            {"id": inner.id, "name": "坎皮", "kind": "official"},
            {"id": outer.id, "name": "大区", "kind": "official"},
        ],
        "cell": h3.latlng_to_cell(60.1699, 24.9414, 11),
        "shops_nearby": 1,
        "offers_live": 0,
    }
    assert away.json() == {
        "districts": [],
        "cell": h3.latlng_to_cell(-90, 180, 11),
        "shops_nearby": 0,
        "offers_live": 0,
    }


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("lat=60.17", "missing", "/lng"),
        ("lng=24.9&lat=91", "invalid_value", "/lat"),
        ("lng=nan&lat=60", "invalid_value", "/lng"),
        ("lng=inf&lat=60", "invalid_value", "/lng"),
        ("lng=abc&lat=60", "invalid_value", "/lng"),
        ("lng=181&lat=60", "invalid_value", "/lng"),
        ("lng=24_0&lat=60", "invalid_value", "/lng"),
        ("lng=٢٤&lat=60", "invalid_value", "/lng"),
        ("lng=%2024&lat=60", "invalid_value", "/lng"),
        ("lng=24.9&lat=60&colour=red", "unknown_parameter", "/colour"),
        ("lng=24.9&lat=60&lng=25", "repeated_parameter", "/lng"),
        ("lng=24.9&lat=60&limit=0", "invalid_value", "/limit"),
        ("lng=24.9&lat=60&limit=101", "invalid_value", "/limit"),
        ("lng=24.9&lat=60&radius_m=0", "invalid_value", "/radius_m"),
        ("lng=24.9&lat=60&radius_m=1e9", "invalid_value", "/radius_m"),
        ("lng=24.9&lat=60&at=yesterday", "invalid_value", "/at"),
        ("lng=24.9&lat=60&at=2026-11-23T12:00:00", "invalid_value", "/at"),
        ("lng=24.9&lat=60&at=2026-13-23T12:00:00Z", "invalid_value", "/at"),
        ("lng=24.9&lat=60&at=0001-01-01T00:00:00%2B14:00", "invalid_value", "/at"),
        ("lng=24.9&lat=60&at=1764000000", "invalid_value", "/at"),
        ("lng=24.9&lat=60&open_now=perhaps", "invalid_value", "/open_now"),
        ("lng=24.9&lat=60&category=food.caffe", "category_unknown", "/category"),
        ("lng=24.9&lat=60&cursor=%00", "cursor_invalid", "/cursor"),
        ("lng=24.9&lat=60&cursor=AAAA", "cursor_invalid", "/cursor"),
        ("lng=24.9&lat=60&cursor=" + "A" * 2_000, "cursor_invalid", "/cursor"),
    ],
)
async def test_bad_parameters_are_refused_by_name(
    serving: Serving, query: str, code: str, pointer: str
) -> None:
    async with serving([a_shop()]) as client:
        problem = _problem(await client.get(f"/v1/shops?{query}"), 422, code)
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]  # type: ignore[index,attr-defined]


async def test_a_cursor_continues_only_its_own_question(serving: Serving) -> None:
    async with serving(some_shops(5)) as client:
        cursor = (await client.get("/v1/shops?lng=24.9&lat=60.17&limit=2")).json()["next"]
        other = await client.get(f"/v1/shops?lng=24.91&lat=60.17&limit=2&cursor={cursor}")
    _problem(other, 422, "cursor_invalid")


async def test_what_is_not_there_is_a_problem_document_too(serving: Serving) -> None:
    async with serving() as client:
        _problem(await client.get("/v1/nothing"), 404, "no_such_route")
        _problem(await client.post("/v1/context"), 405, "method_not_allowed")
        _problem(await client.get("/v1/shops/" + quote("'; DROP TABLE shops; --")), 404, "shop_not_found")


async def test_an_empty_store_answers(serving: Serving) -> None:
    async with serving() as client:
        assert (await client.get("/v1/shops", params=HERE)).json() == {"items": [], "next": None}
        assert (await client.get("/readyz")).json() == {
            "status": "ready", "catalog_revision": 0, "shops": 0, "districts": 0, "quarantined": [], "behind": None,
                "keys_behind": None, "usage_behind": None, "redis": None,
        }  # fmt: skip
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_imports_go_live_without_a_restart(serving: Serving) -> None:
    async with serving() as client:
        services = client.app.state.services  # type: ignore[attr-defined]
        await services.store.put_shops([a_shop()])
        assert await services.follower.advance()
        assert not await services.follower.advance()
        assert len((await client.get("/v1/shops", params=HERE)).json()["items"]) == 1


async def test_the_default_radius_and_the_same_one_written_out_are_one_question(serving: Serving) -> None:
    async with serving(some_shops(5)) as client:
        cursor = (await client.get("/v1/shops?lng=24.9&lat=60.17&limit=2")).json()["next"]
        answer = await client.get(f"/v1/shops?lng=24.9&lat=60.17&limit=2&radius_m=1000&cursor={cursor}")
    assert len(answer.json()["items"]) == 2


async def test_ids_and_cursors_of_any_length_cost_nothing(serving: Serving) -> None:
    async with serving(some_shops(3)) as client:
        _problem(await client.get("/v1/shops/" + "a" * 60_000), 404, "shop_not_found")
        question = ShopQuery(at=LngLat(24.9, 60.17))
        forged = Cursor(1.0, "z" * 300, datetime(2026, 1, 1, tzinfo=UTC)).written(question.facts())
        _problem(await client.get(f"/v1/shops?lng=24.9&lat=60.17&cursor={forged}"), 422, "cursor_invalid")


async def test_many_parameters_are_refused_at_once(serving: Serving) -> None:
    async with serving() as client:
        answer = await client.get("/v1/shops?" + "&".join(f"p{n}" for n in range(5_000)))
    _problem(answer, 422, "invalid_input")
    assert len(answer.content) < 1_000


async def test_head_is_get_without_its_body(serving: Serving) -> None:
    async with serving([a_shop()]) as client:
        for route in ("/healthz", "/v1/shops?lng=24.94&lat=60.17", "/v1/shops/none"):
            get, head = await client.get(route), await client.head(route)
            assert (head.status_code, head.content) == (get.status_code, b"")
            assert head.headers["content-length"] == get.headers["content-length"]


async def test_a_row_that_cannot_be_read_is_set_aside_and_the_rest_goes_live(
    serving: Serving, tmp_path: Path
) -> None:
    async with serving([a_shop()]) as client:
        with sqlite3.connect(tmp_path / "store.sqlite3") as store:
            store.execute("UPDATE shops SET category = 'food.of_tomorrow'")
        services = client.app.state.services  # type: ignore[attr-defined]
        await services.store.put_shops([a_shop("node/2")])
        assert await services.follower.advance()
        items = (await client.get("/v1/shops", params=HERE)).json()["items"]
        ready = (await client.get("/readyz")).json()
    assert [item["source"]["id"] for item in items] == ["node/2"]
    assert ready["quarantined"] == [a_shop().id]
