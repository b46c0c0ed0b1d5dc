"""GeoJSON as RFC 7946 has it, checked while it is decoded; a feature comes down to one point."""

from __future__ import annotations

import re
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple, assert_never

import msgspec

from geo_offers.domain.errors import CoordinateInvalid
from geo_offers.domain.place import LngLat
from geodata.crs import Crs, to_wgs84
from geodata.rows import RowFault, Skip, shown
from geodata.shapes import Ring, fault_of_outline, point_in_area, point_in_broken_area

BBox = Annotated[list[float], msgspec.Meta(min_length=4, max_length=6)]
Position = Annotated[list[float], msgspec.Meta(min_length=2)]
Line = Annotated[list[Position], msgspec.Meta(min_length=2)]
LinearRing = Annotated[list[Position], msgspec.Meta(min_length=4)]
Rings = Annotated[list[LinearRing], msgspec.Meta(min_length=1)]


class _Geometry(msgspec.Struct, frozen=True, tag_field="type"):
    bbox: BBox | msgspec.UnsetType = msgspec.UNSET


class Point(_Geometry, frozen=True, kw_only=True, tag="Point"):
    coordinates: Position


class MultiPoint(_Geometry, frozen=True, kw_only=True, tag="MultiPoint"):
    coordinates: list[Position]


class LineString(_Geometry, frozen=True, kw_only=True, tag="LineString"):
    coordinates: Line


class MultiLineString(_Geometry, frozen=True, kw_only=True, tag="MultiLineString"):
    coordinates: list[Line]


class Polygon(_Geometry, frozen=True, kw_only=True, tag="Polygon"):
    coordinates: Rings


class MultiPolygon(_Geometry, frozen=True, kw_only=True, tag="MultiPolygon"):
    coordinates: Annotated[list[Rings], msgspec.Meta(min_length=1)]


class GeometryCollection(_Geometry, frozen=True, kw_only=True, tag="GeometryCollection"):
    geometries: list[Geometry]


Geometry = Point | MultiPoint | LineString | MultiLineString | Polygon | MultiPolygon | GeometryCollection
GEOMETRY_TYPES = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
)


class Feature(msgspec.Struct, frozen=True):
    """One feature; `properties` and `geometry` must be there but may be null."""

    type: Literal["Feature"]
    properties: dict[str, Any] | None
    geometry: Geometry | None
    id: str | int | float | msgspec.UnsetType = msgspec.UNSET
    bbox: BBox | msgspec.UnsetType = msgspec.UNSET


_FAULT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?\Z", re.DOTALL)
_ABSENT = re.compile(r"Object missing required field `(\w+)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def row_fault(fault: Exception) -> RowFault:
    """What msgspec found, with its path as a JSON Pointer."""
    if isinstance(fault, RecursionError):
        return RowFault("JSON nested too deeply")
    found = _FAULT.match(str(fault))
    if found is None:
        return RowFault(str(fault))
    steps = [name or number for name, number in _STEP.findall(found["path"] or "")]
    absent = _ABSENT.match(found["what"])
    if absent:
        steps.append(absent[1])
    return RowFault(f"not sound GeoJSON: {found['what']}", pointer="".join(f"/{step}" for step in steps))


class Place(NamedTuple):
    """The point that stands for a feature, in WGS 84; `broken` when its outline had to be mended to find it."""

    at: LngLat
    broken: bool = False


def place_of_feature(feature: Feature, crs: Crs) -> Place | Skip:
    """The point that stands for the feature, or why there is none.

    Raises RowFault with the pointer of the fault, which may be an outline that encloses nothing. The direction
    of rings does not matter, as RFC 7946 §3.1.6 asks of readers.
    """
    geometry = feature.geometry
    check_bbox(feature.bbox, "/bbox")
    if geometry is None:
        return Skip.NO_COORDINATES
    check_bbox(geometry.bbox, "/geometry/bbox")
    where = "/geometry/coordinates"
    match geometry:
        case Point():
            return Place(_lng_lat(geometry.coordinates, where, crs))
        case MultiPoint():
            if len(geometry.coordinates) != 1:
                return Skip.NOT_A_PLACE
            return Place(_lng_lat(geometry.coordinates[0], f"{where}/0", crs))
        case Polygon():
            return _place_in([_checked(geometry.coordinates, where)], where, crs)
        case MultiPolygon():
            parts = [_checked(part, f"{where}/{i}") for i, part in enumerate(geometry.coordinates)]
            return _place_in(parts, where, crs)
        case LineString() | MultiLineString() | GeometryCollection():
            return Skip.NOT_A_PLACE
        case _:
            assert_never(geometry)


def check_bbox(bbox: list[float] | msgspec.UnsetType, pointer: str) -> None:
    """Raises RowFault unless the box has 4 or 6 numbers."""
    if isinstance(bbox, list) and len(bbox) == 5:
        raise RowFault("a bbox has 4 or 6 numbers, not 5", pointer=pointer)


def _lng_lat(position: list[float], pointer: str, crs: Crs) -> LngLat:
    try:
        at = LngLat(position[0], position[1])
    except CoordinateInvalid as fault:
        raise RowFault(str(fault), reason=Skip.FAULTY_COORDINATES, pointer=pointer) from fault
    return at if crs is Crs.WGS84 else LngLat(*to_wgs84(at.lng, at.lat, crs))


def _place_in(parts: list[list[Ring]], pointer: str, crs: Crs) -> Place:
    # Found in the file's own system, then converted: the shift is the same for all of one building.
    fault = fault_of_outline(parts)
    sound = fault is None
    at = point_in_area(list(chain.from_iterable(parts))) if sound else point_in_broken_area(parts)
    if at is None:
        raise RowFault(f"the outline encloses nothing: {fault or 'it is a line'}", pointer=pointer)
    return Place(LngLat(*to_wgs84(at.lng, at.lat, crs)), broken=not sound)


def _checked(rings: list[LinearRing], pointer: str) -> list[Ring]:
    """The rings as (lng, lat) pairs; raises for one that is open, empty or off the Earth."""
    outlines: list[Ring] = []
    for i, positions in enumerate(rings):
        ring = [(position[0], position[1]) for position in positions]
        for j, (lng, lat) in enumerate(ring):
            _lng_lat([lng, lat], f"{pointer}/{i}/{j}", Crs.WGS84)
        if ring[0] != ring[-1]:
            end = shown(list(ring[-1]))
            raise RowFault(f"the ring is not closed: it ends at {end}", pointer=f"{pointer}/{i}")
        if len(set(ring)) < 3:
            raise RowFault("a ring needs three different positions", pointer=f"{pointer}/{i}")
        outlines.append(ring)
    return outlines
