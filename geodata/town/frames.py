"""Where the quarters of the sample town lie: frames that map a lattice of blocks to the plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from geodata.town.dice import Dice
from geodata.town.plane import Line, Point, Ring, beside, length, point_along, smoothed

Axis = Literal["row", "column"]
Street = tuple[Axis, int]
"""A street of a lattice: ("row", 2) is the third row."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """A lattice of streets and where it lies.

    columns, rows  how many streets run across and along
    at             (column, row) -> metres; whole numbers are crossings, and it goes on beyond the lattice
    """

    columns: int
    rows: int
    at: Callable[[float, float], Point]

    def outline(self, margin: float) -> Ring:
        """The boundary this far (in blocks) outside the outermost streets, with a point every half block."""
        return self.patch(-margin, -margin, self.columns - 1 + margin, self.rows - 1 + margin)

    def patch(self, west: float, south: float, east: float, north: float) -> Ring:
        """A four-sided piece of the lattice, its sides following the lattice's bends."""
        return self.walk(((west, south), (east, south), (east, north), (west, north)))

    def walk(self, corners: tuple[Point, ...]) -> Ring:
        """A ring through corners given in blocks, with points in between every half block."""
        ring: list[Point] = []
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
            steps = max(1, round(2 * max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
            for step in range(steps):
                share = step / steps
                ring.append(
                    self.at(start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
                )
        return tuple(ring)


def grid(
    columns: int, rows: int, *, centre: Point, across: Point, along: Point, bend: Point = (0.0, 0.0)
) -> Quarter:
    """A quarter on a slanted lattice; `bend` is how far, in metres per block squared, its sides curve."""

    def at(column: float, row: float) -> Point:
        u, v = column - (columns - 1) / 2, row - (rows - 1) / 2
        return (
            centre[0] + u * across[0] + v * along[0] + bend[0] * v * v,
            centre[1] + u * across[1] + v * along[1] + bend[1] * u * u,
        )

    return Quarter(columns, rows, at)


def bankside(
    columns: int, rows: int, *, river: Line, start_m: float, block_m: Point, first_m: float
) -> Quarter:
    """A quarter on the right bank: column 0 follows the river at `first_m`, rows run away from it.

    start_m  where along the river row 0 is; block_m  metres between columns, metres between rows
    """
    whole = length(river)

    def at(column: float, row: float) -> Point:
        point, towards = point_along(river, min(whole, start_m + row * block_m[1]))
        return beside(point, towards, -(first_m + column * block_m[0]))

    return Quarter(columns, rows, at)


def shaken(points: Line, dice: Dice, metres: float) -> Line:
    """The points, each moved by up to `metres` either way."""
    return tuple((x + dice.between(-metres, metres), y + dice.between(-metres, metres)) for x, y in points)


@dataclass(frozen=True, slots=True)
class Run:
    """An unbroken stretch of one street of a lattice: row or column, its number, its line."""

    axis: Axis
    number: int
    line: Line


def lattice_runs(
    quarter: Quarter, dice: Dice, *, jitter_m: float, gaps: float, smooth: int, whole: tuple[Street, ...] = ()
) -> list[Run]:
    """The streets of a quarter, rows first, with gaps between some crossings.

    gaps    chance that a stretch between two crossings has no street
    whole   streets without gaps, besides the outermost ones
    smooth  rounds of corner cutting
    """
    columns, rows = quarter.columns, quarter.rows
    outermost: tuple[Street, ...] = (("row", 0), ("row", rows - 1), ("column", 0), ("column", columns - 1))
    crossings = [
        shaken(tuple(quarter.at(column, row) for column in range(columns)), dice, jitter_m)
        for row in range(rows)
    ]
    streets: list[tuple[Street, Line]] = [(("row", row), crossings[row]) for row in range(rows)]
    streets += [(("column", column), tuple(row[column] for row in crossings)) for column in range(columns)]
    runs: list[Run] = []
    for street, nodes in streets:
        unbroken = street in outermost or street in whole
        pieces = _broken(nodes, dice, 0.0 if unbroken else gaps)
        runs += [Run(*street, smoothed(line, rounds=smooth)) for line in pieces]
    return runs


def _broken(nodes: Line, dice: Dice, gaps: float) -> list[Line]:
    """The line in pieces, without some of its stretches."""
    pieces = [[nodes[0]]]
    for node in nodes[1:]:
        if dice.happens(gaps):
            pieces.append([node])
        else:
            pieces[-1].append(node)
    return [tuple(piece) for piece in pieces if len(piece) > 1]
