"""Tables with geometry as GIS programs keep them (GeoPackage, shapefile, GeoParquet), and their way to WGS 84.

GDAL is asked to open only what begins as the file's name says: it would follow a disguised file anywhere.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError
from pyproj.exceptions import CRSError, ProjError

from geo_offers.domain.errors import FileFault, InvalidInput

_SQLITE_MAGIC = b"SQLite format 3\x00"
_SHAPEFILE_MAGIC = b"\x00\x00\x27\x0a"
_UNSAID_ENCODING = "ISO-8859-1"  # what pyogrio assumes of a shapefile without a .cpg
_WGS84 = "OGC:CRS84"
_OGR_FAULTS = (DataSourceError, DataLayerError, FeatureError, FieldError, shapely.errors.GEOSException)


@dataclass(frozen=True, slots=True)
class GisTable:
    """Rows of a file as columns.

    shapes   geometries or None, in `crs`
    columns  values by field name, plain Python
    crs      as the file says it; None when it does not
    """

    shapes: NDArray[np.object_]
    columns: Mapping[str, Sequence[Any]]
    crs: str | None


def read_geopackage(path: Path, *, layer: str | None = None) -> GisTable:
    """A layer of a GeoPackage. Raises FileFault when it is not sound or has several layers and none is told."""
    if _head(path, None, len(_SQLITE_MAGIC)) != _SQLITE_MAGIC:
        raise FileFault(f"{path.name} is not a GeoPackage")
    try:
        layers = [name for name, kind in pyogrio.list_layers(path).tolist() if kind is not None]
    except _OGR_FAULTS as fault:
        raise _unsound(path, fault) from fault
    if layer not in layers and (layer is not None or len(layers) != 1):
        raise FileFault(f"{path.name} has the layers {', '.join(layers) or 'none'}; choose one with --layer")
    return _read(path, str(path), layer=layer or layers[0])


def read_shapefile(path: Path, *, inner: str | None = None, encoding: str | None = None) -> GisTable:
    """A shapefile, or the one of this name in a zip.

    Raises FileFault when it is not sound, and when its text is neither UTF-8 nor in an encoding that it says.
    """
    if _head(path, inner, len(_SHAPEFILE_MAGIC)) != _SHAPEFILE_MAGIC:
        raise FileFault(f"{path.name} is not a shapefile")
    source = str(path) if inner is None else f"/vsizip/{path.resolve()}/{inner}"
    try:
        if encoding is None and pyogrio.read_info(source)["encoding"] == _UNSAID_ENCODING:
            encoding = "UTF-8"  # checked, for what is read as Latin by mistake nobody notices
        return _read(path, source, encoding=encoding)
    except (UnicodeDecodeError, LookupError) as fault:
        raise FileFault(
            f"{path.name}: its text is not {encoding}; name the encoding, as in --encoding gb18030"
        ) from fault
    except _OGR_FAULTS as fault:
        raise _unsound(path, fault) from fault


def read_geoparquet(path: Path) -> GisTable:
    """A GeoParquet file. Raises FileFault when it is not sound."""
    import geopandas

    try:
        frame = geopandas.read_parquet(path)
    except (ValueError, OSError, shapely.errors.GEOSException) as fault:
        raise _unsound(path, fault) from fault
    names = [name for name in frame.columns if name != frame.geometry.name]
    columns = {
        str(name): frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in names
    }
    return GisTable(frame.geometry.to_numpy(), columns, frame.crs and frame.crs.to_wkt())


def in_wgs84(table: GisTable, *, told: str | None, file: str) -> NDArray[np.object_]:
    """The shapes in WGS 84, lng/lat; the same numbers when they are so already.

    Only vertices are converted: an edge is straight in lng/lat afterwards. Raises FileFault when neither the
    file nor `told` names a coordinate system, InvalidInput when both do or `told` is none.
    """
    if table.crs is not None and told is not None:
        raise InvalidInput(f"{file} says its coordinate system itself; --crs cannot be meant")
    name = told or table.crs
    if name is None:
        raise FileFault(f"{file} does not say its coordinate system; name it, as in --crs EPSG:4326")
    try:
        system = pyproj.CRS.from_user_input(name)
        if system.equals(pyproj.CRS(_WGS84), ignore_axis_order=True):
            return table.shapes
        to_wgs84 = pyproj.Transformer.from_crs(system, _WGS84, always_xy=True)
    except (CRSError, ProjError) as fault:
        if told is not None:
            raise InvalidInput(f"{told!r} is no coordinate system; one is EPSG:4326") from fault
        raise FileFault(f"the coordinate system of {file} leads nowhere: {_line(fault)}") from fault

    def convert(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_wgs84.transform(at[:, 0], at[:, 1]))

    return shapely.transform(table.shapes, convert)


def _read(path: Path, source: str, **options: Any) -> GisTable:
    try:
        meta, _, geometry, fields = pyogrio.raw.read(source, force_2d=True, **options)
        shapes = shapely.from_wkb(geometry)
    except _OGR_FAULTS as fault:
        raise _unsound(path, fault) from fault
    columns = {
        str(name): list(map(_plain, values.tolist()))
        for name, values in zip(meta["fields"], fields, strict=True)
    }
    return GisTable(shapes, columns, meta["crs"])


def _plain(value: Any) -> Any:
    # A column of integers with gaps arrives as floats: 7.0 and NaN.
    if isinstance(value, float):
        return None if value != value else int(value) if value.is_integer() else value
    return value


def _head(path: Path, inner: str | None, count: int) -> bytes:
    try:
        if inner is None:
            with path.open("rb") as file:
                return file.read(count)
        with zipfile.ZipFile(path) as archive, archive.open(inner) as member:
            return member.read(count)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as fault:
        raise _unsound(path, fault) from fault


def _unsound(path: Path, fault: Exception) -> FileFault:
    return FileFault(f"{path.name} cannot be read: {_line(fault)}")


def _line(fault: Exception) -> str:
    return " ".join(str(fault).split())[:200]
