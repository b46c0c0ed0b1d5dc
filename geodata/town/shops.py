"""Fills the lots and halls of the sample town with shops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from geo_offers.domain.place import Shop, Source, shop_id_of
from geodata.town.brands import Brand
from geodata.town.characters import CHARACTERS
from geodata.town.dice import Dice
from geodata.town.halls import HALLS, Hall
from geodata.town.hours import Rhythm, opening_hours
from geodata.town.lots import Lot, taken_lots
from geodata.town.plan import Layout
from geodata.town.plane import Point, centroid
from geodata.town.projection import to_lng_lat
from geodata.town.signs import Sign, SignPainter
from geodata.town.trades import TRADES, Trade
from geodata.town.words import Words, names_of

TIME_ZONE = "Asia/Shanghai"
COUNTRY = "CN"
_TRADITIONAL_NAME_CHANCE = 0.7
_ENGLISH_SIGN_CHANCE = 0.04
_UNIT_M = 7.0


@dataclass(frozen=True, slots=True)
class _Premises:
    """A shop before it has a sign.

    where         what tells the branches of a chain apart: the street or the mall
    shared_hours  the place's hours hold for chains, too
    name          set when the sign is known beforehand
    """

    at: Point
    trade: Trade
    address: str
    where: Words
    rhythm: Rhythm
    shared_hours: bool
    name: Words | None = None


def fill_with_shops(
    layout: Layout, streets: list[Words], seed: int, *, provider: str, licence: str
) -> tuple[Shop, ...]:
    """Every shop of the town, ordered by source id; streets are the names of the layout's streets."""
    dice, painter = Dice(seed, "shops"), SignPainter(Dice(seed, "signs"))
    shops: list[Shop] = []
    for premises in (*_along_streets(layout, streets, seed), *_in_halls(layout, streets)):
        source = Source(provider, f"seed-{seed}/shop-{len(shops) + 1:04d}", licence)
        known = Sign(premises.name) if premises.name else None
        sign = known or painter.paint(premises.trade, premises.where)
        shops.append(_shop(premises, sign, dice, source))
    return tuple(shops)


def _shop(premises: _Premises, sign: Sign, dice: Dice, source: Source) -> Shop:
    names = names_of(sign.name)
    english_sign = sign.brand is None and dice.happens(_ENGLISH_SIGN_CHANCE)
    if not dice.happens(_TRADITIONAL_NAME_CHANCE):
        del names["zh-Hant"]
    return Shop(
        id=shop_id_of(source.provider, source.id),
        name=names["en"] if english_sign else names["zh-Hans"],
        names=names,
        category=premises.trade.category,
        at=to_lng_lat(premises.at),
        source=source,
        brand=sign.brand.name.zh if sign.brand else None,
        address=premises.address,
        opening_hours=_hours(premises, sign.brand, dice),
        time_zone=TIME_ZONE,
        country=COUNTRY,
    )


def _hours(premises: _Premises, brand: Brand | None, dice: Dice) -> str | None:
    """The house's hours where it has some, else the chain's, else the trade's."""
    if not premises.shared_hours and brand is not None and brand.opening_hours is not None:
        return brand.opening_hours
    return opening_hours(premises.rhythm, dice)


def _along_streets(layout: Layout, streets: list[Words], seed: int) -> Iterator[_Premises]:
    dice = Dice(seed, "trades")
    for lot in taken_lots(layout, Dice(seed, "lots")):
        yield _on_lot(lot, streets[lot.street], dice)


def _on_lot(lot: Lot, street: Words, dice: Dice) -> _Premises:
    character = CHARACTERS[lot.district]
    trade = TRADES[dice.weighted(character.trades)]
    return _Premises(
        at=lot.at,
        trade=trade,
        address=f"{street.zh}{lot.number}号",
        where=street,
        rhythm=character.rhythm or trade.rhythm,
        shared_hours=character.rhythm is not None,
    )


def _in_halls(layout: Layout, streets: list[Words]) -> Iterator[_Premises]:
    rings = {area.key: area.ring for area in (*layout.buildings, *layout.squares)}
    known = {street.known_as: name for street, name in zip(layout.streets, streets, strict=True)}
    for hall in HALLS:
        yield from _in_hall(hall, centroid(rings[hall.area]), known[hall.street])


def _in_hall(hall: Hall, middle: Point, street: Words) -> Iterator[_Premises]:
    """A hall and its units, five in a row, each right above the one with its number on the floor below."""
    address = f"{street.zh}{hall.number}号"
    if hall.trade:
        trade = TRADES[hall.trade]
        yield _Premises(middle, trade, address, hall.name, hall.rhythm, shared_hours=True, name=hall.name)
    for floor in hall.floors:
        for unit, key in enumerate(floor.trades, start=1):
            trade = TRADES[key]
            column, row = (unit - 1) % 5 - 2, (unit - 1) // 5 - 1
            own = key in hall.own_hours
            yield _Premises(
                at=(middle[0] + column * _UNIT_M, middle[1] + row * _UNIT_M),
                trade=trade,
                address=f"{address}{hall.name.zh}{floor.label.zh}{unit:02d}号",
                where=hall.name,
                rhythm=trade.rhythm if own else hall.rhythm,
                shared_hours=not own,
            )
