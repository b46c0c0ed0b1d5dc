"""The compiled loops against their plain twins."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest

from geo_offers.kernels import cell_tree, distance, reference
from tests.index.towns import Columns, around


@pytest.fixture(scope="module")
def town() -> Columns:
    return around(-179.99, 66.0, 700, 3_000)


def _tree(town: Columns) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    xyz = distance.ecef(town.lngs, town.lats)
    balls, spans = cell_tree.build(town.cells, xyz, np.array([0, len(xyz)]))
    return xyz, (xyz, np.arange(len(xyz), dtype=np.int32), town.ranks, balls, spans)


def test_earth_centred_coordinates(town: Columns) -> None:
    xyz = distance.ecef(town.lngs, town.lats)
    for i in range(len(xyz)):
        assert xyz[i].tolist() == pytest.approx(reference.to_ecef(town.lngs[i], town.lats[i]), abs=2e-9)


def test_nearest_and_within(town: Columns) -> None:
    xyz, tree = _tree(town)
    points, ranks = xyz.tolist(), town.ranks.tolist()
    no_hours = (np.empty(0, np.int32), np.empty(0, np.uint8))
    for q in range(0, 700, 23):
        here = xyz[q] + 3.0
        for low, high, k in ((0.0, 1e7, 11), (200.0, 900.0, 30), (0.0, 1.0, 5)):
            slots, chords, found = np.empty((1, k), np.int32), np.empty((1, k)), np.empty(1, np.int32)
            limits = np.array([low]), np.array([high])
            cell_tree.nearest_many(tree, 0, here[np.newaxis], *limits, no_hours, slots, chords, found)
            expected = reference.nearest(points, ranks, here.tolist(), low, high, k)
            assert slots[0, : found[0]].tolist() == expected
            out = np.empty(700, np.int32)
            count = cell_tree.within(tree, 0, here, low, high, out)
            assert sorted(out[:count].tolist()) == reference.within(points, here.tolist(), low, high)


def test_doubt(town: Columns) -> None:
    xyz = distance.ecef(town.lngs, town.lats)
    rng = np.random.default_rng(2)
    xyz[50:60] = xyz[50]  # one point
    xyz[60:70] = xyz[60] + rng.normal(0, 3e-8, (10, 3))  # hardly different points
    here = xyz[50] + 40.0
    for _ in range(300):
        chosen = rng.choice(np.r_[48:72], 5, replace=False)
        chords = np.sort(np.sqrt(((xyz[chosen] - here) ** 2).sum(axis=1)))
        slots = chosen[np.argsort(np.sqrt(((xyz[chosen] - here) ** 2).sum(axis=1)), kind="stable")]
        sure = float(rng.choice([1e4, chords[2]]))
        for room in (5, 6):
            out = np.empty(1, np.bool_)
            known = np.resize(slots, (1, room)).astype(np.int32), np.resize(chords, (1, room))
            cell_tree.doubtful_many(xyz, *known, np.array([5], np.int32), sure, out)
            plain = reference.doubtful(xyz.tolist(), slots.tolist(), chords.tolist(), sure, full=room == 5)
            assert bool(out[0]) == plain


def test_every_point_is_in_the_ball_of_its_node_and_of_no_other_branch(town: Columns) -> None:
    xyz, (_, _, _, balls, spans) = _tree(town)
    covered = np.zeros(len(xyz), int)
    for node in range(len(spans)):
        first, stop, child, children = spans[node]
        inside = np.sqrt(((xyz[first:stop] - balls[node, :3]) ** 2).sum(axis=1))
        assert inside.max() <= balls[node, 3]
        if children == 0:
            covered[first:stop] += 1
        else:
            assert spans[child, 0] == first
            assert spans[child + children - 1, 1] == stop
            assert (spans[child + 1 : child + children, 0] == spans[child : child + children - 1, 1]).all()
    assert (covered == 1).all()


def test_chords_bound_geodesics_from_both_sides() -> None:
    rng = np.random.default_rng(8)
    n = 200_000
    lats = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    lats[: n // 10] = 90 - rng.random(n // 10) / 100
    lats[n // 10 : n // 5] = (rng.random(n // 10) - 0.5) / 1_000
    lngs = rng.uniform(-180, 180, n)
    lengths = 10 ** rng.uniform(-3, 7.3, n)
    geod = pyproj.Geod(ellps="WGS84")
    far_lngs, far_lats, _ = geod.fwd(lngs, lats, rng.uniform(-180, 180, n), lengths)
    geodesics = np.asarray(geod.inv(lngs, lats, far_lngs, far_lats)[2])
    chords = np.sqrt(((distance.ecef(lngs, lats) - distance.ecef(far_lngs, far_lats)) ** 2).sum(axis=1))
    for geodesic, chord in zip(geodesics.tolist(), chords.tolist(), strict=True):
        assert distance.least_chord_m(geodesic) <= chord <= distance.greatest_chord_m(geodesic)
        assert geodesic <= distance.greatest_geodesic_m(chord)
        if chord <= distance.CHORD_DECIDES_M:
            likely = chord + chord**3 / (24 * distance.LEAST_RADIUS_M * distance.GREATEST_RADIUS_M)
            assert abs(likely - geodesic) <= 0.5 * distance.chord_gap_m(chord)
    assert math.isclose(distance.LEAST_RADIUS_M, 6_335_439.327, abs_tol=1e-3)
    assert math.isclose(distance.GREATEST_RADIUS_M, 6_399_593.626, abs_tol=1e-3)
