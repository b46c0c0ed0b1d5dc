"""What GEOS finds wrong with a polygon, in our words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

import shapely

from geo_offers.domain.errors import PolygonFault, PolygonInvalid
from geo_offers.domain.unwrapping import place_on_earth

_SAID = re.compile(r"(?P<what>[^\[]*)(?:\[(?P<x>\S+) (?P<y>\S+?)(?: \S+)*\])?\Z")
_FAULTS: Mapping[str, PolygonFault] = MappingProxyType(
    {
        "Self-intersection": PolygonFault.SELF_INTERSECTION,
        "Ring Self-intersection": PolygonFault.RING_TOUCHES_ITSELF,
        "Duplicate Rings": PolygonFault.DUPLICATE_RINGS,
        "Hole lies outside shell": PolygonFault.HOLE_OUTSIDE_SHELL,
        "Holes are nested": PolygonFault.NESTED_HOLES,
        "Interior is disconnected": PolygonFault.INTERIOR_DISCONNECTED,
        "Nested shells": PolygonFault.NESTED_SHELLS,
        "Too few points in geometry component": PolygonFault.TOO_FEW_POINTS,
        "Invalid Coordinate": PolygonFault.NOT_FINITE,
        "Ring is not closed": PolygonFault.RING_NOT_CLOSED,
    }
)
_SENTENCES: Mapping[PolygonFault, str] = MappingProxyType(
    {
        PolygonFault.SELF_INTERSECTION: "the outline crosses or overlaps itself",
        PolygonFault.RING_TOUCHES_ITSELF: "a ring touches itself",
        PolygonFault.DUPLICATE_RINGS: "two of the rings are the same",
        PolygonFault.HOLE_OUTSIDE_SHELL: "a hole lies outside of the outer ring",
        PolygonFault.NESTED_HOLES: "a hole lies in a hole",
        PolygonFault.INTERIOR_DISCONNECTED: "holes cut the inside in two",
        PolygonFault.NESTED_SHELLS: "a part lies inside of another part",
        PolygonFault.OVERLAPPING_PARTS: "two of the parts overlap or share an edge",
    }
)


def fault_of(shape: shapely.Polygon | shapely.MultiPolygon) -> PolygonInvalid:
    """The error for a shape that GEOS calls invalid, with the place of the fault."""
    said = _SAID.match(shapely.is_valid_reason(shape))
    what = said["what"] if said else ""
    reason = _FAULTS.get(what, PolygonFault.SELF_INTERSECTION)
    if reason is PolygonFault.SELF_INTERSECTION:
        reason = _closer(shape)
    at = None
    if said and said["x"]:
        x, y = float(said["x"]), float(said["y"])
        at = place_on_earth(x, y) if math.isfinite(x) and math.isfinite(y) else None
    return PolygonInvalid(_SENTENCES.get(reason, what.lower()), reason=reason, at=at)


def _closer(shape: shapely.Polygon | shapely.MultiPolygon) -> PolygonFault:
    """What a self-intersection is: GEOS says the same of rings and of parts."""
    rings = [
        shapely.Polygon(ring).normalize().wkb for ring in shapely.get_rings(shapely.get_parts(shape)).tolist()
    ]
    if len(set(rings)) < len(rings):
        return PolygonFault.DUPLICATE_RINGS
    if shape.geom_type == "MultiPolygon" and shapely.is_valid(shapely.get_parts(shape)).all():
        return PolygonFault.OVERLAPPING_PARTS
    return PolygonFault.SELF_INTERSECTION
