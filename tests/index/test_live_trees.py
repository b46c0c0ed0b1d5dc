"""A tree over the wanted fences alone finds what the tree over all of them finds, asked and filtered afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo_offers.domain.place import LngLat
from geo_offers.index.fences import CircleColumns, FenceIndex, ShapeColumns, WantedFences
from geo_offers.index.promotions import Promotions
from geo_offers.kernels import box_tree, fences
from tests.matching.towns import NOW, Town, a_town, moved, positions

_REACH_M = 400.0
_CENTRES = {
    "Shanghai": LngLat(121.47, 31.23),
    "the antimeridian": LngLat(180.0, -16.8),
    "85 degrees north": LngLat(24.0, 85.0),
}
_TOWNS: dict[str, Town] = {name: a_town(31, centre, promotions=90) for name, centre in _CENTRES.items()}
_FENCES = {
    name: Promotions.compiled(town.rows, town.surroundings).segments[0].index.fences
    for name, town in _TOWNS.items()
}
_NO_SHAPES = ShapeColumns(np.empty(0, np.int32), np.empty(0, np.int32), [])
Wanted = NDArray[np.uint8]
Answer = dict[int, tuple[bool, float, float]]


def _around(among: WantedFences, at: LngLat, reach_m: float) -> Answer:
    found = among.around(at, reach_m)
    rows = zip(*(column.tolist() for column in (found.inside, found.least_m, found.most_m)), strict=True)
    return dict(zip(found.slots.tolist(), rows, strict=True))


def _filtered(index: FenceIndex, wanted: Wanted, at: LngLat, reach_m: float) -> Answer:
    """The answer of the tree over all fences, without those that are not wanted."""
    every = _around(index.only(np.full(index.count, 2, np.uint8)), at, reach_m)
    return {slot: one for slot, one in every.items() if wanted[slot] == 2 or (wanted[slot] == 1 and one[0])}


def _assert_same(index: FenceIndex, wanted: Wanted, places: list[LngLat]) -> int:
    """How many fences were found."""
    among = index.only(wanted)
    lngs, lats = np.array([at.lng for at in places]), np.array([at.lat for at in places])
    starts, slots = among.holding_many(lngs, lats)
    count = 0
    for i, at in enumerate(places):
        assert _around(among, at, _REACH_M) == _filtered(index, wanted, at, _REACH_M)
        held = sorted(slot for slot, one in _filtered(index, wanted, at, 0.0).items() if one[0])
        assert sorted(among.holding(at).tolist()) == held
        assert sorted(slots[starts[i] : starts[i + 1]].tolist()) == held
        count += len(held)
    return count


def _some(count: int, share: float, seed: int) -> Wanted:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(count) < share, rng.integers(1, 3, count), 0).astype(np.uint8)


@pytest.mark.parametrize("name", _CENTRES)
@settings(max_examples=12, deadline=None)
@given(share=st.sampled_from([0.03, 0.25, 0.9]), seed=st.integers(0, 2**32 - 1))
def test_some_of_a_towns_fences_are_found_as_among_all(name: str, share: float, seed: int) -> None:
    index = _FENCES[name]
    places = positions(_TOWNS[name], 25, seed)
    _assert_same(index, _some(index.count, share, seed), places)


@pytest.mark.parametrize("name", _CENTRES)
def test_none_all_and_one_are_found_as_among_all(name: str) -> None:
    index = _FENCES[name]
    places = positions(_TOWNS[name], 40, 3)
    assert _assert_same(index, np.zeros(index.count, np.uint8), places) == 0
    assert _assert_same(index, np.full(index.count, 2, np.uint8), places) > 0
    assert _assert_same(index, np.ones(index.count, np.uint8), places) > 0
    alone = sum(
        _assert_same(index, np.eye(1, index.count, slot, dtype=np.uint8)[0], places)
        for slot in range(0, index.count, 9)
    )
    assert alone > 0


def test_circles_over_a_pole_and_across_the_antimeridian_are_found_as_among_all() -> None:
    rng = np.random.default_rng(8)
    centres = [LngLat(float(lng), 89.9999) for lng in rng.uniform(-180, 180, 40)]
    centres += [LngLat(180.0 - float(off), float(lat)) for off, lat in rng.uniform(0, 0.01, (40, 2))]
    centres += [LngLat(-180.0, 88.999), LngLat(180.0, -89.5), LngLat(0.0, 90.0), LngLat(0.0, -90.0)]
    # Two circles a fence: a fence may have parts on both sides.
    slots = (np.arange(len(centres)) // 2).astype(np.int32)
    lngs, lats = np.array([at.lng for at in centres]), np.array([at.lat for at in centres])
    circles = CircleColumns(slots, lngs, lats, rng.uniform(50, 3_000, len(centres)))
    index = FenceIndex(len(centres) // 2, circles, _NO_SHAPES)
    away = rng.uniform(0, 1_500, len(centres))
    places = [moved(at, float(37 * i), float(away[i])) for i, at in enumerate(centres)]
    places += [LngLat(180.0, 0.005), LngLat(-180.0, 0.005), LngLat(12.0, 90.0)]
    for share in (0.1, 0.5, 1.0):
        assert _assert_same(index, _some(index.count, share, 4), places) > 0


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 64, 65, 700])
def test_every_box_of_a_tree_holds_those_below_it(count: int) -> None:
    rng = np.random.default_rng(count)
    lngs, lats = rng.uniform(-180, 180, count), rng.uniform(-80, 80, count)
    circles = CircleColumns(np.arange(count, dtype=np.int32), lngs, lats, np.full(count, 100.0))
    index = FenceIndex(count, circles, _NO_SHAPES)
    for share in (0.0, 0.3, 1.0):
        wanted = _some(count, share, 6)
        tree = index.only(wanted).tree
        assert tree[:count].tolist() == wanted.tolist()
        (nodes, levels), rows = fences.tree_in(tree, count)
        assert sorted(rows[:, 0].tolist()) == sorted(
            np.repeat(np.arange(count), (wanted > 0) * _boxes_of(index)).tolist()
        )
        assert rows[:, 3].tolist() == wanted[rows[:, 0]].tolist()
        for upper in range(1, len(levels) - 1):
            own = np.arange(levels[upper], levels[upper + 1])
            for node in own.tolist():
                first = levels[upper - 1] + (node - levels[upper]) * box_tree.FAN_OUT
                children = nodes[first : min(first + box_tree.FAN_OUT, levels[upper])]
                assert nodes[node, :2].tolist() == children[:, :2].min(axis=0).tolist()
                assert nodes[node, 2:].tolist() == children[:, 2:].max(axis=0).tolist()


def _boxes_of(index: FenceIndex) -> NDArray[np.int64]:
    """How many boxes each fence has: two across the antimeridian."""
    _, rows = fences.tree_in(index.only(np.ones(index.count, np.uint8)).tree, index.count)
    return np.bincount(rows[:, 0], minlength=index.count)


def test_a_shape_that_ends_between_two_numbers_of_single_precision_is_found_at_its_rim() -> None:
    west, south, east, north = 121.4700001, 31.2300001, 121.4700003, 31.2300003
    shapes = ShapeColumns(
        np.zeros(1, np.int32), np.zeros(1, np.int32), [shapely.box(west, south, east, north)]
    )
    empty = np.empty(0)
    index = FenceIndex(1, CircleColumns(np.empty(0, np.int32), empty, empty, empty), shapes)
    among = index.only(np.ones(1, np.uint8))
    for corner in (LngLat(west, south), LngLat(west, north), LngLat(east, south), LngLat(east, north)):
        assert among.holding(corner).tolist() == [0]
    assert among.holding(LngLat(121.4700004, 31.2300002)).tolist() == []


def test_a_tree_is_kept_while_the_same_promotions_are_live_and_made_anew_when_one_begins() -> None:
    town = _TOWNS["Shanghai"]
    rows = [
        row._replace(
            weekly_hours="Mo-Su 00:00-24:00",
            starts_at_ms=0,
            ends_at_ms=2**50,
            status="active",
            visitors="all",
        )
        for row in town.rows
    ]
    begins = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
    rows[0] = rows[0]._replace(starts_at_ms=int(begins.timestamp() * 1_000))
    live = Promotions.compiled(rows, town.surroundings).segments[0].live
    before, next_minute = live.at(NOW), live.at(NOW + timedelta(minutes=1))
    assert next_minute is not before
    assert next_minute.wanted is before.wanted
    assert next_minute.public is before.public
    after = live.at(begins)
    assert after.wanted is not before.wanted
    assert int((after.wanted.wanted > 0).sum()) == int((before.wanted.wanted > 0).sum()) + 1


def test_a_promotion_that_changed_is_not_in_the_tree_of_those_that_stayed() -> None:
    town = _TOWNS["Shanghai"]
    rows = [row._replace(status="active") for row in town.rows]
    whole = Promotions.compiled(rows, town.surroundings)
    changed = whole.changed([rows[3]], [rows[3].id], town.surroundings)
    base, later = changed.segments
    slot = base.index.slots_of([rows[3].id])[0]
    assert base.live.everything.wanted[slot] == 0
    assert later.live.everything.wanted.tolist() == [2]
    _, parts = fences.tree_in(base.live.everything.tree, len(base.index))
    assert slot not in parts[:, 0].tolist()
