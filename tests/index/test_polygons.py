"""Points and polygons: containment against GEOS, distance against a walk along the border."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_offers.domain.place import LngLat
from geo_offers.index.polygons import PolygonIndex
from tests.shared_data import shared

_GEOD = pyproj.Geod(ellps="WGS84")
_CITIES = ["districts/nyc_bids.geojson", "districts/sf_community_benefit_districts.geojson"]


def shapes_of(path: str) -> np.ndarray:
    features = json.loads(shared(path).read_bytes())["features"]
    return np.array([shapely.geometry.shape(feature["geometry"]) for feature in features], object)


def positions_near_edges(
    shapes: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions exactly on vertices and edges, a rounding beside them, within 2 m, and anywhere in the bounds."""
    rings = shapely.get_rings(shapely.get_parts(shapes))
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    starts = np.flatnonzero(ring[1:] == ring[:-1])
    at = rng.choice(starts, count)
    along = rng.choice([0.0, 1.0, 0.5, 0.25, -1.0], count)
    along = np.where(along < 0, rng.random(count), along)[:, np.newaxis]
    points = coordinates[at] + along * (coordinates[at + 1] - coordinates[at])
    points += rng.normal(size=(count, 2)) * rng.choice([0.0, 1e-15, 1e-12, 1e-9, 1e-5], count)[:, np.newaxis]
    west, south, east, north = shapely.total_bounds(shapes)
    anywhere = rng.random(count) < 0.3
    points[anywhere] = rng.uniform((west, south), (east, north), (int(anywhere.sum()), 2))
    return points[:, 0].copy(), points[:, 1].copy()


def by_geos(shapes: np.ndarray, lngs: np.ndarray, lats: np.ndarray) -> list[tuple[int, int]]:
    """(position, owner) pairs, as shapely has them."""
    tree = shapely.STRtree(shapes)
    pairs = tree.query(shapely.points(lngs, lats), predicate="covered_by")
    return sorted(zip(*pairs.tolist(), strict=True))


def by_us(index: PolygonIndex, lngs: np.ndarray, lats: np.ndarray) -> list[tuple[int, int]]:
    starts, owners = index.holding_many(lngs, lats)
    return list(zip(np.repeat(np.arange(len(lngs)), np.diff(starts)).tolist(), owners.tolist(), strict=True))


@pytest.mark.parametrize("path", _CITIES)
def test_real_districts_hold_what_geos_says_they_hold(path: str) -> None:
    shapes = shapes_of(path)
    index = PolygonIndex(shapes)
    lngs, lats = positions_near_edges(shapes, 100_000, np.random.default_rng(1))
    assert by_us(index, lngs, lats) == by_geos(shapes, lngs, lats)


def test_single_questions_answer_as_the_batch_does() -> None:
    shapes = shapes_of(_CITIES[1])
    index = PolygonIndex(shapes)
    lngs, lats = positions_near_edges(shapes, 2_000, np.random.default_rng(2))
    singly = [
        (i, owner)
        for i, (lng, lat) in enumerate(zip(lngs.tolist(), lats.tolist(), strict=True))
        for owner in index.holding(LngLat(lng, lat)).tolist()
    ]
    assert singly == by_us(index, lngs, lats)


_SMALL = st.integers(0, 8).map(lambda n: n / 4)


@settings(max_examples=300)
@given(st.lists(st.lists(st.tuples(_SMALL, _SMALL), min_size=3, max_size=8), min_size=1, max_size=4))
def test_any_polygons_on_a_coarse_grid(rings: list[list[tuple[float, float]]]) -> None:
    """Collinear edges, touching rings and shared vertices, asked at every grid point and between."""
    made = [shapely.make_valid(shapely.Polygon(ring)) for ring in rings]
    shapes = [
        shape for shape in made if shape.geom_type in ("Polygon", "MultiPolygon") and not shape.is_empty
    ]
    lngs, lats = (axis.ravel() for axis in np.meshgrid(np.arange(0, 17) / 8, np.arange(0, 17) / 8))
    index = PolygonIndex(shapes)
    expected = by_geos(np.array(shapes, object), lngs, lats) if shapes else []
    assert by_us(index, lngs, lats) == expected


def test_holes_slivers_and_specks() -> None:
    shell = shapely.box(0, 0, 1, 1)
    speck = shapely.box(5, 5, 5 + 1e-9, 5 + 1e-9)
    sliver = shapely.Polygon([(2, 0), (3, 1e-12), (3, 0)])
    ring = shell.difference(shapely.box(0.4, 0.4, 0.6, 0.6))
    index = PolygonIndex([ring, speck, sliver, shapely.MultiPolygon([speck, shapely.box(7, 7, 8, 8)])])
    assert index.holding(LngLat(0.5, 0.5)).tolist() == []
    assert index.holding(LngLat(0.4, 0.5)).tolist() == [0]
    assert index.holding(LngLat(0, 0)).tolist() == [0]
    assert index.holding(LngLat(5, 5)).tolist() == [1, 3]
    assert index.holding(LngLat(2.5, 1e-13)).tolist() == [2]
    assert index.holding(LngLat(2.5, 6e-13)).tolist() == []
    assert index.holding(LngLat(8, 8)).tolist() == [3]
    assert PolygonIndex([]).holding(LngLat(0, 0)).tolist() == []


def _walked_m(shape: shapely.Polygon, at: LngLat) -> float:
    """The shortest geodesic to 4,000 points on each edge of a border."""
    along = np.linspace(0, 1, 4_000)[:, np.newaxis]
    nearest = np.inf
    for ring in [shape.exterior, *shape.interiors]:
        corners = shapely.get_coordinates(ring)
        for a, b in pairwise(corners):
            points = a + along * (b - a)
            n = len(points)
            metres = _GEOD.inv(np.full(n, at.lng), np.full(n, at.lat), points[:, 0], points[:, 1])[2]
            nearest = min(nearest, float(np.min(metres)))
    return nearest


@pytest.mark.parametrize("lat", [0.0, 31.2, -60.0, 84.9])
@pytest.mark.parametrize("size", [0.0005, 0.01, 1.0])
def test_the_distance_to_a_border_is_what_walking_along_it_gives(lat: float, size: float) -> None:
    rng = np.random.default_rng(int(abs(lat) * 10 + size * 1e4))
    for _ in range(6):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
        radii = rng.uniform(0.3, 1, 7) * size
        shape = shapely.Polygon(np.c_[20 + radii * np.cos(angles), lat + radii * np.sin(angles)])
        index = PolygonIndex([shape])
        for lng_off, lat_off in rng.uniform(-3, 3, (6, 2)) * size:
            at = LngLat(20 + float(lng_off), lat + float(lat_off))
            walked = _walked_m(shape, at)
            border = index.nearest_on_border(0, at)
            found = _GEOD.inv(at.lng, at.lat, border.lng, border.lat)[2]
            steps_m = size * 6 * 111_320 / 4_000
            assert found <= walked + 1e-6
            assert found >= walked - steps_m
            expected = 0.0 if shapely.covers(shape, shapely.Point(at.lng, at.lat)) else found
            assert index.distance_m(0, at) == expected
