"""The polygons of districts: which of them hold a point, and which shops each of them holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.place import District, LngLat
from geo_offers.index.polygons import PolygonIndex

_METRES_A_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class Memberships:
    """Which shops are in which districts, both ways.

    of_shop   districts of slot i, innermost first: numbers[starts[i]:starts[i + 1]]
    members   for each district its slots, ascending, int32
    """

    starts: NDArray[np.int64]
    numbers: NDArray[np.int32]
    members: Sequence[NDArray[np.int32]]

    def of_shop(self, slot: int) -> NDArray[np.int32]:
        """The districts of one shop, innermost first."""
        return self.numbers[self.starts[slot] : self.starts[slot + 1]]


class DistrictShapes:
    """Districts of one snapshot, numbered from the innermost (the smallest) outwards; equal ones by id.

    A point on a border is inside; holes are outside.

    rows      the districts
    shapes    their polygons, object[n]
    polygons  the same for exact questions about points
    children  the numbers of the districts whose parent is district i, ascending
    """

    def __init__(self, districts: Sequence[District]) -> None:
        shapes = shapely.from_wkb(np.array([district.wkb for district in districts], object))
        order = sorted(range(len(districts)), key=lambda i: (shapely.area(shapes[i]), districts[i].id))
        self.rows = [districts[i] for i in order]
        self.number_of = {district.id: number for number, district in enumerate(self.rows)}
        self.shapes: NDArray[np.object_] = shapes[order] if order else shapes
        self.polygons = PolygonIndex(self.shapes)
        self.children: list[list[int]] = [[] for _ in self.rows]
        for number, district in enumerate(self.rows):
            parent = self.number_of.get(district.parent_id or "")
            if parent is not None:
                self.children[parent].append(number)

    def containing(self, at: LngLat) -> list[int]:
        """The numbers of the districts that hold a point, innermost first."""
        numbers: list[int] = self.polygons.holding(at).tolist()
        return numbers

    def family(self, number: int) -> set[int]:
        """A district with all that it lies in and all that lie in it, by parents."""
        found: set[int] = set()
        above: int | None = number
        while above is not None and above not in found:
            found.add(above)
            above = self.number_of.get(self.rows[above].parent_id or "")
        below = [number]
        while below:
            children = [child for child in self.children[below.pop()] if child not in found]
            found.update(children)
            below += children
        return found

    def memberships(self, lngs: NDArray[np.float64], lats: NDArray[np.float64]) -> Memberships:
        """The districts of n points in slot order."""
        starts, numbers = self.polygons.holding_many(lngs, lats)
        slots = np.repeat(np.arange(len(lngs), dtype=np.int32), np.diff(starts))
        by_district = np.argsort(numbers, kind="stable")
        bounds = np.searchsorted(numbers[by_district], np.arange(len(self.rows) + 1))
        return Memberships(starts, numbers, np.split(slots[by_district], bounds[1:-1]) if self.rows else [])

    def intersecting(self, west: float, south: float, east: float, north: float) -> NDArray[np.intp]:
        """The numbers of the districts that share a point with a box; west > east crosses the antimeridian."""
        if west > east:
            both = shapely.union(shapely.box(west, south, 180, north), shapely.box(-180, south, east, north))
            return np.flatnonzero(shapely.intersects(self.shapes, both))
        return np.flatnonzero(shapely.intersects(self.shapes, shapely.box(west, south, east, north)))

    def beside(self, number: int, within_m: float) -> list[tuple[int, float]]:
        """Other districts whose border comes this near: (number, metres), nearest first; 0 when they touch or overlap.

        Measured in a plane around the district: right to 0.1 % at these distances.
        """
        west, south, east, north = shapely.bounds(self.shapes[number])
        scale = np.array([math.cos(math.radians((south + north) / 2)), 1.0]) * _METRES_A_DEGREE
        margin = within_m / scale
        box = shapely.box(west - margin[0], south - margin[1], east + margin[0], north + margin[1])
        near = [
            other
            for other in np.flatnonzero(shapely.intersects(self.shapes, box)).tolist()
            if other != number
        ]
        here = shapely.transform(self.shapes[number], lambda xy: xy * scale)
        metres = [
            shapely.distance(here, shapely.transform(self.shapes[other], lambda xy: xy * scale))
            for other in near
        ]
        found = [
            (other, float(distance))
            for other, distance in zip(near, metres, strict=True)
            if distance <= within_m
        ]
        return sorted(found, key=lambda item: (item[1], item[0]))
