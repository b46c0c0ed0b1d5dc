"""Overture Maps places (GeoParquet) become shops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from geo_offers.domain.categories import category_of_tags
from geo_offers.domain.errors import FileFault
from geo_offers.domain.place import LngLat, Shop
from geodata.open_file import check_readable
from geodata.osm_tags import forgiving_shop_of_tags, language_tag
from geodata.overture_categories import osm_tags_by_word
from geodata.report import ReadReport
from geodata.rows import ReadOptions, RowFault, Skip, sift

OVERTURE_OPTIONS = ReadOptions(provider="overture", licence="CDLA-Permissive-2.0")
_NEEDED: Mapping[str, Callable[[pa.DataType], bool]] = MappingProxyType(
    {
        "id": pa.types.is_string,
        "names": pa.types.is_struct,
        "categories": pa.types.is_struct,
        "geometry": pa.types.is_binary,
    }
)
_WELCOME = ("addresses", "brand", "sources", "operating_status")
_ROWS_AT_ONCE = 4_096
_Place = dict[str, Any]


def read_overture(path: Path, report: ReadReport, options: ReadOptions = OVERTURE_OPTIONS) -> Iterator[Shop]:
    """The shops of an Overture places file; streams.

    The licence of a place is that of its first source where the file tells it, else that of `options`.
    Raises FileFault for what is not Parquet, ends too early or lacks a column of the places schema.
    """

    def shop_of(place: _Place) -> Shop | Skip:
        return _shop(place, options, report)

    yield from sift(_places(path), shop_of, report, file=path.name, skip_bad_rows=True)


def _places(path: Path) -> Iterator[tuple[str, _Place]]:
    check_readable(path)
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            columns = _columns(file.schema_arrow, path)
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns):
                for place in _with_points(batch):
                    number += 1
                    yield f"row {number}", place
    except (pa.ArrowException, OSError, shapely.errors.ShapelyError) as fault:
        where = f"after row {number}" if number else None
        word = str(fault).splitlines()[0].rstrip(": ")
        raise FileFault(f"{path.name} is not sound GeoParquet: {word}", place=where) from fault


def _columns(schema: pa.Schema, path: Path) -> list[str]:
    for name, fits in _NEEDED.items():
        if name not in schema.names or not fits(schema.field(name).type):
            word = f"{path.name} is Parquet, but not Overture places"
            raise FileFault(f"{word}: it has no column {name!r} as that schema has it")
    return [name for name in (*_NEEDED, *_WELCOME) if name in schema.names]


def _with_points(batch: pa.RecordBatch) -> Iterator[_Place]:
    shapes = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))
    shapes[shapely.is_empty(shapes)] = None
    kinds, lngs, lats = shapely.get_type_id(shapes), shapely.get_x(shapes), shapely.get_y(shapes)
    rows = batch.drop_columns("geometry").to_pylist()
    for row, kind, lng, lat in zip(rows, kinds.tolist(), lngs.tolist(), lats.tolist(), strict=True):
        yield {**row, "kind": kind, "lng": lng, "lat": lat}


def _shop(place: _Place, options: ReadOptions, report: ReadReport) -> Shop | Skip:
    if place["kind"] == -1:
        return Skip.NO_COORDINATES
    if place["kind"] != shapely.GeometryType.POINT:
        return Skip.NOT_A_PLACE
    if place.get("operating_status") == "permanently_closed":
        return Skip.CLOSED_FOR_GOOD
    if not place["id"]:
        raise RowFault("the place has no id")
    at = LngLat(place["lng"], place["lat"])
    licence = _licence(place)
    if licence not in (None, options.licence):
        options = replace(options, licence=licence)
    return forgiving_shop_of_tags(_tags(place), at=at, source_id=place["id"], options=options, report=report)


def _tags(place: _Place) -> dict[str, str]:
    """The place in the words of OSM, as far as a shop needs them."""
    names = place["names"] or {}
    brand = ((place.get("brand") or {}).get("names") or {}).get("primary")
    address = _address(place.get("addresses"))
    tags: dict[str, str | None] = {"name": names.get("primary"), "brand": brand, "addr:full": address}
    for tag, text in names.get("common") or ():
        language = language_tag(tag)
        if language is not None:
            tags[f"name:{language}"] = text
    tags |= _category_tag(place["categories"])
    return {key: text for key, text in tags.items() if text}


def _category_tag(categories: Mapping[str, Any] | None) -> Mapping[str, str]:
    """The OSM tag of the first of its categories that is a leaf of ours; empty when none is."""
    if categories is None:
        return {}
    for word in (categories.get("primary"), *(categories.get("alternate") or ())):
        tag = _tag_of(word or "")
        if tag and category_of_tags(tag) is not None:
            return tag
    return {}


def _tag_of(word: str) -> Mapping[str, str]:
    tag = osm_tags_by_word().get(word)
    if tag is None and word.endswith("_restaurant"):
        return {"amenity": "restaurant", "cuisine": word.removesuffix("_restaurant")}
    return tag or {}


def _address(addresses: Sequence[Mapping[str, str | None]] | None) -> str | None:
    if not addresses:
        return None
    address = addresses[0]
    town = " ".join(filter(None, (address.get("postcode"), address.get("locality"))))
    return ", ".join(filter(None, (address.get("freeform"), town))) or None


def _licence(place: _Place) -> str | None:
    for source in place.get("sources") or ():
        licence = source.get("license")
        if licence:
            return str(licence)
    return None
