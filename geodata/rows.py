"""From a raw row to a shop: what all readers share, and the reasons for which a row is left out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from geo_offers.domain.errors import CoordinateInvalid, FileFault, InvalidInput
from geo_offers.domain.place import LngLat, Shop, Source, clean_text, shop_id_of
from geodata.crs import Crs
from geodata.report import ReadReport
from geodata.zones import country_of_zone, zone_at

MAX_SOURCE_ID_LENGTH = 256
_SHOWN = 60
Row = TypeVar("Row")
_LINE_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
NO_NAMES: Mapping[str, str] = MappingProxyType({})


class Skip(StrEnum):
    """Why a row is not a shop; the words appear in the summary and stay as they are."""

    NO_NAME = "no name"
    NO_CATEGORY = "no category"
    NO_COORDINATES = "coordinates missing"
    FAULTY_COORDINATES = "faulty coordinates"
    TEXT_REFUSED = "text refused"
    FAULTY_ROW = "faulty row"
    DANGLING_GEOMETRY = "dangling geometry"
    NOT_A_PLACE = "neither point nor area"
    OUTLINE_OF_ANOTHER = "outline of another shop"
    CLOSED_FOR_GOOD = "closed for good"


class RowFault(InvalidInput):
    """A row that cannot be read; `reason` is what is counted, `pointer` is into the row."""

    code = "row_fault"

    def __init__(self, message: str, *, reason: Skip = Skip.FAULTY_ROW, pointer: str | None = None) -> None:
        super().__init__(message, pointer=pointer)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read a file that does not say so itself.

    provider, licence  become the source of every shop
    columns            our field -> the file's column (CSV) or property (GeoJSON)
    category           leaf for rows whose own category is absent or unknown
    category_words     the file's word (any case and width) -> leaf
    encoding           of a CSV; None: by its byte order mark, else UTF-8
    crs                of CSV and GeoJSON
    skip_bad_rows      count faulty rows instead of refusing the file
    """

    provider: str
    licence: str
    columns: Mapping[str, str] = field(default_factory=dict)
    category: str | None = None
    category_words: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    crs: Crs = Crs.WGS84
    skip_bad_rows: bool = False


def sift(
    rows: Iterable[tuple[str, Row]],
    shop_of: Callable[[Row], Shop | Skip],
    report: ReadReport,
    *,
    file: str,
    skip_bad_rows: bool,
) -> Iterator[Shop]:
    """The shops among `rows`, every row counted.

    rows     (place, row): the place is what a person would look up, such as "line 12"
    shop_of  the shop, or why there is none; raises InvalidInput for a faulty row

    Raises FileFault with the place at the first faulty row, unless `skip_bad_rows`.
    """
    for place, row in rows:
        report.read += 1
        try:
            shop = shop_of(row)
        except FileFault:
            raise
        except InvalidInput as fault:
            if not skip_bad_rows:
                raise FileFault(f"{file}: {fault}", place=place + _pointer_of(fault)) from fault
            report.skip(_reason_of(fault), place, fault)
            continue
        if isinstance(shop, Skip):
            report.skip(shop, place)
            continue
        report.kept[shop.category] += 1
        yield shop


def make_shop(
    options: ReadOptions,
    *,
    source_id: str | None,
    name: str,
    category: str,
    at: LngLat,
    names: Mapping[str, str] = NO_NAMES,
    brand: str | None = None,
    address: str | None = None,
    opening_hours: str | None = None,
) -> Shop:
    """A shop with its id, zone and country; without `source_id` it is known by name and place.

    Line breaks and tabs in name and address become blanks, for real tables have them. Raises
    InvalidInput as Shop does.
    """
    if source_id is None:
        source_id = id_by_place(at, name)
    elif len(source_id) > MAX_SOURCE_ID_LENGTH or not source_id.isprintable():
        source_id = clean_text(source_id, what="id", longest=MAX_SOURCE_ID_LENGTH)
    zone = zone_at(at)
    if not name.isprintable():
        name = _LINE_BREAKS.sub(" ", name)
    if address is not None and not address.isprintable():
        address = _LINE_BREAKS.sub(" ", address)
    return Shop(
        id=shop_id_of(options.provider, source_id),
        name=name,
        category=category,
        at=at,
        source=Source(options.provider, source_id, options.licence),
        names=names,
        brand=brand,
        address=address,
        opening_hours=opening_hours,
        time_zone=zone,
        country=country_of_zone(zone),
    )


def id_by_place(at: LngLat, name: str) -> str:
    """A source id for rows that have none: the same name at the same place (0.1 m) has the same id."""
    written = f"{at.lng:.6f}\x1f{at.lat:.6f}\x1f{name.strip()}"
    return "at/" + hashlib.blake2b(written.encode(errors="replace"), digest_size=10).hexdigest()


def shown(value: object) -> str:
    """The value as a person may see it in a sentence: quoted, escaped, and cut to a line."""
    text = value if isinstance(value, str) else str(value)
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text):,} characters)"


def _pointer_of(fault: InvalidInput) -> str:
    # Only a reader's own pointers are into the file; those of the domain name fields of a shop.
    return (fault.pointer or "") if isinstance(fault, RowFault) else ""


def _reason_of(fault: InvalidInput) -> Skip:
    if isinstance(fault, RowFault):
        return fault.reason
    return Skip.FAULTY_COORDINATES if isinstance(fault, CoordinateInvalid) else Skip.TEXT_REFUSED
