"""What a promotion would cover and meet, told before it is registered."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import httpx
import pyproj
import pytest
import shapely

from geo_offers.domain.circle_shapes import circle_area_m2, circle_shape
from geo_offers.domain.fence import CircleFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.polygon import area_m2
from tests.api.conftest import Serving
from tests.api.merchants import a_document, a_polygon, merchant_with_key
from tests.builders import a_district, a_promotion, a_shop, a_square, some_shops

URL = "/v1/promotions/preview"
_YESTERYEAR = datetime(2026, 2, 1, tzinfo=UTC)
_GEOD = pyproj.Geod(ellps="WGS84")


async def _preview(
    client: httpx.AsyncClient, key: dict[str, str], at: str = "", **over: Any
) -> dict[str, Any]:
    answer = await client.post(URL + at, json=a_document(**over), headers=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("lat", [0.0, 45.0, -60.0, 80.0])
@pytest.mark.parametrize("radius_m", [10.0, 1_000.0, 50_000.0])
def test_the_area_of_a_circle_is_that_of_a_polygon_with_many_corners(lat: float, radius_m: float) -> None:
    azimuths = [-k * 360 / 20_000 for k in range(20_000)]
    many = [179.99] * 20_000, [lat] * 20_000, azimuths, [radius_m] * 20_000
    lngs, lats, _ = _GEOD.fwd(*many)
    walked = abs(_GEOD.polygon_area_perimeter(lngs, lats)[0])
    circle = CircleFence(LngLat(179.99, lat), radius_m)
    # PROJ's own sum wavers by some 10 cm².
    assert circle_area_m2(circle) == pytest.approx(walked, rel=1e-7, abs=0.002)
    assert area_m2(circle_shape(circle)) == pytest.approx(walked, rel=2e-5)


async def test_a_circle_is_told_by_area_districts_and_shops(serving: Serving) -> None:
    shops = some_shops(60)  # 10 m apart to the east of lng 24.9
    inner = a_district("way/1", name="Inner", wkb=a_square(24.9, 60.17, side=0.002, hole=False))
    far = a_district("way/2", name="Far", wkb=a_square(25.9, 60.17))
    async with serving(shops, [inner, far]) as client:
        key = await merchant_with_key(client)
        fence = {"type": "circle", "center": [24.9, 60.17], "radius_m": 250}
        seen = await _preview(client, key, fence=fence)
        assert seen["faults"] == []
        assert seen["area_m2"] == pytest.approx(math.pi * 250**2, rel=1e-6)
        within = [s for s in shops if _GEOD.inv(24.9, 60.17, s.at.lng, s.at.lat)[2] <= 250]
        assert 20 < len(within) < 60
        assert seen["shops"]["count"] == len(within)
        assert [one["id"] for one in seen["shops"]["first"]] == sorted(s.id for s in within)[:20]
        (district,) = seen["districts"]
        assert (district["id"], district["name"]) == (inner.id, "Inner")
        share = area_m2(shapely.from_wkb(inner.wkb)) / (math.pi * 250**2)
        assert district["share"] == pytest.approx(share, rel=1e-4)
        assert seen["estimated_reach"] is None
        assert "events" in seen["estimated_reach_note"]
        assert seen["verdict"] is None
        assert (await client.get("/v1/promotions", headers=key)).json()["items"] == []


async def test_polygons_districts_and_rings_around_shops_are_told_as_well(serving: Serving) -> None:
    shops = [a_shop("node/1", at=LngLat(24.94, 60.17)), a_shop("node/2", at=LngLat(24.9425, 60.17))]
    district = a_district("way/1", wkb=a_square(24.94, 60.17, side=0.01))
    async with serving(shops, [district]) as client:
        key = await merchant_with_key(client)
        of_district = await _preview(client, key, fence={"type": "district", "district_id": district.id})
        assert of_district["area_m2"] == pytest.approx(area_m2(shapely.from_wkb(district.wkb)), abs=0.1)
        assert [one["share"] for one in of_district["districts"]] == [1.0]
        assert of_district["shops"]["count"] == 1  # the other stands in the hole
        box = a_polygon((24.93, 60.165), (24.941, 60.165), (24.941, 60.175), (24.93, 60.175))
        drawn = await _preview(client, key, fence=box)
        assert [one["id"] for one in drawn["shops"]["first"]] == [shops[0].id]
        named = {"fence": {"type": "around_shops", "radius_m": 100}, "shop_ids": [s.id for s in shops]}
        around = await _preview(client, key, **named)
        discs = [circle_shape(CircleFence(shop.at, 100), corners=2_000) for shop in shops]
        assert around["area_m2"] == pytest.approx(area_m2(shapely.union_all(discs)), rel=1e-4)
        assert around["area_m2"] < 2 * math.pi * 100**2
        assert around["shops"]["count"] == 2


async def test_live_promotions_that_overlap_are_counted_and_never_named(serving: Serving) -> None:
    near, far = LngLat(24.94, 60.17), LngLat(25.2, 60.17)
    theirs = [
        a_promotion("a", fence=CircleFence(near, 50), title="SECRET"),
        a_promotion(
            "b", fence=CircleFence(LngLat(24.9472, 60.17), 150)
        ),  # 400 m off: only just touches 300 m
        a_promotion("c", fence=CircleFence(far, 50)),
        a_promotion("d", fence=CircleFence(near, 50), ends_at=_YESTERYEAR),
    ]
    async with serving(promotions=theirs) as client:
        key = await merchant_with_key(client, "Fazer")
        box = a_polygon((24.939, 60.169), (24.941, 60.169), (24.941, 60.171), (24.939, 60.171))
        for fence, others in ((a_document()["fence"], 2), (box, 1)):
            seen = await client.post(URL, json=a_document(fence=fence), headers=key)
            assert seen.json()["overlapping"] == {"own": 0, "others": others}
            assert "SECRET" not in seen.text
        made = await client.post("/v1/promotions", json=a_document(status="active", fence=box), headers=key)
        assert made.status_code == 201, made.text
        fresh = key | {"X-Min-Catalog-Revision": made.headers["x-catalog-revision"]}
        both = await client.post(URL, json=a_document(), headers=fresh)
        assert both.json()["overlapping"] == {"own": 1, "others": 2}


async def test_at_a_position_every_reason_is_told(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        inside = await _preview(client, key, "?lng=24.94&lat=60.17")
        assert inside["verdict"] == {"eligible": True, "reasons": []}
        over: dict[str, Any] = {"ends_at": "2020-02-01T00:00:00Z", "audience": {"segments": ["vip"]}}
        outside = await _preview(client, key, "?lng=24.99&lat=60.17", **over)
        assert outside["verdict"] == {
            "eligible": False,
            "reasons": ["ended", "wrong_audience", "outside_fence"],
        }
        half = await client.post(f"{URL}?lng=24.9", json=a_document(), headers=key)
        assert half.status_code == 422


async def test_faults_are_told_with_place_and_proposal(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        bow = a_polygon((24.9, 60.1), (24.91, 60.11), (24.91, 60.1), (24.9, 60.11))
        seen = await _preview(client, key, fence=bow)
        (fault,) = seen["faults"]
        assert (fault["pointer"], fault["code"]) == ("/fence/geometry", "polygon_invalid")
        assert fault["at"]["lng"] == pytest.approx(24.905)
        mended = await _preview(client, key, fence={"type": "polygon", "geometry": fault["repaired"]})
        assert mended["faults"] == []
        assert [seen[name] for name in ("area_m2", "districts", "shops", "overlapping", "verdict")] == [
            None
        ] * 5
        unknown = await _preview(
            client, key, fence={"type": "district", "district_id": "dst_0000000000000000"}
        )
        assert [one["code"] for one in unknown["faults"]] == ["promotion_invalid"]


async def test_a_fence_across_the_antimeridian_is_one_area(serving: Serving) -> None:
    shops = [a_shop("node/1", at=LngLat(179.9999, 10.0)), a_shop("node/2", at=LngLat(-179.9999, 10.0))]
    async with serving(shops) as client:
        key = await merchant_with_key(client)
        for fence in (
            {"type": "circle", "center": [180.0, 10.0], "radius_m": 200},
            a_polygon((179.99, 9.99), (-179.99, 9.99), (-179.99, 10.01), (179.99, 10.01)),
        ):
            seen = await _preview(client, key, fence=fence)
            assert seen["shops"]["count"] == 2
            assert seen["area_m2"] < 6e6
