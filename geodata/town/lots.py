"""Where in the sample town a shop may stand: lots along both sides of every street, numbered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from geodata.town.characters import CHARACTERS, ELSEWHERE
from geodata.town.dice import Dice
from geodata.town.plan import HALF_WIDTH_M, Layout, PlannedStreet, StreetKind
from geodata.town.plane import Neighbourhood, Point, Region, beside, length, point_along

_FRONTAGE_M: dict[StreetKind, float] = {
    "ring": 24.0,
    "avenue": 15.0,
    "street": 11.0,
    "pedestrian": 8.5,
    "lane": 9.5,
}
# How readily a shop takes a lot: along streets that people walk, first of all.
_PULL: dict[StreetKind, float] = {"ring": 0.15, "avenue": 1.2, "street": 1.0, "pedestrian": 7.0, "lane": 0.55}
_METRES_PER_NUMBER = 5.0
_CORNER_M = 4.0
_ELBOW_ROOM_M = 5.5
_REACH_M = 40.0


@dataclass(frozen=True, slots=True)
class Lot:
    """A place for one shop: where, on which street (its index in the layout), house number, district key."""

    at: Point
    street: int
    number: int
    district: str
    pull: float


def taken_lots(layout: Layout, dice: Dice) -> list[Lot]:
    """The lots that have shops: as many in each district as its character says, by street and number."""
    by_district: dict[str, list[tuple[float, Lot]]] = {key: [] for key in CHARACTERS}
    for lot in _all_lots(layout, dice):
        by_district[lot.district].append((dice.unit() / lot.pull, lot))
    taken: list[Lot] = []
    for key, character in CHARACTERS.items():
        order = sorted(by_district[key], key=lambda entry: entry[0])
        _take_apart(taken, [lot for _, lot in order], character.shops)
    return sorted(taken, key=lambda lot: (lot.street, lot.number))


def _district_at(districts: list[tuple[str, Region]], at: Point) -> str:
    """The key of the first district that holds a point, or ELSEWHERE."""
    return next((key for key, region in districts if region.holds(at)), ELSEWHERE)


def _take_apart(taken: list[Lot], wanted: list[Lot], count: int) -> None:
    """Add the first `count` of the wanted lots that keep off the taken ones."""
    tiles: dict[tuple[int, int], list[Point]] = {}

    def tile(at: Point) -> tuple[int, int]:
        return int(at[0] // _ELBOW_ROOM_M), int(at[1] // _ELBOW_ROOM_M)

    for lot in taken:
        tiles.setdefault(tile(lot.at), []).append(lot.at)
    added = 0
    for lot in wanted:
        if added == count:
            return
        column, row = tile(lot.at)
        near = (tiles.get((column + dx, row + dy), ()) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
        if any(_too_close(lot.at, other) for others in near for other in others):
            continue
        tiles.setdefault((column, row), []).append(lot.at)
        taken.append(lot)
        added += 1


def _too_close(a: Point, b: Point) -> bool:
    dx, dy = a[0] - b[0], a[1] - b[1]
    return dx * dx + dy * dy < _ELBOW_ROOM_M * _ELBOW_ROOM_M


def _all_lots(layout: Layout, dice: Dice) -> Iterator[Lot]:
    """Every lot that is not on another street, in water, on a square, in a park or in a building."""
    roads = Neighbourhood([street.line for street in layout.streets], reach=_REACH_M)
    open_ground = (*layout.water, *layout.squares, *layout.green, *layout.buildings)
    kept_free = [Region(area.ring) for area in open_ground]
    innermost_first = [(area.key, Region(area.ring, area.holes)) for area in reversed(layout.districts)]
    used_m: Counter[str] = Counter()
    for index, street in enumerate(layout.streets):
        if street.kind == "railway":
            continue
        known = street.known_as or ""
        for at, along_m, side in _frontages(street, dice):
            blocked = any(
                other != index and metres < HALF_WIDTH_M[layout.streets[other].kind] + _CORNER_M
                for other, metres in roads.near(at)
            )
            if blocked or any(region.holds(at) for region in kept_free):
                continue
            number = 2 * int((used_m[known] + along_m) / _METRES_PER_NUMBER) + (1 if side > 0 else 2)
            yield Lot(at, index, number, _district_at(innermost_first, at), _PULL[street.kind])
        if known:  # pieces of one street go on with the numbers
            used_m[known] += int(length(street.line)) + 10


def _frontages(street: PlannedStreet, dice: Dice) -> Iterator[tuple[Point, float, int]]:
    """Lots as (where, metres from the street's start, side): left 1, right -1; frontages differ in width."""
    whole, frontage = length(street.line), _FRONTAGE_M[street.kind]
    for side in (1, -1):
        along_m = dice.between(4.0, 10.0)
        while along_m < whole - 4.0:
            at, towards = point_along(street.line, along_m)
            back = HALF_WIDTH_M[street.kind] + dice.between(2.5, 6.0)
            yield beside(at, towards, side * back), along_m, side
            along_m += frontage * dice.between(0.75, 1.5)
