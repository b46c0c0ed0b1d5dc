"""Fences as packed columns: which of them hold a position, and which are near, exactly; no cell is ever missed.

Every part of a fence (a circle, a polygon) has a box in a packed tree; what a box only suggests, an exact test decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.place import LngLat
from geo_offers.index.geodesic import geodesic_m, towards
from geo_offers.index.polygons import Polygonal, packed_edges
from geo_offers.kernels import box_tree, containment, fence_distance, fences
from geo_offers.kernels.distance import GREATEST_RADIUS_M, LEAST_RADIUS_M, SLACK_M, ecef
from geo_offers.kernels.fences import DOUBTFUL, INSIDE, OUTSIDE

_ROOM = 512
#: How far beside a computed rim a point inside is looked for, in units of the last place.
_NUDGES = (0, 1, 4, 16, 64, 256, 1_024, 4_096)
_COMPASS = [(east, north) for east in (0, 1, -1) for north in (0, 1, -1)]


@dataclass(frozen=True, slots=True)
class CircleColumns:
    """Circles of fences: slot int32[c], centre degrees and radius metres float64[c]."""

    slots: NDArray[np.int32]
    lngs: NDArray[np.float64]
    lats: NDArray[np.float64]
    radii_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShapeColumns:
    """Polygons of fences, each stored once: fence slots[i] has the shape shapes[numbers[i]]."""

    slots: NDArray[np.int32]
    numbers: NDArray[np.int32]
    shapes: Sequence[Polygonal]


@dataclass(frozen=True, slots=True)
class Around:
    """Fences around a position, in no order.

    slots   int32[k]
    inside  bool[k]
    least_m, most_m  float64[k], bounds of the distance to the fence, at most 0.02 m apart; 0 inside
    """

    slots: NDArray[np.int32]
    inside: NDArray[np.bool_]
    least_m: NDArray[np.float64]
    most_m: NDArray[np.float64]


class FenceIndex:
    """Fences of slots 0 to n - 1; a slot without parts holds nothing."""

    def __init__(self, count: int, circles: CircleColumns, shapes: ShapeColumns) -> None:
        self.count = count
        self._circles = circles
        self._shape_slots, self._shape_numbers = shapes.slots, shapes.numbers
        polygons, owners = shapely.get_parts(np.asarray(shapes.shapes, object), return_index=True)
        edges, edge_starts = packed_edges(polygons)
        slicing, slab_starts = containment.count_slabs(edges, edge_starts)
        slab_edges, slab_edge_starts = containment.fill_slabs(edges, edge_starts, slicing, slab_starts)
        lines = np.empty((len(edges), 7))
        fence_distance.edge_lines(edges, lines)
        parts, boxes = _all_parts(circles, shapes, shapely.bounds(polygons).reshape(-1, 4), owners)
        order = box_tree.tiled_order(boxes)
        self._parts = np.ascontiguousarray(parts[order])
        self._boxes = _outwards(boxes[order])
        several = (np.bincount(parts[:, 0], minlength=count) > 1).astype(np.uint8)
        self._owner_starts = np.searchsorted(owners, np.arange(len(shapes.shapes) + 1))
        self._packed: tuple[NDArray[np.int32], NDArray[np.float64]] = fences.packed(
            several,
            _circle_table(circles),
            (slicing, slab_starts, slab_edges, slab_edge_starts),
            edges,
            lines,
            edge_starts,
        )
        integers, numbers = self._packed
        self._edges = numbers[: edges.size].reshape(-1, 4)
        self._edge_starts = integers[len(integers) - len(edge_starts) :]

    @property
    def nbytes(self) -> int:
        """Memory of the packed columns."""
        return sum(one.nbytes for one in (*self._packed, self._parts, self._boxes))

    def only(self, wanted: NDArray[np.uint8]) -> WantedFences:
        """Some of these fences, to be asked many times; see WantedFences."""
        return WantedFences(self, wanted)

    @property
    def packed(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The geometry as kernels take it."""
        return self._packed

    def tree_over(self, wanted: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What kernels take beside the geometry: which fences are wanted, and a tree over those."""
        tree: NDArray[np.uint8] = fences.wanted_tree(wanted, self._parts, self._boxes)
        return tree

    def distance_m(self, slot: int, at: LngLat) -> float:
        """The exact distance to a fence, 0 inside: geodesics decide, and the nearest point of each border."""
        nearest = np.inf
        for i in np.flatnonzero(self._circles.slots == slot).tolist():
            centre = LngLat(float(self._circles.lngs[i]), float(self._circles.lats[i]))
            nearest = min(nearest, max(0.0, geodesic_m(at, centre) - float(self._circles.radii_m[i])))
        for i in np.flatnonzero(self._shape_slots == slot).tolist():
            nearest = min(nearest, self._shape_distance_m(int(self._shape_numbers[i]), at))
        return nearest

    def _shape_distance_m(self, number: int, at: LngLat) -> float:
        lng, lat = float(at.lng), float(at.lat)
        first, stop = (int(self._owner_starts[number + k]) for k in (0, 1))
        names = (lng, -lng) if abs(lng) == 180 else (lng,)
        if any(fences.is_in_polygons(*self._packed, first, stop, x, lat) for x in names):
            return 0.0
        return geodesic_m(at, self._nearest_on_border(number, at))

    def _nearest_on_border(self, number: int, at: LngLat) -> LngLat:
        first, stop = (int(self._edge_starts[self._owner_starts[number + k]]) for k in (0, 1))
        lng, lat, _ = fence_distance.nearest_on_border(self._edges, first, stop, float(at.lng), float(at.lat))
        return LngLat(lng, lat)

    def nearest_inside(self, slot: int, at: LngLat) -> LngLat:
        """A place inside a fence that is as near to a position as can be told in floating point."""
        nearest, reach_m = at, np.inf
        for place in self._rims(slot, at):
            metres = geodesic_m(at, place)
            if metres < reach_m:
                nearest, reach_m = place, metres
        for ulps in _NUDGES:
            for east, north in _COMPASS:
                place = LngLat(
                    min(180.0, max(-180.0, nearest.lng + east * ulps * math.ulp(nearest.lng))),
                    nearest.lat + north * ulps * math.ulp(nearest.lat),
                )
                if self.distance_m(slot, place) == 0.0:
                    return place
        return nearest

    def _rims(self, slot: int, at: LngLat) -> Iterator[LngLat]:
        """The nearest point of each part of a fence."""
        for i in np.flatnonzero(self._circles.slots == slot).tolist():
            centre = LngLat(float(self._circles.lngs[i]), float(self._circles.lats[i]))
            yield towards(centre, at, float(self._circles.radii_m[i]))
        for i in np.flatnonzero(self._shape_slots == slot).tolist():
            yield self._nearest_on_border(int(self._shape_numbers[i]), at)


class WantedFences:
    """Some fences of an index, found by a tree over those alone; it is made when first needed.

    wanted  uint8[n]: 0 pass over, 1 only when it holds the position, 2 also when it is within reach
    """

    def __init__(self, of: FenceIndex, wanted: NDArray[np.uint8]) -> None:
        self._of = of
        self.wanted = wanted
        self._tree: NDArray[np.uint8] | None = None

    @property
    def tree(self) -> NDArray[np.uint8]:
        """What kernels take beside the geometry of all, uint8: `wanted`, and behind it the tree."""
        if self._tree is None:
            # Two threads that ask at once make the same twice.
            self._tree = self._of.tree_over(self.wanted)
        return self._tree

    def around(self, at: LngLat, reach_m: float) -> Around:
        """Fences that hold a position, and those within reach of it."""
        lng, lat = float(at.lng), float(at.lat)
        index = (*self._of.packed, self.tree)
        found = fences.around(*index, lng, lat, reach_m, _ROOM)
        if found[0] > _ROOM:
            found = fences.around(*index, lng, lat, reach_m, found[0])
        _, slots, states, least, most = found
        if (states == DOUBTFUL).any():
            self._decide(at, slots, states, least, most)
        inside = states == INSIDE
        if reach_m > 0:
            unsure = ~inside & (most > reach_m)
            if unsure.any():
                for i in np.flatnonzero(unsure).tolist():
                    least[i] = most[i] = self._of.distance_m(int(slots[i]), at)
        kept = inside | ((most <= reach_m) & (self.wanted[slots] == 2))
        if kept.all():
            return Around(slots, inside, least, most)
        return Around(slots[kept], inside[kept], least[kept], most[kept])

    def holding(self, at: LngLat) -> NDArray[np.int32]:
        """The fences that hold a position, int32[k], in no order."""
        sure, slots = fences.holding(*self._of.packed, self.tree, float(at.lng), float(at.lat))
        if sure:
            return np.asarray(slots, np.int32)
        around = self.around(at, 0.0)
        return around.slots[around.inside]

    def _decide(
        self,
        at: LngLat,
        slots: NDArray[np.int32],
        states: NDArray[np.uint8],
        least: NDArray[np.float64],
        most: NDArray[np.float64],
    ) -> None:
        """Ask the geodesic where chords could not tell."""
        for i in np.flatnonzero(states == DOUBTFUL).tolist():
            distance = self._of.distance_m(int(slots[i]), at)
            states[i] = INSIDE if distance == 0.0 else OUTSIDE
            least[i] = most[i] = distance

    def holding_many(
        self, lngs: NDArray[np.float64], lats: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The fences that hold each of m positions: (starts int64[m + 1], slots int32[k], in no order)."""
        m = len(lngs)
        starts, doubts = np.empty(m + 1, np.int64), np.empty(m, np.uint8)
        index = (*self._of.packed, self.tree)
        out = np.empty(8 * m + 64, np.int32)
        while True:
            total = fences.holding_many(*index, lngs, lats, starts, out, doubts)
            if total <= len(out):
                break
            out = np.empty(total, np.int32)
        unsure = np.flatnonzero((doubts == 1) | (np.abs(lngs) == 180.0))
        if len(unsure) == 0:
            return starts, out[:total]
        answers = np.split(out[:total], starts[1:-1])
        for q in unsure.tolist():
            around = self.around(LngLat(float(lngs[q]), float(lats[q])), -1.0)
            answers[q] = around.slots[around.inside]
        return np.cumsum([0, *map(len, answers)]), np.concatenate(answers)


def _circle_table(circles: CircleColumns) -> NDArray[np.float64]:
    """Centre, radius, and the chords that are surely inside and surely outside; float64[c, 6]."""
    table = np.empty((len(circles.slots), 6))
    table[:, :3] = ecef(circles.lngs, circles.lats)
    table[:, 3] = circles.radii_m
    table[:, 4] = 2 * LEAST_RADIUS_M * np.sin((circles.radii_m - SLACK_M) / (2 * LEAST_RADIUS_M)) - SLACK_M
    table[:, 5] = 2 * GREATEST_RADIUS_M * np.sin(circles.radii_m / (2 * GREATEST_RADIUS_M)) + SLACK_M
    return table


def _all_parts(
    circles: CircleColumns, shapes: ShapeColumns, polygon_boxes: NDArray[np.float64], owners: NDArray[np.intp]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Parts int32[b, 3] (slot, kind, circle or polygon) and their boxes float64[b, 4]."""
    rows: list[NDArray[np.int32]] = []
    boxes: list[NDArray[np.float64]] = []
    wests, souths, easts, norths = _boxes_around(circles.lngs, circles.lats, circles.radii_m)
    numbers = np.arange(len(circles.slots))
    for turn in (-360.0, 0.0, 360.0):
        # A box across the antimeridian is two.
        seen = (wests + turn <= 180) & (easts + turn >= -180)
        rows.append(_parts(circles.slots[seen], fences.CIRCLE, numbers[seen]))
        boxes.append(
            np.c_[np.maximum(wests + turn, -180), souths, np.minimum(easts + turn, 180), norths][seen]
        )
    starts = np.searchsorted(owners, np.arange(len(shapes.shapes) + 1))
    counts = np.diff(starts)[shapes.numbers]
    first = np.repeat(starts[:-1][shapes.numbers], counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    polygons = first + within
    rows.append(_parts(np.repeat(shapes.slots, counts), fences.POLYGON, polygons))
    boxes.append(polygon_boxes[polygons])
    return np.vstack(rows), np.vstack(boxes)


def _parts(slots: NDArray[np.int32], kind: int, refs: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.asarray(np.c_[slots, np.full(len(slots), kind), refs], np.int32)


def _outwards(boxes: NDArray[np.float64]) -> NDArray[np.float32]:
    """The least boxes of single precision that hold these: half the memory, and a node's children are two cache lines."""
    near = boxes.astype(np.float32)
    below, above = np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))
    near[:, :2] = np.where(near > boxes, below, near)[:, :2]
    near[:, 2:] = np.where(near < boxes, above, near)[:, 2:]
    return near


def _boxes_around(
    lngs: NDArray[np.float64], lats: NDArray[np.float64], radii_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Boxes that surely hold circles: west, south, east, north, with a hundredth to spare; may leave [-180, 180]."""
    lat_off = np.degrees(radii_m / LEAST_RADIUS_M) * 1.01 + 1e-9
    steepest = np.minimum(np.abs(lats) + lat_off, 89.99)
    lng_off = np.minimum(lat_off / np.cos(np.radians(steepest)), 180.0)
    lng_off = np.where(np.abs(lats) + lat_off > fences.ROUND_LAT, 180.0, lng_off)
    return lngs - lng_off, lats - lat_off, lngs + lng_off, lats + lat_off
