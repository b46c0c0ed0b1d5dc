"""The features of a GeoJSON file, undecoded: a FeatureCollection, one Feature, or one Feature a line; plain or gzipped.

A collection is held in memory as bytes (at most 1 GiB); a file with one feature a line streams.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from geo_offers.domain.errors import FileFault, InvalidInput
from geodata.geojson_shapes import GEOMETRY_TYPES, row_fault
from geodata.open_file import bytes_of, lines_of, opened
from geodata.rows import RowFault, shown

Decoded = TypeVar("Decoded")
FeatureText = bytes | msgspec.Raw
MAX_COLLECTION_BYTES = 1 << 30
LINE_EXTENSIONS = (".ndjson", ".geojsonl", ".jsonl", ".geojsons")
_LONGEST_FIRST_LINE = 1 << 20
_ID_KEYS = ("id", "@id", "osm_id", "gml_id")
_WGS84_NAMES = re.compile(r"(OGC:[\d.]*:|OGC/[\d.]+/|^)CRS84$|EPSG(::?|/[\d.]+/)4326$")
_RECORD_SEPARATOR = b"\x1e"  # before each text of a GeoJSON text sequence, RFC 8142


class _Document(msgspec.Struct, frozen=True):
    type: str
    features: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    crs: Any = None


_document = msgspec.json.Decoder(_Document)


def features_in(
    path: Path, *, what: str, check_bare: Callable[[bytes], object]
) -> Iterator[tuple[str, FeatureText]]:
    """The features of a file, each with its place: "/features/0", "line 12" or "" for a lone one.

    what        what a feature becomes, such as "shop"
    check_bare  raises InvalidInput when a file that is a bare geometry is not even a sound one

    Raises FileFault for what is no GeoJSON document, for a bare geometry and for another `crs` than WGS 84.
    """
    return _lines(path) if _is_one_a_line(path) else _collection(path, what, check_bare)


def decoded(decode: Callable[[FeatureText], Decoded], text: FeatureText) -> Decoded:
    """What `decode` makes of the text; raises RowFault with a JSON Pointer when it cannot."""
    try:
        return decode(text)
    except (ValueError, RecursionError) as fault:
        raise row_fault(fault) from fault


def id_of_feature(given: str | float | msgspec.UnsetType, properties: dict[str, Any]) -> str | None:
    """The feature's own id, else the one among its properties."""
    if not isinstance(given, msgspec.UnsetType):
        return str(given)
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


def _collection(
    path: Path, what: str, check_bare: Callable[[bytes], object]
) -> Iterator[tuple[str, FeatureText]]:
    text = bytes_of(path, most=MAX_COLLECTION_BYTES)
    document = _whole(path, text)
    _refuse_other_crs(document.crs, path)
    if document.type == "Feature":
        yield "", text
        return
    if document.type in GEOMETRY_TYPES:
        _refuse_bare_geometry(path, text, what, check_bare)
    if document.type != "FeatureCollection":
        raise FileFault(f"{path.name} is of the unknown type {shown(document.type)}", place="/type")
    if isinstance(document.features, msgspec.UnsetType):
        raise FileFault(f"{path.name} is a FeatureCollection without features", place="/features")
    yield from ((f"/features/{i}", feature) for i, feature in enumerate(document.features))


def _whole(path: Path, text: bytes) -> _Document:
    try:
        return decoded(_document.decode, text)
    except RowFault as fault:
        raise FileFault(f"{path.name}: {fault}", place=fault.pointer) from fault


def _refuse_other_crs(crs: Any, path: Path) -> None:
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or not _WGS84_NAMES.search(name):
        words = f"in {shown(name)}" if name else "in a coordinate system of its own"
        raise FileFault(f"{path.name} is {words}, GeoJSON must be in WGS 84 (CRS84)", place="/crs")


def _refuse_bare_geometry(path: Path, text: bytes, what: str, check_bare: Callable[[bytes], object]) -> None:
    try:
        check_bare(text)
    except InvalidInput as fault:
        raise FileFault(f"{path.name}: {fault}", place=fault.pointer) from fault
    raise FileFault(f"{path.name} is a bare geometry; a {what} needs a Feature with a name", place="/type")
