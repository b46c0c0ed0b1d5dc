"""The virtual commerce zone: districts as places with shops, a character and neighbours."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.districts.profile import Mix, OpeningProfile, mix_of, opening_profile
from geo_offers.domain.categories import LEAVES
from geo_offers.domain.place import District, LngLat
from geo_offers.domain.polygon import area_m2
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import Cursor
from geo_offers.services.find_shops import FoundShop, check_category

#: Districts are neighbours when a visitor walks from one into the other.
NEIGHBOUR_M = 300.0
Box = tuple[float, float, float, float]
#: A line of a directory: category leaf, folded name, id, slot.
Entry = tuple[int, str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneQuery:
    """A question for districts.

    box   west, south, east, north in degrees; west > east crosses the antimeridian
    near  nearest first, with distances; else in the order of ids
    text  part of a name in any language; case, accents and width do not matter
    """

    box: Box | None = None
    near: LngLat | None = None
    text: str | None = None
    limit: int = 20
    cursor: str | None = None

    def facts(self) -> tuple[object, ...]:
        """What two pages of one question have in common."""
        near = (self.near.lng, self.near.lat) if self.near else None
        return (self.box, near, self.text)


@dataclass(frozen=True, slots=True)
class Zone:
    """A district with what its shops make of it.

    centre      a point inside
    distance_m  from the asked position, 0 inside; None when nobody asked
    """

    district: District
    shape: shapely.Polygon | shapely.MultiPolygon
    centre: LngLat
    area_m2: float
    mix: Mix
    shop_count: int
    child_ids: Sequence[str]
    distance_m: float | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    district: District
    distance_m: float


@dataclass(frozen=True, slots=True)
class ZoneDetail:
    """A district on its own: what lists show, when its shops are open, and what lies beside it, nearest first."""

    zone: Zone
    opening: OpeningProfile
    neighbours: Sequence[Neighbour]
    revision: int


@dataclass(frozen=True, slots=True)
class ZonePage:
    items: Sequence[Zone]
    next: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class Directory:
    """One page of a district's shops by category, then name; `categories` counts all of them."""

    items: Sequence[FoundShop]
    categories: Mapping[str, int]
    next: str | None
    snapshot: CatalogSnapshot


class Zones:
    """Reads of districts."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now
        self._directories: tuple[CatalogSnapshot, dict[int, list[Entry]]] = (catalog.current, {})

    def find(self, query: ZoneQuery) -> ZonePage:
        """Districts in a box, near a place, with a name; complete a page at a time. Raises CursorInvalid."""
        snapshot = self._catalog.current
        before = Cursor.read(query.cursor, query.facts()) if query.cursor else None
        found = _ordered(snapshot, _numbers(snapshot, query), query.near)
        if before is not None:
            found = [item for item in found if item[:2] > (before.rank, before.last_id)]
        shown = found[: query.limit]
        zones = [_zone(snapshot, number, metres if query.near else None) for metres, _, number in shown]
        following = None
        if len(found) > query.limit:
            metres, last_id, _ = shown[-1]
            following = Cursor(metres, last_id, self._now()).written(query.facts())
        return ZonePage(zones, following, snapshot.revision)

    def detail(self, district_id: str, when: datetime | None = None) -> ZoneDetail:
        """One district with its character. Raises DistrictNotFound.

        Takes up to 0.3 ms for each different opening hours in it: not for an event loop.
        """
        snapshot = self._catalog.current
        number = snapshot.district_number(district_id)
        return ZoneDetail(
            zone=_zone(snapshot, number, None),
            opening=_opening(snapshot, number, when or self._now()),
            neighbours=_neighbours(snapshot, number),
            revision=snapshot.revision,
        )

    def directory(
        self,
        district_id: str,
        *,
        category: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
        when: datetime | None = None,
    ) -> Directory:
        """The shops of a district by category, then name, then id.

        Raises DistrictNotFound, CategoryUnknown, CursorInvalid.
        """
        snapshot = self._catalog.current
        question = (district_id, category, when)
        before = Cursor.read(cursor, question) if cursor else None
        moment = when or (before.when if before else self._now())
        wanted = set(check_category(category)) if category else None
        entries = self._entries(snapshot, snapshot.district_number(district_id))
        if wanted is not None:
            entries = [entry for entry in entries if LEAVES[entry[0]].key in wanted]
        categories = mix_of(LEAVES[leaf].key for leaf, *_ in entries).counts
        if before is not None:
            leaf, name = int(before.rank), before.last_name
            entries = [entry for entry in entries if entry[:3] > (leaf, name, before.last_id)]
        shown = entries[:limit]
        following = None
        if len(entries) > limit:
            leaf, name, last_id, _ = shown[-1]
            following = Cursor(float(leaf), last_id, moment, name).written(question)
        slots = [slot for *_, slot in shown]
        states = snapshot.opening.at(moment).states_of(slots)
        items = [FoundShop(slot, None, state) for slot, state in zip(slots, states, strict=True)]
        return Directory(items, categories, following, snapshot)

    def _entries(self, snapshot: CatalogSnapshot, number: int) -> list[Entry]:
        """The directory of a district; kept as long as the snapshot is the current one."""
        kept_for, known = self._directories
        if kept_for is not snapshot:
            known = {}
            self._directories = (snapshot, known)
        if number not in known:
            known[number] = _directory_order(snapshot, number)
        return known[number]


def _numbers(snapshot: CatalogSnapshot, query: ZoneQuery) -> NDArray[np.intp]:
    districts = snapshot.districts
    numbers = districts.intersecting(*query.box) if query.box else np.arange(len(districts.rows))
    if query.text is None:
        return numbers
    part = _folded(query.text)
    named = [
        any(
            part in _folded(name)
            for name in (districts.rows[number].name, *districts.rows[number].names.values())
        )
        for number in numbers.tolist()
    ]
    return numbers[np.array(named, np.bool_)]


def _folded(text: str) -> str:
    """Without case, accents and width: Ēkberg, ＥＫＢＥＲＧ and ekberg are one."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(sign for sign in apart if not unicodedata.combining(sign)))


def _ordered(
    snapshot: CatalogSnapshot, numbers: NDArray[np.intp], near: LngLat | None
) -> list[tuple[float, str, int]]:
    """(metres, id, number), nearest first, then by id; metres are 0 when nobody asked from a place."""
    districts = snapshot.districts
    keyed = [
        (districts.polygons.distance_m(number, near) if near else 0.0, districts.rows[number].id, number)
        for number in numbers.tolist()
    ]
    return sorted(keyed)


def _zone(snapshot: CatalogSnapshot, number: int, distance_m: float | None) -> Zone:
    district = snapshot.districts.rows[number]
    shape = snapshot.districts.shapes[number]
    slots = snapshot.shop_districts.members[number]
    inner = shapely.point_on_surface(shape)
    return Zone(
        district=district,
        shape=shape,
        centre=LngLat(inner.x, inner.y),
        area_m2=area_m2(shape),
        mix=mix_of(LEAVES[leaf].key for leaf in snapshot.shops.leaves[slots].tolist()),
        shop_count=len(slots),
        child_ids=[snapshot.districts.rows[child].id for child in snapshot.districts.children[number]],
        distance_m=distance_m,
    )


def _opening(snapshot: CatalogSnapshot, number: int, when: datetime) -> OpeningProfile:
    """The week of `when` in the zone that most of the district's shops with hours are in."""
    table = snapshot.opening
    rows, counts = np.unique(table.hours[snapshot.shop_districts.members[number]], return_counts=True)
    hours = {table.rows[row]: count for row, count in zip(rows.tolist(), counts.tolist(), strict=True)}
    zones: Counter[str] = Counter()
    for one, count in hours.items():
        zones[one.time_zone] += count if one.text is not None else 0
    zone = min(zones, key=lambda name: (-zones[name], name), default="UTC")
    return opening_profile(hours, time_zone=zone, when=when)


def _neighbours(snapshot: CatalogSnapshot, number: int) -> list[Neighbour]:
    """Those beside it, but not those that it lies in or that lie in it."""
    districts = snapshot.districts
    family = districts.family(number)
    beside = districts.beside(number, NEIGHBOUR_M)
    return [Neighbour(districts.rows[other], metres) for other, metres in beside if other not in family]


def _directory_order(snapshot: CatalogSnapshot, number: int) -> list[Entry]:
    """The shops of a district in the order of its directory."""
    entries = []
    for slot in snapshot.shop_districts.members[number].tolist():
        document = snapshot.shops.document(slot)
        entries.append((int(snapshot.shops.leaves[slot]), _folded(document.name), document.id, slot))
    return sorted(entries)
