"""Features that may become districts, from GeoJSON, GeoPackage, GeoParquet and shapefile, all in WGS 84.

What a feature means is not decided here.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, assert_never

import msgspec
from shapely.geometry.base import BaseGeometry

from geo_offers.domain.errors import FileFault, InvalidInput
from geo_offers.domain.polygon import checked_polygon
from geodata.geojson_document import LINE_EXTENSIONS, decoded, features_in, id_of_feature
from geodata.geojson_shapes import BBox, check_bbox
from geodata.open_file import check_readable
from geodata.rows import RowFault

Geometry = BaseGeometry | Mapping[str, Any]


class DistrictFormat(StrEnum):
    """What a file of districts can be."""

    GEOJSON = "geojson"
    GPKG = "gpkg"
    GEOPARQUET = "geoparquet"
    SHAPEFILE = "shapefile"


_BY_ENDING = (
    ((".geojson", ".json", ".geojson.gz", ".json.gz"), DistrictFormat.GEOJSON),
    ((*LINE_EXTENSIONS, *(f"{ending}.gz" for ending in LINE_EXTENSIONS)), DistrictFormat.GEOJSON),
    ((".gpkg",), DistrictFormat.GPKG),
    ((".parquet", ".geoparquet"), DistrictFormat.GEOPARQUET),
    ((".shp", ".zip"), DistrictFormat.SHAPEFILE),
)


@dataclass(frozen=True, slots=True)
class DistrictFeature:
    """One feature of a file.

    number    from 1, as a person would count
    place     where it is, if that can be said better: "/features/0", "line 12"
    id        the id that the file's form gives it; None when the form has none
    geometry  in WGS 84, unchecked; None when it has none
    """

    number: int
    place: str
    id: str | None
    properties: Mapping[str, Any]
    geometry: Geometry | None


def district_features(
    path: Path, *, layer: str | None = None, crs: str | None = None, encoding: str | None = None
) -> Iterator[DistrictFeature]:
    """The features of a file, in its order.

    layer     of a file that has several
    crs       of a file that does not say its own, such as "EPSG:2263"
    encoding  of a shapefile that does not say its own

    Raises FileFault for a file that cannot be read, InvalidInput for an option that it has no use for.
    """
    check_readable(path)
    file_format = _format_of(path)
    match file_format:
        case DistrictFormat.GEOJSON:
            _refuse(path, layer=layer, crs=crs, encoding=encoding)
            return _geojson_features(path)
        case DistrictFormat.GPKG | DistrictFormat.SHAPEFILE | DistrictFormat.GEOPARQUET:
            return _table_features(path, file_format, layer, crs, encoding)
        case _:
            assert_never(file_format)


def _format_of(path: Path) -> DistrictFormat:
    name = path.name.lower()
    for endings, file_format in _BY_ENDING:
        if name.endswith(endings):
            return file_format
    raise FileFault(f"{path.name} is of no known kind; known are .geojson, .gpkg, .parquet, .shp and .zip")


def _refuse(path: Path, **options: str | None) -> None:
    for name, value in options.items():
        if value is not None:
            raise InvalidInput(
                f"{path.name} has no use for --{name}: GeoJSON is one layer in WGS 84 and UTF-8"
            )


def _table_features(
    path: Path, file_format: DistrictFormat, layer: str | None, crs: str | None, encoding: str | None
) -> Iterator[DistrictFeature]:
    # Here, because GDAL takes 0.3 s to load and most imports are of other files.
    from geodata import gis_tables

    match file_format:
        case DistrictFormat.GEOPARQUET:
            table = gis_tables.read_geoparquet(path)
        case DistrictFormat.GPKG:
            table = gis_tables.read_geopackage(path, layer=layer)
        case _:
            table = gis_tables.read_shapefile(path, inner=_inner_shapefile(path, layer), encoding=encoding)
    shapes = gis_tables.in_wgs84(table, told=crs, file=path.name).tolist()
    names = list(table.columns)
    rows = zip(shapes, *table.columns.values(), strict=True)
    for number, (shape, *values) in enumerate(rows, start=1):
        yield DistrictFeature(number, "", None, dict(zip(names, values, strict=True)), shape)


def _inner_shapefile(path: Path, layer: str | None) -> str | None:
    """The name of the shapefile in a zip; None for a plain one."""
    if path.suffix.lower() != ".zip":
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".shp")]
    except (zipfile.BadZipFile, OSError) as fault:
        raise FileFault(f"{path.name} is not a sound zip file: {fault}") from fault
    wanted = [name for name in names if layer in (None, Path(name).stem)]
    if len(wanted) == 1:
        return wanted[0]
    if not names:
        raise FileFault(f"there is no shapefile in {path.name}")
    raise FileFault(
        f"{path.name} has the layers {', '.join(Path(name).stem for name in names)}; choose one with --layer"
    )


class _Shape(msgspec.Struct, frozen=True):
    type: str
    bbox: BBox | msgspec.UnsetType = msgspec.UNSET
    coordinates: Any = None


class _Feature(msgspec.Struct, frozen=True):
    type: Literal["Feature"]
    properties: dict[str, Any] | None
    geometry: _Shape | None
    id: str | int | float | msgspec.UnsetType = msgspec.UNSET
    bbox: BBox | msgspec.UnsetType = msgspec.UNSET


_shape = msgspec.json.Decoder(_Shape)
_feature = msgspec.json.Decoder(_Feature)


def _geojson_features(path: Path) -> Iterator[DistrictFeature]:
    texts = features_in(path, what="district", check_bare=_check_bare)
    for number, (place, text) in enumerate(texts, start=1):
        try:
            feature = decoded(_feature.decode, text)
            check_bbox(feature.bbox, "/bbox")
            geometry = None if feature.geometry is None else _geometry(feature.geometry, "/geometry/bbox")
        except RowFault as fault:
            raise FileFault(
                f"{path.name}: feature {number}: {fault}", place=place + (fault.pointer or "")
            ) from fault
        properties = feature.properties or {}
        yield DistrictFeature(number, place, id_of_feature(feature.id, properties), properties, geometry)


def _check_bare(text: bytes) -> None:
    checked_polygon(_geometry(decoded(_shape.decode, text), "/bbox"))


def _geometry(shape: _Shape, pointer: str) -> Mapping[str, Any]:
    check_bbox(shape.bbox, pointer)
    return {"type": shape.type, "coordinates": shape.coordinates}
