"""Districts as files for GIS programs: GeoJSON, GeoPackage and GeoParquet, with those who must be named.

Numbers are written to the last bit: what is read again is the same polygon.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, assert_never

import msgspec
import shapely

from geo_offers.domain.errors import FileFault, OutputExists
from geo_offers.domain.place import District

if TYPE_CHECKING:
    import geopandas

LAYER = "districts"
_COLUMNS = (
    "id", "name", "names", "kind", "parent_id", "source_provider", "source_id", "licence", "facts"
)  # fmt: skip
_encode = msgspec.json.Encoder(order="sorted").encode


class ExportFormat(StrEnum):
    """What an export can be."""

    GEOJSON = "geojson"
    GPKG = "gpkg"
    GEOPARQUET = "geoparquet"


_BY_ENDING = {
    ".geojson": ExportFormat.GEOJSON,
    ".json": ExportFormat.GEOJSON,
    ".gpkg": ExportFormat.GPKG,
    ".parquet": ExportFormat.GEOPARQUET,
    ".geoparquet": ExportFormat.GEOPARQUET,
}


def export_format_of(path: Path) -> ExportFormat:
    """The format by the file's ending; raises FileFault for another ending."""
    file_format = _BY_ENDING.get(path.suffix.lower())
    if file_format is None:
        raise FileFault(f"{path.name} says no format; known are {', '.join(_BY_ENDING)}")
    return file_format


def require_room(path: Path, *, overwrite: bool) -> None:
    """Raises OutputExists when there is a file already and it must stay, FileFault when none can be made there."""
    if path.is_dir():
        raise FileFault(f"{path} is a folder, the name of a file is needed")
    if not path.parent.is_dir():
        raise FileFault(f"the folder {path.parent} does not exist")
    if path.exists() and not overwrite:
        raise OutputExists(f"{path} exists; --force overwrites it", path=path)


def write_districts(
    districts: Sequence[District], path: Path, file_format: ExportFormat, *, overwrite: bool = False
) -> None:
    """Write districts to a file: all of it or, on any failure, nothing. Raises as require_room does."""
    require_room(path, overwrite=overwrite)
    try:
        # A folder, for SQLite puts files of its own beside the one it writes.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            beside = Path(folder) / f"{LAYER}.{file_format}"  # GDAL wants the usual ending
            _write(districts, beside, file_format)
            require_room(path, overwrite=overwrite)
            beside.replace(path)
    except OSError as fault:
        raise FileFault(f"{path} cannot be written: {fault.strerror or fault}") from fault


def attribution(districts: Sequence[District]) -> list[dict[str, str]]:
    """Every provider with every licence among the districts once, ordered."""
    pairs = {(district.source.provider, district.source.licence) for district in districts}
    return [{"provider": provider, "licence": licence} for provider, licence in sorted(pairs)]


def _write(districts: Sequence[District], path: Path, file_format: ExportFormat) -> None:
    match file_format:
        case ExportFormat.GEOJSON:
            with path.open("wb") as file:
                _write_geojson(districts, file)
        case ExportFormat.GPKG:
            _write_geopackage(districts, path)
        case ExportFormat.GEOPARQUET:
            _write_geoparquet(districts, path)
        case _:
            assert_never(file_format)


def _write_geojson(districts: Sequence[District], file: IO[bytes]) -> None:
    """A FeatureCollection with one feature a line."""
    file.write(b'{"type":"FeatureCollection","attribution":' + _encode(attribution(districts)))
    file.write(b',"features":[')
    for number, district in enumerate(districts):
        file.write(b",\n" if number else b"\n")
        file.write(_encode(_feature(district)))
    file.write(b"\n]}\n")


def _feature(district: District) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": district.id,
        "properties": _properties(district),
        "geometry": shapely.geometry.mapping(shapely.from_wkb(district.wkb)),
    }


def _properties(district: District) -> dict[str, Any]:
    return {
        "id": district.id,
        "name": district.name,
        "names": dict(district.names),
        "kind": district.kind,
        "parent_id": district.parent_id,
        "source_provider": district.source.provider,
        "source_id": district.source.id,
        "licence": district.source.licence,
        "facts": dict(district.facts),
    }


def _write_geopackage(districts: Sequence[District], path: Path) -> None:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    try:
        pyogrio.write_dataframe(
            _frame(districts),
            path,
            driver="GPKG",
            layer=LAYER,
            promote_to_multi=False,  # a Polygon must not come back as a MultiPolygon
            geometry_type=None if districts else "Unknown",
            layer_metadata={"attribution": _encode(attribution(districts)).decode()},
        )
    except (DataSourceError, DataLayerError, FeatureError) as fault:
        raise OSError(str(fault)) from fault


def _write_geoparquet(districts: Sequence[District], path: Path) -> None:
    import pyarrow.parquet

    _frame(districts).to_parquet(path, index=False)
    table = pyarrow.parquet.read_table(path)
    noted = {**(table.schema.metadata or {}), b"attribution": _encode(attribution(districts))}
    pyarrow.parquet.write_table(table.replace_schema_metadata(noted), path)


def _frame(districts: Sequence[District]) -> geopandas.GeoDataFrame:
    """One row a district; mappings as JSON text."""
    import geopandas

    rows = [_properties(district) for district in districts]
    for row in rows:
        row |= {key: _encode(row[key]).decode() for key in ("names", "facts")}
    shapes = shapely.from_wkb([district.wkb for district in districts])
    columns = {name: [row[name] for row in rows] for name in _COLUMNS}
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs="OGC:CRS84")
