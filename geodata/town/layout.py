"""The map of the sample town before it has names and shops: river, railway, streets, districts; in metres.

The hand-drawn skeleton is the same for every seed; what is shaken and what is left out differs.
"""

from __future__ import annotations

from geodata.town.dice import Dice
from geodata.town.frames import shaken
from geodata.town.plan import Layout, PlannedArea, PlannedStreet
from geodata.town.plane import Line, length, offset, ribbon, smoothed
from geodata.town.quarters import Quarters, campus_core, lay_quarters
from geodata.town.roads import RIVERSIDE_M, avenues, quarter_streets, residential_streets, riverside_roads

_RIVER_HALF_WIDTH_M = 32.0
_SHORTEST_STREET_M = 45.0

_RIVER = (
    (-2050.0, 520.0), (-1700.0, 500.0), (-1300.0, 560.0), (-850.0, 450.0), (-350.0, 350.0), (120.0, 260.0),
    (430.0, 40.0), (560.0, -300.0), (700.0, -620.0), (960.0, -930.0), (1150.0, -1250.0), (1200.0, -1600.0),
)  # fmt: skip
_RING_ROAD = (
    (1600.0, 120.0), (1520.0, 720.0), (1060.0, 1150.0), (300.0, 1290.0), (-500.0, 1330.0), (-1200.0, 1170.0),
    (-1560.0, 640.0), (-1600.0, 0.0), (-1400.0, -560.0), (-900.0, -850.0), (-250.0, -890.0), (400.0, -920.0),
    (1000.0, -820.0), (1400.0, -440.0),
)  # fmt: skip
_RAILWAY = ((-2050.0, -1010.0), (-1200.0, -1075.0), (-250.0, -1090.0), (700.0, -1120.0), (2050.0, -1260.0))
_PARK = (
    (-1330.0, -60.0), (-1150.0, -20.0), (-1080.0, -140.0), (-1090.0, -310.0), (-1230.0, -360.0),
    (-1340.0, -230.0),
)  # fmt: skip
_PARK_POND = ((-1250.0, -130.0), (-1170.0, -120.0), (-1140.0, -200.0), (-1190.0, -270.0), (-1270.0, -220.0))
_HILL = ((250.0, 850.0), (460.0, 800.0), (540.0, 930.0), (470.0, 1080.0), (280.0, 1090.0), (180.0, 960.0))


def lay_out(seed: int) -> Layout:
    """The map for this seed."""
    dice = Dice(seed, "layout")
    river = smoothed(shaken(_RIVER, dice, 14.0), rounds=3)
    ring_road = smoothed(shaken(_RING_ROAD, dice, 30.0), rounds=3, closed=True)
    quarters = lay_quarters(river, dice)
    green = _green(quarters, river, dice)
    squares = _squares(quarters)
    streets = [
        PlannedStreet("ring", (*ring_road, ring_road[0]), "ring_road"),
        PlannedStreet("railway", smoothed(shaken(_RAILWAY, dice, 8.0), rounds=3), "railway"),
        *avenues(quarters, dice),
        *quarter_streets(quarters, dice),
        *riverside_roads(river, ring_road, quarters.food),
    ]
    built_over = [
        ribbon(river, RIVERSIDE_M),
        *(quarter.outline(0.0) for quarter in quarters.all()),
        *(area.ring for area in (*green, *squares)),
    ]
    streets += residential_streets(ring_road, built_over, streets, dice)
    return Layout(
        streets=tuple(street for street in streets if length(street.line) >= _SHORTEST_STREET_M),
        districts=_districts(quarters),
        squares=squares,
        water=(
            PlannedArea("river", ribbon(river, _RIVER_HALF_WIDTH_M)),
            PlannedArea("park_pond", smoothed(shaken(_PARK_POND, dice, 8.0), closed=True)),
            PlannedArea("campus_pond", smoothed(quarters.campus.patch(1.5, 1.6, 2.3, 2.2), closed=True)),
        ),
        green=green,
        buildings=_buildings(quarters),
    )


def _green(quarters: Quarters, river: Line, dice: Dice) -> tuple[PlannedArea, ...]:
    bank = [at for at in offset(river, -(RIVERSIDE_M + 16.0)) if -700.0 < at[0] < -160.0]
    wall = [quarters.old.at(column / 2, 6.3) for column in range(15, 2, -1)]
    pond = quarters.campus.patch(1.5, 1.6, 2.3, 2.2)
    return (
        PlannedArea("riverside_park", (*bank, *wall)),
        PlannedArea("lotus_park", smoothed(shaken(_PARK, dice, 15.0), closed=True)),
        PlannedArea("hill", smoothed(shaken(_HILL, dice, 15.0), closed=True)),
        PlannedArea("campus", campus_core(quarters), (smoothed(pond, closed=True),)),
    )


def _squares(quarters: Quarters) -> tuple[PlannedArea, ...]:
    return (
        PlannedArea("station_square", quarters.station.patch(2.35, -2.55, 3.65, -1.25)),
        PlannedArea("temple_square", quarters.old.patch(4.25, 3.25, 4.8, 3.8)),
        PlannedArea("mall_plaza", quarters.modern.patch(1.2, 2.2, 1.8, 2.8)),
    )


def _buildings(quarters: Quarters) -> tuple[PlannedArea, ...]:
    return (
        PlannedArea("mall_light", quarters.modern.patch(0.18, 2.18, 0.82, 2.82)),
        PlannedArea("mall_bridge", quarters.modern.patch(1.2, 3.2, 1.8, 3.75)),
        PlannedArea("food_hall", quarters.food.patch(1.2, 3.2, 1.8, 3.8)),
        PlannedArea("station", quarters.station.patch(2.2, -3.0, 3.8, -2.65)),
    )


def _districts(quarters: Quarters) -> tuple[PlannedArea, ...]:
    modern, food, campus, station = quarters.modern, quarters.food, quarters.campus, quarters.station
    mall = ((-0.3, 0.7), (3.3, 0.7), (3.3, 3.3), (2.3, 3.3), (2.3, 4.3), (-0.3, 4.3))
    square = (
        (-0.3, -1.3), (2.0, -1.3), (2.0, -3.1), (4.0, -3.1), (4.0, -1.3), (5.3, -1.3), (5.3, 3.3),
        (-0.3, 3.3),
    )  # fmt: skip
    return (
        PlannedArea("old_town", quarters.old.outline(0.35)),
        PlannedArea("mall_quarter", modern.walk(mall)),
        PlannedArea("food_quarter", food.walk(((-0.2, -0.35), (3.35, -0.35), (3.35, 6.35), (-0.2, 6.35)))),
        PlannedArea("campus_quarter", campus.outline(0.3), (campus_core(quarters),)),
        PlannedArea("station_quarter", station.walk(square)),
        PlannedArea("night_market", food.patch(-0.19, 0.5, 0.22, 5.5)),
    )
