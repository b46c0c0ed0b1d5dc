"""The sample town: the same everywhere, believable, and plainly not a real place."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, get_args

import pytest
import shapely
from opening_hours import OpeningHours

from geo_offers.domain.categories import LEAF_INDEX
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, Fence, PolygonFence
from geo_offers.domain.place import District, LngLat, Shop, district_id_of, shop_id_of
from geo_offers.domain.promotion import Audience, Benefit, PeriodLimits, Status
from geo_offers.domain.promotion_document import document_of
from geodata.sample_town import LICENCE, PROVIDER, Area, SampleTown, Street, is_of_a_sample_town, sample_town
from geodata.town.brands import BRANDS
from geodata.town.hours import OPENING_HOURS
from geodata.town.trades import TRADES

GOLDEN = "a9605c35f2f6eff5c1cd9accadf2e8dd"
GOLDEN_PROMOTIONS = "bfab7fc59d4994593f5f6519dca434f4"
_HAN = re.compile("[\u4e00-\u9fff]")
_LATIN_NAME = re.compile(r"[A-Za-züé0-9 &'.,()\-]+\Z")


@pytest.fixture(scope="module")
def town() -> SampleTown:
    return sample_town()


def canonical(town: SampleTown) -> bytes:
    """All places of a town, as bytes that do not depend on the order of dicts."""

    def plain(value: Any) -> Any:
        match value:
            case LngLat():
                return [value.lng, value.lat]
            case SampleTown() | Shop() | District() | Street() | Area():
                names = [name for name in value.__slots__ if name not in ("promotions", "merchants")]
                return {name: plain(getattr(value, name)) for name in names}
            case Mapping():
                return dict(value)
            case bytes():
                return value.hex()
            case tuple():
                return [plain(item) for item in value]
            case str() | int() | float() | None:
                return value
            case _:
                return {name: plain(getattr(value, name)) for name in value.__slots__}

    return json.dumps(plain(town), ensure_ascii=False, sort_keys=True).encode()


def canonical_promotions(town: SampleTown) -> bytes:
    """All promotions of a town with their merchants, in their order."""
    rows = [{"id": one.id, "merchant": one.merchant_id, **document_of(one)} for one in town.promotions]
    merchants = [(merchant.id, merchant.name) for merchant in town.merchants]
    return json.dumps([rows, merchants], ensure_ascii=False, sort_keys=True).encode()


def shops_of(town: SampleTown, district: District) -> list[Shop]:
    polygon = shapely.from_wkb(district.wkb)
    shapely.prepare(polygon)
    return [shop for shop in town.shops if polygon.covers(shapely.Point(shop.at.lng, shop.at.lat))]


def by_english_name(town: SampleTown, name: str) -> District:
    return next(district for district in town.districts if district.names["en"] == name)


def group(category: str) -> str:
    return category.split(".")[0]


def test_the_same_seed_gives_the_same_town_to_the_byte(town: SampleTown) -> None:
    again = sample_town(7)
    assert canonical(again) == canonical(town)
    assert canonical_promotions(again) == canonical_promotions(town)


def test_the_town_of_seed_7_is_the_one_that_every_machine_makes(town: SampleTown) -> None:
    assert blake2b(canonical(town), digest_size=16).hexdigest() == GOLDEN
    assert blake2b(canonical_promotions(town), digest_size=16).hexdigest() == GOLDEN_PROMOTIONS


@pytest.mark.parametrize("seed", [0, -7, 8])
def test_another_seed_gives_another_town_of_the_same_kind(town: SampleTown, seed: int) -> None:
    other = sample_town(seed)
    assert {shop.id for shop in other.shops}.isdisjoint(shop.id for shop in town.shops)
    assert {shop.at for shop in other.shops}.isdisjoint(shop.at for shop in town.shops)
    assert other.streets != town.streets
    assert {district.id for district in other.districts}.isdisjoint(
        district.id for district in town.districts
    )
    assert 1_450 <= len(other.shops) <= 1_550
    assert len(other.promotions) == 400
    assert {one.id for one in other.promotions}.isdisjoint(one.id for one in town.promotions)
    assert kinds_of_fences(other) == set(get_args(Fence))


def test_it_has_some_1500_shops_six_districts_and_a_hundred_streets(town: SampleTown) -> None:
    assert len(town.shops) == 1_518
    assert len(town.districts) == 6
    assert len({street.name for street in town.streets}) >= 100
    assert Counter(street.kind for street in town.streets).keys() == {
        "ring",
        "avenue",
        "street",
        "pedestrian",
        "lane",
        "railway",
    }


def test_every_row_says_that_it_is_generated(town: SampleTown) -> None:
    sources = [row.source for row in (*town.shops, *town.districts)]
    assert {(source.provider, source.licence) for source in sources} == {(PROVIDER, LICENCE)}
    assert (PROVIDER, LICENCE) == ("sample-town", "generated")
    assert "示例" in town.name
    assert "sample" in town.names["en"]
    assert {district.kind for district in town.districts} == {"custom"}


def test_ids_are_unique_and_follow_from_the_source(town: SampleTown) -> None:
    assert len({shop.id for shop in town.shops}) == len(town.shops)
    assert all(shop.id == shop_id_of(shop.source.provider, shop.source.id) for shop in town.shops)
    assert all(row.id == district_id_of(row.source.provider, row.source.id) for row in town.districts)
    assert all(re.fullmatch(r"dst_[0-9a-hjkmnp-tv-z]{16}", district.id) for district in town.districts)


def test_everything_lies_in_the_towns_bounds_around_open_water(town: SampleTown) -> None:
    west, south, east, north = town.bounds
    assert 120.12 < west < town.centre.lng < east < 120.18
    assert 31.18 < south < town.centre.lat < north < 31.22
    points = [shop.at for shop in town.shops] + [at for street in town.streets for at in street.line]
    assert all(west <= at.lng <= east and south <= at.lat <= north for at in points)
    assert all(round(at.lng, 7) == at.lng and round(at.lat, 7) == at.lat for at in points)


def test_shops_stand_along_streets_and_never_in_water(town: SampleTown) -> None:
    metre = 1 / 111_000
    lines = shapely.STRtree([_line(street) for street in town.streets])
    water = shapely.union_all([shapely.Polygon(_pairs(area.ring)) for area in town.water])
    houses = [*town.buildings, *town.squares]
    halls = shapely.union_all([shapely.Polygon(_pairs(area.ring)) for area in houses])
    for shop in town.shops:
        point = shapely.Point(shop.at.lng, shop.at.lat)
        assert not water.covers(point)
        assert halls.covers(point) or lines.query(point, predicate="dwithin", distance=25 * metre).size


def test_house_numbers_run_along_the_street_odd_on_its_left(town: SampleTown) -> None:
    walk = next(street for street in town.streets if street.names["en"] == "Heron Bridge Old Street")
    line = _line(walk)
    numbered = []
    for shop in town.shops:
        match = re.fullmatch(r"鹭桥老街(\d+)号", shop.address or "")
        if match:
            numbered.append((int(match[1]), line.project(shapely.Point(shop.at.lng, shop.at.lat)), shop.at))
    assert len(numbered) > 80
    for parity in (0, 1):
        along = [metres for number, metres, _ in sorted(numbered) if number % 2 == parity]
        assert along == sorted(along)
    ring = shapely.LinearRing([*_pairs(walk.line), (120.143, 31.206)])
    north_side = [
        shapely.Polygon(ring).covers(shapely.Point(at.lng, at.lat))
        for number, _, at in numbered
        if number % 2
    ]
    assert all(north_side)


def test_an_address_is_given_once_except_in_halls(town: SampleTown) -> None:
    assert all(shop.address for shop in town.shops)
    assert max(Counter(shop.address for shop in town.shops).values()) == 1


def test_malls_have_several_shops_on_one_point_and_metres_apart(town: SampleTown) -> None:
    on_one_point = Counter(shop.at for shop in town.shops)
    assert max(on_one_point.values()) == 5
    assert sum(count for count in on_one_point.values() if count > 1) >= 60


def test_categories_are_leaves_of_the_tree_and_varied(town: SampleTown) -> None:
    assert {trade.category for trade in TRADES.values()} <= LEAF_INDEX.keys()
    assert len({shop.category for shop in town.shops}) >= 40


def test_about_a_sixth_of_the_shops_belong_to_forty_invented_chains(town: SampleTown) -> None:
    brands = Counter(shop.brand for shop in town.shops if shop.brand)
    assert 0.15 <= brands.total() / len(town.shops) <= 0.20
    assert len(brands) >= 38
    assert {brand.trade for brand in BRANDS} <= TRADES.keys()
    assert len({brand.name.zh for brand in BRANDS}) == len(BRANDS) == 42


def test_all_opening_hours_can_be_read(town: SampleTown) -> None:
    written = {shop.opening_hours for shop in town.shops if shop.opening_hours}
    written |= {hours for options in OPENING_HOURS.values() for hours, _ in options}
    written |= {brand.opening_hours for brand in BRANDS if brand.opening_hours}
    for hours in written:
        OpeningHours(hours, country="CN")


def test_opening_hours_vary_as_in_the_wild(town: SampleTown) -> None:
    hours = [shop.opening_hours for shop in town.shops]
    assert 0.05 <= hours.count(None) / len(hours) <= 0.15
    known = [text for text in hours if text]
    assert len(set(known)) >= 80
    for part in ("24/7", "PH off", "Mo off", "17:00-02:00", "unknown", "Nov-Feb", "Jul-Aug"):
        assert any(part in text for text in known), part
    assert any(re.search(r"\d,\d\d:\d\d-", text) for text in known)
    night_market = [
        shop.opening_hours for shop in shops_of(town, by_english_name(town, "Hebu Night Market Street"))
    ]
    assert all(text is None or re.search(r"1[78]:\d\d-(0\d:|24)", text) for text in night_market)


def test_shops_are_in_the_zone_and_country_of_the_town(town: SampleTown) -> None:
    assert {(shop.time_zone, shop.country) for shop in town.shops} == {("Asia/Shanghai", "CN")}


def test_names_come_in_chinese_and_english_and_many_in_traditional_characters(town: SampleTown) -> None:
    for shop in town.shops:
        assert _HAN.search(shop.names["zh-Hans"])
        assert _LATIN_NAME.match(shop.names["en"]), shop.names["en"]
        assert shop.name in (shop.names["zh-Hans"], shop.names["en"])
    assert 0.6 <= sum("zh-Hant" in shop.names for shop in town.shops) / len(town.shops) <= 0.8
    assert sum(bool(_HAN.search(shop.name)) for shop in town.shops) / len(town.shops) > 0.9
    assert len({shop.name for shop in town.shops}) / len(town.shops) > 0.98


def test_no_simplified_character_is_left_in_traditional_names(town: SampleTown) -> None:
    named = (
        *town.shops,
        *town.districts,
        *town.streets,
        *town.squares,
        *town.water,
        *town.green,
        *town.buildings,
    )
    text = "".join(place.names.get("zh-Hant", "") for place in named)
    assert not set(text) & set("鹭桥书馆面饭药鱼汤龙东门银钱铁车马鸡猫发电脑业镇区场园")


def test_districts_are_named_in_four_languages(town: SampleTown) -> None:
    for district in town.districts:
        assert district.names.keys() == {"zh-Hans", "zh-Hant", "en", "ja"}
        assert district.name == district.names["zh-Hans"]
    assert len({district.name for district in town.districts}) == 6


def test_districts_are_valid_polygons_one_with_a_hole_some_concave(town: SampleTown) -> None:
    polygons = [shapely.from_wkb(district.wkb) for district in town.districts]
    for polygon in polygons:
        assert polygon.geom_type == "Polygon"
        assert shapely.is_valid_reason(polygon) == "Valid Geometry"
        assert polygon.exterior.is_ccw
        assert not any(hole.is_ccw for hole in polygon.interiors)
    assert [len(polygon.interiors) for polygon in polygons].count(1) == 1
    assert sum(polygon.area / polygon.convex_hull.area < 0.9 for polygon in polygons) >= 2
    for area in (*town.squares, *town.water, *town.green, *town.buildings):
        assert shapely.Polygon(_pairs(area.ring), [_pairs(hole) for hole in area.holes]).is_valid


def test_the_night_market_lies_inside_of_the_food_quarter(town: SampleTown) -> None:
    child = by_english_name(town, "Hebu Night Market Street")
    parent = by_english_name(town, "Hebu Food Quarter")
    assert child.parent_id == parent.id
    assert shapely.from_wkb(parent.wkb).covers(shapely.from_wkb(child.wkb))
    assert {district.parent_id for district in town.districts} == {None, parent.id}
    assert town.districts.index(parent) < town.districts.index(child)


def test_every_district_has_shops_and_a_character_of_its_own(town: SampleTown) -> None:
    leading = {}
    for district in town.districts:
        shops = shops_of(town, district)
        assert len(shops) >= 80
        counts = Counter(group(shop.category) for shop in shops)
        leading[district.names["en"]] = frozenset(name for name, _ in counts.most_common(2))
    assert len(set(leading.values())) == 6, leading


def test_shops_are_dense_in_districts_and_thin_elsewhere(town: SampleTown) -> None:
    inside = sum(len(shops_of(town, district)) for district in town.districts if district.parent_id is None)
    assert len(town.shops) - inside == 250


def kinds_of_fences(town: SampleTown) -> set[type]:
    return {type(promotion.fence) for promotion in town.promotions}


def test_promotions_name_the_towns_own_shops_districts_and_merchants(town: SampleTown) -> None:
    shop_ids = {shop.id for shop in town.shops}
    assert all(one.shop_ids and shop_ids.issuperset(one.shop_ids) for one in town.promotions)
    fenced = {one.fence.district_id for one in town.promotions if isinstance(one.fence, DistrictFence)}
    assert fenced == {district.id for district in town.districts}
    assert {one.merchant_id for one in town.promotions} == {merchant.id for merchant in town.merchants}
    assert [merchant.id for merchant in town.merchants] == sorted({one.id for one in town.merchants})


def test_a_shop_has_one_merchant(town: SampleTown) -> None:
    merchants_of: defaultdict[str, set[str]] = defaultdict(set)
    for promotion in town.promotions:
        for shop_id in promotion.shop_ids:
            merchants_of[shop_id].add(promotion.merchant_id)
    assert len(merchants_of) > 900
    assert {len(merchants) for merchants in merchants_of.values()} == {1}


@pytest.mark.parametrize("seed", [7, 8])
def test_some_live_promotions_in_polygons_have_every_limit_and_a_budget(seed: int) -> None:
    drawn = [one for one in sample_town(seed).promotions if isinstance(one.fence, PolygonFence)]
    limited = [one.limits for one in drawn if one.status is Status.ACTIVE and one.limits.per_period]
    assert len(limited) >= 4
    for limits in limited:
        assert None not in (limits.max_claims, limits.max_redemptions, limits.max_per_visitor)
        assert limits.budget_minor is not None
        assert limits.per_period == PeriodLimits("day", 50, 20, 1)


def test_promotions_of_a_sample_town_are_told_from_others(town: SampleTown) -> None:
    assert all(map(is_of_a_sample_town, (*town.promotions, *sample_town(-7).promotions)))
    one = town.promotions[0]
    assert not is_of_a_sample_town(replace(one, external_id="seed-07/promotion-001"))
    assert not is_of_a_sample_town(replace(one, id="prm_0123456789abcdef"))
    assert not is_of_a_sample_town(replace(one, external_id=None))


def test_there_are_400_promotions_of_every_benefit_and_every_fence(town: SampleTown) -> None:
    promotions = town.promotions
    assert len({promotion.id for promotion in promotions}) == len(promotions) == 400
    assert {type(promotion.benefit) for promotion in promotions} == set(get_args(Benefit))
    fences = Counter(type(promotion.fence) for promotion in promotions)
    assert fences == {CircleFence: 243, PolygonFence: 64, AroundShopsFence: 51, DistrictFence: 42}
    radii = [one.fence.radius_m for one in promotions if isinstance(one.fence, CircleFence)]
    assert 60 <= min(radii) < max(radii) <= 600
    polygons = [one.fence.geometry for one in promotions if isinstance(one.fence, PolygonFence)]
    assert sum(bool(polygon.interiors) for polygon in polygons) == 1
    assert 0.25 < sum(one.schedule.weekly_hours is not None for one in promotions) / 400 < 0.4
    assert {one.limits.currency for one in promotions} == {"CNY"}


@pytest.mark.parametrize("year", [2026, 2029, 2033])
def test_most_promotions_are_live_whenever_the_demo_runs(town: SampleTown, year: int) -> None:
    noon = datetime(year, 6, 15, 4, tzinfo=UTC)
    schedules = [one.schedule for one in town.promotions if one.status is Status.ACTIVE]
    assert sum(one.starts_at <= noon < one.ends_at for one in schedules) == 320
    assert sum(one.starts_at > noon for one in schedules) == 16
    assert sum(one.ends_at <= noon for one in schedules) == 16
    assert Counter(one.status for one in town.promotions) == {
        Status.ACTIVE: 352, Status.PAUSED: 16, Status.ENDED: 16, Status.DRAFT: 16
    }  # fmt: skip


def test_some_promotions_are_for_some_visitors_or_not_listed(town: SampleTown) -> None:
    audiences = [promotion.audience for promotion in town.promotions]
    assert {segment for one in audiences for segment in one.segments} == {
        "student", "member", "resident", "commuter", "tourist"
    }  # fmt: skip
    assert {one.visitors for one in audiences} == {"all", "new", "returning"}
    assert sum(one == Audience() for one in audiences) > 300
    assert sum(not promotion.listed for promotion in town.promotions) == 33


def test_titles_of_promotions_come_in_chinese_and_english_and_some_in_more(town: SampleTown) -> None:
    tags = Counter(tag for promotion in town.promotions for tag in promotion.title_i18n)
    assert tags["zh-Hans"] == tags["en"] == 400
    assert 150 < tags["zh-Hant"] < 250
    assert 80 < tags["ja"] < 160
    assert all(promotion.title == promotion.title_i18n["zh-Hans"] for promotion in town.promotions)
    assert len({promotion.title for promotion in town.promotions}) > 60


def _pairs(line: tuple[LngLat, ...]) -> list[tuple[float, float]]:
    return [(at.lng, at.lat) for at in line]


def _line(street: Street) -> shapely.LineString:
    return shapely.LineString(_pairs(street.line))
