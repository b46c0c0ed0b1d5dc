"""Files of polygons become districts: formats, coordinate systems, names, ids, parents, overlaps and faults."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from geo_offers.domain.errors import FileFault, InvalidInput, PolygonFault
from geo_offers.domain.place import District, LngLat, district_id_of
from geo_offers.domain.polygon import area_m2
from geo_offers.index.cells import cells_at
from geodata.districts import DistrictOptions, DistrictReport, Overlap, Repair, read_districts
from tests.shared_data import shared

OUTER = shapely.box(24, 60, 25, 61)
EIFFEL_TOWER_IN_LAMBERT_93 = shapely.box(648_187, 6_862_222, 648_287, 6_862_322)  # EPSG:2154, 100 m a side
BOW = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


def feature(shape: Any, name: str | None = "A", **over: Any) -> dict[str, Any]:
    geometry = shape if isinstance(shape, dict) or shape is None else shapely.geometry.mapping(shape)
    properties = ({"name": name} if name is not None else {}) | over.pop("properties", {})
    return {"type": "Feature", "properties": properties, "geometry": geometry} | over


def collection(*features: dict[str, Any]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


class Folder:
    """Files made for one test, and what is read from them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.report = DistrictReport()

    def read(self, *features: dict[str, Any], **options: Any) -> list[District]:
        return self.read_text(collection(*features), **options)

    def read_text(self, text: str, name: str = "town.geojson", **options: Any) -> list[District]:
        (self.path / name).write_text(text)
        return self.read_file(name, **options)

    def read_file(self, name: str | Path, **options: Any) -> list[District]:
        self.report = DistrictReport()
        return read_districts(self.path / name, self.report, DistrictOptions(**options))

    def refused(self, *features: dict[str, Any], **options: Any) -> str:
        with pytest.raises(FileFault) as caught:
            self.read(*features, **options)
        return str(caught.value)

    def refused_file(self, name: str, **options: Any) -> str:
        with pytest.raises(FileFault) as caught:
            self.read_file(name, **options)
        return str(caught.value)

    def table(self, file: str, crs: Any = 4326, shapes: Any = (OUTER,), **columns: Any) -> Path:
        frame = geopandas.GeoDataFrame(columns or {"name": ["A"]}, geometry=list(shapes), crs=crs)
        path = self.path / file
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def shape_of(district: District) -> Any:
    return shapely.from_wkb(district.wkb)


def test_a_feature_becomes_a_district_with_its_source(folder):
    (district,) = folder.read(feature(OUTER, "東京駅前", id=7), provider="city", licence="CC0-1.0")
    assert (district.name, district.kind, district.parent_id) == ("東京駅前", "official", None)
    assert (district.source.provider, district.source.id, district.source.licence) == ("city", "7", "CC0-1.0")
    assert district.id == district_id_of("city", "7")
    assert shape_of(district) == shapely.orient_polygons(OUTER)


def test_without_words_the_file_is_the_provider_and_the_licence_is_unstated(folder):
    (district,) = folder.read(feature(OUTER), kind="custom")
    assert (district.source.provider, district.source.licence, district.kind) == (
        "file:town",
        "unstated",
        "custom",
    )


@pytest.mark.parametrize("field", ["name", "NAME", "Nom", "名称", "商圈", "ＮＡＭＥ"])
def test_the_name_is_found_in_usual_fields(folder, field):
    (district,) = folder.read(feature(OUTER, None, properties={"code": 1, field: " 南京路 \n步行街 "}))
    assert district.name == "南京路 步行街"


def test_a_named_field_comes_before_the_usual_ones_and_must_be_there(folder):
    row = feature(OUTER, properties={"BIDNAME": "B", "BIDCODE": 12})
    (district,) = folder.read(row, name_field="bidname", id_field="BIDCODE")
    assert (district.name, district.source.id) == ("B", "12")
    assert "there is no field 'title'; the fields are 'name', 'BIDNAME', 'BIDCODE'" in folder.refused(
        row, name_field="title"
    )
    assert "no field 'nr'" in folder.refused(row, id_field="nr")


def test_names_in_several_languages_are_kept_by_bcp_47_tag(folder):
    named = {
        "name:sv": "Kampen",
        "name_zh_hant": "坎皮",
        "NAME_EN": "Kamppi",
        "name:left": "x",
        "name_ja": "",
    }
    (district,) = folder.read(feature(OUTER, "Kamppi", properties=named))
    assert district.names == {"sv": "Kampen", "zh-Hant": "坎皮", "en": "Kamppi"}
    (district,) = folder.read(feature(OUTER, None, properties={"names": {"fi": "Kamppi"}}))
    assert (district.name, district.names) == ("Kamppi", {"fi": "Kamppi"})


def test_the_id_is_the_features_own_else_a_field_else_the_name(folder):
    assert folder.read(feature(OUTER, id="x"))[0].source.id == "x"
    assert folder.read(feature(OUTER, properties={"ID": 12}))[0].source.id == "12"
    assert folder.read(feature(OUTER))[0].source.id == "A"


def test_two_features_with_one_id_are_refused_together(folder):
    twice = [feature(OUTER, "A", id=1), feature(OUTER, "B", id=1)]
    assert "features 1 and 2 have the same id '1'" in folder.refused(*twice)
    assert "features 1 and 2 have the same name 'A'; name a field that tells them apart with --id-field" in (
        folder.refused(feature(OUTER), feature(OUTER))
    )


def test_parts_and_holes_are_kept_to_the_last_bit(folder):
    shape = shapely.MultiPolygon(
        [
            shapely.box(0, 0, 1 / 3, 1).difference(shapely.box(0.1, 0.1, 0.2, 0.2)),
            shapely.box(2, 0, 3, 0.1 + 0.2),
        ]
    )
    (district,) = folder.read(feature(shape))
    assert district.wkb == shapely.to_wkb(shapely.orient_polygons(shape), byte_order=1)


def test_a_district_across_the_antimeridian_is_split(folder):
    (district,) = folder.read(feature(shapely.box(177, -18, 182, -16)))
    assert [part.bounds for part in shape_of(district).geoms] == [
        (177, -18, 180, -16),
        (-180, -18, -178, -16),
    ]


def test_a_parent_is_the_smallest_district_that_covers(folder):
    town, quarter, street = (shapely.box(0, 0, side, side) for side in (9, 4, 1))
    rows = [feature(street, "street"), feature(town, "town"), feature(quarter, "quarter")]
    by_name = {one.name: one for one in folder.read(*rows)}
    assert by_name["street"].parent_id == by_name["quarter"].id
    assert by_name["quarter"].parent_id == by_name["town"].id
    assert by_name["town"].parent_id is None
    assert (folder.report.with_parent, folder.report.overlaps) == (2, [])


def test_equal_districts_are_nobodys_parent_and_share_theirs(folder):
    rows = [feature(shapely.box(0, 0, 1, 1), name) for name in "AB"] + [feature(shapely.box(0, 0, 2, 2), "C")]
    one, other, outer = folder.read(*rows)
    assert (one.parent_id, other.parent_id, outer.parent_id) == (outer.id, outer.id, None)
    assert folder.report.overlaps == []


def test_a_district_in_the_hole_of_another_is_not_inside_of_it(folder):
    ring = shapely.box(0, 0, 9, 9).difference(shapely.box(3, 3, 6, 6))
    assert [one.parent_id for one in folder.read(feature(ring), feature(shapely.box(3, 3, 6, 6), "B"))] == [
        None,
        None,
    ]
    assert folder.report.overlaps == []


def test_touching_districts_are_no_overlap_and_have_no_parent(folder):
    rows = [feature(shapely.box(x, 0, x + 1, 1), name) for x, name in enumerate("ABC")]
    assert all(one.parent_id is None for one in folder.read(*rows))
    assert folder.report.overlaps == []


def test_overlapping_districts_are_listed_the_largest_share_first(folder):
    boxes = {"A": (0, 0, 4, 4), "B": (3, 0, 7, 4), "C": (6.9, 0, 9, 1), "inside A": (1, 1, 2, 2)}
    folder.read(*(feature(shapely.box(*box), name) for name, box in boxes.items()))
    first, second = folder.report.overlaps
    assert (first.one, first.other, second.one, second.other) == ("A", "B", "B", "C")
    assert first.area_m2 == pytest.approx(4.92e10, rel=0.01)


def test_a_district_smaller_than_a_cell_and_one_larger_than_a_city_are_districts(folder):
    lng, lat, half = 24.94, 60.17, 1e-7
    tiny = shapely.box(lng - half, lat - half, lng + half, lat + half)
    rows = folder.read(feature(tiny, "kiosk"), feature(shapely.box(20, 50, 40, 70), "country"))
    assert rows[0].parent_id == rows[1].id
    corners = shapely.get_coordinates(shape_of(rows[0]))
    assert len(np.unique(cells_at(corners[:, 0], corners[:, 1], 15))) == 1


REFUSED = {
    "no name": (feature(OUTER, None), "feature 2: a district needs a name"),
    "a blank name": (feature(OUTER, "  "), "feature 2: a district needs a name"),
    "no geometry": (feature(None, "B"), "feature 2 'B': it has no geometry"),
    "a point": (feature(shapely.Point(1, 2), "B"), "feature 2 'B': a Point is not a polygon"),
    "a line": (feature(shapely.LineString([(0, 0), (1, 1)]), "B"), "a LineString is not a polygon"),
    "a bow tie": (
        feature(BOW, "B"),
        "the outline crosses or overlaps itself at lng 1.0, lat 1.0 [self_intersection]; --repair would mend it",
    ),
    "a pole": (feature(shapely.box(0, 80, 9, 90), "B"), "touches a pole, where longitudes mean nothing"),
    "swapped": (feature(shapely.box(31, 121, 32, 122), "B"), "are lng and lat swapped?"),
    "bidi": (feature(OUTER, "B\u202e"), "U+202E"),
}


@pytest.mark.parametrize(("row", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_faulty_feature_is_refused_with_its_number_name_and_place(folder, row, words):
    word = folder.refused(feature(OUTER), row)
    assert words in word
    assert word.startswith("town.geojson: feature 2")
    assert word.endswith("(/features/1)")


def test_a_faulty_polygon_is_repaired_when_asked_and_reported(folder):
    rows = folder.read(feature(OUTER), feature(BOW, "B"), repair=True)
    assert [one.name for one in rows] == ["A", "B"]
    assert shape_of(rows[1]).area == 2
    assert folder.report.repaired == [Repair("B", PolygonFault.SELF_INTERSECTION, LngLat(1, 1))]
    flat = shapely.Polygon([(0, 0), (1, 1), (2, 2)])
    assert "[zero_area] (/features/0)" in folder.refused(feature(flat), repair=True)


@pytest.mark.parametrize("name", ["town.geojson.gz", "town.ndjson", "town.ndjson.gz", "TOWN.JSON"])
def test_geojson_may_be_zipped_or_one_feature_a_line(folder, name):
    rows = [feature(OUTER, "A"), feature(OUTER, "东", id=2)]
    text = "\n".join(map(json.dumps, rows)) if "ndjson" in name else collection(*rows)
    (folder.path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    assert [one.name for one in folder.read_file(name)] == ["A", "东"]


def test_a_faulty_line_is_named(folder):
    text = "\n".join(map(json.dumps, [feature(OUTER), feature(BOW, "B")]))
    (folder.path / "town.ndjson").write_text(text)
    assert folder.refused_file("town.ndjson").endswith("(line 2)")


@pytest.mark.parametrize("name", ["town.gpkg", "town.shp", "town.parquet"])
def test_tables_of_gis_programs_are_read_to_the_last_bit(folder, name):
    shapes = [shapely.box(0, 0, 1 / 3, 0.1 + 0.2), shapely.MultiPolygon([shapely.box(2, 2, 3, 3)])]
    if not name.endswith(".parquet"):
        shapes[1] = shapes[1].geoms[0]  # written like this, the others do not tell the two apart
    path = folder.table(name, shapes=shapes, name=["東京", "Café"], name_en=["Tokyo", None], id=[7, 8])
    rows = folder.read_file(path)
    assert [(one.name, dict(one.names), one.source.id) for one in rows] == [
        ("東京", {"en": "Tokyo"}, "7"),
        ("Café", {}, "8"),
    ]
    assert [shape_of(one) for one in rows] == shapely.orient_polygons(shapes).tolist()


@pytest.mark.parametrize("name", ["town.gpkg", "town.shp", "town.parquet"])
def test_another_coordinate_system_is_converted(folder, name):
    path = folder.table(name, crs=2154, shapes=[EIFFEL_TOWER_IN_LAMBERT_93])
    (district,) = folder.read_file(path)
    assert shape_of(district).centroid.coords[0] == pytest.approx((2.2945, 48.8584), abs=1e-4)
    assert area_m2(shape_of(district)) == pytest.approx(10_000, rel=0.01)
    with pytest.raises(InvalidInput, match="--crs cannot be meant"):
        folder.read_file(path, crs="EPSG:2154")


def test_a_shapefile_without_a_coordinate_system_is_refused_until_it_is_told(folder):
    path = folder.table("town.shp", crs=2154, shapes=[EIFFEL_TOWER_IN_LAMBERT_93])
    path.with_suffix(".prj").unlink()
    assert "--crs EPSG:4326" in folder.refused_file("town.shp")
    (district,) = folder.read_file("town.shp", crs="EPSG:2154")
    assert shape_of(district).centroid.coords[0] == pytest.approx((2.2945, 48.8584), abs=1e-4)
    with pytest.raises(InvalidInput, match="'EPSG:nonsense' is no coordinate system"):
        folder.read_file("town.shp", crs="EPSG:nonsense")


def test_a_position_that_the_conversion_cannot_reach_is_refused(folder):
    path = folder.table("town.gpkg", crs=32632, shapes=[shapely.box(1e9, 1e9, 2e9, 2e9)])
    assert "a coordinate is not a finite number [not_finite]" in folder.refused_file(path.name)


def test_a_zipped_shapefile_is_read_and_of_several_one_is_chosen(folder):
    for stem, name in (("east", "东"), ("west", "西")):
        folder.table(f"{stem}.shp", name=[name])
    with zipfile.ZipFile(folder.path / "town.zip", "w") as archive:
        for file in sorted(folder.path.glob("*st.*")):
            archive.write(file, f"folder/{file.name}")
    assert "has the layers east, west; choose one with --layer" in folder.refused_file("town.zip")
    assert [one.name for one in folder.read_file("town.zip", layer="west")] == ["西"]


def test_of_a_geopackage_with_several_layers_one_is_chosen(folder):
    path = folder.path / "town.gpkg"
    for layer in ("malls", "bids"):
        frame = geopandas.GeoDataFrame({"name": [layer]}, geometry=[OUTER], crs=4326)
        frame.to_file(path, layer=layer)
    assert "has the layers malls, bids; choose one with --layer" in folder.refused_file("town.gpkg")
    assert [one.name for one in folder.read_file("town.gpkg", layer="bids")] == ["bids"]
    assert "choose one" in folder.refused_file("town.gpkg", layer="shops")


def test_a_shapefile_in_another_encoding_is_refused_until_it_is_told(folder):
    frame = geopandas.GeoDataFrame({"名称": ["南京路"]}, geometry=[OUTER], crs=4326)
    frame.to_file(folder.path / "town.shp", encoding="gb18030")
    assert [one.name for one in folder.read_file("town.shp")] == ["南京路"]
    (folder.path / "town.cpg").unlink()
    assert "--encoding gb18030" in folder.refused_file("town.shp")
    assert [one.name for one in folder.read_file("town.shp", encoding="gb18030")] == ["南京路"]
    assert "not klingon" in folder.refused_file("town.shp", encoding="klingon")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("town.gpkg", b"<OGRVRTDataSource/>", "is not a GeoPackage"),
        ("town.gpkg", b"SQLite format 3\x00 and nothing", "cannot be read"),
        ("town.shp", b"<OGRVRTDataSource/>", "is not a shapefile"),
        ("town.shp", b"\x00\x00\x27\x0a and nothing", "cannot be read"),
        ("town.zip", b"PK\x03\x04 and nothing", "is not a sound zip"),
        ("town.parquet", b"PAR1 and nothing", "cannot be read"),
        ("town.csv", b"name\nA\n", "is of no known kind"),
        ("town.geojson", b"", "is empty"),
        (
            "town.geojson",
            b'{"type":"FeatureCollection","features":[]}',
            "there is no district in town.geojson",
        ),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(folder, name, content, words):
    (folder.path / name).write_bytes(content)
    assert words in folder.refused_file(name)


def test_geojson_has_no_use_for_options_of_tables(folder):
    with pytest.raises(InvalidInput, match="no use for --crs"):
        folder.read(feature(OUTER), crs="EPSG:4326")


def test_new_york_has_76_districts_and_18_pairs_share_area(folder):
    districts = folder.read_file(shared("districts/nyc_bids.geojson"))
    overlaps = folder.report.overlaps
    assert (len(districts), len({one.id for one in districts})) == (76, 76)
    # The data's own README counts those of 1e-9 square degrees (about 10 m²) and more.
    assert (len(overlaps), sum(pair.area_m2 >= 10 for pair in overlaps)) == (18, 11)
    assert overlaps[0] == Overlap(
        "Bryant Park Corporation", "Times Square Alliance", pytest.approx(12_984.6, abs=0.1)
    )
    assert all(one.parent_id is None for one in districts)


def test_san_francisco_has_16_districts_and_10_pairs_share_area(folder):
    districts = folder.read_file(shared("districts/sf_community_benefit_districts.geojson"))
    overlaps = folder.report.overlaps
    assert (len(districts), len(overlaps), sum(pair.area_m2 >= 10 for pair in overlaps)) == (16, 10, 6)
