"""The polygons of districts: which of them hold a point, and which shops each of them holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.place import District, LngLat
from geo_offers.index.polygons import PolygonIndex


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
    """

    def __init__(self, districts: Sequence[District]) -> None:
        shapes = shapely.from_wkb(np.array([district.wkb for district in districts], object))
        order = sorted(range(len(districts)), key=lambda i: (shapely.area(shapes[i]), districts[i].id))
        self.rows = [districts[i] for i in order]
        self.number_of = {district.id: number for number, district in enumerate(self.rows)}
        self._index = PolygonIndex(shapes[order] if order else shapes)

    def containing(self, at: LngLat) -> list[int]:
        """The numbers of the districts that hold a point, innermost first."""
        numbers: list[int] = self._index.holding(at).tolist()
        return numbers

    def memberships(self, lngs: NDArray[np.float64], lats: NDArray[np.float64]) -> Memberships:
        """The districts of n points in slot order."""
        starts, numbers = self._index.holding_many(lngs, lats)
        slots = np.repeat(np.arange(len(lngs), dtype=np.int32), np.diff(starts))
        by_district = np.argsort(numbers, kind="stable")
        bounds = np.searchsorted(numbers[by_district], np.arange(len(self.rows) + 1))
        return Memberships(starts, numbers, np.split(slots[by_district], bounds[1:-1]) if self.rows else [])
