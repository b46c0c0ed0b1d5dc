"""Plane geometry in metres for laying out a town; plain arithmetic, so that every machine gets the same bits.

Only + - * /, sqrt and fsum are used, which round alike everywhere; sines, geometry libraries and (since
Python 3.12) sum() may differ in the last bit.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

Point = tuple[float, float]
Line = tuple[Point, ...]
"""At least two points, metres east and north of the town's centre."""
Ring = tuple[Point, ...]
"""A closed boundary; the first point is not repeated."""


def distance(a: Point, b: Point) -> float:
    """Metres between two points."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    return math.sqrt(dx * dx + dy * dy)


def length(line: Line) -> float:
    """Metres along a line."""
    return math.fsum(distance(a, b) for a, b in pairwise(line))


def point_along(line: Line, metres: float) -> tuple[Point, Point]:
    """The point this far along a line and the unit vector in which the line runs there."""
    left = metres
    last = len(line) - 2
    for index, (a, b) in enumerate(pairwise(line)):
        step = distance(a, b)
        if left <= step or index == last:
            share = left / step
            towards = ((b[0] - a[0]) / step, (b[1] - a[1]) / step)
            return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share), towards
        left -= step
    raise AssertionError("a line has at least two points")


def counterclockwise(ring: Ring) -> Ring:
    """The ring turning to the left, as RFC 7946 has outer boundaries."""
    double_area = math.fsum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))
    return ring if double_area > 0 else ring[::-1]


def centroid(ring: Ring) -> Point:
    """The mean of a ring's corners."""
    return math.fsum(at[0] for at in ring) / len(ring), math.fsum(at[1] for at in ring) / len(ring)


def beside(at: Point, towards: Point, left: float) -> Point:
    """The point `left` metres to the left of the direction; negative is to the right."""
    return at[0] - towards[1] * left, at[1] + towards[0] * left


def smoothed(line: Line, *, rounds: int = 2, closed: bool = False) -> Line:
    """The line with its corners cut (Chaikin, 1974); the ends of an open line stay."""
    for _ in range(rounds):
        pairs = list(zip(line, line[1:] + line[:1] if closed else line[1:], strict=False))
        cut: list[Point] = []
        for a, b in pairs:
            cut.append((a[0] * 0.75 + b[0] * 0.25, a[1] * 0.75 + b[1] * 0.25))
            cut.append((a[0] * 0.25 + b[0] * 0.75, a[1] * 0.25 + b[1] * 0.75))
        line = tuple(cut) if closed else (line[0], *cut[1:-1], line[-1])
    return line


def offset(line: Line, left: float) -> Line:
    """The line moved sideways, point by point along the mean of the neighbouring directions."""
    moved = []
    for index, at in enumerate(line):
        before, after = line[max(index - 1, 0)], line[min(index + 1, len(line) - 1)]
        step = distance(before, after)
        moved.append(beside(at, ((after[0] - before[0]) / step, (after[1] - before[1]) / step), left))
    return tuple(moved)


def ribbon(line: Line, half_width: float) -> Ring:
    """The strip along a line."""
    return offset(line, half_width) + offset(line, -half_width)[::-1]


def inside(at: Point, ring: Ring) -> bool:
    """Whether a point is in a ring, by counting crossings to the east of it."""
    odd = False
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        if (a[1] > at[1]) != (b[1] > at[1]) and at[0] < a[0] + (at[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]):
            odd = not odd
    return odd


class Region:
    """A ring that is asked often whether it holds a point; most askers are far away."""

    __slots__ = ("_high", "_holes", "_low", "_ring")

    def __init__(self, ring: Ring, holes: Sequence[Ring] = ()) -> None:
        self._ring, self._holes = ring, holes
        self._low = min(x for x, _ in ring), min(y for _, y in ring)
        self._high = max(x for x, _ in ring), max(y for _, y in ring)

    def holds(self, at: Point) -> bool:
        """Whether a point is in the ring and in none of its holes."""
        if not (self._low[0] <= at[0] <= self._high[0] and self._low[1] <= at[1] <= self._high[1]):
            return False
        return inside(at, self._ring) and not any(inside(at, hole) for hole in self._holes)


def cut(line: Line, ring: Ring, *, keep_inside: bool) -> list[Line]:
    """The pieces of a line that are inside, or outside, of a ring."""
    pieces: list[Line] = []
    piece: list[Point] = []
    for a, b in pairwise(line):
        stops = [0.0, *sorted(_crossings(a, b, ring)), 1.0]
        for start, end in pairwise(stops):
            middle = _between(a, b, (start + end) / 2)
            if inside(middle, ring) == keep_inside:
                piece = piece or [_between(a, b, start)]
                piece.append(_between(a, b, end))
            elif piece:
                pieces.append(tuple(piece))
                piece = []
    if piece:
        pieces.append(tuple(piece))
    return pieces


def distance_to_segment(at: Point, a: Point, b: Point) -> float:
    """Metres from a point to the nearest point of a segment."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    share = 0.0 if square == 0 else ((at[0] - a[0]) * dx + (at[1] - a[1]) * dy) / square
    return distance(at, _between(a, b, min(1.0, max(0.0, share))))


def distance_to_line(at: Point, line: Line) -> float:
    """Metres from a point to the nearest point of a line."""
    return min(distance_to_segment(at, a, b) for a, b in pairwise(line))


class Neighbourhood:
    """Lines by tiles of the plane: which of them may be within `reach` metres of a point."""

    __slots__ = ("_reach", "_tiles")

    def __init__(self, lines: Sequence[Line], *, reach: float) -> None:
        self._reach = reach
        self._tiles: defaultdict[tuple[int, int], list[tuple[int, Point, Point]]] = defaultdict(list)
        for index, line in enumerate(lines):
            for a, b in pairwise(line):
                for tile in self._tiles_of(a, b):
                    self._tiles[tile].append((index, a, b))

    def near(self, at: Point) -> Iterator[tuple[int, float]]:
        """(index of a line, metres to one of its segments) around a point; a line may come twice."""
        tile = (math.floor(at[0] / self._reach), math.floor(at[1] / self._reach))
        for index, a, b in self._tiles.get(tile, ()):
            yield index, distance_to_segment(at, a, b)

    def _tiles_of(self, a: Point, b: Point) -> Iterable[tuple[int, int]]:
        reach = self._reach
        columns = range(
            math.floor((min(a[0], b[0]) - reach) / reach), math.floor((max(a[0], b[0]) + reach) / reach) + 1
        )
        rows = range(
            math.floor((min(a[1], b[1]) - reach) / reach), math.floor((max(a[1], b[1]) + reach) / reach) + 1
        )
        return ((column, row) for column in columns for row in rows)


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _crossings(a: Point, b: Point, ring: Ring) -> Iterator[float]:
    """Where, as a share of a to b, a segment meets the edges of a ring."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    for c, d in zip(ring, ring[1:] + ring[:1], strict=True):
        ex, ey = d[0] - c[0], d[1] - c[1]
        across = dx * ey - dy * ex
        if across == 0:
            continue
        share = ((c[0] - a[0]) * ey - (c[1] - a[1]) * ex) / across
        along = ((c[0] - a[0]) * dy - (c[1] - a[1]) * dx) / across
        if 0 < share < 1 and 0 <= along <= 1:
            yield share
