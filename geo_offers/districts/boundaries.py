"""Sets of cells become polygons: smoothed together, so that neighbours neither overlap nor part, and whole around shops.

Longitudes are unwrapped around a meridian while we work, and polygons are split at the antimeridian at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.index.cells import corner_at, corners_of, outline_of
from geo_offers.index.polygons import Polygonal

Positions = NDArray[np.float64]
_ROUNDS = 3
# About 2 mm: what is between a side of a cell on the Earth and the straight line in degrees that we draw.
_TINY = 2e-8
Lngs = TypeVar("Lngs", float, NDArray[np.float64])


def boundaries(
    areas: Sequence[NDArray[np.int64]],
    members: Sequence[NDArray[np.int64]],
    *,
    shop_cells: NDArray[np.int64],
    lngs: NDArray[np.float64],
    lats: NDArray[np.float64],
) -> list[Polygonal]:
    """A valid shape for each area, no two overlapping; longitudes are unwrapped around the shops' meridian.

    areas       cells of each, no cell in two
    members     numbers of the shops in each: its shape covers their cells whole, and enters no other shop's cell
    shop_cells  the cell of each shop, int64[n]; lngs, lats  where it is, degrees
    """
    if not areas:
        return []
    meridian = meridian_amid(lngs)
    rings, corners = _rings(areas)
    at = _smoothed(rings, np.array([_unwrapped(*corner_at(corner), meridian) for corner in corners.tolist()]))
    owner = np.full(len(shop_cells), -1)
    for number, own in enumerate(members):
        owner[own] = number
    grounds, ground_owner = _grounds(shop_cells, owner, _around(lngs, meridian), lats, meridian)
    tree = shapely.STRtree(grounds)
    return [
        _forced(_shape([at[ring] for ring in area]), number, grounds, ground_owner, tree)
        for number, area in enumerate(rings)
    ]


def split_at_antimeridian(shape: Polygonal) -> Polygonal:
    """The shape with all longitudes within [-180, 180], cut where it crosses (RFC 7946, 3.1.9)."""
    west, _, east, _ = shape.bounds
    if west >= -180 and east <= 180:
        return shape
    worlds = [
        shapely.transform(
            shapely.intersection(shape, shapely.box(-180 + turn, -90, 180 + turn, 90)),
            lambda at, turn=turn: at - (turn, 0),  # type: ignore[misc]
        )
        for turn in (-360.0, 0.0, 360.0)
    ]
    return polygonal(shapely.union_all(worlds))


def meridian_amid(lngs: NDArray[np.float64]) -> float:
    """A meridian that the longitudes lie around: the direction of their mean."""
    angles = np.radians(lngs)
    return float(np.degrees(np.arctan2(np.sin(angles).sum(), np.cos(angles).sum()))) if len(lngs) else 0.0


def polygonal(shape: shapely.Geometry) -> Polygonal:
    """The areas of a shape, valid; lines and points, which smoothing and cutting may leave, are dropped."""
    if not shapely.is_valid(shape):
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    if isinstance(shape, shapely.Polygon):
        return shape
    flat = shapely.get_parts(shapely.get_parts(shape))
    parts = [part for part in flat if isinstance(part, shapely.Polygon) and not part.is_empty]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _unwrapped(lng: float, lat: float, meridian: float) -> tuple[float, float]:
    return float(_around(lng, meridian)), lat


def _around(lng: Lngs, meridian: float) -> Lngs:
    """Longitudes as they count from a meridian, within 180 degrees of it."""
    return meridian + (lng - meridian + 180.0) % 360.0 - 180.0


def _rings(areas: Sequence[NDArray[np.int64]]) -> tuple[list[list[NDArray[np.int64]]], NDArray[np.int64]]:
    """The rings of each area as rows of corners, the area on the left, and those corners."""
    traced = [_trace(area) for area in areas]
    corners = np.unique(np.array([corner for area in traced for ring in area for corner in ring], np.int64))
    rows = [[np.searchsorted(corners, np.array(ring, np.int64)) for ring in area] for area in traced]
    return rows, corners


def _trace(area: NDArray[np.int64]) -> list[list[int]]:
    """The border of cells as rings of corners: a side between two cells of the area is walked both ways, and goes.

    Three cells meet at a corner, so at most one border side leaves it: a ring has no choice of ways.
    """
    sides: set[tuple[int, int]] = set()
    for cell in area.tolist():
        corners = corners_of(cell)
        sides.update(zip(corners, [*corners[1:], corners[0]], strict=True))
    onward = {start: end for start, end in sides if (end, start) not in sides}
    rings = []
    while onward:
        start = min(onward)
        ring = [start]
        while (end := onward.pop(ring[-1])) != start:
            ring.append(end)
        rings.append(ring)
    return rings


def _smoothed(rings: list[list[NDArray[np.int64]]], at: Positions) -> Positions:
    """The corners after each has moved half-way to the middle of its neighbours on the borders, a few times.

    Neighbours share their corners, so what one gains the other loses.
    """
    ends = [np.column_stack([ring, np.roll(ring, -1)]) for area in rings for ring in area]
    if not ends:
        return at
    links = np.unique(np.sort(np.concatenate(ends), axis=1), axis=0)
    one, other = links[:, 0], links[:, 1]
    degree = np.bincount(links.ravel(), minlength=len(at))[:, None]
    for _ in range(_ROUNDS):
        total = np.zeros_like(at)
        np.add.at(total, one, at[other])
        np.add.at(total, other, at[one])
        at = at / 2 + total / degree / 2
    return at


def _shape(rings: list[Positions]) -> Polygonal:
    drawn = np.array([shapely.Polygon(ring) for ring in rings], object)
    left = shapely.is_ccw(shapely.get_exterior_ring(drawn))
    outlines = np.array([polygonal(outline) for outline in drawn], object)
    outer = polygonal(shapely.union_all(outlines[left]))
    return polygonal(shapely.difference(outer, shapely.union_all(outlines[~left])))


def _grounds(
    shop_cells: NDArray[np.int64],
    owner: NDArray[np.int64],
    lngs: NDArray[np.float64],
    lats: NDArray[np.float64],
    meridian: float,
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The grounds of shops and whose they are: their cells, and a speck around a shop that its drawn cell misses."""
    cells, first, cell_of_shop = np.unique(shop_cells, return_index=True, return_inverse=True)
    outlines = [
        shapely.Polygon([_unwrapped(*corner, meridian) for corner in outline_of(cell)])
        for cell in cells.tolist()
    ]
    # Around a pole a cell is no polygon in degrees; what is left of it is only kept free of faults.
    drawn = np.array([polygonal(outline) for outline in outlines], object)
    missed = ~shapely.intersects_xy(drawn[cell_of_shop], lngs, lats)
    specks = shapely.box(
        lngs[missed] - _TINY, lats[missed] - _TINY, lngs[missed] + _TINY, lats[missed] + _TINY
    )
    return np.append(drawn, specks), np.append(owner[first], owner[missed])


def _forced(
    shape: Polygonal,
    number: int,
    grounds: NDArray[np.object_],
    owner: NDArray[np.int64],
    tree: shapely.STRtree,
) -> Polygonal:
    """The shape with all of its own shops' grounds, nothing of others', and no part without a shop."""
    own = grounds[owner == number]
    whole = shapely.union_all([shape, *own])
    near = tree.query(whole)
    others = shapely.union_all(grounds[near[owner[near] != number]])
    cut = shapely.get_parts(polygonal(shapely.difference(whole, others)))
    own_tree = shapely.STRtree(cut)
    kept = np.unique(own_tree.query(shapely.point_on_surface(own), predicate="intersects")[1])
    return polygonal(shapely.union_all(cut[kept]))
