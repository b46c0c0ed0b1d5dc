"""Named places of an OpenStreetMap extract: parts of town, squares, stations, malls, markets and streets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import osmium
from osmium.filter import KeyFilter
from osmium.osm import NODE, RELATION, WAY, Node, Relation, Way

from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.named_place import NamedPlace, PlaceKind
from geo_offers.domain.place import MAX_NAME_LENGTH, LngLat, clean_text
from geodata.osm_fault import osm_fault
from geodata.osm_tags import names_in
from geodata.shapes import point_amid

_PARTS_OF_TOWN = frozenset({"suburb", "quarter", "neighbourhood", "borough", "locality", "island"})
_STREETS = frozenset(
    {"residential", "living_street", "unclassified", "tertiary", "secondary", "primary", "trunk", "road"}
)
_KEYS = ("place", "railway", "shop", "amenity", "highway", "public_transport")


def read_places(path: Path) -> list[NamedPlace]:
    """The named places of an extract, each where its middle is; a street is one place a way.

    Text that must not be stored is left out. Raises FileFault when the file is not OSM data or ends too early.
    """
    try:
        return list(_places(path))
    except (RuntimeError, UnicodeDecodeError) as fault:
        raise osm_fault(path, fault) from fault


def kind_of(tags: Mapping[str, str]) -> PlaceKind | None:
    """What kind of place these tags describe; None when districts are not called after it."""
    if tags.get("place") in _PARTS_OF_TOWN:
        return "neighbourhood"
    if tags.get("place") == "square":
        return "square"
    if tags.get("railway") in ("station", "halt") or tags.get("public_transport") == "station":
        return "station"
    if tags.get("shop") in ("mall", "department_store"):
        return "mall"
    if tags.get("amenity") == "marketplace":
        return "market"
    if tags.get("highway") == "pedestrian":
        return "pedestrian street"
    return "street" if tags.get("highway") in _STREETS else None


def _places(path: Path) -> Iterator[NamedPlace]:
    wanted = NODE | WAY | RELATION
    ways: dict[int, LngLat] = _middles_of_members(path)
    for thing in osmium.FileProcessor(path, wanted).with_locations().with_filter(KeyFilter(*_KEYS)):
        tags = {tag.k: tag.v for tag in thing.tags}
        kind = kind_of(tags)
        if kind is None or not tags.get("name"):
            continue
        at = _middle(thing, ways)
        place = _place(kind, tags, at) if at else None
        if place:
            yield place


def _middles_of_members(path: Path) -> dict[int, LngLat]:
    """The middles of the ways that draw a place which is a relation."""
    members: set[int] = set()
    for thing in osmium.FileProcessor(path, RELATION).with_filter(KeyFilter(*_KEYS)):
        if isinstance(thing, Relation) and kind_of({tag.k: tag.v for tag in thing.tags}):
            members.update(member.ref for member in thing.members if member.type == "w")
    if not members:
        return {}
    found = {}
    things = (
        osmium.FileProcessor(path, NODE | WAY).with_locations().with_filter(osmium.filter.EntityFilter(WAY))
    )
    for way in things:
        if isinstance(way, Way) and way.id in members:
            at = _middle_of_way(way)
            if at:
                found[way.id] = at
    return found


def _middle(thing: object, ways: Mapping[int, LngLat]) -> LngLat | None:
    if isinstance(thing, Node):
        return LngLat(thing.location.lon, thing.location.lat) if thing.location.valid() else None
    if isinstance(thing, Way):
        return _middle_of_way(thing)
    if isinstance(thing, Relation):
        known = [ways[member.ref] for member in thing.members if member.ref in ways]
        return point_amid([(at.lng, at.lat) for at in known]) if known else None
    return None


def _middle_of_way(way: Way) -> LngLat | None:
    known = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
    return point_amid(known) if known else None


def _place(kind: PlaceKind, tags: Mapping[str, str], at: LngLat) -> NamedPlace | None:
    name = _sound(tags["name"])
    if name is None:
        return None
    sound = ((tag, _sound(text)) for tag, text in names_in(tags).items())
    return NamedPlace(kind, name, at, {tag: text for tag, text in sound if text})


def _sound(text: str) -> str | None:
    try:
        return clean_text(text, what="name", longest=MAX_NAME_LENGTH) or None
    except InvalidInput:
        return None
