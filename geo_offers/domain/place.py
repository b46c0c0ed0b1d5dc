"""Where things are: a point on the Earth, a device's position, shops and districts."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from geo_offers.domain.categories import LEAF_INDEX, leaves_of
from geo_offers.domain.errors import CategoryUnknown, CoordinateInvalid, InvalidInput
from geo_offers.domain.time_zones import zone_of

MAX_NAME_LENGTH = 512
MAX_TEXT_LENGTH = 2_048
_SHOP_ID = re.compile(r"shp_[0-9a-hjkmnp-tv-z]{16}\Z")
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
# C0 and C1 controls, and the bidirectional overrides and isolates that make a name read as another.
_FORBIDDEN_IN_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class LngLat:
    """A point on the WGS 84 ellipsoid, degrees, longitude first.

    lng in [-180, 180], lat in [-90, 90], both finite. Raises CoordinateInvalid.
    """

    lng: float
    lat: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lng) and math.isfinite(self.lat)):
            raise CoordinateInvalid(f"lng {self.lng}, lat {self.lat}: both must be finite numbers")
        if abs(self.lat) > 90:
            raise CoordinateInvalid(
                f"lat {self.lat} is outside -90 to 90; are lng and lat swapped?", pointer="/lat"
            )
        if abs(self.lng) > 180:
            raise CoordinateInvalid(f"lng {self.lng} is outside -180 to 180", pointer="/lng")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a device says it is, how well it knows, and since when."""

    at: LngLat
    accuracy_m: float | None = None
    fix_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a row came from: provider, its id there, the licence it came under.

    (provider, id) is unique in a store: importing it again updates the same row.
    """

    provider: str
    id: str
    licence: str

    def __post_init__(self) -> None:
        for what in ("provider", "id", "licence"):
            text = clean_text(getattr(self, what), what=f"source {what}", longest=MAX_NAME_LENGTH)
            if not text:
                raise InvalidInput(f"a source needs a {what}", pointer=f"/source/{what}")
            object.__setattr__(self, what, text)


def clean_text(value: str, *, what: str, longest: int = MAX_TEXT_LENGTH) -> str:
    """The text in NFC without outer blanks.

    Raises InvalidInput for control characters, bidirectional overrides, lone surrogates and texts over `longest`.
    """
    if len(value) > longest:
        raise InvalidInput(f"{what} has {len(value):,} characters, the most is {longest:,}")
    forbidden = _FORBIDDEN_IN_TEXT.search(value)
    if forbidden:
        raise InvalidInput(
            f"{what} contains the character U+{ord(forbidden.group()):04X}, which is not allowed"
        )
    return unicodedata.normalize("NFC", value).strip()


def shop_id_of(provider: str, source_id: str) -> str:
    """The id of a shop that came from a source: the same source row has the same id in every store."""
    return "shp_" + sixteen_of(provider, source_id, person=b"shop")


def is_shop_id(text: str) -> bool:
    """Whether this is of the form of a shop's id."""
    return _SHOP_ID.match(text) is not None


def district_id_of(provider: str, source_id: str) -> str:
    """The id of a district that came from a source: "dst_" and 16 characters, as shop_id_of has it."""
    return "dst_" + sixteen_of(provider, source_id, person=b"district")


def sixteen_of(provider: str, source_id: str, *, person: bytes) -> str:
    """80 bits of a hash of a source row as 16 characters of Crockford's base 32."""
    digest = hashlib.blake2b(f"{provider}\x1f{source_id}".encode(), digest_size=10, person=person).digest()
    number = int.from_bytes(digest)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(75, -1, -5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A place that honours offers.

    id             "shp_" and 16 characters of Crockford's base 32, lower case
    name           as the source has it; names in other languages are in `names` by BCP 47 tag
    category       a leaf of our tree, such as "food.cafe"
    time_zone      IANA name; opening hours are in this zone
    country        ISO 3166-1 alpha-2 or None; decides public holidays
    opening_hours  OSM opening_hours as written in the source; None when unknown

    Raises InvalidInput when a text is empty, too long or carries control characters, CategoryUnknown and
    TimeZoneUnknown.
    """

    id: str
    name: str
    category: str
    at: LngLat
    source: Source
    names: Mapping[str, str] = field(default_factory=dict)
    brand: str | None = None
    address: str | None = None
    opening_hours: str | None = None
    time_zone: str = "UTC"
    country: str | None = None

    def __post_init__(self) -> None:
        if not is_shop_id(self.id):
            raise InvalidInput(
                f"shop id {self.id!r} is not of the form shp_ and 16 characters", pointer="/id"
            )
        object.__setattr__(self, "name", clean_text(self.name, what="name", longest=MAX_NAME_LENGTH))
        if not self.name:
            raise InvalidInput("a shop needs a name", pointer="/name")
        if self.category not in LEAF_INDEX:
            leaves_of(self.category)  # raises with a hint, unless it is a group
            raise CategoryUnknown(f"{self.category} is a group; a shop needs one of its categories")
        zone_of(self.time_zone)
        names = {
            tag: clean_text(text, what=f"name:{tag}", longest=MAX_NAME_LENGTH)
            for tag, text in self.names.items()
        }
        object.__setattr__(self, "names", MappingProxyType(names))
        for what in ("brand", "address", "opening_hours"):
            text = getattr(self, what)
            if text is not None:
                object.__setattr__(self, what, clean_text(text, what=what) or None)


class ShopRow(NamedTuple):
    """A live shop as plain values, for those who take all of them into columns.

    cell        H3 cell at resolution 15
    lng, lat    degrees, WGS 84
    names_json  a JSON object of names by BCP 47 tag, as text; "{}" when there are none
    """

    cell: int
    id: str
    lng: float
    lat: float
    category: str
    name: str
    names_json: str
    brand: str | None
    address: str | None
    opening_hours: str | None
    time_zone: str
    country: str | None
    source_provider: str
    source_id: str
    licence: str


DistrictKind = Literal["official", "discovered", "custom"]


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """A merchant district: a polygon with a name, a kind and maybe a parent.

    wkb    Polygon or MultiPolygon, WGS 84, longitude first, as well-known binary
    facts  what else its maker knows, as plain JSON values; of a discovered one: "rank" (regional, town, local),
           "level" (quarter, street), "primary_categories", "method" and "parameters"
    """

    id: str
    name: str
    kind: DistrictKind
    wkb: bytes
    source: Source
    names: Mapping[str, str] = field(default_factory=dict)
    parent_id: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_text(self.name, what="name", longest=MAX_NAME_LENGTH))
        if not self.name:
            raise InvalidInput("a district needs a name", pointer="/name")
        names = {
            tag: clean_text(text, what=f"name:{tag}", longest=MAX_NAME_LENGTH)
            for tag, text in self.names.items()
        }
        object.__setattr__(self, "names", MappingProxyType(names))
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))
