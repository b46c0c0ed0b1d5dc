"""One point that stands for a shape, so that an area can be a shop; knows rings and lines, not files."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry

from geo_offers.domain.errors import PolygonInvalid
from geo_offers.domain.place import LngLat
from geo_offers.domain.polygon import checked_polygon

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


def point_in_broken_area(parts: Sequence[Sequence[Ring]]) -> LngLat | None:
    """A point inside of an outer ring and of none of its holes, although the rings cross; None when there is none.

    parts  one or more polygons, each its outer ring and its holes; closed, degrees
    """
    rings, shifted = _unwrapped([ring for part in parts for ring in part])
    areas = iter([shapely.make_valid(shapely.Polygon(ring), method="structure") for ring in rings])
    mended = []
    for part in parts:
        shell, *holes = (next(areas) for _ in part)
        mended.append(shell.difference(shapely.union_all(holes)))
    pieces = [piece for piece in shapely.get_parts(shapely.union_all(mended)) if piece.area > 0]
    if not pieces:
        return None
    return _lng_lat(max(pieces, key=shapely.area).representative_point(), shifted=shifted)


def fault_of_outline(parts: Sequence[Sequence[Ring]]) -> PolygonInvalid | None:
    """What is wrong with an area: its rings cross, its holes lie outside of it, its parts overlap; None when it is sound.

    parts  one or more polygons, each its outer ring and its holes; closed, degrees
    """
    polygons = [shapely.Polygon(shell, holes) for shell, *holes in parts]
    area = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    if area.is_valid:
        return None
    try:
        checked_polygon(area)  # which knows what an edge across the antimeridian means
    except PolygonInvalid as fault:
        return fault
    return None


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
