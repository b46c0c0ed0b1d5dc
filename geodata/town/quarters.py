"""The five quarters of the sample town and where their lattices lie."""

from __future__ import annotations

from dataclasses import dataclass

from geodata.town.dice import Dice
from geodata.town.frames import Quarter, bankside, grid, shaken
from geodata.town.plane import Line, Ring


@dataclass(frozen=True, slots=True)
class Quarters:
    old: Quarter
    modern: Quarter
    food: Quarter
    campus: Quarter
    station: Quarter

    def all(self) -> tuple[Quarter, ...]:
        """Every quarter."""
        return self.old, self.modern, self.food, self.campus, self.station


def lay_quarters(river: Line, dice: Dice) -> Quarters:
    """The quarters around this river; the old town leans a little this way or that."""
    slant = dice.between(-6.0, 6.0)
    modern_centre, station_centre = shaken(((930.0, 350.0), (-300.0, -690.0)), dice, 8.0)
    return Quarters(
        old=grid(
            9, 7, centre=(-480.0, -40.0), across=(84.0, -13.0 + slant), along=(14.0, 80.0), bend=(-4.0, -4.0)
        ),
        modern=grid(5, 6, centre=modern_centre, across=(168.0, 32.0), along=(-29.0, 150.0)),
        food=bankside(4, 7, river=river, start_m=2560.0, block_m=(84.0, 96.0), first_m=54.0),
        campus=grid(6, 5, centre=(-660.0, 870.0), across=(122.0, -8.0), along=(7.0, 104.0), bend=(0.0, -3.0)),
        station=grid(6, 4, centre=station_centre, across=(138.0, -4.0), along=(3.0, 84.0), bend=(0.0, 2.0)),
    )


def campus_core(quarters: Quarters) -> Ring:
    """The campus itself, which the district around it leaves out."""
    return quarters.campus.patch(1.15, 1.15, 3.85, 2.85)
