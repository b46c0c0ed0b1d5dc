"""GET /v1/districts, /{id} and /{id}/shops, as a client sees them."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest
import shapely

from geo_offers.domain.place import District, LngLat, Shop
from tests.api.conftest import Serving
from tests.builders import a_district, a_shop, a_square


def _town() -> tuple[list[Shop], list[District]]:
    """A quarter with a street in it, and a neighbour 111 m to its east that touches neither."""
    quarter = a_district(
        "way/1", name="Kamppi", names={"zh": "坎皮"}, wkb=a_square(24.94, 60.17, side=0.02, hole=False)
    )
    street = a_district(
        "way/2",
        name="Bulevardi",
        names={},
        parent_id=quarter.id,
        wkb=a_square(24.94, 60.17, side=0.002, hole=False),
    )
    beside = a_district(
        "way/3", name="Étoile", names={}, facts={}, wkb=a_square(24.962, 60.17, side=0.02, hole=False)
    )
    shops = [
        a_shop("node/1", name="B café", at=LngLat(24.94, 60.17)),
        a_shop("node/2", name="a café", at=LngLat(24.9401, 60.17)),
        a_shop("node/3", name="Books", category="hobby.books", at=LngLat(24.945, 60.17), opening_hours=None),
        a_shop("node/4", name="Night", opening_hours="Mo-Su 22:00-02:00", at=LngLat(24.946, 60.17)),
        a_shop("node/5", name="Away", at=LngLat(24.99, 60.17)),
    ]
    return shops, [quarter, street, beside]


def _names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def test_a_district_has_a_character(serving: Serving) -> None:
    shops, districts = _town()
    quarter, street, beside = districts
    async with serving(shops, districts) as client:
        answer = await client.get(
            f"/v1/districts/{quarter.id}?at=2026-11-23T12:00:00Z", headers={"Accept-Language": "zh"}
        )
    body = answer.json()
    assert answer.headers["x-catalog-revision"] == str(len(shops) + len(districts))
    opening = body.pop("opening")
    assert body == {
        "id": quarter.id,
        "name": "坎皮",
        "names": {"zh": "坎皮"},
        "kind": "official",
        "parent_id": None,
        "child_ids": [street.id],
        "geometry": {"type": "Polygon", "coordinates": ANY},
        "bbox": pytest.approx([24.93, 60.16, 24.95, 60.18]),
        "centre": pytest.approx([24.94, 60.17]),
        "area_m2": pytest.approx(2_474_000, rel=1e-3),
        "distance_m": None,
        "shop_count": 4,
        "categories": {"food.cafe": 3, "hobby.books": 1},
        "rank": "local",
        "level": None,
        "primary_categories": ["food"],
        "source": {"provider": "osm", "id": "way/1", "licence": "ODbL-1.0"},
        "diversity": {"effective_categories": 1.75, "evenness": 0.811},
        "neighbours": [{"id": beside.id, "name": "Étoile", "distance_m": 111}],
        "made_with": None,
    }
    assert shapely.equals_exact(shapely.geometry.shape(body["geometry"]), shapely.from_wkb(quarter.wkb))
    assert (opening["week_from"], opening["time_zone"], opening["known"]) == (
        "2026-11-23",
        "Europe/Helsinki",
        3,
    )
    by_day = [opening["open"][day * 24 : day * 24 + 24] for day in range(7)]
    # From half past seven: the hour from seven on counts, for half of it is open.
    assert by_day[0] == [1, 1, *[0] * 5, *[2] * 12, *[0] * 3, 1, 1]
    assert by_day[6] == [1, 1, *[0] * 20, 1, 1]


async def test_lists_by_box_place_and_name(serving: Serving) -> None:
    shops, districts = _town()
    by_id = [one.name for one in sorted(districts, key=lambda one: one.id)]
    async with serving(shops, districts) as client:
        assert _names(await client.get("/v1/districts")) == by_id
        assert _names(await client.get("/v1/districts?bbox=24.9,60.1,24.9301,60.2")) == ["Kamppi"]
        assert _names(await client.get("/v1/districts?bbox=170,-10,-170,10")) == []
        assert _names(await client.get("/v1/districts?q=etoile")) == ["Étoile"]
        assert _names(await client.get("/v1/districts?q=坎")) == ["Kamppi"]
        assert _names(await client.get("/v1/districts?q=ＢＵＬＥ")) == ["Bulevardi"]
        near = await client.get("/v1/districts?near=24.9516,60.17")
    assert [(item["name"], item["distance_m"]) for item in near.json()["items"]] == [
        ("Étoile", pytest.approx(22.2, abs=0.1)),
        ("Kamppi", pytest.approx(88.8, abs=0.1)),
        ("Bulevardi", pytest.approx(588.6, abs=0.5)),
    ]
    assert [item["geometry"] for item in near.json()["items"]] == [None, None, None]


@pytest.mark.parametrize("question", ["", "&near=24.94,60.17", "&bbox=20,60,30,61", "&q=district"])
async def test_pages_of_districts_are_complete(serving: Serving, question: str) -> None:
    districts = [
        a_district(f"way/{n}", name=f"District {n}", wkb=a_square(24.9 + n % 4 / 100, 60.17))
        for n in range(23)
    ]
    seen: list[str] = []
    async with serving([], districts) as client:
        url: str | None = f"/v1/districts?limit=5{question}"
        while url:
            answer = await client.get(url)
            seen += [item["id"] for item in answer.json()["items"]]
            url = answer.links["next"]["url"] if "next" in answer.links else None
    assert len(seen) == len(set(seen)) == 23


async def test_the_directory_is_by_category_then_name_and_complete(serving: Serving) -> None:
    shops, districts = _town()
    async with serving(shops, districts) as client:
        route = f"/v1/districts/{districts[0].id}/shops"
        whole = await client.get(route)
        cafes = await client.get(route, params={"category": "food"})
        pages: list[str] = []
        url: str | None = f"{route}?limit=1"
        while url:
            answer = await client.get(url)
            pages += _names(answer)
            url = answer.links["next"]["url"] if "next" in answer.links else None
    assert _names(whole) == pages == ["a café", "B café", "Night", "Books"]
    assert whole.json()["categories"] == {"food.cafe": 3, "hobby.books": 1}
    assert cafes.json()["categories"] == {"food.cafe": 3}


async def test_simplified_polygons_are_smaller_and_stay_near(serving: Serving) -> None:
    ring = shapely.Point(24.94, 60.17).buffer(0.01, quad_segs=64)
    district = a_district(wkb=shapely.to_wkb(ring))
    async with serving([], [district]) as client:
        exact = (await client.get(f"/v1/districts/{district.id}")).json()["geometry"]
        rough = (await client.get(f"/v1/districts/{district.id}?simplify_m=20")).json()["geometry"]
        listed = (await client.get("/v1/districts?geometry=true&simplify_m=20")).json()["items"][0][
            "geometry"
        ]
    assert len(exact["coordinates"][0]) == 257
    assert len(rough["coordinates"][0]) < 40
    assert rough == listed
    simplified = shapely.geometry.shape(rough)
    assert shapely.is_valid(simplified)
    plane = [shapely.transform(shape, lambda xy: xy * [55_300, 111_195]) for shape in (simplified, ring)]
    assert shapely.hausdorff_distance(*plane) < 21


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("bbox=1,2,3", "invalid_value", "/bbox"),
        ("bbox=1,2,3,x", "invalid_value", "/bbox"),
        ("bbox=1,2,3,nan", "invalid_value", "/bbox"),
        ("bbox=1,5,3,4", "invalid_value", "/bbox"),
        ("bbox=1,5,3,91", "invalid_value", "/bbox"),
        ("near=60", "invalid_value", "/near"),
        ("near=10,91", "invalid_value", "/near"),
        ("q=", "invalid_value", "/q"),
        ("simplify_m=-1", "invalid_value", "/simplify_m"),
        ("cursor=x", "cursor_invalid", "/cursor"),
        ("name=x", "unknown_parameter", "/name"),
    ],
)
async def test_bad_parameters_are_refused_by_name(
    serving: Serving, query: str, code: str, pointer: str
) -> None:
    async with serving() as client:
        answer = await client.get(f"/v1/districts?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_an_unknown_district_is_404(serving: Serving) -> None:
    async with serving() as client:
        for route in ("/v1/districts/dst_0", "/v1/districts/dst_0/shops"):
            answer = await client.get(route)
            assert (answer.status_code, answer.json()["code"]) == (404, "district_not_found")
