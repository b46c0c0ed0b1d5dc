"""Districts from a file to the catalog and out again by the command line, and what a bad polygon does: nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from geo_offers.bootstrap import open_store
from geo_offers.domain.place import District
from geo_offers.settings import Settings
from tests.journeys.test_import_journey import Catalog, Ended, counts
from tests.shared_data import shared

NEW_YORK = "districts/nyc_bids.geojson"
SAN_FRANCISCO = "districts/sf_community_benefit_districts.geojson"


class Zones(Catalog):
    """A catalog with a look at its districts."""

    def districts(self) -> dict[str, District]:
        return asyncio.run(self._districts())

    async def _districts(self) -> dict[str, District]:
        store = await open_store(Settings.from_environment(self.environment))
        try:
            async with store.reading() as reading:
                return {district.id: district for district in await reading.districts()}
        finally:
            await store.close()

    def draw(self, name: str = "town.geojson", **shapes: Any) -> Path:
        """A GeoJSON file of districts called as the arguments are."""
        features = [
            {
                "type": "Feature",
                "properties": {"name": name},
                "geometry": shape if isinstance(shape, dict) else shapely.geometry.mapping(shape),
            }
            for name, shape in shapes.items()
        ]
        return self.file(json.dumps({"type": "FeatureCollection", "features": features}), name)


@pytest.fixture
def zones(tmp_path: Path) -> Zones:
    return Zones(tmp_path)


def assert_refused(ended: Ended, word: str) -> None:
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Error: ")
    assert ended.err.count("\n") == 1
    assert word in ended.err
    assert len(ended.err) < 400


def test_new_york_is_imported_with_its_overlaps_and_again_changes_nothing(zones):
    words = ["--provider", "nyc", "--licence", "NYC Open Data"]
    ended = zones.run("import", "districts", shared(NEW_YORK), *words)
    first = counts(ended.out)
    assert (first["read"], first["added"], first["overlapping pairs"]) == (76, 76, 18)
    assert first["of these by 10 m² or more"] == 11
    assert "Bryant Park Corporation | Times Square Alliance: 12,984.6 m²" in ended.out
    revision = zones.revision()
    again = counts(zones.run("import", "districts", shared(NEW_YORK), *words, "--replace").out)
    assert (again["added"], again["unchanged"], again["retired"]) == (0, 76, 0)
    assert zones.revision() == revision
    assert {one.source.licence for one in zones.districts().values()} == {"NYC Open Data"}


def test_replace_retires_what_is_no_longer_in_the_file(zones):
    town, quarter = shapely.box(0, 0, 2, 2), shapely.box(0, 0, 1, 1)
    first = counts(zones.run("import", "districts", zones.draw(town=town, quarter=quarter)).out)
    assert (first["added"], first["inside of another"]) == (2, 1)
    zones.run("import", "districts", zones.draw("other.geojson", other=town))
    second = counts(zones.run("import", "districts", zones.draw(town=town), "--replace").out)
    assert (second["unchanged"], second["retired"]) == (1, 1)
    assert sorted(one.name for one in zones.districts().values()) == ["other", "town"]


def test_a_bad_polygon_is_refused_and_repaired_only_when_asked(zones):
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    file = zones.draw(fine=shapely.box(5, 5, 6, 6), bow=bow)
    ended = zones.run("import", "districts", file)
    assert_refused(ended, "feature 2 'bow': the outline crosses or overlaps itself at lng 1.0, lat 1.0")
    assert "--repair would mend it" in ended.err
    assert zones.districts() == {}
    ended = zones.run("import", "districts", file, "--repair")
    assert (counts(ended.out)["added"], counts(ended.out)["repaired"]) == (2, 1)
    assert "bow at lng 1.0000000, lat 1.0000000: self_intersection" in ended.out


# What is wrong with each, apart from its having no name.
OWN_REASONS = {
    "invalid_less_three_unique_nodes": "[too_few_points]",
    "invalid_unclosed": "at lng 13.378049, lat 52.516176 [ring_not_closed]",
    "invalid_incorrect_geometry_data_type": "a LineString is not a polygon",
    "invalid_feature_geometry_is_string": "got `str` (/geometry)",
    "invalid_feature_id_type": "(/id)",
    "invalid_feature_no_properties": "missing required field `properties`",
    "invalid_feature_properties_is_array": "got `array` (/properties)",
    "invalid_feature_properties_is_int": "got `int` (/properties)",
    "invalid_feature_wrong_geometry_key": "missing required field `geometry`",
    "invalid_featurecollection_feature_nullfeature": "got `null` (/features/0)",
    "invalid_featurecollection_features_is_object": "got `object` (/features)",
    "invalid_featurecollection_no_features_member": "without features",
    "invalid_featurecollection_nulltype": "got `null` (/type)",
    "invalid_featurecollection_type_lowercase": "unknown type 'featurecollection'",
    "invalid_featurecollection_unknown_type": "unknown type 'notafc'",
    "invalid_geometry_bbox_not4or6": "(/bbox)",
    "invalid_geometry_bbox_not_list": "got `str` (/bbox)",
    "invalid_geometry_bbox_not_numbers": "(/bbox/3)",
    "invalid_geometry_coordinates_1d": "/coordinates/0 is not a list of positions",
    "invalid_geometry_coordinates_empty_position": "/coordinates/0/2 is not a position",
    "invalid_geometry_coordinates_missing": "/coordinates is not a list of rings",
    "invalid_geometry_coordinates_string": "a Point is not a polygon",
    "invalid_geometry_depth_deep_point": "a Point is not a polygon",
    "invalid_geometry_depth_deep_polygon": "/coordinates/0/0 is not a position",
    "invalid_geometry_depth_shallow_linestring": "a LineString is not a polygon",
    "invalid_geometry_depth_shallow_multipolygon": "/coordinates/0/0/0 is not a position",
    "invalid_geometry_depth_shallow_polygon": "/coordinates/0/0 is not a position",
    "invalid_geometry_geometrycollection_null_geometry": "a GeometryCollection is not a polygon",
    "invalid_geometry_mislabeled_point": "/coordinates/0 is not a list of rings",
    "invalid_geometry_missing_type": "missing required field `type`",
    "invalid_geometry_wrong_geometry_type": "unknown type 'SomeThingElse'",
    "problematic_crs_defined": "EPSG::32632",
    "problematic_feature_null_geometry": "it has no geometry",
    "problematic_geometry_not_wrapped": "is a bare geometry",
    "problematic_geometrycollection_single": "a GeometryCollection is not a polygon",
    "problematic_inner_and_exterior_ring_intersect": "lat 52.5154441 [self_intersection]",
    "problematic_nested_geometrycollection": "a GeometryCollection is not a polygon",
    "problematic_outside_lat_lon_boundaries": "[ambiguous_crossing]",
    "problematic_self_intersection_large": "lat 52.5070527 [self_intersection]",
    "problematic_self_intersection_small": "lat 52.5085165 [self_intersection]",
    "problematic_zero_length_linestring": "a LineString is not a polygon",
    "valid_feature": "a Point is not a polygon",
    "valid_feature_null_geometry": "it has no geometry",
    "valid_feature_with_bbox": "a LineString is not a polygon",
    "valid_feature_with_id": "a Point is not a polygon",
    "valid_feature_with_string_id": "a Point is not a polygon",
    "valid_featurecollection_empty_features": "there is no district",
    "valid_featurecollection_with_geometrycollection": "a GeometryCollection is not a polygon",
    "valid_geometry": "a Point is not a polygon",
    "valid_geometry_3d_coordinates": "a Point is not a polygon",
    "valid_geometry_bbox": "is a bare geometry",
    "valid_geometry_geometrycollection": "a GeometryCollection is not a polygon",
    "valid_geometry_geometrycollection_empty_geometries": "a GeometryCollection is not a polygon",
    "valid_geometry_linestring": "a LineString is not a polygon",
    "valid_geometry_multilinestring": "a MultiLineString is not a polygon",
    "valid_geometry_multipoint": "a MultiPoint is not a polygon",
    "valid_geometry_multipolygon": "is a bare geometry",
    "valid_geometry_point": "a Point is not a polygon",
    "valid_geometry_polygon": "is a bare geometry",
}


def test_the_74_geojson_samples_are_refused_one_by_one_and_the_store_stays(zones):
    samples = sorted(shared("geometry/geojson_invalid").rglob("*.geojson"))
    assert len(samples) == 74
    assert set(OWN_REASONS) <= {sample.stem for sample in samples}
    zones.run("import", "districts", zones.draw(town=shapely.box(0, 0, 1, 1)))
    revision, districts = zones.revision(), zones.districts()
    for sample in samples:
        ended = zones.run("import", "districts", sample, "--replace", "--dataset", "file:town")
        assert_refused(ended, OWN_REASONS.get(sample.stem, "feature 1: a district needs a name"))
        assert sample.name in ended.err
    assert (zones.revision(), zones.districts()) == (revision, districts)


def test_the_samples_that_only_lack_a_name_are_districts_with_one(zones):
    nameless = [
        sample
        for sample in sorted(shared("geometry/geojson_invalid").rglob("*.geojson"))
        if sample.stem not in OWN_REASONS
    ]
    assert len(nameless) == 15
    for sample in nameless:
        document = json.loads(sample.read_text())
        features = document.get("features", [document])
        shapes = {f"{sample.stem} {i}": one["geometry"] for i, one in enumerate(features)}
        if sample.stem == "valid_featurecollection_multiple_feature_types":
            shapes = {name: shape for name, shape in shapes.items() if shape["type"].endswith("Polygon")}
        ended = zones.run("import", "districts", zones.draw(f"{sample.stem}.geojson", **shapes))
        assert ended.code == 0, ended.err
    assert all(shapely.from_wkb(one.wkb).is_valid for one in zones.districts().values())


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "parquet"])
def test_an_export_imported_into_an_empty_store_gives_the_same_districts(tmp_path, ending):
    full, empty = Zones(tmp_path / "full"), Zones(tmp_path / "empty")
    full.folder.mkdir()
    empty.folder.mkdir()
    full.run("sample")
    full.run("import", "districts", shared(SAN_FRANCISCO), "--provider", "sf", "--licence", "PDDL-1.0")
    file = tmp_path / f"out.{ending}"
    ended = full.run("export", "districts", "--to", file)
    assert ended.code == 0, ended.err
    assert "  sf: PDDL-1.0\n" in ended.out
    assert empty.run("import", "districts", file).code == 0
    assert len(full.districts()) > 16
    assert empty.districts() == full.districts()


def test_an_export_of_one_kind_has_only_that_and_never_overwrites_unasked(zones):
    zones.run("sample")
    zones.run("import", "districts", zones.draw(town=shapely.box(0, 0, 1, 1)))
    to = zones.folder / "out.json"
    assert zones.run("export", "districts", "--to", to, "--kind", "official").code == 0
    before = to.read_bytes()
    assert [one["properties"]["name"] for one in json.loads(before)["features"]] == ["town"]
    assert_refused(zones.run("export", "districts", "--to", to), "--force overwrites it")
    assert to.read_bytes() == before
    assert zones.run("export", "districts", "--to", to, "--force").code == 0
    assert to.read_bytes() != before
    assert zones.run("export", "districts", "--to", zones.folder / "out", "--format", "gpkg").code == 0


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["import", "districts"], 2, "Missing argument"),
        (["import", "districts", "a.geojson"], 1, "does not exist"),
        (["import", "districts", "a.geojson", "--kind", "discovered"], 2, "--kind"),
        (["export", "districts"], 2, "--to"),
        (["export", "districts", "--to", "a.csv"], 1, "says no format"),
        (["export", "districts", "--to", "nowhere/a.gpkg"], 1, "the folder nowhere does not exist"),
    ],
)
def test_a_command_that_cannot_be_says_so_and_makes_no_store(zones, words, code, word):
    ended = zones.run(*words)
    assert ended.code == code
    assert word in ended.err
    assert list(zones.folder.iterdir()) == []
