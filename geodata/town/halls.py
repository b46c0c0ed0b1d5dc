"""The malls, the market hall and the arcade of the sample town: many shops on one spot, above each other."""

from __future__ import annotations

from dataclasses import dataclass

from geodata.town.hours import Rhythm
from geodata.town.names import AREA_NAMES
from geodata.town.words import Words


@dataclass(frozen=True, slots=True)
class Floor:
    """One floor: its label in addresses and its units by trade, in the order of their numbers."""

    label: Words
    trades: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hall:
    """A building or square with units inside.

    area     key of the planned area that it fills
    street   `known_as` of the street in its address, and its number there
    trade    what the house itself is listed as, besides its units; None when it is no business
    rhythm   opening hours of the house, except for trades in `own_hours`
    """

    area: str
    name: Words
    street: str
    number: int
    rhythm: Rhythm
    floors: tuple[Floor, ...]
    own_hours: tuple[str, ...] = ()
    trade: str | None = None


def _floor(zh: str, en: str, trades: str) -> Floor:
    """A floor from text such as "clothes 3, shoes": three clothes shops, then a shoe shop."""
    units: list[str] = []
    for entry in trades.replace("\n", " ").split(","):
        trade, _, count = entry.strip().partition(" ")
        units += [trade] * int(count or 1)
    return Floor(Words(zh, en), tuple(units))


HALLS: tuple[Hall, ...] = (
    Hall(
        area="mall_light",
        name=AREA_NAMES["mall_light"],
        street="central_avenue",
        number=88,
        rhythm="mall",
        own_hours=("cinema", "gym"),
        trade="mall",
        floors=(
            _floor(
                "1层",
                "L1",
                "jewellery 3, cosmetics 3, mobile 2, electronics, cafe 2, bakery, milk_tea, bags 2",
            ),
            _floor("2层", "L2", "clothes 8, shoes 3, bags, optician, milk_tea"),
            _floor("3层", "L3", "children 4, toys 2, sports 2, clothes 4, books, computer"),
            _floor(
                "4层",
                "L4",
                "restaurant 5, hotpot, fast_food 2, ice_cream, milk_tea, cinema, gym, games, beauty",
            ),
        ),
    ),
    Hall(
        area="mall_bridge",
        name=AREA_NAMES["mall_bridge"],
        street="north_avenue",
        number=36,
        rhythm="mall",
        own_hours=("supermarket",),
        trade="mall",
        floors=(
            _floor("B1", "B1", "supermarket, fast_food 3, bakery, milk_tea 2, laundry, optician"),
            _floor("1层", "L1", "electronics 3, mobile 3, computer 2, cafe"),
            _floor("2层", "L2", "clothes 4, shoes 2, furniture 2, school"),
        ),
    ),
    Hall(
        area="food_hall",
        name=AREA_NAMES["food_hall"],
        street="food_street",
        number=50,
        rhythm="market",
        trade="market",
        floors=(
            _floor(
                "",
                "Stall",
                "vegetables 10, fishmonger 6, butcher 6, greengrocer 4, dried_goods 3, sweets, snacks 4, "
                "breakfast 2",
            ),
        ),
    ),
    Hall(
        area="station_square",
        name=Words("站前地下街", "Station Arcade"),
        street="station_avenue",
        number=1,
        rhythm="shop",
        own_hours=("convenience", "fast_food", "breakfast"),
        floors=(
            _floor(
                "B1",
                "B1",
                "convenience 2, fast_food 4, breakfast 2, milk_tea, bakery, mobile 2, gifts 2, "
                "dried_goods 2, bags, clothes 2, hairdresser",
            ),
        ),
    ),
)
