"""Files of promotions: what is read, what is refused and where, and that an export is read again as it was."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from geo_offers.domain.errors import FileFault, OutputExists
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, Fence, PolygonFence
from geo_offers.domain.place import LngLat, shop_id_of
from geo_offers.domain.promotion import Merchant, Promotion, Status
from geo_offers.domain.promotion_document import document_of, merchant_id_of, promotion_id_of
from geodata.promotion_exports import promotion_format_of, write_promotions
from geodata.promotions import PromotionReport, ReadPromotions, read_promotions
from geodata.sample_town import sample_town
from tests.builders import a_merchant, a_promotion

DOCUMENT: dict[str, Any] = {
    "external_id": "spring-1",
    "merchant": "Ekberg Oy",
    "title": "Korvapuusti",
    "benefit": {"type": "free_item", "item": "Korvapuusti"},
    "fence": {"type": "circle", "center": [24.9414, 60.1699], "radius_m": 300},
    "starts_at": "2026-01-01T00:00:00+02:00",
    "ends_at": "2027-01-01T00:00:00+02:00",
}
PROPERTIES = {name: value for name, value in DOCUMENT.items() if name != "fence"}
SQUARE = [[[24, 60], [24.1, 60], [24.1, 60.1], [24, 60.1], [24, 60]]]
BOW_TIE = [[[24, 60], [24.1, 60.1], [24.1, 60], [24, 60.1], [24, 60]]]


def read(path: Path, *, merchant: str | None = None) -> ReadPromotions:
    return read_promotions(path, PromotionReport(), merchant=merchant)


def lines(folder: Path, *rows: Any, name: str = "promotions.ndjson") -> Path:
    path = folder / name
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def features(folder: Path, *rows: dict[str, Any], name: str = "promotions.geojson") -> Path:
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(rows)}))
    return path


def feature(geometry: Any, **over: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": PROPERTIES | over}


def refused(path: Path) -> FileFault:
    with pytest.raises(FileFault) as fault:
        read(path)
    assert "\n" not in str(fault.value)
    return fault.value


def test_a_document_a_line_becomes_a_promotion_with_its_merchant(tmp_path: Path):
    path = lines(tmp_path, DOCUMENT, "", DOCUMENT | {"external_id": "spring-2", "status": "active"})
    report = PromotionReport()
    found = read_promotions(path, report)
    merchant = Merchant(merchant_id_of("Ekberg Oy"), "Ekberg Oy")
    assert found.merchants == {merchant.id: merchant}
    assert [one.id for one in found.promotions] == [
        promotion_id_of(merchant.id, "spring-1"),
        promotion_id_of(merchant.id, "spring-2"),
    ]
    assert [one.status for one in found.promotions] == [Status.DRAFT, Status.ACTIVE]
    assert document_of(found.promotions[0])["title"] == "Korvapuusti"
    assert (report.read, report.by_fence, report.by_status) == (2, {"circle": 2}, {"draft": 1, "active": 1})


def test_a_gzipped_file_with_a_byte_order_mark_is_read(tmp_path: Path):
    path = tmp_path / "promotions.NDJSON.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(DOCUMENT).encode()))
    assert read(path).promotions[0].external_id == "spring-1"


DRAWN: dict[str, tuple[dict[str, Any], Fence]] = {
    "polygon": (
        feature({"type": "Polygon", "coordinates": SQUARE}),
        PolygonFence(shapely.Polygon(SQUARE[0])),
    ),
    "multipolygon": (
        feature({"type": "MultiPolygon", "coordinates": [SQUARE]}),
        PolygonFence(shapely.MultiPolygon([shapely.Polygon(SQUARE[0])])),
    ),
    "circle": (
        feature({"type": "Point", "coordinates": [24.94, 60.17, 12.5]}, radius_m=80),
        CircleFence(LngLat(24.94, 60.17), 80),
    ),
    "district": (
        feature(None, fence={"type": "district", "district_id": "dst_1"}),
        DistrictFence("dst_1"),
    ),
    "around shops": (
        feature(None, fence={"type": "around_shops", "radius_m": 9}, shop_ids=["shp_1"]),
        AroundShopsFence(9),
    ),
}


@pytest.mark.parametrize(("given", "fence"), DRAWN.values(), ids=DRAWN.keys())
def test_the_geometry_of_a_feature_is_the_fence(tmp_path: Path, given: dict[str, Any], fence: Fence):
    for path in (features(tmp_path, given), lines(tmp_path, given)):
        (promotion,) = read(path).promotions
        assert promotion.fence == fence


def test_null_properties_are_as_if_they_were_not_there(tmp_path: Path):
    nulls = dict.fromkeys(["limits", "audience", "radius_m", "weekly_hours", "listed", "fence", "id"])
    given = feature({"type": "Polygon", "coordinates": SQUARE}, **nulls)
    assert read(features(tmp_path, given)).promotions[0].listed


def test_shops_may_be_named_by_their_source(tmp_path: Path):
    ours = shop_id_of("osm", "node/1")
    path = lines(tmp_path, DOCUMENT | {"shop_ids": ["shp_x", {"provider": "osm", "id": "node/1"}]})
    assert read(path).promotions[0].shop_ids == ("shp_x", ours)


@pytest.mark.parametrize(
    "merchant",
    [" Ekberg Oy", {"name": "Ekberg Oy"}, {"id": merchant_id_of("Ekberg Oy"), "name": "Ekberg Oy"}],
)
def test_a_merchant_is_a_name_or_an_object(tmp_path: Path, merchant: Any):
    found = read(lines(tmp_path, DOCUMENT | {"merchant": merchant}))
    assert list(found.merchants.values()) == [a_merchant("Ekberg Oy")]


def test_a_merchant_may_be_told_for_rows_that_do_not_say(tmp_path: Path):
    anonymous = {name: value for name, value in DOCUMENT.items() if name != "merchant"}
    path = lines(tmp_path, anonymous, DOCUMENT)
    found = read(path, merchant="Fazer")
    assert [one.merchant_id for one in found.promotions] == [
        merchant_id_of("Fazer"),
        merchant_id_of("Ekberg Oy"),
    ]
    assert "--merchant" in str(refused(path))


def test_a_row_is_known_by_external_id_or_by_its_id(tmp_path: Path):
    nameless = {name: value for name, value in DOCUMENT.items() if name != "external_id"}
    own = promotion_id_of("x", "y")
    rows = [nameless | {"id": own}, nameless | {"id": 7}, DOCUMENT | {"id": own}, DOCUMENT | {"id": 7}]
    found = [read(lines(tmp_path, row)).promotions[0] for row in rows]
    merchant_id = merchant_id_of("Ekberg Oy")
    assert [(one.id, one.external_id) for one in found] == [
        (own, None),
        (promotion_id_of(merchant_id, "7"), "7"),
        (own, "spring-1"),
        (promotion_id_of(merchant_id, "spring-1"), "spring-1"),
    ]
    drawn = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": SQUARE},
        "properties": nameless,
    }
    del drawn["properties"]["fence"]
    assert read(features(tmp_path, drawn | {"id": 7})).promotions[0].external_id == "7"
    assert "external_id" in str(refused(features(tmp_path, drawn)))


FAULTS: list[tuple[Any, str]] = [
    ("{", "line 1"),
    ("[]", "line 1"),
    ('{"title": NaN}', "line 1"),
    ({}, "line 1/merchant"),
    (DOCUMENT | {"merchant": 7}, "line 1/merchant"),
    (DOCUMENT | {"merchant": ""}, "line 1/merchant"),
    (DOCUMENT | {"merchant": {"id": "mrc_1", "name": "a"}}, "line 1/merchant/id"),
    (DOCUMENT | {"merchant": {"id": merchant_id_of("a")}}, "line 1/merchant/name"),
    (DOCUMENT | {"merchant": {"name": "a", "vat": 1}}, "line 1/merchant/vat"),
    (DOCUMENT | {"external_id": 7}, "line 1/external_id"),
    (DOCUMENT | {"external_id": None}, "line 1/external_id"),
    (DOCUMENT | {"external_id": None, "id": 7.5}, "line 1/id"),
    (DOCUMENT | {"id": "prm_short"}, "line 1/id"),
    (DOCUMENT | {"shop_ids": [{"provider": "osm"}]}, "line 1/shop_ids/0/id"),
    (DOCUMENT | {"shop_ids": ["a", {"provider": "osm", "id": 1}]}, "line 1/shop_ids/1/id"),
    (DOCUMENT | {"limits": {"max_claims": 1.5}}, "line 1/limits/max_claims"),
    (DOCUMENT | {"titel": "x"}, "line 1/titel"),
    ({"type": "Feature"}, "line 1/properties"),
    ({"type": "Fence", "geometry": None, "properties": {}}, "line 1/type"),
    (feature(None), "line 1/properties/fence"),
    (feature({"type": "Point", "coordinates": [24, 60]}), "line 1/properties/radius_m"),
    (feature({"type": "Point", "coordinates": [24, 60]}, radius_m=0), "line 1/properties/radius_m"),
    (feature({"type": "Point", "coordinates": [24, 91]}, radius_m=9), "line 1/geometry/coordinates/1"),
    (feature({"type": "Point", "coordinates": None}, radius_m=9), "line 1/geometry/coordinates"),
    (feature({"type": "Polygon", "coordinates": BOW_TIE}), "line 1/geometry"),
    (feature({"type": "Polygon", "coordinates": [[[1, "2"]]]}), "line 1/geometry/coordinates/0/0"),
    (feature({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}), "line 1/geometry/type"),
    (feature({"type": "Polygon", "coordinates": SQUARE}, fence=DOCUMENT["fence"]), "line 1/properties/fence"),
    (feature({"type": "Polygon", "coordinates": SQUARE}, radius_m=9), "line 1/properties/radius_m"),
    (feature({"type": "Polygon", "coordinates": SQUARE}, title=""), "line 1/properties/title"),
    (feature({"type": "Polygon", "coordinates": SQUARE}, merchant=""), "line 1/properties/merchant"),
]


@pytest.mark.parametrize(("row", "place"), FAULTS, ids=lambda value: str(value)[:60])
def test_a_fault_is_named_by_line_and_pointer(tmp_path: Path, row: Any, place: str):
    fault = refused(lines(tmp_path, row))
    assert str(fault).startswith("promotions.ndjson: ")
    assert str(fault).endswith(f"({place})")


def test_every_fault_of_a_file_is_named_and_the_first_five_in_words(tmp_path: Path):
    bad = [DOCUMENT | {"external_id": f"{number}", "title": ""} for number in range(7)]
    one, two = (
        str(refused(lines(tmp_path, *bad[:2], DOCUMENT))),
        str(refused(lines(tmp_path, DOCUMENT, *bad))),
    )
    assert one == (
        "promotions.ndjson: 2 faults: title is empty (line 1/title); title is empty (line 2/title)"
    )
    assert two.startswith("promotions.ndjson: 7 faults: title is empty (line 2/title); ")
    assert two.endswith("(line 6/title); and 2 more")
    drawn = [feature({"type": "Polygon", "coordinates": SQUARE}), feature(None)]
    assert str(refused(features(tmp_path, *drawn))).endswith("(/features/1/properties/fence)")


def test_one_external_id_twice_and_two_names_of_a_merchant_are_refused(tmp_path: Path):
    assert str(refused(lines(tmp_path, DOCUMENT, DOCUMENT))) == (
        "promotions.ndjson: 'Ekberg Oy' has 'spring-1' already at line 1 (line 2/external_id)"
    )
    other = DOCUMENT | {"external_id": "2", "merchant": {"id": merchant_id_of("Ekberg Oy"), "name": "Karl"}}
    assert str(refused(lines(tmp_path, DOCUMENT, other))).endswith("(line 2/merchant/name)")


def test_files_that_are_none_are_refused(tmp_path: Path):
    for path, word in (
        (tmp_path / "missing.ndjson", "does not exist"),
        (lines(tmp_path, DOCUMENT, name="promotions.csv"), "no known kind"),
        (lines(tmp_path, "", name="blank.ndjson"), "no promotion"),
        (features(tmp_path, name="none.geojson"), "no promotion"),
        (lines(tmp_path, {"type": "Point", "coordinates": [1, 2]}, name="bare.geojson"), "bare geometry"),
    ):
        with pytest.raises(FileFault, match=word):
            read(path)


@pytest.mark.parametrize("name", ["promotions.ndjson", "promotions.geojson"])
def test_an_export_is_read_again_as_it_was(tmp_path: Path, name: str):
    town = sample_town()
    nameless = a_promotion(None)
    across = a_promotion("fiji", fence=PolygonFence(shapely.box(179.8, -17.2, 180.25, -17)))
    promotions: list[Promotion] = [*town.promotions, nameless, across]
    merchants = {merchant.id: merchant for merchant in (*town.merchants, a_merchant())}
    path = tmp_path / name
    write_promotions(promotions, merchants, path, promotion_format_of(path))
    found = read(path)
    assert found.promotions == promotions
    assert found.merchants == merchants
    with pytest.raises(OutputExists):
        write_promotions([], {}, path, promotion_format_of(path))
    write_promotions([], {}, path, promotion_format_of(path), overwrite=True)
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_that_fails_leaves_nothing(tmp_path: Path):
    path = tmp_path / "promotions.ndjson"
    with pytest.raises(KeyError):
        write_promotions([a_promotion()], {}, path, promotion_format_of(path))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileFault, match="says no format"):
        promotion_format_of(tmp_path / "promotions.csv")
