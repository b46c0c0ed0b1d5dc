"""The streets of the sample town: avenues, streets of the quarters, riverside and residential ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from geodata.town.dice import Dice
from geodata.town.frames import Quarter, Run, grid, lattice_runs, shaken
from geodata.town.plan import PlannedStreet, StreetKind
from geodata.town.plane import Line, Point, Ring, cut, distance_to_line, length, offset, point_along, smoothed
from geodata.town.quarters import Quarters, campus_core

RIVERSIDE_M = 58.0
"""From the middle of the river to the roads along its banks."""
_SHORTEST_RESIDENTIAL_M = 90.0


def avenues(quarters: Quarters, dice: Dice) -> Iterator[PlannedStreet]:
    """The wide roads that tie the quarters together, bridges among them, and lead out of town."""
    old, modern, campus, station = quarters.old, quarters.modern, quarters.campus, quarters.station

    def drawn(kind: StreetKind, known_as: str, points: Iterable[Point]) -> Iterator[PlannedStreet]:
        line = smoothed(shaken(tuple(points), dice, 6.0), rounds=2)
        yield PlannedStreet(kind, line, known_as)

    yield from drawn("pedestrian", "old_walk", (old.at(column, 3) for column in range(9)))
    yield from drawn("avenue", "west_gate", ((-1950.0, 0.0), (-1300.0, 70.0), (-1010.0, 20.0), old.at(0, 3)))
    yield from drawn(
        "avenue",
        "central_avenue",
        (
            old.at(8, 3), (-20.0, -90.0), (180.0, -10.0), (400.0, 90.0),
            *(modern.at(column, 2) for column in range(5)), (1950.0, 450.0),
        ),
    )  # fmt: skip
    yield from drawn(
        "avenue",
        "station_avenue",
        (
            (-230.0, 1500.0), (-240.0, 1080.0), (-200.0, 700.0), (-140.0, 420.0), (-60.0, 200.0),
            (-40.0, -60.0), (-60.0, -280.0), (-150.0, -460.0),
            station.at(2.9, 3.2), station.at(3, 2), station.at(3, 0), station.at(3, -1.2),
        ),
    )  # fmt: skip
    yield from drawn(
        "avenue",
        "north_avenue",
        (
            campus.at(5, 2), (-80.0, 770.0), (140.0, 710.0),
            *(modern.at(column, 4) for column in range(5)), (1950.0, 1050.0),
        ),
    )  # fmt: skip
    yield from drawn(
        "avenue",
        "east_avenue",
        (
            (760.0, 1500.0), *(modern.at(2, row) for row in (5, 4, 3, 2, 1, 0)),
            (1040.0, -240.0), (1120.0, -500.0), (1420.0, -1450.0),
        ),
    )  # fmt: skip
    yield from drawn(
        "avenue",
        "west_avenue",
        (
            (-1100.0, 1500.0),
            (-1070.0, 850.0),
            (-1060.0, 520.0),
            (-1000.0, 250.0),
            (-980.0, -200.0),
            (-960.0, -1500.0),
        ),
    )
    yield from drawn(
        "avenue",
        "south_avenue",
        (
            station.at(5, 1),
            (240.0, -730.0),
            (520.0, -730.0),
            (780.0, -640.0),
            (1050.0, -420.0),
            (1950.0, -120.0),
        ),
    )


def quarter_streets(quarters: Quarters, dice: Dice) -> Iterator[PlannedStreet]:
    """The streets inside of the quarters; those that an avenue replaces are left out."""

    def old(run: Run) -> tuple[StreetKind, str | None] | None:
        if (run.axis, run.number) == ("row", 3):
            return None
        at_the_wall = run.number in ((0, 6) if run.axis == "row" else (0, 8))
        return ("street", None) if at_the_wall or (run.axis, run.number) == ("column", 4) else ("lane", None)

    def modern(run: Run) -> tuple[StreetKind, str | None] | None:
        return None if (run.axis, run.number) in (("row", 2), ("row", 4), ("column", 2)) else ("street", None)

    def food(run: Run) -> tuple[StreetKind, str | None] | None:
        if (run.axis, run.number) == ("column", 0):
            return "pedestrian", "night_market"
        if (run.axis, run.number) == ("column", 1):
            return "street", "food_street"
        return ("street" if run.axis == "column" else "lane"), None

    def station(run: Run) -> tuple[StreetKind, str | None] | None:
        return None if (run.axis, run.number) == ("column", 3) else ("street", None)

    core = campus_core(quarters)
    for run in lattice_runs(quarters.old, dice, jitter_m=12.0, gaps=0.14, smooth=2, whole=(("column", 4),)):
        yield from _street(run, old)
    for run in lattice_runs(quarters.modern, dice, jitter_m=0.0, gaps=0.06, smooth=0):
        yield from _street(run, modern)
    for run in lattice_runs(quarters.food, dice, jitter_m=5.0, gaps=0.1, smooth=2):
        yield from _street(run, food)
    for run in lattice_runs(quarters.station, dice, jitter_m=4.0, gaps=0.06, smooth=1):
        yield from _street(run, station)
    for run in lattice_runs(quarters.campus, dice, jitter_m=5.0, gaps=0.04, smooth=1):
        for piece in cut(run.line, core, keep_inside=False):
            yield PlannedStreet("street" if run.axis == "row" else "lane", piece)


def _street(
    run: Run, known: Callable[[Run], tuple[StreetKind, str | None] | None]
) -> Iterator[PlannedStreet]:
    found = known(run)
    if found is not None:
        yield PlannedStreet(found[0], run.line, found[1])


def riverside_roads(river: Line, ring_road: Ring, food: Quarter) -> Iterator[PlannedStreet]:
    """A road on each bank, up to the ring road; the night market takes the place of the southern one."""
    for piece in cut(offset(river, RIVERSIDE_M), ring_road, keep_inside=True):
        yield PlannedStreet("street", piece, "north_riverside")
    for piece in cut(offset(river, -RIVERSIDE_M), ring_road, keep_inside=True):
        for road in cut(piece, food.outline(0.1), keep_inside=False):
            yield PlannedStreet("street", road, "south_riverside")


def residential_streets(
    ring_road: Ring, built_over: list[Ring], streets: list[PlannedStreet], dice: Dice
) -> list[PlannedStreet]:
    """A loose lattice over everything inside of the ring road that is not built over yet."""
    town = grid(21, 19, centre=(0.0, 200.0), across=(165.0, 6.0), along=(-8.0, 142.0), bend=(1.0, -1.0))
    wide = [street.line for street in streets if street.kind in ("ring", "avenue")]
    found: list[PlannedStreet] = []
    for run in lattice_runs(town, dice, jitter_m=18.0, gaps=0.16, smooth=1):
        pieces = cut(run.line, ring_road, keep_inside=True)
        for ring in built_over:
            pieces = [rest for piece in pieces for rest in cut(piece, ring, keep_inside=False)]
        kind: StreetKind = "street" if run.number % 3 == 0 else "lane"
        found += [PlannedStreet(kind, piece) for piece in pieces if not _runs_beside(piece, wide)]
    return [street for street in found if length(street.line) >= _SHORTEST_RESIDENTIAL_M]


def _runs_beside(line: Line, others: list[Line]) -> bool:
    """Whether a line keeps within 45 m of another one for half of its way or more."""
    whole = length(line)
    posts = [point_along(line, whole * share)[0] for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    return any(sum(distance_to_line(post, other) < 45.0 for post in posts) >= 3 for other in others)
