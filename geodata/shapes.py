"""One point that stands for a shape, so that an area can be a shop; knows rings and lines, not files."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry

from geo_offers.domain.place import LngLat

Ring = Sequence[tuple[float, float]]


def point_in_area(rings: Sequence[Ring]) -> LngLat | None:
    """A point inside of the area that the lines enclose, holes left out; None when they enclose nothing.

    rings  lines of (lng, lat), degrees; several may make up one ring, in any direction

    Of several parts the largest decides. An area across the antimeridian works.
    """
    lines, shifted = _unwrapped(rings)
    drawn = [shapely.linestrings(line) for line in lines if len(line) > 1]
    if not drawn:
        return None
    area: BaseGeometry = shapely.build_area(shapely.node(shapely.multilinestrings(drawn)))
    if area.is_empty:
        return None
    largest = max(shapely.get_parts(area), key=shapely.area)
    return _lng_lat(largest.representative_point(), shifted=shifted)


def point_amid(points: Ring) -> LngLat:
    """The middle of the convex hull of one or more points: what is left of a broken outline."""
    lines, shifted = _unwrapped([points])
    return _lng_lat(shapely.multipoints(lines[0]).convex_hull.centroid, shifted=shifted)


def point_on_line(points: Ring) -> LngLat:
    """The point half-way along a line of two or more points."""
    lines, shifted = _unwrapped([points])
    return _lng_lat(
        shapely.line_interpolate_point(shapely.linestrings(lines[0]), 0.5, normalized=True), shifted=shifted
    )


def _unwrapped(rings: Sequence[Ring]) -> tuple[list[list[tuple[float, float]]], bool]:
    """The lines with western longitudes moved east by 360° when they would else span half of the Earth."""
    lngs = [lng for ring in rings for lng, _ in ring]
    if max(lngs) - min(lngs) <= 180:
        return [list(ring) for ring in rings], False
    return [[(lng + 360 if lng < 0 else lng, lat) for lng, lat in ring] for ring in rings], True


def _lng_lat(point: BaseGeometry, *, shifted: bool) -> LngLat:
    lng, lat = shapely.get_x(point), shapely.get_y(point)
    return LngLat(float(lng - 360 if shifted and lng > 180 else lng), float(lat))
