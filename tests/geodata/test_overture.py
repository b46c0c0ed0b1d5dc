from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geo_offers.domain.errors import FileFault, InvalidInput
from geodata.crs import Crs
from tests.geodata.reading import by_source, read

NAMES = pa.struct([("primary", pa.string()), ("common", pa.map_(pa.string(), pa.string()))])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("geometry", pa.binary()),
        ("bbox", pa.struct([(side, pa.float32()) for side in ("xmin", "xmax", "ymin", "ymax")])),
        ("version", pa.int32()),
        (
            "sources",
            pa.list_(pa.struct([(part, pa.string()) for part in ("property", "dataset", "license")])),
        ),
        ("names", NAMES),
        ("categories", pa.struct([("primary", pa.string()), ("alternate", pa.list_(pa.string()))])),
        ("confidence", pa.float64()),
        ("brand", pa.struct([("wikidata", pa.string()), ("names", NAMES)])),
        (
            "addresses",
            pa.list_(
                pa.struct(
                    [
                        (part, pa.string())
                        for part in ("freeform", "locality", "postcode", "region", "country")
                    ]
                )
            ),
        ),
        ("operating_status", pa.string()),
    ]
)


def place(number, name="Kaffe", category="coffee_shop", at=(24.94, 60.17), **members):
    return {
        "id": f"gers-{number}",
        "geometry": None if at is None else shapely.Point(*at).wkb,
        "names": {"primary": name, "common": None},
        "categories": {"primary": category, "alternate": None},
    } | members


def places(path: Path, *rows) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), path)
    return path


def fault_of(path: Path) -> str:
    with pytest.raises(FileFault) as fault:
        read(path)
    return str(fault.value)


def test_a_place_keeps_its_names_brand_address_and_licence(tmp_path):
    names = {"primary": "星巴克", "common": [("en", "Starbucks"), ("zh-hant", "星巴克")]}
    path = places(
        tmp_path / "a.parquet",
        place(
            1,
            names=names,
            brand={"wikidata": "Q37158", "names": {"primary": "Starbucks", "common": None}},
            addresses=[{"freeform": "南京西路1号", "locality": "上海", "postcode": "200041"}],
            sources=[{"property": "", "dataset": "meta", "license": None}],
        ),
        place(2, sources=[{"property": "", "dataset": "other", "license": "Apache-2.0"}]),
    )
    shops, _ = read(path)
    shop = by_source(shops)["gers-1"]
    assert (shop.name, shop.names) == ("星巴克", {"en": "Starbucks", "zh-Hant": "星巴克"})
    assert (shop.brand, shop.address) == ("Starbucks", "南京西路1号, 200041 上海")
    assert (shop.source.provider, shop.source.licence) == ("overture", "CDLA-Permissive-2.0")
    assert (shop.at.lng, shop.at.lat, shop.category) == (24.94, 60.17, "food.cafe")
    assert by_source(shops)["gers-2"].source.licence == "Apache-2.0"


def test_categories_come_from_the_table_from_kinds_of_restaurants_and_from_alternates(tmp_path):
    path = places(
        tmp_path / "a.parquet",
        place(1, category="sichuan_restaurant"),
        place(2, categories={"primary": "structure", "alternate": ["landscape", "coffee_shop"]}),
        place(3, category="river"),
        place(4, categories=None),
    )
    shops, report = read(path)
    assert [shop.category for shop in shops] == ["food.restaurant", "food.cafe"]
    assert report.skipped == {"no category": 2}


def test_what_is_no_shop_is_skipped_and_counted(tmp_path):
    path = places(
        tmp_path / "a.parquet",
        place(1),
        place(2, at=None),
        place(3, geometry=shapely.LineString([(0, 0), (1, 1)]).wkb),
        place(4, operating_status="permanently_closed"),
        place(5, name=None),
        place(6, at=(1.0, 91.0)),
        place(7, name="a\u202eb"),
        place(None, id=None),
        place(9, geometry=shapely.Point().wkb),
    )
    shops, report = read(path)
    assert [shop.source.id for shop in shops] == ["gers-1"]
    assert report.skipped == {
        "coordinates missing": 2, "neither point nor area": 1, "closed for good": 1, "no name": 1,
        "faulty coordinates": 1, "text refused": 1, "faulty row": 1,
    }  # fmt: skip


def test_many_places_come_in_their_order(tmp_path):
    path = places(tmp_path / "a.parquet", *(place(i) for i in range(10_000)))
    assert [shop.source.id for shop in read(path)[0]] == [f"gers-{i}" for i in range(10_000)]


def test_another_parquet_is_refused_by_its_missing_column(tmp_path):
    pq.write_table(pa.table({"id": ["1"], "names": ["x"]}), tmp_path / "a.parquet")
    assert "no column 'names'" in fault_of(tmp_path / "a.parquet")


@pytest.mark.parametrize("bytes_left", [3, 1_000, -4])
def test_a_cut_file_is_refused(tmp_path, bytes_left):
    whole = places(tmp_path / "a.parquet", *(place(i) for i in range(100))).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:bytes_left])
    assert "cut.parquet is not sound GeoParquet" in fault_of(tmp_path / "cut.parquet")


def test_a_geometry_that_is_none_is_refused(tmp_path):
    assert "is not sound GeoParquet" in fault_of(places(tmp_path / "a.parquet", place(1, geometry=b"xx")))


def test_a_shifted_coordinate_system_cannot_be_meant(tmp_path):
    with pytest.raises(InvalidInput, match="WGS 84 by definition"):
        read(places(tmp_path / "a.parquet", place(1)), crs=Crs.GCJ02)
