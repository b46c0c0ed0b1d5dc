"""The shop document of merchants: checked on its way in, whole on its way out; faults name their member."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from geo_offers.domain.account import random_word
from geo_offers.domain.document_members import Members
from geo_offers.domain.errors import CategoryUnknown, PromotionInvalid, ShopInvalid, TimeZoneUnknown
from geo_offers.domain.opening_hours import MAX_LENGTH, is_valid
from geo_offers.domain.place import MAX_TEXT_LENGTH, LngLat, Shop, Source, shop_id_of

PROVIDER = "merchant"
LICENCE = "proprietary"
LONGEST_EXTERNAL_ID = 256
_MEMBERS = (
    "external_id", "name", "names", "category", "lng", "lat", "opening_hours", "address", "brand", "time_zone",
    "country",
)  # fmt: skip
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
# Before the word that stands in for an external_id; no external_id begins so.
_OWN_WORD = "~"

#: (time zone, country) of a point.
ZoneAt = Callable[[LngLat], tuple[str, str | None]]


def merchants_source(merchant_id: str, external_id: str | None) -> Source:
    """The source of a merchant's own shop; without an external_id a word that nobody else has."""
    return Source(PROVIDER, f"{merchant_id}:{external_id or _OWN_WORD + random_word(16)}", LICENCE)


def may_be_external_id(word: str) -> bool:
    """Whether a merchant may call a shop so."""
    return not word.startswith(_OWN_WORD)


def external_id_of(shop: Shop) -> str | None:
    """The merchant's own id of a shop that he registered."""
    if shop.source.provider != PROVIDER:
        return None
    known_as = shop.source.id.partition(":")[2]
    return None if known_as.startswith(_OWN_WORD) else known_as


def shop_of(
    document: Mapping[str, Any],
    *,
    zone_at: ZoneAt,
    merchant_id: str | None = None,
    before: Shop | None = None,
) -> Shop:
    """The shop of a document as decoded JSON: a merchant's new one, or one that was so before.

    Name, category, lng and lat are needed; without time_zone or country they are those of the place. Raises
    ShopInvalid, CategoryUnknown, CoordinateInvalid, TimeZoneUnknown and InvalidInput with a JSON Pointer.
    """
    with _faults_of_shops():
        members = Members(document, "")
        members.only(*_MEMBERS)
        external_id = members.optional_text("external_id", longest=LONGEST_EXTERNAL_ID)
        at = LngLat(members.number("lng"), members.number("lat"))
        time_zone = members.optional_text("time_zone")
        country = members.optional_text("country")
        here = (time_zone, country) if time_zone and country else zone_at(at)
        source = _source(external_id, merchant_id, before)
        with _naming_members():
            return Shop(
                id=before.id if before else shop_id_of(source.provider, source.id),
                name=members.text("name"),
                category=members.text("category"),
                at=at,
                source=source,
                names=members.inner("names", default={}).by_language(),
                brand=members.optional_text("brand", longest=MAX_TEXT_LENGTH),
                address=members.optional_text("address", longest=MAX_TEXT_LENGTH),
                opening_hours=_hours(members, before),
                time_zone=time_zone or here[0],
                country=_country(country) or here[1],
            )


def document_of_shop(shop: Shop) -> dict[str, Any]:
    """The document of a shop, without members that say nothing."""
    document = {
        "external_id": external_id_of(shop),
        "name": shop.name,
        "names": dict(shop.names),
        "category": shop.category,
        "lng": shop.at.lng,
        "lat": shop.at.lat,
        "opening_hours": shop.opening_hours,
        "address": shop.address,
        "brand": shop.brand,
        "time_zone": shop.time_zone,
        "country": shop.country,
    }
    return {name: value for name, value in document.items() if value is not None}


def _source(external_id: str | None, merchant_id: str | None, before: Shop | None) -> Source:
    if before is not None:
        if external_id != external_id_of(before):
            raise ShopInvalid("an external_id stays as it is", pointer="/external_id")
        return before.source
    if external_id is not None and not may_be_external_id(external_id):
        raise ShopInvalid(f"an external_id does not begin with {_OWN_WORD}", pointer="/external_id")
    assert merchant_id is not None
    return merchants_source(merchant_id, external_id)


def _hours(members: Members, before: Shop | None) -> str | None:
    hours = members.optional_text("opening_hours", longest=MAX_LENGTH)
    # What an importer took without reading it may stay.
    if hours is not None and not (before and hours == before.opening_hours) and not is_valid(hours):
        raise ShopInvalid(
            f"opening_hours {hours[:80]!r} cannot be read; write such as Mo-Fr 09:00-18:00",
            pointer="/opening_hours",
        )
    return hours


def _country(code: str | None) -> str | None:
    if code is not None and not _COUNTRY.match(code):
        raise ShopInvalid("a country is two capital letters, such as FI (ISO 3166-1)", pointer="/country")
    return code


@contextmanager
def _naming_members() -> Iterator[None]:
    """Faults of a Shop that name no member, but are of only one."""
    try:
        yield
    except CategoryUnknown as fault:
        fault.pointer = "/category"
        raise
    except TimeZoneUnknown as fault:
        fault.pointer = "/time_zone"
        raise


@contextmanager
def _faults_of_shops() -> Iterator[None]:
    """Faults of members are those of a shop here."""
    try:
        yield
    except PromotionInvalid as fault:
        raise ShopInvalid(str(fault), pointer=fault.pointer) from fault
