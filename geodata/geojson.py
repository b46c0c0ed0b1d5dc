"""GeoJSON files become shops: a FeatureCollection, one Feature, or one Feature a line; plain or gzipped.

Properties may be ours (name, category, address, opening_hours, brand) or OSM tags, as a mapping or as
key and value. A collection is held in memory as bytes (at most 1 GiB), its features are decoded one by one;
a file with one feature a line streams.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from geo_offers.domain.errors import FileFault
from geo_offers.domain.place import Shop
from geodata.category_words import CategoryWords
from geodata.geojson_shapes import (
    GEOMETRY_TYPES,
    Feature,
    Geometry,
    check_bbox,
    point_of_feature,
    row_fault,
)
from geodata.open_file import bytes_of, lines_of, opened
from geodata.osm_tags import language_tag, shop_of_tags
from geodata.report import ReadReport
from geodata.rows import ReadOptions, RowFault, Skip, shown, sift

Decoded = TypeVar("Decoded")
_LONGEST_FIRST_LINE = 1 << 20
MAX_COLLECTION_BYTES = 1 << 30
LINE_EXTENSIONS = (".ndjson", ".geojsonl", ".jsonl", ".geojsons")
_ID_KEYS = ("id", "@id", "osm_id", "gml_id")
_WGS84_NAMES = re.compile(r"(OGC:[\d.]*:|OGC/[\d.]+/|^)CRS84$|EPSG(::?|/[\d.]+/)4326$")
_RECORD_SEPARATOR = b"\x1e"  # before each text of a GeoJSON text sequence, RFC 8142


class _Document(msgspec.Struct, frozen=True):
    type: str
    features: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    crs: Any = None


_document = msgspec.json.Decoder(_Document)
_feature = msgspec.json.Decoder(Feature)
_geometry = msgspec.json.Decoder(Geometry)


def read_geojson(path: Path, report: ReadReport, options: ReadOptions) -> Iterator[Shop]:
    """The shops of a GeoJSON file.

    Raises FileFault, with a JSON Pointer or a line, for what is not RFC 7946, for another `crs` than WGS 84
    and, unless options.skip_bad_rows, for the first feature that is not sound.
    """
    features = _lines(path) if _is_one_a_line(path) else _collection(path)
    shop_of = _Features(options)
    return sift(features, shop_of, report, file=path.name, skip_bad_rows=options.skip_bad_rows)


class _Features:
    """From the bytes of one feature to a shop."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._words = CategoryWords(options.category_words)

    def __call__(self, text: bytes | msgspec.Raw) -> Shop | Skip:
        feature = _decoded(_feature.decode, text)
        at = point_of_feature(feature, self._options.crs)
        properties = feature.properties or {}
        if isinstance(at, Skip):
            return at
        tags = tags_of(properties)
        tags |= {name: tags[told] for name, told in self._options.columns.items() if told in tags}
        return shop_of_tags(
            tags,
            category=self._category(tags),
            at=at,
            source_id=_id_of(feature, properties),
            options=self._options,
        )

    def _category(self, tags: dict[str, str]) -> str | None:
        word = tags.get("category")
        found = self._words.leaf_of(word) if word else None
        return found or self._words.leaf_of_tags(tags) or self._options.category


def tags_of(properties: dict[str, Any]) -> dict[str, str]:
    """All scalar properties as OSM-like tags; `tags`, `names`, `key` and `value`, `address` are unfolded."""
    tags = {key: str(value) for key, value in properties.items() if isinstance(value, str | int | float)}
    unfolded = properties.get("tags")
    if isinstance(unfolded, dict):
        tags |= {str(key): str(value) for key, value in unfolded.items() if value is not None}
    names = properties.get("names")
    if isinstance(names, dict):
        tags |= {f"name:{key}": str(value) for key, value in names.items() if value is not None}
    if "key" in tags and "value" in tags:
        tags.setdefault(tags["key"], tags["value"])
    if "address" in tags:
        tags.setdefault("addr:full", tags["address"])
    for key in [key for key in tags if key.startswith("name_")]:
        language = language_tag(key[5:].replace("_", "-"))
        if language is not None:
            tags.setdefault(f"name:{language}", tags[key])
    return tags


def _id_of(feature: Feature, properties: dict[str, Any]) -> str | None:
    if not isinstance(feature.id, msgspec.UnsetType):
        return str(feature.id)
    for key in _ID_KEYS:
        value = properties.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def _is_one_a_line(path: Path) -> bool:
    """By the name, else by the first line: a whole Feature with more after it."""
    if Path(path.name.lower().removesuffix(".gz")).suffix in LINE_EXTENSIONS:
        return True
    with opened(path) as file:
        first = file.readline(_LONGEST_FIRST_LINE)
        more = file.read(1)
    if not more or not first.endswith(b"\n"):
        return False
    try:
        return (
            _document.decode(first.removeprefix(b"\xef\xbb\xbf").lstrip(_RECORD_SEPARATOR)).type == "Feature"
        )
    except (ValueError, RecursionError):
        return False


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(lines_of(path), start=1):
        text = line.strip().lstrip(_RECORD_SEPARATOR)
        if text:
            yield f"line {number}", text


def _collection(path: Path) -> Iterator[tuple[str, bytes | msgspec.Raw]]:
    text = bytes_of(path, most=MAX_COLLECTION_BYTES)
    document = _whole(path, text)
    _refuse_other_crs(document.crs, path)
    if document.type == "Feature":
        yield "", text
        return
    if document.type in GEOMETRY_TYPES:
        _refuse_bare_geometry(path, text)
    if document.type != "FeatureCollection":
        raise FileFault(f"{path.name} is of the unknown type {shown(document.type)}", place="/type")
    if isinstance(document.features, msgspec.UnsetType):
        raise FileFault(f"{path.name} is a FeatureCollection without features", place="/features")
    yield from ((f"/features/{i}", feature) for i, feature in enumerate(document.features))


def _whole(path: Path, text: bytes) -> _Document:
    try:
        return _decoded(_document.decode, text)
    except RowFault as fault:
        raise FileFault(f"{path.name}: {fault}", place=fault.pointer) from fault


def _refuse_other_crs(crs: Any, path: Path) -> None:
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or not _WGS84_NAMES.search(name):
        what = f"in {shown(name)}" if name else "in a coordinate system of its own"
        raise FileFault(f"{path.name} is {what}, GeoJSON must be in WGS 84 (CRS84)", place="/crs")


def _refuse_bare_geometry(path: Path, text: bytes) -> None:
    try:
        geometry = _decoded(_geometry.decode, text)
        check_bbox(geometry.bbox, "/bbox")
    except RowFault as fault:
        raise FileFault(f"{path.name}: {fault}", place=fault.pointer) from fault
    raise FileFault(f"{path.name} is a bare geometry; a shop needs a Feature with a name", place="/type")


def _decoded(decode: Callable[[bytes | msgspec.Raw], Decoded], text: bytes | msgspec.Raw) -> Decoded:
    try:
        return decode(text)
    except (ValueError, RecursionError) as fault:
        raise row_fault(fault) from fault
