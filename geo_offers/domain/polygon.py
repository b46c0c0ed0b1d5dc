"""The one check of polygons, for districts that are imported and fences that merchants draw; their area and box.

Positions are lng/lat in degrees, WGS 84, and edges are straight lines in lng/lat (RFC 7946, 3.1.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from geo_offers.domain.errors import PolygonInvalid
from geo_offers.domain.polygon_faults import fault_of
from geo_offers.domain.polygon_rings import (
    Part,
    drawable,
    parts_of,
    require_area,
    require_on_earth,
    require_rings,
)
from geo_offers.domain.unwrapping import split_at_antimeridian, unwrapped

Polygonal = shapely.Polygon | shapely.MultiPolygon

_WGS84 = pyproj.Geod(ellps="WGS84")
_LONGEST_EDGE_DEGREES = 0.1  # the geodesic then leaves the straight line in lng/lat by less than 2 m


class Bounds(NamedTuple):
    """The box around a polygon, degrees; west > east when it lies across the antimeridian (RFC 7946, 5.2)."""

    west: float
    south: float
    east: float
    north: float


def checked_polygon(shape: BaseGeometry | Mapping[str, Any]) -> Polygonal:
    """The polygon as we keep it: valid, two-dimensional, outer rings turning left, split at the antimeridian.

    shape  a shapely geometry, or a GeoJSON geometry as decoded JSON

    A polygon crosses the antimeridian when its longitudes go past 180 (to 360 at most) or when an edge is
    longer than 180 degrees, for then the short way round is meant. One that does not cross comes back with
    the same numbers; it may lie in parts on both sides already.

    Raises PolygonInvalid; its `repaired` passes this check and is a proposal, nothing else.
    """
    parts = parts_of(shape)
    several = _is_multi(shape)
    try:
        return _accepted([_part(part) for part in parts], several=several)
    except PolygonInvalid as fault:
        fault.repaired = _repaired(parts)
        raise


def area_m2(polygon: Polygonal) -> float:
    """The area on the WGS 84 ellipsoid, square metres, holes left out, whichever way the rings turn.

    Edges are followed as straight lines in lng/lat: long ones by geodesics of at most 0.1 degrees.
    """
    walked = shapely.segmentize(shapely.orient_polygons(polygon), _LONGEST_EDGE_DEGREES)
    return abs(float(_WGS84.geometry_area_perimeter(walked)[0]))


def bounds(polygon: Polygonal) -> Bounds:
    """The box around a checked polygon."""
    west, south, east, north = polygon.bounds
    boxes = shapely.bounds(shapely.get_parts(polygon))
    if west > -180 or east < 180 or len(boxes) == 1:
        return Bounds(west, south, east, north)
    # The parts meet at the antimeridian: the box is all but the widest gap between them.
    boxes = boxes[np.argsort(boxes[:, 0], kind="stable")]
    reached = np.maximum.accumulate(boxes[:, 2])
    gaps = boxes[1:, 0] - reached[:-1]
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 0:
        return Bounds(west, south, east, north)
    return Bounds(float(boxes[widest + 1, 0]), south, float(reached[widest]), north)


def _is_multi(shape: BaseGeometry | Mapping[str, Any]) -> bool:
    kind = shape.geom_type if isinstance(shape, BaseGeometry) else shape["type"]
    return bool(kind == "MultiPolygon")


def _part(part: Part) -> shapely.Polygon:
    """One polygon in longitudes without a jump, valid by itself."""
    require_on_earth(part)
    require_rings(part)
    shell, *holes = rings = unwrapped(part)
    require_area(rings)
    polygon = shapely.Polygon(shell, holes)
    if not polygon.is_valid:
        raise fault_of(polygon)
    return polygon


def _accepted(parts: Sequence[shapely.Polygon], *, several: bool) -> Polygonal:
    """The parts on the Earth, as one."""
    pieces = [piece for part in parts for piece in split_at_antimeridian(part)]
    whole = pieces[0] if len(pieces) == 1 and not several else shapely.MultiPolygon(pieces)
    if not whole.is_valid:
        raise fault_of(whole)
    oriented: Polygonal = shapely.orient_polygons(whole)
    return oriented


def _repaired(parts: Sequence[Part]) -> Polygonal | None:
    """What is left when rings are closed, collapsed ones dropped and crossings resolved; None when nothing is."""
    try:
        sound = [area for part in parts for area in _areas_of(part)]
        pieces = [piece for area in sound for piece in split_at_antimeridian(area)]
        mended = _areas(shapely.MultiPolygon(pieces))
        whole = mended[0] if len(mended) == 1 else shapely.MultiPolygon(mended)
        return _accepted([_part(part) for part in parts_of(whole)], several=len(mended) > 1)
    except PolygonInvalid:
        return None


def _areas_of(part: Part) -> list[shapely.Polygon]:
    require_on_earth(part)
    rings = drawable(part)
    if not rings:
        return []
    shell, *holes = unwrapped(rings)
    return _areas(shapely.Polygon(shell, holes))


def _areas(shape: Polygonal) -> list[shapely.Polygon]:
    """The polygons of the shape made valid: rings are areas, holes stay holes."""
    valid = shape if shape.is_valid else shapely.make_valid(shape, method="structure", keep_collapsed=False)
    return [
        part
        for part in shapely.get_parts(valid).tolist()
        if part.geom_type == "Polygon" and not part.is_empty
    ]
