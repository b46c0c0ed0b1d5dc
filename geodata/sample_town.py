"""The sample town, for a machine without any data: generated from a seed, alike to the byte everywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import shapely

from geo_offers.domain.place import District, LngLat, Shop, Source, district_id_of
from geo_offers.domain.promotion import Merchant, Promotion
from geo_offers.domain.promotion_document import promotion_id_of
from geodata.town.characters import CHARACTERS
from geodata.town.dice import Dice
from geodata.town.layout import lay_out
from geodata.town.names import AREA_NAMES, TOWN_NAMES
from geodata.town.plan import Layout, PlannedArea, StreetKind
from geodata.town.plane import counterclockwise
from geodata.town.projection import CENTRE, closed_ring, to_lng_lat
from geodata.town.promotions import fill_with_promotions
from geodata.town.shops import fill_with_shops
from geodata.town.signs import street_names
from geodata.town.words import names_of

PROVIDER = "sample-town"
LICENCE = "generated"
_EXTERNAL_ID = re.compile(r"seed-(?:0|-?[1-9][0-9]*)/promotion-[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Street:
    """A named line of the map; a street in several pieces is several of them."""

    name: str
    names: Mapping[str, str]
    kind: StreetKind
    line: tuple[LngLat, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """A named polygon of the map: rings are closed, the outer one turns left, holes turn right."""

    key: str
    name: str
    names: Mapping[str, str]
    ring: tuple[LngLat, ...]
    holes: tuple[tuple[LngLat, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTown:
    """A generated town: what its map shows, and its districts, shops and promotions as importers
    would give them.

    bounds     west, south, east, north of everything in it, degrees
    districts  a nested one after its parent
    """

    seed: int
    name: str
    names: Mapping[str, str]
    centre: LngLat
    bounds: tuple[float, float, float, float]
    shops: tuple[Shop, ...]
    districts: tuple[District, ...]
    promotions: tuple[Promotion, ...]
    merchants: tuple[Merchant, ...]
    streets: tuple[Street, ...]
    squares: tuple[Area, ...]
    water: tuple[Area, ...]
    green: tuple[Area, ...]
    buildings: tuple[Area, ...]


def sample_town(seed: int = 7) -> SampleTown:
    """The town of this seed: the same seed gives the same town, to the byte, on every machine.

    No real place, trader or brand is in it; every row says so in its source (provider "sample-town").
    """
    layout = lay_out(seed)
    words = street_names(layout.streets, Dice(seed, "street names"))
    streets = tuple(
        Street(name.zh, _frozen(names_of(name)), street.kind, tuple(to_lng_lat(at) for at in street.line))
        for street, name in zip(layout.streets, words, strict=True)
    )
    areas = {
        "squares": layout.squares,
        "water": layout.water,
        "green": layout.green,
        "buildings": layout.buildings,
    }
    shops = fill_with_shops(layout, words, seed, provider=PROVIDER, licence=LICENCE)
    districts = tuple(_district(district, seed) for district in layout.districts)
    promotions, merchants = fill_with_promotions(layout, words, shops, districts, seed)
    return SampleTown(
        seed=seed,
        name=TOWN_NAMES["zh-Hans"],
        names=TOWN_NAMES,
        centre=CENTRE,
        bounds=_bounds(layout),
        shops=shops,
        districts=districts,
        promotions=promotions,
        merchants=merchants,
        streets=streets,
        **{kind: tuple(_area(area) for area in found) for kind, found in areas.items()},
    )


def is_of_a_sample_town(promotion: Promotion) -> bool:
    """Whether a promotion came with a sample town, of whatever seed."""
    known_as = promotion.external_id or ""
    is_ours = promotion.id == promotion_id_of(promotion.merchant_id, known_as)
    return is_ours and _EXTERNAL_ID.fullmatch(known_as) is not None


def _district(planned: PlannedArea, seed: int) -> District:
    character = CHARACTERS[planned.key]
    source = Source(PROVIDER, _district_source_id(planned.key, seed), LICENCE)
    parent = character.parent and district_id_of(PROVIDER, _district_source_id(character.parent, seed))
    return District(
        id=district_id_of(source.provider, source.id),
        name=character.names["zh-Hans"],
        names=character.names,
        kind="custom",
        wkb=_wkb(planned),
        source=source,
        parent_id=parent,
    )


def _district_source_id(key: str, seed: int) -> str:
    return f"seed-{seed}/district-{key}"


def _wkb(planned: PlannedArea) -> bytes:
    outer, *holes = ([(at.lng, at.lat) for at in ring] for ring in _rings(planned))
    return shapely.to_wkb(shapely.Polygon(outer, holes), byte_order=1)


def _area(planned: PlannedArea) -> Area:
    words = AREA_NAMES[planned.key]
    ring, *holes = _rings(planned)
    return Area(planned.key, words.zh, _frozen(names_of(words)), ring, tuple(holes))


def _rings(planned: PlannedArea) -> list[tuple[LngLat, ...]]:
    """The outer ring, turning left, then the holes, turning right."""
    outer = counterclockwise(planned.ring)
    return [closed_ring(outer), *(closed_ring(counterclockwise(hole)[::-1]) for hole in planned.holes)]


def _bounds(layout: Layout) -> tuple[float, float, float, float]:
    areas = (*layout.districts, *layout.water, *layout.green)
    points = [at for street in layout.streets for at in street.line] + [
        at for area in areas for at in area.ring
    ]
    south_west = to_lng_lat((min(x for x, _ in points), min(y for _, y in points)))
    north_east = to_lng_lat((max(x for x, _ in points), max(y for _, y in points)))
    return south_west.lng, south_west.lat, north_east.lng, north_east.lat


def _frozen(names: dict[str, str]) -> Mapping[str, str]:
    return MappingProxyType(names)
