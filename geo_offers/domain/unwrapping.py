"""Polygons across the antimeridian: longitudes without a jump for checking, and the cut at 180 degrees.

Everything is flat: straight lines in lng/lat. Why not the usual library: with holes near the cut it fails or
gives invalid parts, and it rounds the latitude of the cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.errors import PolygonFault, PolygonInvalid
from geo_offers.domain.place import LngLat

Ring = NDArray[np.float64]

_NOISE_DEGREES = 1e-12  # 0.1 µm: more than adding and taking away 360 may leave beside the antimeridian


def unwrapped(rings: Sequence[Ring]) -> list[Ring]:
    """The rings of one polygon in one frame, the outer one first: no edge is longer than 180 degrees.

    rings  float64[n, 2] each, closed, lng in [-360, 360]

    The western end lies in [-180, 180), the eastern may lie beyond 180. What does not cross the antimeridian
    comes back with the same numbers. Raises PolygonInvalid for a ring around a pole and for one wider than
    the Earth.
    """
    shell, *holes = map(_without_jumps, rings)
    west, east = _reach(shell)
    if east - west > 360:
        raise PolygonInvalid("the outline is wider than the Earth", reason=PolygonFault.OUTSIDE_EARTH)
    frame = -360.0 * np.floor((west + 180) / 360)
    moved = [_moved(shell, frame)]
    return moved + [_moved(hole, frame + _towards(hole, west, east)) for hole in holes]


def split_at_antimeridian(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """The polygon in parts within -180 to 180, western end first; itself when it reaches no farther than 180.

    polygon  valid, its western end in [-180, 180), as `unwrapped` gives it
    """
    if polygon.bounds[2] <= 180:
        return [polygon]
    pieces: list[shapely.Polygon] = []
    for turn in (0, 360):
        inside = shapely.intersection(polygon, shapely.box(turn - 180, -90, turn + 180, 90))
        moved = shapely.transform(inside, partial(_moved, degrees=-turn))
        if not moved.is_valid:  # a sliver, thinner than the numbers are dense
            moved = shapely.make_valid(moved, method="structure", keep_collapsed=False)
        parts = shapely.get_parts(moved).tolist()
        pieces.extend(part for part in parts if isinstance(part, shapely.Polygon) and not part.is_empty)
    return pieces


def place_on_earth(x: float, y: float) -> LngLat:
    """The point whose longitude may be given in a frame of its own."""
    return LngLat(float(x if abs(x) <= 180 else (x + 180) % 360 - 180), float(y))


def _without_jumps(ring: Ring) -> Ring:
    lngs = ring[:, 0]
    jumps = np.diff(lngs)
    long = np.abs(jumps) > 180
    if not long.any() or (np.abs(lngs) == 180).all():  # the latter is a band all around the Earth
        return ring
    if (np.abs(lngs) > 180).any():
        edge = int(np.argmax(long))
        raise PolygonInvalid(
            "longitudes go past 180 and an edge is longer than 180 degrees: which way round is it?",
            reason=PolygonFault.AMBIGUOUS_CROSSING,
            at=place_on_earth(lngs[edge], ring[edge, 1]),
        )
    turns = np.cumsum(np.where(long, -360.0 * np.sign(jumps), 0.0))
    if turns[-1] != 0:
        if (np.abs(jumps[long]) == 360).all():
            return ring  # such a band with more vertices
        highest = int(np.argmax(np.abs(ring[:, 1])))
        raise PolygonInvalid(
            "the outline goes around a pole, which a polygon in lng/lat cannot",
            reason=PolygonFault.TOUCHES_POLE,
            at=place_on_earth(lngs[highest], ring[highest, 1]),
        )
    return _snapped(np.column_stack([lngs + np.concatenate([[0.0], turns]), ring[:, 1]]))


def _towards(hole: Ring, west: float, east: float) -> float:
    """By how much a hole must be moved to come to lie in its outer ring, or else the nearest to it."""
    start, end = _reach(hole)
    for turn in (0.0, 360.0, -360.0):
        if west <= start + turn and end + turn <= east:
            return turn
    return min((0.0, 360.0, -360.0), key=lambda turn: abs(start + end + 2 * turn - west - east))


def _reach(ring: Ring) -> tuple[float, float]:
    return float(ring[:, 0].min()), float(ring[:, 0].max())


def _moved(ring: Ring, degrees: float) -> Ring:
    """The ring farther east by these degrees, the very same numbers when that is none."""
    return _snapped(np.column_stack([ring[:, 0] + degrees, ring[:, 1]])) if degrees else ring


def _snapped(ring: Ring) -> Ring:
    lngs = ring[:, 0]
    beside = np.abs(np.abs(lngs) - 180) < _NOISE_DEGREES
    return np.column_stack([np.where(beside, np.copysign(180.0, lngs), lngs), ring[:, 1]])
