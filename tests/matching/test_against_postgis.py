"""The engine's fences against PostGIS: ST_Covers, and ST_DWithin on geography; 50,000 pairs, not one may differ."""

from __future__ import annotations

import asyncio

import asyncpg
import numpy as np
import shapely

from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, PolygonFence
from geo_offers.domain.place import LngLat
from geo_offers.index.promotions import Promotions
from tests.matching.towns import GEOD, Town, a_town, positions

_CENTRES = [
    LngLat(24.94, 60.17),
    LngLat(121.47, 31.23),
    LngLat(180.0, -16.8),
    LngLat(24.0, 85.0),
    LngLat(-78.5, 0.0),
]
_POSITIONS = 230
_FENCES = 60


def _places(town: Town, seed: int) -> list[LngLat]:
    """Positions that stand clear of rims by more than two libraries of geodesics may differ (10 micrometres)."""
    index = Promotions.compiled(town.rows, town.surroundings).segments[0].index
    fences = index.fences.only(np.full(len(index), 2, np.uint8))
    kept = []
    for at in positions(town, _POSITIONS, seed):
        near = fences.around(at, 1e-5)
        if near.inside.all() and not _on_a_circle(town, at):
            kept.append(at)
    return kept


def _on_a_circle(town: Town, at: LngLat) -> bool:
    for one in town.promotions:
        match one.fence:
            case CircleFence(center, radius_m):
                rims = [(center, radius_m)]
            case AroundShopsFence(radius_m):
                rims = [(town.places.shops[shop_id], radius_m) for shop_id in one.shop_ids]
            case _:
                continue
        for centre, radius_m in rims:
            if abs(GEOD.inv(at.lng, at.lat, centre.lng, centre.lat)[2] - radius_m) < 1e-5:
                return True
    return False


async def _by_postgis(url: str, town: Town, places: list[LngLat]) -> set[tuple[int, str]]:
    """(position, promotion) pairs that PostGIS says hold."""
    shapes: list[tuple[str, bytes]] = []
    circles: list[tuple[str, float, float, float]] = []
    for one in town.promotions:
        match one.fence:
            case PolygonFence(geometry):
                shapes.append((one.id, shapely.to_wkb(geometry)))
            case DistrictFence(district_id):
                shapes.append((one.id, shapely.to_wkb(town.districts[district_id])))
            case CircleFence(center, radius_m):
                circles.append((one.id, center.lng, center.lat, radius_m))
            case AroundShopsFence(radius_m):
                shops = [town.places.shops[shop_id] for shop_id in one.shop_ids]
                circles += [(one.id, at.lng, at.lat, radius_m) for at in shops]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "CREATE TEMP TABLE shape (id text, wkb bytea);"
            "CREATE TEMP TABLE circle (id text, lng float8, lat float8, radius_m float8);"
            "CREATE TEMP TABLE place (i int, lng float8, lat float8)"
        )
        await connection.copy_records_to_table("shape", records=shapes)
        await connection.copy_records_to_table("circle", records=circles)
        numbered = [(i, at.lng, at.lat) for i, at in enumerate(places)]
        await connection.copy_records_to_table("place", records=numbered)
        rows = await connection.fetch(
            """
            SELECT i, id FROM place p JOIN shape s
                ON ST_Covers(ST_GeomFromWKB(wkb, 4326), ST_SetSRID(ST_MakePoint(p.lng, p.lat), 4326))
            UNION
            SELECT i, id FROM place p JOIN circle c
                ON ST_DWithin(ST_SetSRID(ST_MakePoint(p.lng, p.lat), 4326)::geography,
                              ST_SetSRID(ST_MakePoint(c.lng, c.lat), 4326)::geography, radius_m)
            """
        )
    finally:
        await connection.close()
    return {(row["i"], row["id"]) for row in rows}


def test_postgis_and_the_engine_agree_on_fifty_thousand_pairs(postgis_url: str) -> None:
    pairs = held = 0
    for seed, centre in enumerate(_CENTRES):
        town = a_town(seed + 50, centre, promotions=_FENCES)
        index = Promotions.compiled(town.rows, town.surroundings).segments[0].index
        places = _places(town, seed)
        lngs, lats = np.array([at.lng for at in places]), np.array([at.lat for at in places])
        starts, slots = index.fences.only(np.ones(len(index), np.uint8)).holding_many(lngs, lats)
        ours = {
            (i, index.rows[slot].id)
            for i in range(len(places))
            for slot in slots[starts[i] : starts[i + 1]].tolist()
        }
        assert ours == asyncio.run(_by_postgis(postgis_url, town, places)), centre
        pairs += len(places) * _FENCES
        held += len(ours)
    assert pairs >= 50_000
    assert held > 800
