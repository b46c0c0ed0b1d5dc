"""What becomes of each published sample of good, odd and broken GeoJSON once its features are named cafés."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from geo_offers.domain.errors import FileFault
from tests.geodata.reading import read
from tests.shared_data import shared

CAFE = {"name": "Kaffe", "category": "food.cafe"}
BROKEN = "one shop, its outline broken"
BARE = "is a bare geometry; a shop needs a Feature with a name (/type)"
NO_PLACE = "left out: 1 coordinates missing"
NEITHER = "left out: 1 neither point nor area"
VERDICTS: dict[str, int | str] = {
    "invalid_geometries/invalid_exterior_not_ccw": 1,
    "invalid_geometries/invalid_incorrect_geometry_data_type": "got `array` (/features/0/geometry/coordinates/0/0)",
    "invalid_geometries/invalid_interior_not_cw": 1,
    "invalid_geometries/invalid_less_three_unique_nodes": "length >= 4 (/features/0/geometry/coordinates/0)",
    "invalid_geometries/invalid_unclosed": "the ring is not closed: it ends at '[13.378049, 52.516176]'",
    "invalid_structure/invalid_feature_geometry_is_string": "got `str` (/geometry)",
    "invalid_structure/invalid_feature_id_type": "got `object` (/id)",
    "invalid_structure/invalid_feature_no_properties": "missing required field `properties` (/properties)",
    "invalid_structure/invalid_feature_properties_is_array": "got `array` (/properties)",
    "invalid_structure/invalid_feature_properties_is_int": "got `int` (/properties)",
    "invalid_structure/invalid_feature_wrong_geometry_key": "missing required field `geometry` (/geometry)",
    "invalid_structure/invalid_featurecollection_feature_nullfeature": "got `null` (/features/0)",
    "invalid_structure/invalid_featurecollection_features_is_object": "got `object` (/features)",
    "invalid_structure/invalid_featurecollection_no_features_member": "without features (/features)",
    "invalid_structure/invalid_featurecollection_nulltype": "got `null` (/type)",
    "invalid_structure/invalid_featurecollection_type_lowercase": "unknown type 'featurecollection' (/type)",
    "invalid_structure/invalid_featurecollection_unknown_type": "unknown type 'notafc' (/type)",
    "invalid_structure/invalid_geometry_bbox_not4or6": "length >= 4 (/bbox)",
    "invalid_structure/invalid_geometry_bbox_not_list": "got `str` (/bbox)",
    "invalid_structure/invalid_geometry_bbox_not_numbers": "got `str` (/bbox/3)",
    "invalid_structure/invalid_geometry_coordinates_1d": "got `int` (/coordinates/0)",
    "invalid_structure/invalid_geometry_coordinates_empty_position": "length >= 2 (/coordinates/0/2)",
    "invalid_structure/invalid_geometry_coordinates_missing": "missing required field `coordinates`",
    "invalid_structure/invalid_geometry_coordinates_string": "got `str` (/coordinates/0)",
    "invalid_structure/invalid_geometry_depth_deep_point": "got `array` (/coordinates/0)",
    "invalid_structure/invalid_geometry_depth_deep_polygon": "got `array` (/coordinates/0/0/0)",
    "invalid_structure/invalid_geometry_depth_shallow_linestring": "got `float` (/coordinates/0)",
    "invalid_structure/invalid_geometry_depth_shallow_multipolygon": "got `int` (/coordinates/0/0/0)",
    "invalid_structure/invalid_geometry_depth_shallow_polygon": "got `float` (/coordinates/0/0)",
    "invalid_structure/invalid_geometry_geometrycollection_null_geometry": "got `null` (/geometries/0)",
    "invalid_structure/invalid_geometry_mislabeled_point": "got `float` (/coordinates/0)",
    "invalid_structure/invalid_geometry_missing_type": "missing required field `type` (/type)",
    "invalid_structure/invalid_geometry_wrong_geometry_type": "unknown type 'SomeThingElse' (/type)",
    "problematic_geometries/problematic_3d_coordinates": 1,
    "problematic_geometries/problematic_4d_coordinates": 1,
    "problematic_geometries/problematic_crosses_antimeridian": 1,
    "problematic_geometries/problematic_duplicate_nodes": 1,
    "problematic_geometries/problematic_excessive_coordinate_precision": 1,
    "problematic_geometries/problematic_excessive_vertices": 1,
    "problematic_geometries/problematic_feature_null_geometry": NO_PLACE,
    "problematic_geometries/problematic_holes": 1,
    "problematic_geometries/problematic_inner_and_exterior_ring_intersect": BROKEN,
    "problematic_geometries/problematic_multitype_geometry_with_just_one_geometry": 1,
    "problematic_geometries/problematic_outside_lat_lon_boundaries": "lng -190.624027 is outside -180 to 180",
    "problematic_geometries/problematic_self_intersection_large": BROKEN,
    "problematic_geometries/problematic_self_intersection_small": BROKEN,
    "problematic_geometries/problematic_wrong_bbox_coordinate_order": 1,
    "problematic_geometries/problematic_zero_length_linestring": NEITHER,
    "problematic_structure/problematic_crs_defined": "GeoJSON must be in WGS 84 (CRS84) (/crs)",
    "problematic_structure/problematic_geometry_not_wrapped": BARE,
    "problematic_structure/problematic_geometrycollection_single": BARE,
    "problematic_structure/problematic_nested_geometrycollection": BARE,
    "valid/valid_feature": 1,
    "valid/valid_feature_null_geometry": NO_PLACE,
    "valid/valid_feature_null_properties": 1,
    "valid/valid_feature_with_bbox": NEITHER,
    "valid/valid_feature_with_id": 1,
    "valid/valid_feature_with_string_id": 1,
    "valid/valid_featurecollection": 1,
    "valid/valid_featurecollection_bboxes": 2,
    "valid/valid_featurecollection_empty_features": "it has no rows",
    "valid/valid_featurecollection_multiple_feature_types": 3,
    "valid/valid_featurecollection_with_geometrycollection": NEITHER,
    "valid/valid_geometry": BARE,
    "valid/valid_geometry_3d_coordinates": BARE,
    "valid/valid_geometry_bbox": BARE,
    "valid/valid_geometry_geometrycollection": BARE,
    "valid/valid_geometry_geometrycollection_empty_geometries": BARE,
    "valid/valid_geometry_linestring": BARE,
    "valid/valid_geometry_multilinestring": BARE,
    "valid/valid_geometry_multipoint": BARE,
    "valid/valid_geometry_multipolygon": BARE,
    "valid/valid_geometry_point": BARE,
    "valid/valid_geometry_polygon": BARE,
}


def with_cafes(value: Any) -> Any:
    """The document with every Feature a named café, whose properties are not the very fault of the sample."""
    if isinstance(value, list):
        return [with_cafes(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = {key: with_cafes(one) for key, one in value.items()}
    if value.get("type") == "Feature" and isinstance(value.get("properties", ""), dict | None):
        named["properties"] = (value["properties"] or {}) | CAFE
    return named


def verdict_on(sample: Path, folder: Path) -> int | str:
    path = folder / sample.name
    path.write_text(json.dumps(with_cafes(json.loads(sample.read_text()))))
    try:
        shops, report = read(path)
    except FileFault as fault:
        return str(fault)
    assert report.noted.keys() <= {"broken outline"}
    return BROKEN if len(shops) == report.noted["broken outline"] == 1 else len(shops)


def test_there_is_a_verdict_for_each_of_the_74_samples():
    folder = shared("geometry/geojson_invalid")
    samples = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.geojson")}
    assert samples == VERDICTS.keys()
    assert len(samples) == 74


@pytest.mark.parametrize("sample", VERDICTS)
def test_a_sample_of_named_cafes_is_taken_or_refused_for_its_fault(tmp_path, sample):
    verdict, expected = (
        verdict_on(shared(f"geometry/geojson_invalid/{sample}.geojson"), tmp_path),
        VERDICTS[sample],
    )
    if isinstance(expected, str) and isinstance(verdict, str):
        assert expected in verdict
        assert expected == BROKEN or f"{sample.split('/')[1]}.geojson" in verdict
    else:
        assert verdict == expected
