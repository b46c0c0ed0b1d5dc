"""Nearest shops are compared with every shop measured by hand: 100,000 questions in all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_offers.domain.opening_hours import OpeningHours, OpenState
from geo_offers.domain.place import LngLat
from geo_offers.index.cells import centre_of, pentagons
from geo_offers.index.nearest import ANYWHERE_M, EVERY_SHOP, After, NearestShops, ShopFilter
from geo_offers.index.opening_table import OpeningTable
from tests import oracle
from tests.index.towns import GROUPS, Columns, around, columns, scattered
from tests.real_towns import helsinki_shops, tokyo_places

_PENTAGON = centre_of(pentagons(9)[4])


def _helsinki() -> Columns:
    shops = helsinki_shops()
    return columns(np.array([shop.at.lng for shop in shops]), np.array([shop.at.lat for shop in shops]))


def _on_a_grid() -> Columns:
    """Many shops at one point, and many equally far from a point between them."""
    rng = np.random.default_rng(3)
    return columns(
        np.round(rng.uniform(121.40, 121.44, 3_000), 3), np.round(rng.uniform(31.20, 31.24, 3_000), 3)
    )


def _everywhere() -> Columns:
    rng = np.random.default_rng(4)
    return columns(rng.uniform(-180, 180, 4_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 4_000))))


_TOWNS: dict[str, tuple[Callable[[], Columns], int]] = {
    "Helsinki": (_helsinki, 20_000),
    "Tokyo": (lambda: columns(*tokyo_places()), 15_000),
    "a generated town": (lambda: around(121.47, 31.23, 3_000, 5_000), 15_000),
    "shops on a grid": (_on_a_grid, 10_000),
    "the antimeridian": (lambda: around(180.0, -16.8, 2_000, 8_000), 12_000),
    "85 degrees north": (lambda: around(24.0, 85.0, 2_000, 8_000), 10_000),
    "the north pole": (lambda: around(0.0, 90.0, 1_000, 8_000), 4_000),
    "a pentagon": (lambda: around(*_PENTAGON, 2_000, 3_000), 10_000),
    "the whole Earth": (_everywhere, 4_000),
}


def test_the_towns_are_asked_a_hundred_thousand_questions() -> None:
    assert sum(questions for _, questions in _TOWNS.values()) == 100_000


@pytest.mark.parametrize("name", _TOWNS)
def test_nearest_is_what_measuring_every_shop_gives(name: str) -> None:
    make, questions = _TOWNS[name]
    town = make()
    index = town.index()
    rng = np.random.default_rng(len(name))
    lngs, lats = _positions(town, questions, rng)
    for i, (lng, lat) in enumerate(zip(lngs.tolist(), lats.tolist(), strict=True)):
        k = int(rng.integers(1, 25))
        radius_m = float(10 ** rng.uniform(0.5, 5)) if i % 8 else ANYWHERE_M
        where, counts = _filter(town, i)
        slots, distances = index.nearest(LngLat(lng, lat), k, radius_m=radius_m, where=where)
        expected, exact = oracle.nearest(lng, lat, town.lngs, town.lats, town.ids, k, radius_m, counts)
        assert slots.tolist() == expected.tolist(), (lng, lat, k, radius_m, where)
        assert np.all(np.abs(distances - exact) <= 1e-7 + 2.2e-17 * exact**3)


def _positions(town: Columns, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Half near a shop, a quarter exactly on one, the rest anywhere among them."""
    chosen = rng.integers(0, len(town.lngs), count)
    lngs, lats = town.lngs[chosen].copy(), town.lats[chosen].copy()
    near = rng.random(count) < 0.5
    for i in np.flatnonzero(near).tolist():
        lng, lat = scattered(lngs[i], lats[i], 1, 300, rng)
        lngs[i], lats[i] = lng[0], lat[0]
    among = ~near & (rng.random(count) < 0.5)
    other = rng.integers(0, len(town.lngs), count)
    same_side = np.abs(lngs - town.lngs[other]) < 180
    mix = among & same_side
    lngs[mix] = (lngs[mix] + town.lngs[other][mix]) / 2
    lats[mix] = (lats[mix] + town.lats[other][mix]) / 2
    return lngs, lats


def _filter(town: Columns, number: int) -> tuple[ShopFilter, np.ndarray | None]:
    leaf, group = number % 60, number % 12
    members = np.flatnonzero(town.leaves % 3 == 0).astype(np.int32)
    match number % 5:
        case 0:
            return EVERY_SHOP, None
        case 1:
            return ShopFilter(leaf=leaf), town.leaves == leaf
        case 2:
            return ShopFilter(group=group), GROUPS[town.leaves] == group
        case 3:
            return ShopFilter(members=members), town.leaves % 3 == 0
        case _:
            return ShopFilter(members=members, group=group), (town.leaves % 3 == 0) & (
                GROUPS[town.leaves] == group
            )


def test_the_oracle_itself_agrees_with_geodesics_to_every_shop() -> None:
    town = around(24.94, 60.17, 500, 3_000)
    rng = np.random.default_rng(9)
    for lng, lat in zip(*scattered(24.94, 60.17, 300, 3_000, rng), strict=True):
        quick = oracle.nearest(lng, lat, town.lngs, town.lats, town.ids, 10, 2_000.0)
        plain = oracle.nearest(lng, lat, town.lngs, town.lats, town.ids, 10, 2_000.0, sphere_first=False)
        assert quick[0].tolist() == plain[0].tolist()


@pytest.mark.parametrize(
    "name", ["a generated town", "shops on a grid", "the antimeridian", "the whole Earth"]
)
def test_a_batch_gives_what_single_questions_give(name: str) -> None:
    town = _TOWNS[name][0]()
    index = town.index()
    lngs, lats = _positions(town, 400, np.random.default_rng(5))
    for where in (
        EVERY_SHOP,
        ShopFilter(leaf=7),
        ShopFilter(group=2),
        ShopFilter(members=np.arange(50, dtype=np.int32)),
    ):
        slots, distances = index.nearest_many(lngs, lats, 9, radius_m=2_000.0, where=where)
        for q in range(400):
            alone, metres = index.nearest(LngLat(lngs[q], lats[q]), 9, radius_m=2_000.0, where=where)
            assert slots[q, : len(alone)].tolist() == alone.tolist()
            assert slots[q, len(alone) :].tolist() == [-1] * (9 - len(alone))
            assert distances[q, : len(alone)] == pytest.approx(metres, abs=1e-6)


@pytest.mark.parametrize("name", ["a generated town", "shops on a grid", "the antimeridian"])
def test_pages_put_together_are_the_whole_list(name: str) -> None:
    town = _TOWNS[name][0]()
    index = town.index()
    lngs, lats = _positions(town, 20, np.random.default_rng(6))
    for lng, lat in zip(lngs.tolist(), lats.tolist(), strict=True):
        here = LngLat(lng, lat)
        whole, _ = oracle.nearest(lng, lat, town.lngs, town.lats, town.ids, len(town.lngs), 900.0)
        pages: list[int] = []
        after = None
        while True:
            slots, _ = index.nearest(here, 7, radius_m=900.0, after=after)
            if len(slots) == 0:
                break
            pages += slots.tolist()
            last = slots[-1]
            exact = oracle.geodesics_m(lng, lat, town.lngs[last : last + 1], town.lats[last : last + 1])[0]
            after = After(float(exact), float(town.ranks[last]))
        assert pages == whole.tolist()


@pytest.mark.parametrize("name", ["a generated town", "shops on a grid"])
def test_open_shops_are_found_as_if_the_others_were_not_there(name: str) -> None:
    """Hours are evaluated when a question first needs them, also far down a list and on later pages."""
    town = _TOWNS[name][0]()
    index = town.index()
    rng = np.random.default_rng(8)
    rows = [
        OpeningHours(text)
        for text in ("Mo 09:00-17:00", "Tu 09:00-17:00", None, "24/7", "Mo-Su 12:00-13:00", "off")
    ]
    hours = rng.choice(len(rows), len(town.lngs), p=[0.3, 0.3, 0.1, 0.01, 0.2, 0.09]).astype(np.int32)
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    lngs, lats = _positions(town, 60, rng)
    for i, (lng, lat) in enumerate(zip(lngs.tolist(), lats.tolist(), strict=True)):
        when = monday + timedelta(hours=int(rng.integers(0, 48)))
        opening = OpeningTable(hours, rows).at(when)
        where, counts = _filter(town, i)
        is_open = np.array([row.state_at(when) is OpenState.OPEN for row in rows])[hours]
        counts = is_open if counts is None else counts & is_open
        where = replace(where, opening=opening)
        expected, exact = oracle.nearest(lng, lat, town.lngs, town.lats, town.ids, 30, 4_000.0, counts)
        here = LngLat(lng, lat)
        assert index.nearest(here, 30, radius_m=4_000.0, where=where)[0].tolist() == expected.tolist()
        batch, _ = index.nearest_many(lngs[i : i + 1], lats[i : i + 1], 30, radius_m=4_000.0, where=where)
        assert batch[0][batch[0] >= 0].tolist() == expected.tolist()
        if len(expected) > 5:
            after = After(float(exact[4]), float(town.ranks[expected[4]]))
            paged = index.nearest(here, 25, radius_m=4_000.0, where=where, after=after)[0]
            assert paged.tolist() == expected[5:30].tolist()
        inside = oracle.geodesics_m(lng, lat, town.lngs, town.lats) <= 500
        assert index.count_within(here, 500.0, where=where) == int((inside & counts).sum())


def test_the_rim_of_the_radius_is_inside_to_the_last_bit() -> None:
    town = around(24.94, 60.17, 400, 2_000)
    index = town.index()
    here = LngLat(24.94, 60.17)
    for slot, distance in enumerate(oracle.geodesics_m(24.94, 60.17, town.lngs, town.lats).tolist()):
        assert slot in index.nearest(here, 400, radius_m=distance)[0]
        assert slot not in index.nearest(here, 400, radius_m=float(np.nextafter(distance, 0)))[0]


def test_counting_agrees_with_measuring_every_shop() -> None:
    town = around(24.94, 60.17, 1_000, 2_000)
    index = town.index()
    for radius_m in (0.5, 30.0, 700.0, 1_999.0, 1e6):
        inside = oracle.geodesics_m(24.94, 60.17, town.lngs, town.lats) <= radius_m
        assert index.count_within(LngLat(24.94, 60.17), radius_m) == int(inside.sum())
        by_leaf = index.count_within(LngLat(24.94, 60.17), radius_m, where=ShopFilter(leaf=3))
        assert by_leaf == int((inside & (town.leaves == 3)).sum())


def test_an_empty_town_has_nothing_near() -> None:
    index: NearestShops = columns(np.empty(0), np.empty(0)).index()
    assert index.nearest(LngLat(0, 0), 5)[0].tolist() == []
    assert index.nearest_many(np.zeros(2), np.zeros(2), 3)[0].tolist() == [[-1, -1, -1], [-1, -1, -1]]
    assert index.count_within(LngLat(0, 0), 1e6) == 0


def test_ten_thousand_shops_at_one_point_come_in_the_order_of_their_ids() -> None:
    town = columns(np.full(10_000, 138.568), np.full(10_000, 35.664))
    slots, distances = town.index().nearest(LngLat(138.57, 35.664), 20)
    assert town.ids[slots].tolist() == sorted(town.ids)[:20]
    assert len(set(distances.tolist())) == 1


_DEGREES = st.floats(-180, 180), st.floats(-90, 90)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(*_DEGREES), min_size=1, max_size=30), st.tuples(*_DEGREES), st.integers(1, 31))
def test_any_places_on_the_earth(
    places: list[tuple[float, float]], here: tuple[float, float], k: int
) -> None:
    town = columns(np.array([lng for lng, _ in places]), np.array([lat for _, lat in places]))
    slots, _ = town.index().nearest(LngLat(*here), k)
    expected, _ = oracle.nearest(*here, town.lngs, town.lats, town.ids, k, ANYWHERE_M, sphere_first=False)
    assert slots.tolist() == expected.tolist()
