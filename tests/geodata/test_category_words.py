from __future__ import annotations

import pytest

from geo_offers.domain.categories import LEAF_INDEX, category_of_tags
from geodata.category_words import _WORDS, CategoryWords
from geodata.overture_categories import osm_tags_by_word


def test_every_tag_of_the_word_tables_has_a_leaf():
    tags = [word.split("=") for word in _WORDS.split() if "=" in word]
    assert [tag for tag in tags if category_of_tags({tag[0]: tag[1]}) not in LEAF_INDEX] == []


def test_most_overture_words_have_a_leaf():
    without = {word for word, tag in osm_tags_by_word().items() if category_of_tags(tag) is None}
    assert len(osm_tags_by_word()) >= 150
    assert len(without) <= 0.1 * len(osm_tags_by_word()), without


@pytest.mark.parametrize("word", ["", " ", "zzz", "その他", "=", "shop=", "/", "?", "x" * 10_000])
def test_a_word_that_nobody_knows_has_no_leaf(word):
    assert CategoryWords({}).leaf_of(word) is None
