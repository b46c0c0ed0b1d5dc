from __future__ import annotations

import random

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_offers.districts.discovery import discover
from geo_offers.districts.parameters import Parameters
from geo_offers.domain.errors import InvalidInput
from geo_offers.index.cells import centre_of, pentagons
from scripts.benches._known_towns import KINDS, known_town
from tests.districts.made import a_heap, a_line
from tests.districts.soundness import assert_sound, assert_whole_cells
from tests.real_towns import helsinki_shops


@pytest.mark.parametrize("kind", KINDS)
def test_a_discovery_is_sound(kind):
    shops = known_town(kind, 11).shops
    found = discover(shops)
    assert_sound(shops, found)
    assert_whole_cells(shops, [district for district in found if district.level == "quarter"])
    assert {district.level for district in found} == {"quarter", "street"}


def test_a_discovery_of_a_real_town_is_sound():
    shops = helsinki_shops()
    found = discover(shops)
    assert_sound(shops, found)
    assert sum(len(district.shop_ids) for district in found if district.level == "quarter") > 0.9 * len(shops)


def test_shops_in_any_order_give_the_same_districts():
    shops = list(known_town("market town", 12).shops)
    found = discover(shops)
    random.Random(5).shuffle(shops)
    assert discover(shops) == found


def test_no_shops_have_no_districts():
    assert discover([]) == []


def test_one_shop_is_no_district():
    assert discover(a_heap(24.94, 60.17, count=1)) == []


def test_all_shops_at_one_point_are_one_district():
    shops = a_heap(24.94, 60.17, count=30, spread_m=0.0)
    (found,) = discover(shops)
    assert len(found.shop_ids) == 30
    assert_sound(shops, [found])


def test_a_line_of_shops_is_one_district():
    shops = a_line(24.94, 60.17)
    (found,) = (district for district in discover(shops) if district.level == "quarter")
    assert len(found.shop_ids) == 60
    assert_sound(shops, [found])


@pytest.mark.parametrize(
    ("lng", "lat"),
    [(179.9999, -16.8), (-179.9995, 52.0), (24.94, 85.0), (179.999, 85.0), (0.0, 0.0), (24.94, -89.0)],
)
def test_a_heap_is_found_where_maps_are_awkward(lng, lat):
    shops = a_heap(lng, lat)
    found = discover(shops)
    assert_sound(shops, found)
    assert len(found[0].shop_ids) >= 55
    crosses = found[0].shape.bounds[2] - found[0].shape.bounds[0] > 180
    assert crosses == (abs(lng) > 179)


@pytest.mark.parametrize("pentagon", pentagons(11)[:4])
def test_a_heap_on_a_pentagon_is_found(pentagon):
    shops = a_heap(*centre_of(pentagon))
    found = discover(shops)
    assert_sound(shops, found)
    assert len(found[0].shop_ids) >= 55


def test_shops_at_the_poles_and_all_over_the_world_break_nothing():
    shops = a_heap(10, 90 - 1e-6, count=40, spread_m=0.01)
    for number, (lng, lat) in enumerate([(-179.99, 10), (0, 0), (179.99, 10), (90, -60)]):
        shops += a_heap(lng, lat, count=40, first=1_000 * (number + 1))
    found = discover(shops)
    assert sum(district.level == "quarter" for district in found) >= 4


def test_cities_are_measured_each_by_itself():
    helsinki, lima = a_heap(24.94, 60.17), a_heap(-77.03, -12.05, first=1_000, seed=2)
    together = {district.id: district.rank for district in discover(helsinki + lima)}
    apart = {district.id: district.rank for shops in (helsinki, lima) for district in discover(shops)}
    assert together == apart


def test_a_weak_saddle_does_not_part_a_district_and_a_deep_one_does():
    near = a_heap(24.94, 60.17, seed=1) + a_heap(24.9425, 60.17, seed=2, first=500)
    far = a_heap(24.94, 60.17, seed=1) + a_heap(24.948, 60.17, seed=2, first=500)
    assert len([district for district in discover(near) if district.level == "quarter"]) == 1
    assert len([district for district in discover(far) if district.level == "quarter"]) == 2


def test_what_is_too_large_to_walk_is_parted_again():
    shops = helsinki_shops()
    whole = [d for d in discover(shops, parameters=Parameters(largest_ha=1_000)) if d.level == "quarter"]
    parted = [d for d in discover(shops) if d.level == "quarter"]
    assert max(d.measures.area_ha for d in whole) > 60
    assert len(parted) > len(whole)


def test_primary_categories_are_those_that_stand_out_against_the_city():
    shops = (
        a_heap(24.94, 60.17, category="food.cafe", seed=1)
        + a_heap(24.95, 60.17, category="fashion.clothes", seed=2, first=500)
    )  # fmt: skip
    quarters = [district for district in discover(shops) if district.level == "quarter"]
    assert sorted(district.primary[0].group for district in quarters) == ["fashion", "food"]
    assert {district.primary[0].over_city for district in quarters} == {2.0}


def test_ranks_follow_size_beside_the_citys_largest():
    shops = (
        a_heap(24.94, 60.17, count=300, spread_m=120, seed=1)
        + a_heap(24.97, 60.17, count=60, seed=2, first=500)
        + a_heap(24.99, 60.17, count=15, spread_m=40, seed=3, first=800)
    )  # fmt: skip
    quarters = [district for district in discover(shops) if district.level == "quarter"]
    assert [district.rank for district in quarters] == ["regional", "town", "local"]


def test_a_district_carries_its_parameters_source_and_licence():
    parameters = Parameters(fewest_shops=12)
    found = discover(a_heap(24.94, 60.17), parameters=parameters)[0]
    district = found.to_district()
    assert found.facts()["parameters"]["fewest_shops"] == 12
    assert district.kind == "discovered"
    assert (district.source.provider, district.source.licence) == ("discovered", "ODbL-1.0")
    assert shapely.from_wkb(district.wkb).equals(found.shape)


@pytest.mark.parametrize(
    "wrong", [{"resolution": 4}, {"reach_m": 0.0}, {"prominence": 0.5}, {"gap_m": -1.0}, {"fewest_shops": 0}]
)
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InvalidInput):
        Parameters(**wrong)


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.floats(-0.01, 0.01), st.floats(-0.006, 0.006), st.integers(5, 40), st.floats(0, 150)),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([(24.94, 60.17), (180.0, 0.0), (-58.4, -34.6)]),
)
def test_any_heaps_of_shops_give_a_sound_discovery(heaps, where):
    shops = [
        shop
        for number, (east, north, count, spread_m) in enumerate(heaps)
        for shop in a_heap(
            where[0] + east,
            where[1] + north,
            count=count,
            spread_m=spread_m,
            seed=number,
            first=1_000 * number,
        )
    ]
    assert_sound(shops, discover(shops))
