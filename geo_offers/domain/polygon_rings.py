"""From a geometry as given to rings of positions, and what must be true of a ring before it can be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo_offers.domain.errors import PolygonFault, PolygonInvalid
from geo_offers.domain.place import LngLat
from geo_offers.domain.unwrapping import Ring, place_on_earth

Part = Sequence[Ring]
"""The rings of one polygon, the outer one first: float64[n, 2] each, lng and lat in degrees."""

_LONGEST_WORD = 40
_MOST_LNG = 360


def parts_of(shape: BaseGeometry | Mapping[str, Any]) -> list[Part]:
    """The polygons of a geometry, heights left out. Raises PolygonInvalid for what is none, or an empty one."""
    parts = _parts_of_geometry(shape) if isinstance(shape, BaseGeometry) else _parts_of_geojson(shape)
    if not parts or not all(len(part) for part in parts):
        raise PolygonInvalid("the geometry is empty", reason=PolygonFault.EMPTY)
    return parts


def require_on_earth(part: Part) -> None:
    """Raises PolygonInvalid when a position is no finite number, off the Earth or on a pole."""
    for ring in part:
        if not np.isfinite(ring).all():
            raise PolygonInvalid("a coordinate is not a finite number", reason=PolygonFault.NOT_FINITE)
        lngs, lats = np.abs(ring).T
        far = (lats > 90) | (lngs > _MOST_LNG)
        if far.any():
            lng, lat = ring[int(np.argmax(far))].tolist()
            hint = "; are lng and lat swapped?" if abs(lng) <= 90 < abs(lat) <= 180 else ""
            raise PolygonInvalid(
                f"lng {lng}, lat {lat} is not on the Earth{hint}", reason=PolygonFault.OUTSIDE_EARTH
            )
        if (lats == 90).any():
            lng, lat = ring[int(np.argmax(lats == 90))].tolist()
            raise PolygonInvalid(
                "the outline touches a pole, where longitudes mean nothing",
                reason=PolygonFault.TOUCHES_POLE,
                at=place_on_earth(lng, lat),
            )


def require_rings(part: Part) -> None:
    """Raises PolygonInvalid for a ring of fewer than three different positions and for one that is open."""
    for ring in part:
        if not _encloses(ring):
            raise PolygonInvalid(
                "a ring has fewer than three different positions",
                reason=PolygonFault.TOO_FEW_POINTS,
                at=_first(ring),
            )
        if not _is_closed(ring):
            raise PolygonInvalid(
                "a ring does not end where it began",
                reason=PolygonFault.RING_NOT_CLOSED,
                at=_first(ring[::-1]),
            )


def require_area(part: Part) -> None:
    """Raises PolygonInvalid for a ring that is a line, there and back."""
    for ring in part:
        hull = shapely.MultiPoint(ring).convex_hull
        if hull.geom_type != "Polygon":
            raise PolygonInvalid(
                "a ring is a line and encloses nothing", reason=PolygonFault.ZERO_AREA, at=_first(ring)
            )


def drawable(part: Part) -> list[Ring]:
    """The part with its rings closed and without those of too few positions; [] when the outer one is such."""
    shell, *holes = (ring if _is_closed(ring) else np.vstack([ring, ring[:1]]) for ring in part)
    return [shell, *filter(_encloses, holes)] if _encloses(shell) else []


def _is_closed(ring: Ring) -> bool:
    return len(ring) == 0 or bool((ring[0] == ring[-1]).all())


def _encloses(ring: Ring) -> bool:
    return len(np.unique(ring, axis=0)) >= 3


def _first(ring: Ring) -> LngLat | None:
    return place_on_earth(*ring[0].tolist()) if len(ring) else None


def _parts_of_geometry(shape: BaseGeometry) -> list[Part]:
    if shape.geom_type not in {"Polygon", "MultiPolygon"}:
        raise _wrong_type(shape.geom_type)
    return [
        [shapely.get_coordinates(ring) for ring in shapely.get_rings(part)]
        for part in shapely.get_parts(shape).tolist()
    ]


def _parts_of_geojson(shape: Mapping[str, Any]) -> list[Part]:
    kind, coordinates = shape.get("type"), shape.get("coordinates")
    if kind == "Polygon":
        return [_rings(coordinates, "/coordinates")]
    if kind == "MultiPolygon":
        parts = _listed(coordinates, "/coordinates", "polygons")
        return [_rings(part, f"/coordinates/{i}") for i, part in enumerate(parts)]
    raise _wrong_type(kind)


def _rings(rings: Any, pointer: str) -> list[Ring]:
    return [_ring(ring, f"{pointer}/{i}") for i, ring in enumerate(_listed(rings, pointer, "rings"))]


def _ring(positions: Any, pointer: str) -> Ring:
    for i, position in enumerate(_listed(positions, pointer, "positions")):
        if not _is_position(position):
            raise _malformed(f"{pointer}/{i}", "a position of two numbers")
    try:
        return np.array([position[:2] for position in positions], np.float64).reshape(-1, 2)
    except OverflowError as fault:
        raise PolygonInvalid(
            "a coordinate is not a finite number", reason=PolygonFault.NOT_FINITE, pointer=pointer
        ) from fault


def _listed(value: Any, pointer: str, what: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise _malformed(pointer, f"a list of {what}")
    return value


def _is_position(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) >= 2 and all(map(_is_number, value[:2]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _malformed(pointer: str, wanted: str) -> PolygonInvalid:
    return PolygonInvalid(f"{pointer} is not {wanted}", reason=PolygonFault.MALFORMED, pointer=pointer)


def _wrong_type(kind: Any) -> PolygonInvalid:
    word = str(kind)[:_LONGEST_WORD] if kind is not None else "geometry without a type"
    return PolygonInvalid(
        f"a {word} is not a polygon; a Polygon or MultiPolygon is needed",
        reason=PolygonFault.WRONG_TYPE,
        pointer="/type",
    )
