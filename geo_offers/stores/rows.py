"""From domain values to rows of `tables.py` and back; the same on both dialects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import shapely

from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.place import District, DistrictKind, LngLat, Shop, ShopRow, Source
from geo_offers.index.cells import SHOP_RESOLUTION, cells_at

_encode_json = msgspec.json.Encoder(order="sorted").encode
_encode_facts = msgspec.msgpack.Encoder().encode
_decode_json = msgspec.json.Decoder(dict[str, str]).decode


class IncomingShop(NamedTuple):
    """The columns of a shop that its source decides, named as in the table."""

    id: str
    source_provider: str
    source_id: str
    licence: str
    name: str
    names: str
    category: str
    lng: float
    lat: float
    cell: int
    brand: str | None
    address: str | None
    opening_hours: str | None
    time_zone: str
    country: str | None
    fingerprint: int


class IncomingDistrict(NamedTuple):
    """The columns of a district that its source decides, named as in the table."""

    id: str
    source_provider: str
    source_id: str
    licence: str
    name: str
    names: str
    kind: str
    parent_id: str | None
    facts: str
    geom: bytes
    west: float
    south: float
    east: float
    north: float
    fingerprint: int


def incoming_shops(shops: Sequence[Shop]) -> list[IncomingShop]:
    """Rows of these shops, in their order. Raises InvalidInput for text that is not valid Unicode."""
    lngs = np.fromiter((shop.at.lng for shop in shops), np.float64, len(shops))
    lats = np.fromiter((shop.at.lat for shop in shops), np.float64, len(shops))
    cells = cells_at(lngs, lats, SHOP_RESOLUTION).tolist()
    return [_incoming_shop(shop, cell) for shop, cell in zip(shops, cells, strict=True)]


def _incoming_shop(shop: Shop, cell: int) -> IncomingShop:
    source, at = shop.source, shop.at
    head = (source.provider, source.id, source.licence, shop.name)
    place = (shop.category, at.lng, at.lat)
    texts = (shop.brand, shop.address, shop.opening_hours)
    zone = (shop.time_zone, shop.country)
    try:
        names = _encode_json(dict(shop.names)).decode() if shop.names else "{}"
        fingerprint = fingerprint_of((*head, names, *place, *texts, *zone))
    except UnicodeEncodeError as error:
        raise InvalidInput(f"shop {shop.id} has text that is not valid Unicode: {error.reason}") from error
    return IncomingShop(shop.id, *head, names, *place, cell, *texts, *zone, fingerprint)


def incoming_districts(districts: Iterable[District]) -> list[IncomingDistrict]:
    """Rows of these districts, in their order; the geometry as little-endian WKB in two dimensions.

    Raises InvalidInput for a geometry that is not a valid polygon with positions on the Earth.
    """
    return [_incoming_district(district) for district in districts]


def _incoming_district(district: District) -> IncomingDistrict:
    source = district.source
    wkb, bounds = _polygon(district)
    names = _encode_json(dict(district.names)).decode()
    facts = _encode_json(dict(district.facts)).decode()
    columns = (
        source.provider,
        source.id,
        source.licence,
        district.name,
        names,
        district.kind,
        district.parent_id,
        facts,
        wkb,
    )
    return IncomingDistrict(district.id, *columns, *bounds, fingerprint=fingerprint_of(columns))


def _polygon(district: District) -> tuple[bytes, tuple[float, float, float, float]]:
    try:
        shape = shapely.from_wkb(district.wkb)
    except shapely.errors.GEOSException as error:
        raise InvalidInput(f"district {district.id}: its geometry is not well-known binary") from error
    if shape.geom_type not in {"Polygon", "MultiPolygon"} or shape.is_empty:
        raise InvalidInput(f"district {district.id}: its geometry is {shape.geom_type}, not a polygon")
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise InvalidInput(f"district {district.id}: its geometry has positions that are not finite numbers")
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidInput(f"district {district.id}: its geometry leaves the Earth at {shape.bounds}")
    if not shape.is_valid:
        why = shapely.is_valid_reason(shape)
        raise InvalidInput(f"district {district.id}: its geometry is not valid: {why}")
    return shapely.to_wkb(shape, output_dimension=2, byte_order=1), (west, south, east, north)


def fingerprint_of(facts: tuple[object, ...]) -> int:
    """A signed 64-bit hash of these values; the same in every process and version."""
    digest = hashlib.blake2b(_encode_facts(facts), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def shop_of(row: ShopRow) -> Shop:
    """The shop of a row as `shop_rows` gives it."""
    return Shop(
        id=row.id,
        name=row.name,
        category=row.category,
        at=LngLat(row.lng, row.lat),
        source=Source(row.source_provider, row.source_id, row.licence),
        names=_decode_json(row.names_json),
        brand=row.brand,
        address=row.address,
        opening_hours=row.opening_hours,
        time_zone=row.time_zone,
        country=row.country,
    )


def district_of(row: Any) -> District:
    """The district of a row of the districts table."""
    return District(
        id=row.id,
        name=row.name,
        kind=cast(DistrictKind, row.kind),
        wkb=row.geom,
        source=Source(row.source_provider, row.source_id, row.licence),
        names=row.names,
        parent_id=row.parent_id,
        facts=row.facts,
    )
