"""The category tree: its shape and names, and which leaf the tags of real places and brands come to."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator

import osmium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_offers.domain.categories import GROUPS, LEAF_INDEX, LEAVES, TAG_KEYS, category_of_tags, leaves_of
from geo_offers.domain.category_tags import TAG_ROWS
from geo_offers.domain.errors import CategoryUnknown
from tests.shared_data import shared

# The tree


def test_leaves_fit_a_64_bit_mask_and_keep_their_positions() -> None:
    assert 55 <= len(LEAVES) <= 64
    assert 10 <= len(GROUPS) <= 14
    assert [LEAF_INDEX[leaf.key] for leaf in LEAVES] == list(range(len(LEAVES)))


def test_every_leaf_belongs_to_a_group_and_every_group_has_leaves() -> None:
    groups = [group.key for group in GROUPS]
    assert len(set(groups)) == len(groups)
    assert list(dict.fromkeys(leaf.key.split(".")[0] for leaf in LEAVES)) == groups
    assert all(leaf.key.count(".") == 1 for leaf in LEAVES)
    assert {"food.cafe", "health.pharmacy"} <= set(LEAF_INDEX)


def test_every_category_is_named_in_four_languages_and_no_name_twice_among_neighbours() -> None:
    for level in (GROUPS, LEAVES):
        for category in level:
            assert tuple(category.names) == ("en", "zh-Hans", "zh-Hant", "ja")
            assert all(name == name.strip() and name for name in category.names.values())
        for language in ("en", "zh-Hans", "zh-Hant", "ja"):
            names = Counter(category.names[language] for category in level)
            assert names.most_common(1)[0][1] == 1


def test_chinese_names_are_in_the_script_that_their_tag_says() -> None:
    hans_only, hant_only = (
        set("厅馆药饮购诊单车电书乐艺术银邮务园场与"),
        set("廳館藥飲購診單車電書樂藝術銀郵務園場與"),
    )
    shared_signs = hans_only & hant_only
    for category in (*GROUPS, *LEAVES):
        assert not set(category.names["zh-Hans"]) & (hant_only - shared_signs), category.key
        assert not set(category.names["zh-Hant"]) & (hans_only - shared_signs), category.key


def test_a_tag_stands_for_one_leaf_only() -> None:
    tags = Counter(
        (key, value) for rows in TAG_ROWS.values() for key, values in rows.items() for value in values.split()
    )
    assert [tag for tag, times in tags.items() if times > 1] == []
    assert {key for key, _ in tags} == set(TAG_KEYS)
    assert set(TAG_ROWS) == set(LEAF_INDEX)


def test_a_leaf_gives_itself_and_a_group_its_leaves() -> None:
    assert leaves_of("food.cafe") == ("food.cafe",)
    assert leaves_of("stay") == ("stay.hotel", "stay.guesthouse")
    assert sum((leaves_of(group.key) for group in GROUPS), ()) == tuple(LEAF_INDEX)


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("food.caffe", "food.cafe"),
        ("Food", "food"),
        ("pharmacy", "health.pharmacy"),
        ("food.pharmacy", "health.pharmacy"),
        ("", "groups are food, grocery"),
        ("zzzzzz", "groups are food, grocery"),
        ("food.", "food"),
    ],
)
def test_an_unknown_category_is_refused_with_the_nearest_ones(key: str, advice: str) -> None:
    with pytest.raises(CategoryUnknown, match=advice):
        leaves_of(key)


# From tags


@pytest.mark.parametrize(
    ("tags", "leaf"),
    [
        ({"amenity": "cafe"}, "food.cafe"),
        ({"shop": "bakery", "amenity": "cafe"}, "grocery.bakery"),
        ({"amenity": "fuel", "shop": "convenience"}, "mobility.fuel"),
        ({"amenity": "pharmacy", "shop": "chemist"}, "health.pharmacy"),
        ({"amenity": "restaurant", "tourism": "hotel"}, "stay.hotel"),
        ({"tourism": "museum", "shop": "gift"}, "culture.museum"),
        ({"amenity": "post_office", "shop": "kiosk"}, "shop.kiosk"),
        ({"amenity": "atm", "office": "insurance"}, "services.office"),
        ({"shop": "yes", "craft": "tailor"}, "services.repair"),
        ({"tourism": "attraction", "leisure": "ice_rink"}, "leisure.sports"),
        ({"tourism": "information", "information": "office"}, "services.travel"),
        ({"craft": "sawmill"}, "services.other"),
        ({"healthcare": "optometrist"}, "health.optician"),
        ({"shop": "no", "amenity": "bar"}, "food.bar"),
    ],
)
def test_several_tags_come_to_the_leaf_that_the_priority_says(tags: dict[str, str], leaf: str) -> None:
    assert category_of_tags(tags) == leaf
    assert category_of_tags(dict(reversed(tags.items()))) == leaf


@pytest.mark.parametrize(
    ("value", "leaf"),
    [
        ("books;stationery", "hobby.books"),
        ("deli; kitchen", "grocery.fresh"),
        ("unheard_of;florist", "home.florist"),
        ("no;shoes", "fashion.shoes"),
        ("coffee beans", "grocery.drinks"),
        (" Supermarket ", "grocery.supermarket"),
        ("yes", "shop.other"),
        ("Helsinki", "shop.other"),
        (";", None),
    ],
)
def test_lists_and_untidy_values_of_shop_are_read(value: str, leaf: str | None) -> None:
    assert category_of_tags({"shop": value}) == leaf


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"name": "Nameless"},
        {"amenity": "bench"},
        {"amenity": "waste_basket"},
        {"amenity": "post_box"},
        {"amenity": "unheard_of"},
        {"shop": "vacant"},
        {"shop": "no"},
        {"shop": ""},
        {"craft": "no"},
        {"disused:shop": "bakery"},
        {"shop": "bakery", "disused": "yes"},
        {"amenity": "parking", "access": "private"},
        {"office": "government"},
        {"tourism": "information", "information": "board"},
    ],
)
def test_what_is_no_merchant_has_no_category(tags: dict[str, str]) -> None:
    assert category_of_tags(tags) is None


@given(
    st.dictionaries(
        st.sampled_from([*TAG_KEYS, "access", "disused", "name"]), st.text(max_size=20), max_size=5
    )
)
def test_any_tags_come_to_a_leaf_or_to_none(tags: dict[str, str]) -> None:
    leaf = category_of_tags(tags)
    assert leaf is None or leaf in LEAF_INDEX


# Real places


def _tags_of(extract: str) -> Iterator[dict[str, str]]:
    for element in osmium.FileProcessor(str(shared(f"osm/{extract}"))):
        if element.tags:
            yield {tag.k: tag.v for tag in element.tags}


@pytest.mark.parametrize(
    ("extract", "least_named"),
    [
        ("helsinki_centre.osm.pbf", 1_000),
        ("monaco_2021.osm.pbf", 400),
        ("beijing_sample_2017.osm.pbf", 200),
        ("liechtenstein_2015.osm.pbf", 170),
    ],
)
def test_every_shop_of_a_real_extract_is_mapped_and_few_are_other(extract: str, least_named: int) -> None:
    found = [(tags, category_of_tags(tags)) for tags in _tags_of(extract)]
    shops = [leaf for tags, leaf in found if tags.get("shop") and tags.get("access") != "private"]
    assert None not in shops
    assert shops.count("shop.other") <= 0.12 * len(shops)
    assert sum(leaf is not None and "name" in tags for tags, leaf in found) >= least_named


def test_at_least_97_percent_of_brands_are_mapped() -> None:
    with gzip.open(
        shared("poi/brands_east_asia_and_global.csv.gz"), "rt", encoding="utf-8", newline=""
    ) as rows:
        brands = [(row["key"], row["value"]) for row in csv.DictReader(rows)]
    six = [tag for tag in brands if tag[0] in ("shop", "amenity", "tourism", "leisure", "craft", "office")]
    mapped = [tag for tag in six if category_of_tags({tag[0]: tag[1]})]
    assert len(mapped) >= 0.97 * len(six)
    assert [tag for tag in six if tag[0] == "shop" and tag not in mapped] == []
