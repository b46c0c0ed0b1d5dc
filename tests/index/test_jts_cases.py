"""Containment on the test cases of JTS: what they expect of points, and GEOS at every corner of their polygons."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo_offers.domain.place import LngLat
from geo_offers.index.polygons import PolygonIndex
from tests.shared_data import shared

_HEX = re.compile(r"[0-9A-Fa-f]+\Z")
_MIRRORED = {"coveredBy": "covers", "within": "contains"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """`first` predicate `second` is `holds`; `first` and `second` are "A" or "B"."""

    predicate: str
    first: str
    second: str
    pattern: str | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Case:
    where: str
    operands: dict[str, BaseGeometry]
    expectations: list[Expectation]


def jts_cases() -> Iterator[Case]:
    """Every case of every file, its operands moved onto the Earth."""
    root = shared("geometry/jts_xml")
    for path in sorted(root.rglob("*.xml")):
        for number, case in enumerate(ET.parse(path).getroot().iter("case"), 1):
            texts = {name: case.findtext(name.lower()) for name in ("A", "B")}
            read = {name: _read(text) for name, text in texts.items() if text is not None}
            where = f"{path.relative_to(root)}:{number}"
            yield Case(where, _on_earth(read), [_expectation(op) for op in case.iter("op")])


def _read(text: str) -> BaseGeometry:
    words = " ".join(text.split())
    with np.errstate(invalid="ignore"):  # some coordinates are NaN or infinite, on purpose
        return shapely.force_2d(shapely.from_wkb(words) if _HEX.match(words) else shapely.from_wkt(words))


def _on_earth(operands: dict[str, BaseGeometry]) -> dict[str, BaseGeometry]:
    """All operands shrunk by one power of two, which changes no bit of a coordinate but its exponent."""
    farthest = np.abs(shapely.get_coordinates(list(operands.values()))).max(initial=0.0)
    if not np.isfinite(farthest):
        return {
            name: one for name, one in operands.items() if np.isfinite(shapely.get_coordinates(one)).all()
        }
    scale = 2.0 ** -max(0, int(np.ceil(np.log2(max(farthest, 1.0) / 64.0))))
    shrunk = {name: shapely.transform(one, lambda xy: xy * scale) for name, one in operands.items()}
    for name, one in shrunk.items():
        assert (shapely.get_coordinates(one) / scale == shapely.get_coordinates(operands[name])).all()
    return shrunk


def _expectation(op: ET.Element) -> Expectation:
    first, second = op.get("arg1", "A").upper(), op.get("arg2", "B").upper()
    return Expectation(
        op.get("name", ""), first, second, op.get("arg3"), (op.text or "").strip().lower() == "true"
    )


def held_by_polygon(polygon: BaseGeometry, points: list[LngLat]) -> list[bool]:
    index = PolygonIndex([polygon])
    return [index.holding(point).tolist() == [0] for point in points]


def held_by_line(line: BaseGeometry, points: list[LngLat]) -> list[bool]:
    """On a line is what two triangles hold that meet in one of its segments, one on its left, one on its right."""
    triangles = []
    for part in shapely.get_parts(line):
        for a, b in pairwise(shapely.get_coordinates(part)):
            aside = np.array([a[1] - b[1], b[0] - a[0]])
            triangles += [shapely.Polygon([a, b, a + aside]), shapely.Polygon([a, b, a - aside])]
    index = PolygonIndex(triangles)
    held = [set(index.holding(point).tolist()) for point in points]
    return [any({left, left + 1} <= found for left in range(0, len(triangles), 2)) for found in held]


_HELD_BY = {
    "Polygon": held_by_polygon,
    "MultiPolygon": held_by_polygon,
    "LineString": held_by_line,
    "MultiLineString": held_by_line,
}


def expected_of(one: Expectation, points: str) -> tuple[bool | None, bool | None]:
    """What an expectation says of the points: whether any is held, and whether all are; None is nothing.

    points  the operand that is points, "A" or "B"
    """
    predicate = one.predicate
    if predicate in ("intersects", "disjoint"):
        return one.holds == (predicate == "intersects"), None
    if predicate == "relate" and one.pattern and one.holds:
        step = 1 if one.first == points else 3  # along the row of the points' interior, or down its column
        inside, border, outside = one.pattern[0 : 3 * step : step]
        held = [cell for cell in (inside, border) if cell != "F"]
        return (None if "*" in held else bool(held)), (None if outside == "*" else outside == "F")
    holder = one.second if predicate in _MIRRORED else one.first
    predicate = _MIRRORED.get(predicate, predicate)
    if holder == points:
        return None, None  # points hold no polygon and no line
    if predicate == "covers":
        return None, one.holds
    # What is not contained may be held: on the border.
    return None, True if predicate == "contains" and one.holds else None


def test_points_are_held_as_the_cases_expect() -> None:
    compared: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    wrong: list[object] = []
    for case in jts_cases():
        for points, holder in (("A", "B"), ("B", "A")):
            of, by = case.operands.get(points), case.operands.get(holder)
            if of is None or by is None or by.geom_type not in _HELD_BY:
                continue
            if of.geom_type not in ("Point", "MultiPoint"):
                continue
            if of.is_empty or by.is_empty or not by.is_valid:
                left_out["empty" if of.is_empty or by.is_empty else "not valid"] += 1
                continue
            at = [LngLat(float(x), float(y)) for x, y in shapely.get_coordinates(of)]
            held = _HELD_BY[by.geom_type](by, at)
            kind = by.geom_type.removeprefix("Multi")
            compared[f"{kind} cases"] += 1
            for one in case.expectations:
                any_held, all_held = expected_of(one, points)
                if any_held is not None or all_held is not None:
                    compared[f"{kind} {one.predicate}"] += 1
                if any_held not in (None, any(held)) or all_held not in (None, all(held)):
                    wrong.append((case.where, one, held, shapely.to_geojson(by), at))
    assert wrong == []
    assert compared == {
        "Polygon cases": 42,
        "Polygon relate": 41,
        "Polygon intersects": 41,
        "Polygon disjoint": 41,
        "Polygon coveredBy": 41,
        "Polygon within": 4,
        "LineString cases": 9,
        "LineString relate": 8,
        "LineString intersects": 1,
    }
    assert left_out == {"empty": 19}


def polygons_of(case: Case) -> Iterator[BaseGeometry]:
    """The valid polygons and multipolygons of a case, those in collections too."""
    for operand in case.operands.values():
        inner = shapely.get_parts(operand) if operand.geom_type == "GeometryCollection" else [operand]
        for shape in inner:
            # To GEOS a multipolygon with an empty part is valid, to `checked_polygon` it is not.
            empty = shapely.is_empty(shapely.get_parts(shape)).any() or shape.is_empty
            if shape.geom_type in ("Polygon", "MultiPolygon") and shape.is_valid and not empty:
                yield shape


def corners_and_middles(shape: BaseGeometry) -> np.ndarray:
    """Points that lie on the border exactly: all vertices, and the middles of edges that no rounding moves."""
    rings = shapely.get_rings(shapely.get_parts(shape))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    a, b = points[:-1][ring[1:] == ring[:-1]], points[1:][ring[1:] == ring[:-1]]
    total = a + b
    # What the sum lost (Knuth's TwoSum); halving loses nothing.
    lost = (a - (total - (total - a))) + (b - (total - a))
    return np.vstack([points, total[(lost == 0).all(axis=1)] / 2])


def inner_points(shape: BaseGeometry) -> np.ndarray:
    """A point inside each part that is not too thin to have one."""
    with np.errstate(invalid="ignore"):
        return shapely.get_coordinates(shapely.point_on_surface(shapely.get_parts(shape)))


def around(border: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Points a rounding beside these, and as many anywhere in their box and a little around it."""
    beside = np.nextafter(border, border + rng.choice([-1.0, 0.0, 1.0], border.shape))
    low, high = border.min(axis=0), border.max(axis=0)
    return np.vstack([beside, rng.uniform(low - (high - low) / 8, high + (high - low) / 8, border.shape)])


def test_polygons_hold_their_corners_and_what_geos_says_they_hold() -> None:
    rng = np.random.default_rng(20)
    counts: Counter[str] = Counter()
    wrong: list[object] = []
    for case in jts_cases():
        for shape in polygons_of(case):
            border = corners_and_middles(shape)
            points = np.vstack([border, inner_points(shape), around(border, rng)])
            owners = np.diff(PolygonIndex([shape]).holding_many(points[:, 0].copy(), points[:, 1].copy())[0])
            shapely.prepare(shape)
            by_geos = shapely.covers(shape, shapely.points(points))
            on_border = np.arange(len(points)) < len(border)
            differing = np.flatnonzero((owners != by_geos) | (on_border & (owners == 0)))
            wrong += [(case.where, points[i].tolist(), shapely.to_geojson(shape)) for i in differing[:1]]
            counts.update(shapes=1, on_border=len(border), held=int(owners.sum()), points=len(points))
    assert wrong == []
    assert counts["shapes"] == 545
    assert counts["on_border"] == 29_665
    assert counts["points"] == 89_731
    assert counts["points"] - counts["held"] > 30_000
