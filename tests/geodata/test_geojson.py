from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from geo_offers.domain.errors import FileFault
from geodata.crs import Crs, gcj02_of_wgs84
from tests.geodata.reading import read
from tests.shared_data import shared

NAMED = {"name": "Kaffe", "amenity": "cafe"}


def feature(geometry=None, **members):
    if geometry is None:
        geometry = {"type": "Point", "coordinates": [24.94, 60.17]}
    return {"type": "Feature", "properties": NAMED, "geometry": geometry} | members


def written(path: Path, document) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def collection(path: Path, *features, **members) -> Path:
    return written(path, {"type": "FeatureCollection", "features": features} | members)


def fault_of(path: Path, **changes) -> FileFault:
    with pytest.raises(FileFault) as fault:
        read(path, **changes)
    return fault.value


def test_the_names_of_the_properties_may_be_ours(tmp_path):
    properties = {
        "id": 7, "name": "金鼎轩", "name_en": "Jin Ding Xuan", "names": {"ja": "金鼎軒"}, "category": "餐厅",
        "address": "和平里西街77号", "opening_hours": "24/7", "brand": "金鼎轩", "seats": None, "rating": 4.5,
    }  # fmt: skip
    path = collection(tmp_path / "beijing.geojson", feature(properties=properties))
    (shop,), _ = read(path)
    assert (shop.source.provider, shop.source.id, shop.source.licence) == ("file:beijing", "7", "unstated")
    assert (shop.name, shop.names) == ("金鼎轩", {"en": "Jin Ding Xuan", "ja": "金鼎軒"})
    assert (shop.category, shop.address) == ("food.restaurant", "和平里西街77号")
    assert (shop.opening_hours, shop.brand) == ("24/7", "金鼎轩")


def test_the_names_of_the_properties_may_be_those_of_osm(tmp_path):
    path = collection(
        tmp_path / "a.geojson",
        feature(id="one", properties={"tags": {**NAMED, "addr:street": "Aleksi", "addr:housenumber": "3"}}),
        feature(properties={"@id": "node/5", "key": "amenity", "value": "cafe", "name": "B"}),
    )
    shops, _ = read(path)
    assert [(shop.source.id, shop.category) for shop in shops] == [
        ("one", "food.cafe"),
        ("node/5", "food.cafe"),
    ]
    assert shops[0].address == "Aleksi 3"


def test_without_an_id_a_shop_is_known_by_its_name_and_place(tmp_path):
    path = collection(
        tmp_path / "a.geojson", feature(), feature(properties={**NAMED, "name": "Other"}), feature()
    )
    ids = [shop.id for shop in read(path)[0]]
    assert ids[0] == ids[2] != ids[1]


def test_an_area_is_a_shop_at_a_point_inside(tmp_path):
    square = [[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]
    (one, two, three), _ = read(
        collection(
            tmp_path / "a.geojson",
            feature({"type": "Polygon", "coordinates": [square]}),
            feature({"type": "MultiPolygon", "coordinates": [[square]]}),
            feature({"type": "Polygon", "coordinates": [square[::-1]]}),
        )
    )
    assert 10 < one.at.lng < 11
    assert 50 < one.at.lat < 51
    assert one.at == two.at == three.at


SQUARE = [[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]
FAR_AND_LARGE = [[30, 50], [35, 50], [35, 55], [30, 55], [30, 50]]
BOW_TIE = [[10, 50], [11, 51], [11, 50], [10, 51], [10, 50]]


@pytest.mark.parametrize(
    ("kind", "coordinates"),
    [
        ("Polygon", [BOW_TIE]),
        ("Polygon", [SQUARE, [[10.5, 50.5], [12, 50.5], [12, 50.6], [10.5, 50.6], [10.5, 50.5]]]),
        ("Polygon", [SQUARE, FAR_AND_LARGE]),
        ("Polygon", [SQUARE, [[10.2, 50.5], [10.4, 50.5], [10.6, 50.5], [10.2, 50.5]]]),
        ("MultiPolygon", [[SQUARE], [SQUARE]]),
    ],
)
def test_a_broken_outline_is_noted_and_its_point_is_inside_of_the_outer_ring(tmp_path, kind, coordinates):
    path = collection(tmp_path / "a.geojson", feature({"type": kind, "coordinates": coordinates}))
    (shop,), report = read(path)
    assert report.noted == {"broken outline": 1}
    assert 10 < shop.at.lng < 11
    assert 50 < shop.at.lat < 51


def test_an_outline_that_encloses_nothing_is_refused_with_its_place(tmp_path):
    line = {"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [3, 3], [1, 1]]]}
    path = collection(tmp_path / "a.geojson", feature(), feature(line))
    fault = fault_of(path)
    assert "the outline encloses nothing: a ring is a line" in str(fault)
    assert fault.place == "/features/1/geometry/coordinates"
    assert read(path, skip_bad_rows=True)[1].skipped == {"faulty row": 1}


def test_a_broken_outline_is_noted_only_for_what_is_a_shop(tmp_path):
    broken = {"type": "Polygon", "coordinates": [BOW_TIE]}
    path = collection(tmp_path / "a.geojson", feature(), feature(broken, properties={"name": "x"}))
    assert read(path)[1].noted == {}


@pytest.mark.parametrize(
    "coordinates",
    [
        [
            [[[179, 0], [180, 0], [180, 1], [179, 1], [179, 0]]],
            [[[-180, 0], [-179, 0], [-179, 1], [-180, 1], [-180, 0]]],
        ],
        [[[[179.9, -17], [-179.9, -17], [-179.9, -16], [179.9, -16], [179.9, -17]]]],
    ],
)
def test_an_area_across_the_antimeridian_is_not_broken(tmp_path, coordinates):
    area = {"type": "MultiPolygon", "coordinates": coordinates}
    (shop,), report = read(collection(tmp_path / "a.geojson", feature(area)))
    assert report.noted == {}
    assert abs(shop.at.lng) >= 179


@pytest.mark.parametrize(
    "name", ["a.geojson", "a.json", "a.ndjson", "a.geojsonl", "a.geojson.gz", "a.ndjson.gz"]
)
def test_one_feature_a_line_is_read_whatever_the_name_says(tmp_path, name):
    text = "\n\n".join(json.dumps(feature(id=i)) for i in range(3)).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert [shop.source.id for shop in read(tmp_path / name)[0]] == ["0", "1", "2"]


def test_text_sequences_and_byte_order_marks_are_read(tmp_path):
    (tmp_path / "a.geojsons").write_bytes(
        b"".join(b"\x1e" + json.dumps(feature()).encode() + b"\n" for _ in "ab")
    )
    (tmp_path / "b.geojson").write_bytes(b"\xef\xbb\xbf" + json.dumps(feature()).encode())
    assert len(read(tmp_path / "a.geojsons")[0]) == 2
    assert len(read(tmp_path / "b.geojson")[0]) == 1


def test_a_large_collection_may_be_one_single_line(tmp_path):
    path = collection(tmp_path / "a.geojson", feature(), note="x" * 70_000_000)
    assert len(read(path)[0]) == 1


def test_lines_and_collections_and_null_are_skipped_and_counted(tmp_path):
    line = {"type": "LineString", "coordinates": [[1, 1], [2, 2]]}
    path = collection(
        tmp_path / "a.geojson",
        feature(),
        feature(line),
        {"type": "Feature", "properties": NAMED, "geometry": None},
        feature({"type": "GeometryCollection", "geometries": [line]}),
        feature(properties={"name": "x"}),
        feature(properties={"amenity": "cafe"}),
    )
    _, report = read(path)
    assert report.kept == {"food.cafe": 1}
    assert report.skipped == {
        "neither point nor area": 2, "coordinates missing": 1, "no category": 1, "no name": 1,
    }  # fmt: skip


def test_coordinates_in_gcj02_become_wgs84(tmp_path):
    at = gcj02_of_wgs84(116.3912, 39.9062)
    path = collection(tmp_path / "a.geojson", feature({"type": "Point", "coordinates": at}))
    (shop,), _ = read(path, crs=Crs.GCJ02)
    assert (shop.at.lng, shop.at.lat) == pytest.approx((116.3912, 39.9062), abs=1e-7)


def test_properties_can_be_mapped_and_a_category_given(tmp_path):
    path = collection(tmp_path / "a.geojson", feature(properties={"店": "甲"}))
    (shop,), _ = read(path, columns={"name": "店"}, category="food.cafe")
    assert (shop.name, shop.category) == ("甲", "food.cafe")


@pytest.mark.parametrize(
    "name",
    ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4326",
     "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "CRS84"],
)  # fmt: skip
def test_a_crs_that_is_wgs84_is_accepted(tmp_path, name):
    crs = {"type": "name", "properties": {"name": name}}
    assert len(read(collection(tmp_path / "a.geojson", feature(), crs=crs))[0]) == 1


@pytest.mark.parametrize(
    ("crs", "word"),
    [
        ({"type": "name", "properties": {"name": "EPSG:3857"}}, "'EPSG:3857'"),
        ({"type": "name", "properties": {"name": "EPSG:44326"}}, "'EPSG:44326'"),
        ({"type": "link", "properties": {"href": "x"}}, "a coordinate system of its own"),
        ("CRS84", "a coordinate system of its own"),
    ],
)
def test_another_crs_is_refused_by_name(tmp_path, crs, word):
    fault = fault_of(collection(tmp_path / "a.geojson", feature(), crs=crs))
    assert word in str(fault)
    assert fault.place == "/crs"


@pytest.mark.parametrize(
    ("coordinates", "word"),
    [
        ([60.17, 124.94], "are lng and lat swapped?"),
        ([1e3, 1], "outside -180 to 180"),
        ([1], "length >= 2"),
        (["1", 2], "got `str`"),
        ([None, 2], "got `null`"),
        ([True, 2], "got `bool`"),
    ],
)
def test_a_position_that_cannot_be_is_refused_with_its_pointer_or_counted(tmp_path, coordinates, word):
    path = collection(
        tmp_path / "a.geojson", feature(), feature({"type": "Point", "coordinates": coordinates})
    )
    fault = fault_of(path)
    assert word in str(fault)
    assert fault.place.startswith("/features/1/geometry/coordinates")
    shops, report = read(path, skip_bad_rows=True)
    assert len(shops) == 1
    assert report.skipped.keys() <= {"faulty row", "faulty coordinates"}


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("x" * 10_000_000, "10,000,000 characters"),
        ("a\x00b", "U+0000"),
        ("a\u202eb", "U+202E"),
        ("\u2066", "U+2066"),
    ],
)
def test_a_name_that_must_not_be_stored_is_refused_with_its_place(tmp_path, name, word):
    path = collection(tmp_path / "a.geojson", feature(), feature(properties={**NAMED, "name": name}))
    fault = fault_of(path)
    assert word in str(fault)
    assert fault.place == "/features/1"
    assert len(str(fault)) < 200
    assert read(path, skip_bad_rows=True)[1].skipped == {"text refused": 1}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("not json", "malformed"),
        ('{"type":"FeatureCollection","features":[{"type":"Feature"', "truncated"),
        ('{"type":"FeatureCollection","features":[' + "[" * 100_000, "nested too deeply"),
        (json.dumps(feature()).replace("24.94", "NaN"), "malformed"),
        (json.dumps(feature()).replace("24.94", "1e999"), "out of range"),
        ("[]", "got `array`"),
        ('{"type":"Topology","objects":{}}', "'Topology'"),
        ('{"type":"FeatureCollection","features":[]}', "it has no rows"),
    ],
)  # fmt: skip
def test_what_is_not_geojson_is_refused_in_one_short_sentence(tmp_path, text, word):
    fault = fault_of(written(tmp_path / "a.geojson", text))
    assert word in str(fault)
    assert "\n" not in str(fault)
    assert len(str(fault)) < 300


def test_bytes_that_are_no_text_are_refused(tmp_path):
    text = json.dumps(feature(), ensure_ascii=False).encode().replace(b"Kaffe", b"Kaff\xe9")
    (tmp_path / "a.geojson").write_bytes(text)
    assert "utf-8" in str(fault_of(tmp_path / "a.geojson"))


def test_a_cut_gzip_is_refused(tmp_path):
    whole = shared("poi/tokyo_osm_poi_2014.geojson.gz").read_bytes()
    (tmp_path / "a.geojson.gz").write_bytes(whole[:-100])
    (tmp_path / "b.geojson.gz").write_bytes(b"PK" + whole[2:])
    assert "ends in the middle" in str(fault_of(tmp_path / "a.geojson.gz"))
    assert "not a sound gzip file" in str(fault_of(tmp_path / "b.geojson.gz"))


@pytest.mark.parametrize("folder", ["invalid_geometries", "invalid_structure"])
def test_every_invalid_geojson_is_refused_with_the_place_of_its_fault(folder):
    paths = sorted(shared(f"geometry/geojson_invalid/{folder}").iterdir())
    assert len(paths) >= 5
    for path in paths:
        fault = fault_of(path, category="food.cafe")
        assert path.name in str(fault)
        assert "(" in str(fault), f"{path.name} is refused without a place: {fault}"


@pytest.mark.parametrize("folder", ["valid", "problematic_geometries", "problematic_structure"])
def test_geojson_without_named_features_has_no_shop_in_it(folder):
    for path in sorted(shared(f"geometry/geojson_invalid/{folder}").iterdir()):
        assert path.name in str(fault_of(path, category="food.cafe"))


def shops_with_names(path: Path, folder: Path) -> int:
    """How many shops a sample has once every feature of it is a named café."""
    document = json.loads(path.read_text())
    for one in document.get("features", [document]):
        one["properties"] = NAMED
    return len(read(written(folder / path.name, document))[0])


@pytest.mark.parametrize(
    ("sample", "shops"),
    [
        ("valid/valid_feature.geojson", 1),
        ("valid/valid_feature_null_properties.geojson", 1),
        ("valid/valid_featurecollection_bboxes.geojson", 2),
        ("valid/valid_featurecollection_multiple_feature_types.geojson", 3),
        ("invalid_geometries/invalid_exterior_not_ccw.geojson", 1),
        ("invalid_geometries/invalid_interior_not_cw.geojson", 1),
        ("problematic_geometries/problematic_3d_coordinates.geojson", 1),
        ("problematic_geometries/problematic_4d_coordinates.geojson", 1),
        ("problematic_geometries/problematic_crosses_antimeridian.geojson", 1),
        ("problematic_geometries/problematic_duplicate_nodes.geojson", 1),
        ("problematic_geometries/problematic_excessive_vertices.geojson", 1),
        ("problematic_geometries/problematic_holes.geojson", 1),
        ("problematic_geometries/problematic_inner_and_exterior_ring_intersect.geojson", 1),
        ("problematic_geometries/problematic_self_intersection_large.geojson", 1),
        ("problematic_geometries/problematic_wrong_bbox_coordinate_order.geojson", 1),
    ],
)
def test_with_names_the_valid_and_the_merely_odd_samples_have_shops(tmp_path, sample, shops):
    assert shops_with_names(shared(f"geometry/geojson_invalid/{sample}"), tmp_path) == shops


def test_tokyo_is_read_from_its_gzipped_geojson():
    shops, report = read(shared("poi/tokyo_osm_poi_2014.geojson.gz"))
    assert report.read == 9_256
    assert report.kept.total() + report.skipped.total() == 9_256
    assert len(shops) >= 7_500
    assert report.kept.keys() >= {"food.cafe", "food.restaurant"}
    assert {shop.time_zone for shop in shops} == {"Asia/Tokyo"}
