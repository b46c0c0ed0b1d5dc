"""Names for districts: what a local would say, each once in a city."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from geo_offers.districts.discovered import Level
from geo_offers.districts.fallback_words import around, compass_words
from geo_offers.districts.name_words import NameWords
from geo_offers.districts.streets_of_addresses import cities_of, most_named, streets_of
from geo_offers.domain.categories import GROUPS
from geo_offers.domain.named_place import NamedPlace, PlaceKind
from geo_offers.domain.place import Shop
from geo_offers.kernels.distance import ecef

_BRACKETS = re.compile(r"[(（].*?[)）]")
#: How far the shops of a place may be from its middle, in metres.
_REACH_M: Mapping[PlaceKind, float] = {
    "neighbourhood": 300, "square": 130, "station": 150, "mall": 70, "market": 100, "pedestrian street": 60,
    "street": 45,
}  # fmt: skip
#: How much a quarter and a street want to be called after such a place when all of their shops are around it.
_WISH: Mapping[PlaceKind, tuple[float, float]] = {
    "neighbourhood": (1.6, 0.35), "square": (1.2, 1.0), "station": (1.1, 0.5), "mall": (0.7, 1.0),
    "market": (0.9, 0.8), "pedestrian street": (0.7, 1.3), "street": (0.4, 0.8),
}  # fmt: skip
_ADDRESS_WISH = (1.0, 1.6)
_WORD_WISH = (0.9, 0.6)
_MOST_BRANDS = 3
_FOREIGN_WORD = 0.6
_LEAST_SHARE = 0.12
_FEWEST_NAMED = 3
_AROUND_M = 800.0
_LOYALTY = 1.5


@dataclass(frozen=True, slots=True)
class Named:
    """A name and the same in other languages by BCP 47 tag."""

    name: str
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Nameless:
    """A district that needs a name.

    members   numbers of its shops
    at        the middle of its shops, earth-centred metres
    previous  what it was called before, if it was there before
    parent    the place of its quarter in the list, for a street
    """

    level: Level
    members: NDArray[np.int64]
    at: NDArray[np.float64]
    previous: str | None = None
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    score: float
    name: str


class Naming:
    """What is known about the names of one city: its shops' addresses and names, and its places."""

    def __init__(self, shops: Sequence[Shop], at: NDArray[np.float64], places: Sequence[NamedPlace]) -> None:
        self._shops = shops
        self._at = at
        self._streets = streets_of([shop.address for shop in shops])
        self._words = NameWords.of([shop.name for shop in shops])
        self._brands = Counter(map(_brand_of, shops))
        # A station or a post office may be called like the whole city.
        cities = cities_of([shop.address for shop in shops])
        self._places = _PlaceTable([place for place in places if place.name not in cities])
        self._centre = at.mean(axis=0)
        self._language = _language([shop.name for shop in shops])

    def name_all(self, districts: Sequence[Nameless]) -> list[Named]:
        """A name for each, no two alike: the strongest wish of all is granted first, quarters before streets."""
        wishes = [self._wishes(district) for district in districts]
        named: dict[int, Named] = {}
        taken: set[str] = set()
        for level in ("quarter", "street"):
            own = [number for number, district in enumerate(districts) if district.level == level]
            ranked = sorted((-wish.score, number, wish.name) for number in own for wish in wishes[number])
            for _, number, name in ranked:
                parent = districts[number].parent
                part = parent is not None and name in named[parent].name
                if number not in named and name not in taken and not part:
                    named[number] = self._named(name)
                    taken.add(name)
            for number in own:
                if number not in named:
                    named[number] = self._last_resort(districts, number, wishes[number], named, taken)
        return [named[number] for number in range(len(districts))]

    def _wishes(self, district: Nameless) -> list[_Wish]:
        street_level = int(district.level == "street")
        scores: dict[str, float] = {}
        for street, often in most_named(self._streets[member] for member in district.members.tolist()):
            share = often / len(district.members)
            if often >= _FEWEST_NAMED and share >= _LEAST_SHARE:
                scores[street] = _ADDRESS_WISH[street_level] * share
        for kind, name, share in self._places.shares(self._at[district.members]):
            if share >= _LEAST_SHARE:
                # An address and a place that agree make each other stronger.
                scores[name] = scores.get(name, 0.0) + _WISH[kind][street_level] * share * (
                    0.5 if name in scores else 1
                )
        near = ((self._at - district.at) ** 2).sum(axis=1) <= _AROUND_M**2
        for word, weight in self._words.local(district.members, near)[:4]:
            native = self._language == "en" or not word.isascii()
            wish = _WORD_WISH[street_level] * weight * (1.0 if native else _FOREIGN_WORD)
            scores[word] = max(scores.get(word, 0.0), wish)
        if district.previous is not None and district.previous in scores:
            scores[district.previous] *= _LOYALTY
        return [
            _Wish(score, name) for name, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        ]

    def _named(self, name: str) -> Named:
        return Named(name, self._places.names_of(name))

    def _last_resort(
        self,
        districts: Sequence[Nameless],
        number: int,
        wishes: Sequence[_Wish],
        named: Mapping[int, Named],
        taken: set[str],
    ) -> Named:
        """A name that is free: two together, or one told apart by where it lies, at last by a number."""
        district = districts[number]
        centre = self._centre
        if district.parent is not None:
            bases, centre = [named[district.parent]], districts[district.parent].at
        elif wishes:
            bases = [self._named(wishes[0].name)]
        else:
            bases = self._by_brands(district)
        candidates = chain(
            self._pairs(wishes),
            bases,
            [_told_apart(bases[0], compass_words(centre, district.at), self._language)],
            (_numbered(bases[0], again) for again in count(2)),
        )
        free = next(name for name in candidates if name.name not in taken)
        taken.add(free.name)
        return free

    def _pairs(self, wishes: Sequence[_Wish]) -> Iterator[Named]:
        names = [wish.name for wish in wishes[:4]]
        for first in names[:2]:
            for other in names:
                if first not in other and other not in first:
                    yield _joined(self._named(first), self._named(other))

    def _by_brands(self, district: Nameless) -> list[Named]:
        """The surroundings of its best known shops, else what most of its shops are."""
        members = [self._shops[member] for member in district.members.tolist()]
        local = Counter(map(_brand_of, members))
        known = [brand for brand in local if self._brands[brand] >= _FEWEST_NAMED]
        known.sort(key=lambda brand: (-local[brand] * self._brands[brand] ** 0.5, brand))
        found = [around(brand) for brand in known[:_MOST_BRANDS]]
        if not found:
            groups = Counter(shop.category.partition(".")[0] for shop in members)
            largest = min(groups, key=lambda key: (-groups[key], key))
            found = [dict(known.names) for known in GROUPS if known.key == largest]
        return [Named(names[self._language], names) for names in found]


class _PlaceTable:
    """Places in columns, and their names in all languages by name."""

    def __init__(self, places: Sequence[NamedPlace]) -> None:
        self._places = places
        lngs = np.array([place.at.lng for place in places], np.float64)
        lats = np.array([place.at.lat for place in places], np.float64)
        self._at = ecef(lngs, lats)
        self._reach_m = np.array([_REACH_M[place.kind] for place in places], np.float64)
        self._names: dict[str, Mapping[str, str]] = {}
        for place in places:
            if len(place.names) > len(self._names.get(place.name, {})):
                self._names[place.name] = place.names

    def names_of(self, name: str) -> Mapping[str, str]:
        return self._names.get(name, {})

    def shares(self, shops: NDArray[np.float64]) -> list[tuple[PlaceKind, str, float]]:
        """Which share of these shops is around each place that any is around; the pieces of a street together."""
        if not self._places:
            return []
        middle = shops.mean(axis=0)
        widest = float(np.sqrt(((shops - middle) ** 2).sum(axis=1).max()))
        away = np.sqrt(((self._at - middle) ** 2).sum(axis=1))
        around_it: dict[tuple[PlaceKind, str], NDArray[np.bool_]] = {}
        for number in np.flatnonzero(away <= widest + self._reach_m).tolist():
            place = self._places[number]
            close = ((shops - self._at[number]) ** 2).sum(axis=1) <= self._reach_m[number] ** 2
            key = (place.kind, place.name)
            around_it[key] = around_it[key] | close if key in around_it else close
        found = [
            (kind, name, float(close.mean())) for (kind, name), close in around_it.items() if close.any()
        ]
        # The kind that is wished for most comes first, so that the same name as a street adds to it.
        return sorted(found, key=lambda item: (-_WISH[item[0]][0] * item[2], item[1], item[0]))


def _brand_of(shop: Shop) -> str:
    """The brand, else the name, without what stands in brackets."""
    text = shop.brand or shop.name
    return _BRACKETS.sub("", text).strip() or text


def _joined(one: Named, other: Named) -> Named:
    tags = one.names.keys() & other.names.keys()
    return Named(
        f"{one.name} – {other.name}", {tag: f"{one.names[tag]} – {other.names[tag]}" for tag in sorted(tags)}
    )


def _told_apart(base: Named, directions: Mapping[str, str], language: str) -> Named:
    names = {tag: f"{text} ({directions[tag]})" for tag, text in base.names.items() if tag in directions}
    return Named(f"{base.name} ({directions[language]})", names)


def _numbered(base: Named, number: int) -> Named:
    return Named(f"{base.name} {number}", {tag: f"{text} {number}" for tag, text in base.names.items()})


def _language(names: Sequence[str]) -> str:
    """The language of fallback names: Japanese where kana is common, Chinese where only Han is, else English."""
    kana = sum(any("\u3040" <= mark <= "\u30ff" for mark in name) for name in names)
    han = sum(any("\u3400" <= mark <= "\u9fff" for mark in name) for name in names)
    if 5 * kana >= len(names):
        return "ja"
    return "zh-Hans" if 3 * han >= len(names) else "en"
