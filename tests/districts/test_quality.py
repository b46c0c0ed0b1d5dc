"""How well known districts are found: seeds that parameters were chosen on, and one first looked at afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from geo_offers.districts.discovery import discover
from scripts.benches._district_quality import adjusted_rand, ids_kept, quality
from scripts.benches._known_towns import KINDS, known_town, perturbed


@pytest.fixture(scope="module")
def rows():
    return quality((1, 201), again=1)


def test_shops_are_put_together_as_in_the_known_districts(rows):
    assert np.mean([row.rand for row in rows]) >= 0.9
    assert min(row.rand for row in rows) >= 0.8


def test_shapes_lie_on_the_known_ones(rows):
    assert np.mean([row.overlap for row in rows]) >= 0.7


def test_ids_stay_when_five_in_a_hundred_shops_change(rows):
    assert np.mean([row.kept for row in rows]) >= 0.9
    assert min(row.kept for row in rows) >= 0.85


def test_ids_of_quarters_stay_even_without_the_previous_districts():
    kept = []
    for kind in KINDS:
        town = known_town(kind, 3)
        before = [district for district in discover(town.shops) if district.level == "quarter"]
        kept.append(ids_kept(before, discover(perturbed(town, 1))))
    assert np.mean(kept) >= 0.9


def test_a_district_that_is_still_there_keeps_its_name():
    town = known_town("market town", 101)
    before = discover(town.shops)
    after = discover(perturbed(town, 2), previous=[district.to_district() for district in before])
    names = {district.id: district.name for district in after if district.level == "quarter"}
    same = [names[district.id] == district.name for district in before if district.id in names]
    assert np.mean(same) == 1.0


def test_the_adjusted_rand_index_is_one_for_equal_partitions_and_near_nought_for_chance():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 5, 2_000)
    assert adjusted_rand(labels, (labels + 1) % 5) == 1.0
    assert abs(adjusted_rand(labels, rng.permutation(labels))) < 0.01
    # Ten items in two partitions, worked out by hand: 6 pairs together, 11 and 9 in each, 2.2 by chance.
    one = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
    other = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 3])
    expected = (7 - 12 * 10 / 45) / ((12 + 10) / 2 - 12 * 10 / 45)
    assert adjusted_rand(one, other) == pytest.approx(expected)
