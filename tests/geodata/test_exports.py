"""Districts written to files: read again they are the same, and nothing is overwritten or left half done."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import pyarrow.parquet
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo_offers.domain.errors import FileFault, OutputExists
from geo_offers.domain.place import District
from geodata.districts import DistrictOptions, DistrictReport, read_districts
from geodata.exports import ExportFormat, attribution, export_format_of, write_districts
from tests.builders import a_district, a_source, a_square
from tests.shared_data import shared

ENDINGS = {ExportFormat.GEOJSON: ".geojson", ExportFormat.GPKG: ".gpkg", ExportFormat.GEOPARQUET: ".parquet"}
SAN_FRANCISCO = "districts/sf_community_benefit_districts.geojson"
COLUMNS = {
    "id", "name", "names", "kind", "parent_id", "source_provider", "source_id", "licence", "facts"
}  # fmt: skip
MANY_PARTS = shapely.to_wkb(
    shapely.MultiPolygon([shapely.box(179.5, -17, 180, -16), shapely.box(-180, -17, -179.25, -16)]),
    byte_order=1,
)
every_format = pytest.mark.parametrize("file_format", ExportFormat)


def some_districts() -> list[District]:
    quarter = a_district("way/1", name="坎皮", wkb=oriented(a_square()), kind="custom")
    street = a_district(
        "way/2",
        wkb=oriented(a_square(side=0.001, hole=False)),
        parent_id=quarter.id,
        kind="discovered",
        names={},
        facts={"rank": "local", "primary_categories": ["food.cafe"], "parameters": {"threshold": 0.1 + 0.2}},
    )
    isles = a_district("x", source=a_source("1", provider="fiji", licence="CC0-1.0"), wkb=MANY_PARTS)
    return [quarter, street, isles]


def oriented(wkb: bytes) -> bytes:
    return shapely.to_wkb(shapely.orient_polygons(shapely.from_wkb(wkb)), byte_order=1)


def written(path: Path, file_format: ExportFormat, districts: list[District]) -> Path:
    file = path / f"out{ENDINGS[file_format]}"
    write_districts(districts, file, file_format, overwrite=True)
    return file


def read_again(file: Path) -> list[District]:
    return read_districts(file, DistrictReport(), DistrictOptions())


@every_format
def test_what_is_exported_and_imported_is_the_same(tmp_path, file_format):
    districts = some_districts()
    assert read_again(written(tmp_path, file_format, districts)) == districts


@every_format
def test_real_districts_come_back_bit_for_bit(tmp_path, file_format):
    districts = read_districts(shared(SAN_FRANCISCO), DistrictReport(), DistrictOptions())
    again = read_again(written(tmp_path, file_format, districts))
    assert [one.wkb for one in again] == [one.wkb for one in districts]
    assert again == districts


numbers = st.floats(-80, 80, allow_subnormal=False)


@every_format
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lng=numbers, lat=numbers, side=st.floats(1e-6, 1))
def test_every_coordinate_comes_back_to_the_last_bit(tmp_path, file_format, lng, lat, side):
    district = a_district(wkb=oriented(a_square(lng, lat, side=side)))
    assert [one.wkb for one in read_again(written(tmp_path, file_format, [district]))] == [district.wkb]


def test_options_of_an_import_go_before_what_the_export_says(tmp_path):
    file = written(tmp_path, ExportFormat.GEOJSON, some_districts()[:1])
    options = DistrictOptions(provider="mine", licence="MIT", kind="official")
    (district,) = read_districts(file, DistrictReport(), options)
    assert (district.source, district.kind) == (a_source("way/1", provider="mine", licence="MIT"), "official")


def test_a_parent_that_is_not_in_the_file_is_left_out(tmp_path):
    (street,) = read_again(written(tmp_path, ExportFormat.GEOJSON, some_districts()[1:2]))
    assert street.parent_id is None


def test_geojson_is_rfc_7946_with_those_who_must_be_named(tmp_path):
    document = json.loads(written(tmp_path, ExportFormat.GEOJSON, some_districts()).read_text())
    assert document["type"] == "FeatureCollection"
    assert document["attribution"] == [
        {"provider": "fiji", "licence": "CC0-1.0"},
        {"provider": "osm", "licence": "ODbL-1.0"},
    ]
    first = document["features"][0]
    assert set(first) == {"type", "id", "properties", "geometry"}
    assert set(first["properties"]) == COLUMNS
    assert first["properties"]["names"] == {"sv": "Kampen", "zh": "坎皮"}
    assert shapely.geometry.shape(first["geometry"]).exterior.is_ccw


@pytest.mark.parametrize("file_format", [ExportFormat.GPKG, ExportFormat.GEOPARQUET])
def test_tables_have_a_row_a_district_and_those_who_must_be_named(tmp_path, file_format):
    districts = some_districts()
    file = written(tmp_path, file_format, districts)
    if file_format is ExportFormat.GPKG:
        frame = geopandas.read_file(file, layer="districts")
        noted = pyogrio.read_info(file)["layer_metadata"]["attribution"]
    else:
        frame = geopandas.read_parquet(file)
        noted = pyarrow.parquet.read_schema(file).metadata[b"attribution"]
    assert set(frame.columns) == COLUMNS | {"geometry"}
    assert frame.crs.equals("OGC:CRS84", ignore_axis_order=True)
    assert frame["licence"].tolist() == ["ODbL-1.0", "ODbL-1.0", "CC0-1.0"]
    assert json.loads(frame["names"][0]) == {"sv": "Kampen", "zh": "坎皮"}
    assert json.loads(noted) == attribution(districts)


@every_format
def test_an_empty_store_gives_a_file_without_rows(tmp_path, file_format):
    file = written(tmp_path, file_format, [])
    with pytest.raises(FileFault, match="there is no district in out"):
        read_again(file)


@every_format
def test_a_file_that_exists_is_overwritten_only_when_told(tmp_path, file_format):
    file = tmp_path / "out"
    file.write_text("mine")
    with pytest.raises(OutputExists, match="--force"):
        write_districts(some_districts(), file, file_format)
    assert file.read_text() == "mine"
    write_districts(some_districts(), file, file_format, overwrite=True)
    assert file.read_bytes()[:4] != b"mine"
    assert list(tmp_path.iterdir()) == [file]


@every_format
def test_a_failure_leaves_the_file_before_and_nothing_beside_it(tmp_path, file_format):
    file = tmp_path / "out"
    file.write_text("mine")
    with pytest.raises(shapely.errors.GEOSException):
        write_districts([a_district(wkb=b"no geometry")], file, file_format, overwrite=True)
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


def test_a_place_where_no_file_can_be_is_refused(tmp_path):
    for path, word in ((tmp_path, "is a folder"), (tmp_path / "a" / "b.geojson", "does not exist")):
        with pytest.raises(FileFault, match=word):
            write_districts([], path, ExportFormat.GEOJSON)
    with pytest.raises(FileFault, match="says no format"):
        export_format_of(tmp_path / "out.csv")
    assert export_format_of(tmp_path / "OUT.GPKG") is ExportFormat.GPKG
