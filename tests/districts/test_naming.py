from __future__ import annotations

import pytest

from geo_offers.districts.discovery import discover
from geo_offers.districts.streets_of_addresses import street_of, streets_of
from geo_offers.domain.named_place import NamedPlace
from geo_offers.domain.place import LngLat
from geodata.osm_places import kind_of, read_places
from scripts.benches._known_towns import known_town
from tests.districts.made import a_heap
from tests.real_towns import helsinki_shops
from tests.shared_data import shared


@pytest.mark.parametrize(
    ("address", "street"),
    [
        ("Mannerheimintie 5", "Mannerheimintie"),
        ("Mannerheimintie 22-24 A, 00100 Helsinki", "Mannerheimintie"),
        ("Kasarmikatu, Helsinki", "Kasarmikatu"),
        ("Königstraße 1A, 70173 Stuttgart", "Königstraße"),
        ("5 Main Street", "Main Street"),
        ("221B Baker Street, NW1 6XE London", "Baker Street"),
        ("12 bis Rue de Rivoli, Paris", "Rue de Rivoli"),
        ("100 5th Avenue, New York", "5th Avenue"),
        ("00100 Helsinki", None),
        ("D-70173 Stuttgart", None),
        ("上海市黄浦区南京东路299号", "南京东路"),
        ("北京市东城区王府井大街88号", "王府井大街"),
        ("台北市信義區信義路五段7號", "信義路五段"),
        ("東京都新宿区西新宿1-1-3", "西新宿"),
        ("東京都中央区銀座四丁目5-11", "銀座"),
        ("甲府市丸の内2丁目19-4", "丸の内"),
        ("山梨県南都留郡富士河口湖町船津6713", "船津"),
        ("四日市市諏訪栄町1", "諏訪栄町"),
        ("", None),
        (" , ,", None),
    ],
)
def test_the_street_of_an_address_is_read(address, street):
    assert street_of(address) == street


def test_a_lone_word_that_is_the_city_of_others_is_no_street():
    assert streets_of(["Helsinki", "Bulevardi 7, 00120 Helsinki", None, "Bulevardi"]) == [
        None, "Bulevardi", None, "Bulevardi",
    ]  # fmt: skip


def test_a_quarter_is_called_after_its_part_of_town_in_every_language_that_is_known():
    place = NamedPlace("neighbourhood", "Kamppi", LngLat(24.94, 60.17), {"sv": "Kampen", "zh": "坎皮"})
    found = discover(a_heap(24.94, 60.17, address="Bulevardi 9"), places=[place])[0]
    assert (found.name, dict(found.names)) == ("Kamppi", {"sv": "Kampen", "zh": "坎皮"})


def test_a_quarter_without_places_is_called_after_its_street():
    town = known_town("market town", 3)
    quarters = [district for district in discover(town.shops) if district.level == "quarter"]
    assert {district.name for district in quarters} == set(town.streets)


def test_two_quarters_of_one_street_are_told_apart():
    shops = a_heap(24.94, 60.17, address="Bulevardi 9", seed=1) + a_heap(
        24.95, 60.17, address="Bulevardi 90", seed=2, first=500
    )
    names = {district.name for district in discover(shops) if district.level == "quarter"}
    assert names in ({"Bulevardi", "Bulevardi (east)"}, {"Bulevardi", "Bulevardi (west)"})


def test_without_streets_and_places_the_best_known_brand_names_a_quarter():
    found = discover(a_heap(24.94, 60.17, brand="Ekberg"))[0]
    assert found.name == "Around Ekberg"
    assert found.names["ja"] == "Ekberg周辺"


def test_without_any_brand_the_largest_group_of_categories_names_a_quarter():
    assert discover(a_heap(24.94, 60.17))[0].name == "Food and drink"


def test_branches_of_shops_tell_the_place():
    crowd = a_heap(139.60, 35.60, count=400, spread_m=4_000, seed=3, first=5_000, name="コンビニ")
    shops = a_heap(139.70, 35.66, name="喫茶") + crowd
    shops += a_heap(139.70, 35.66, count=1, name="珈琲館 渋谷駅前店", first=900)
    shops += a_heap(139.70, 35.66, count=1, name="居酒屋すみれ 渋谷店", first=901, seed=2)
    assert discover(shops)[0].name == "渋谷"


def test_places_of_helsinki_are_read_with_their_languages():
    places = read_places(shared("osm/helsinki_centre.osm.pbf"))
    by_kind = {(place.kind, place.name): place for place in places}
    assert by_kind["neighbourhood", "Kluuvi"].names["sv"] == "Gloet"
    assert by_kind["square", "Kauppatori"].names["zh"] == "集市廣場"
    assert by_kind["mall", "Forum"].at.lng == pytest.approx(24.9382, abs=1e-3)
    assert ("pedestrian street", "Aleksanterinkatu") in by_kind
    assert ("street", "Bulevardi") in by_kind


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"place": "square", "highway": "pedestrian"}, "square"),
        ({"railway": "station"}, "station"),
        ({"shop": "mall"}, "mall"),
        ({"highway": "service"}, None),
        ({"place": "city"}, None),
    ],
)
def test_tags_tell_the_kind_of_a_place(tags, kind):
    assert kind_of(tags) == kind


def test_helsinki_has_names_that_a_local_would_know():
    found = discover(helsinki_shops(), places=read_places(shared("osm/helsinki_centre.osm.pbf")))
    names = {district.name for district in found}
    assert {
        "Kluuvi",
        "Kaisaniemi",
        "Kaartinkaupunki",
        "Senaatintori",
        "Aleksanterinkatu",
        "Mannerheimintie",
    } <= names
    kluuvi = next(district for district in found if district.name == "Kluuvi")
    assert kluuvi.names["sv"] == "Gloet"
