"""One door for all files of shops: the format is found by name and content, the fitting reader is called."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from geo_offers.domain.errors import FileFault, InvalidInput
from geo_offers.domain.place import Shop
from geodata.crs import Crs
from geodata.csv import read_csv
from geodata.geojson import read_geojson
from geodata.geojson_document import LINE_EXTENSIONS
from geodata.open_file import check_readable, opened
from geodata.osm import OSM_OPTIONS, read_osm
from geodata.overture import OVERTURE_OPTIONS, read_overture
from geodata.report import ReadReport
from geodata.rows import ReadOptions

_NO_LICENCE = "unstated"


class Format(StrEnum):
    """What a file of shops can be."""

    OSM = "osm"
    GEOJSON = "geojson"
    CSV = "csv"
    OVERTURE = "overture"


_BY_ENDING = (
    ((".pbf", ".osm", ".osm.gz", ".osm.bz2", ".o5m", ".opl"), Format.OSM),
    ((".geojson", ".json", *LINE_EXTENSIONS), Format.GEOJSON),
    ((".csv", ".tsv", ".txt"), Format.CSV),
    ((".parquet", ".geoparquet"), Format.OVERTURE),
)


def open_shops(
    path: Path, report: ReadReport, options: ReadOptions, *, file_format: Format | None = None
) -> Iterator[Shop]:
    """The shops of a file, counted in `report` as they come.

    Raises FileFault, at the latest when the shops are exhausted: for what the reader of the format
    refuses, and for a file in which there is no shop at all.
    """
    file_format = file_format or format_of(path)
    yield from _reader(path, report, options, file_format)
    if not report.kept:
        reasons = report.reasons()
        word = f"rows read: {report.read:,}, left out: {reasons}" if reasons else "it has no rows"
        raise FileFault(f"there is no shop in {path.name}; {word}")


def format_of(path: Path) -> Format:
    """The format by the name of the file, else by its first bytes. Raises FileFault when neither tells."""
    check_readable(path)
    name = path.name.lower()
    for endings, file_format in _BY_ENDING:
        if name.endswith((*endings, *(f"{ending}.gz" for ending in endings))):
            return file_format
    with opened(path) as file:
        head = file.read(64).lstrip()
    if head.startswith(b"PAR1"):
        return Format.OVERTURE
    if b"OSMHeader" in head:
        return Format.OSM
    if head.startswith((b"{", b"\x1e{")):
        return Format.GEOJSON
    raise FileFault(
        f"{path.name} is of no known kind; known are .osm.pbf, .geojson, .ndjson, .csv and .parquet"
    )


def default_options(path: Path, file_format: Format) -> ReadOptions:
    """Provider and licence for files that do not name them.

    Ids mean different shops in files of different names, so the name is the provider. Files of one name are
    one source, in whatever folders they lie: the newer one updates the older one's shops.
    """
    match file_format:
        case Format.OSM:
            return OSM_OPTIONS
        case Format.OVERTURE:
            return OVERTURE_OPTIONS
        case Format.GEOJSON | Format.CSV:
            return ReadOptions(provider=f"file:{stem_of(path)}", licence=_NO_LICENCE)
        case _:
            assert_never(file_format)


def stem_of(path: Path) -> str:
    """The name of the file without its extensions: "city.osm.pbf" is "city"."""
    return path.name.split(".")[0] or path.name.lstrip(".")


def _reader(path: Path, report: ReadReport, options: ReadOptions, file_format: Format) -> Iterator[Shop]:
    check_readable(path)
    match file_format:
        case Format.CSV:
            return read_csv(path, report, options)
        case Format.GEOJSON:
            return read_geojson(path, report, options)
        case Format.OSM:
            _refuse_crs(options, path)
            return read_osm(path, report, options)
        case Format.OVERTURE:
            _refuse_crs(options, path)
            return read_overture(path, report, options)
        case _:
            assert_never(file_format)


def _refuse_crs(options: ReadOptions, path: Path) -> None:
    if options.crs is not Crs.WGS84:
        raise InvalidInput(f"{path.name} is in WGS 84 by definition; --crs {options.crs} cannot be meant")
