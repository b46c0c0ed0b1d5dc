"""How streets and shops of the sample town are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from geodata.town.brands import BRANDS, CHAIN_CHANCE, OTHER_CHAIN_CHANCE, Brand
from geodata.town.dice import Dice
from geodata.town.plan import PlannedStreet
from geodata.town.trades import Style, Trade
from geodata.town.words import (
    FANCIES,
    GIVEN_NAMES,
    HOUSES,
    LOCALS,
    STREET_WORDS,
    SUFFIX_OF_KIND,
    SURNAMES,
    Words,
)

_KNOWN_STREETS = {
    "ring_road": Words("环镇路", "Ring Road"),
    "railway": Words("环湖铁路", "Lakeside Railway"),
    "old_walk": Words("鹭桥老街", "Heron Bridge Old Street"),
    "night_market": Words("河埠夜市街", "Hebu Night Market Street"),
    "food_street": Words("河埠街", "Hebu Street"),
    "west_gate": Words("西门大道", "West Gate Avenue"),
    "central_avenue": Words("霁川大道", "Jichuan Avenue"),
    "station_avenue": Words("站前大道", "Station Avenue"),
    "north_avenue": Words("书院大道", "Academy Avenue"),
    "east_avenue": Words("新城大道", "New Town Avenue"),
    "west_avenue": Words("荷塘大道", "Lotus Pond Avenue"),
    "south_avenue": Words("南桥大道", "South Bridge Avenue"),
    "north_riverside": Words("北滨河路", "North Riverside Road"),
    "south_riverside": Words("南滨河路", "South Riverside Road"),
}
# When every word has been used once, the words come again with a side of the town.
_SIDES = (Words("", ""), Words("东", "East"), Words("西", "West"), Words("南", "South"), Words("北", "North"))
_TRIES = 25


@dataclass(frozen=True, slots=True)
class Sign:
    """What stands above a shop's door."""

    name: Words
    brand: Brand | None = None


def street_names(streets: tuple[PlannedStreet, ...], dice: Dice) -> list[Words]:
    """A name for each street; pieces of one known street share theirs, all others differ."""
    fresh = _fresh_street_words(dice)
    names: list[Words] = []
    for street in streets:
        if street.known_as is not None:
            names.append(_KNOWN_STREETS[street.known_as])
            continue
        stem, suffix = next(fresh), dice.pick(SUFFIX_OF_KIND[street.kind])
        names.append(Words(stem.zh + suffix.zh, f"{stem.en} {suffix.en}"))
    return names


class SignPainter:
    """Names shops; avoids to give a name twice."""

    __slots__ = ("_dice", "_given")

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._given: set[str] = set()

    def paint(self, trade: Trade, where: Words) -> Sign:
        """A sign for a shop of this trade; `where`, its street or mall, tells branches of a chain apart."""
        chains = [brand for brand in BRANDS if brand.trade == trade.key]
        chain = bool(chains) and self._dice.happens(CHAIN_CHANCE.get(trade.key, OTHER_CHAIN_CHANCE))
        for _ in range(_TRIES):
            sign = self._branch(chains, where) if chain else Sign(self._own_name(trade))
            if sign.name.zh not in self._given:
                break
            chain = False  # this street has that branch already
        self._given.add(sign.name.zh)
        return sign

    def _branch(self, chains: list[Brand], where: Words) -> Sign:
        brand = self._dice.pick(chains)
        return Sign(Words(f"{brand.name.zh}（{where.zh}店）", f"{brand.name.en} ({where.en})"), brand)

    def _own_name(self, trade: Trade) -> Words:
        noun = self._dice.pick(trade.nouns)
        stem, joint = self._stem(self._dice.pick(trade.styles))
        return Words(stem.zh + joint + noun.zh, f"{stem.en} {noun.en}")

    def _stem(self, style: Style) -> tuple[Words, str]:
        """The first half of a name, and what stands between the halves in Chinese."""
        dice = self._dice
        match style:
            case "surname":
                surname = dice.pick(SURNAMES)
                forms = (
                    Words(f"老{surname.zh}", f"Old {surname.en}'s"),
                    Words(f"{surname.zh}记", f"{surname.en}'s"),
                    Words(f"{surname.zh}氏", f"{surname.en} Family"),
                    Words(f"{surname.zh}家", f"House of {surname.en}"),
                )
                return dice.pick(forms), ""
            case "given":
                given = dice.pick(GIVEN_NAMES)
                return Words(given.zh, f"{given.en}'s"), ""
            case "house":
                return dice.pick(HOUSES), ""
            case "fancy":
                return dice.pick(FANCIES), dice.pick(("", "", "·"))
            case "local":
                return dice.pick(LOCALS), ""


def _fresh_street_words(dice: Dice) -> Iterator[Words]:
    for lap in count():
        side = _SIDES[lap]
        for stem in dice.shuffled(STREET_WORDS):
            yield Words(stem.zh + side.zh, f"{stem.en} {side.en}".strip())
