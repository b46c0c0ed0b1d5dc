"""Membership as PostGIS has it: New York's districts, positions on and near their edges, not one difference."""

from __future__ import annotations

import asyncio

import asyncpg
import numpy as np
import shapely

from geo_offers.index.polygons import PolygonIndex
from tests.index.test_polygons import by_us, shapes_of


async def _by_postgis(
    url: str, shapes: np.ndarray, lngs: np.ndarray, lats: np.ndarray
) -> list[tuple[int, int]]:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "CREATE TEMP TABLE district (n int, wkb bytea); CREATE TEMP TABLE place (i int, lng float8, lat float8)"
        )
        await connection.copy_records_to_table("district", records=list(enumerate(shapely.to_wkb(shapes))))
        numbered = zip(range(len(lngs)), lngs.tolist(), lats.tolist(), strict=True)
        await connection.copy_records_to_table("place", records=list(numbered))
        rows = await connection.fetch(
            """
            SELECT i, n FROM (SELECT n, ST_GeomFromWKB(wkb, 4326) AS geom FROM district) d
            JOIN place ON ST_Covers(geom, ST_SetSRID(ST_MakePoint(lng, lat), 4326)) ORDER BY i, n
            """
        )
    finally:
        await connection.close()
    return [(row["i"], row["n"]) for row in rows]


def test_memberships_of_new_york_are_those_of_postgis(postgis_url: str) -> None:
    shapes = shapes_of("districts/nyc_bids.geojson")
    rng = np.random.default_rng(11)
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapes)), return_index=True)
    starts = rng.choice(np.flatnonzero(ring[1:] == ring[:-1]), 20_000)
    on_edges = corners[starts] + rng.random((20_000, 1)) * (corners[starts + 1] - corners[starts])
    # Within 2 m of an edge, and exactly on corners; PostGIS itself rounds on the middle of an edge.
    points = np.vstack([on_edges + rng.normal(scale=1e-5, size=on_edges.shape), corners[starts[:5_000]]])
    lngs, lats = points[:, 0].copy(), points[:, 1].copy()
    ours = by_us(PolygonIndex(shapes), lngs, lats)
    assert len(ours) > 10_000
    assert ours == asyncio.run(_by_postgis(postgis_url, shapes, lngs, lats))
