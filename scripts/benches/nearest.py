"""Nearest 20 shops within 1 km, with a category filter: ours beside shapely's STRtree and scipy's cKDTree.

All answer the same question: the 20 nearest of one category by geodesic distance. The peers find candidates with
their own index, filter by category, measure with pyproj and sort; each gets the arrays it likes best, made before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import pyproj
import scipy.spatial
import shapely
from numpy.typing import NDArray

from geo_offers.domain.categories import LEAF_INDEX
from geo_offers.domain.place import LngLat
from geo_offers.index.cells import FINEST, cells_at
from geo_offers.index.nearest import EVERY_SHOP, NearestShops, ShopFilter
from geo_offers.index.snapshot import LEAF_GROUPS
from geo_offers.kernels.distance import ecef, greatest_chord_m
from scripts.benches._city import City, city, positions
from scripts.benches.report import Case, Report, seconds, singles

K = 20
RADIUS_M = 1_000.0
CATEGORY = "food.cafe"
Degrees = NDArray[np.float64]
Rows = NDArray[np.intp]
Asked = tuple[Degrees, Degrees, int]
_GEOD = pyproj.Geod(ellps="WGS84")


class Peer(ABC):
    """Finds pairs of (position, shop) with an index of its own; the rest is the same for all, in whole arrays."""

    def __init__(self, town: City, leaf: int) -> None:
        self.town = town
        self.leaf = leaf

    @abstractmethod
    def pairs(self, lngs: Degrees, lats: Degrees) -> tuple[Rows, Rows]:
        """Candidates: which position, which shop."""

    def ask(self, lngs: Degrees, lats: Degrees) -> tuple[Rows, Rows]:
        """The answers, back to back: which position, which shop; nearest first within a position."""
        at, rows = self.pairs(lngs, lats)
        wanted = self.town.leaves[rows] == self.leaf
        at, rows = at[wanted], rows[wanted]
        metres = np.asarray(_GEOD.inv(lngs[at], lats[at], self.town.lngs[rows], self.town.lats[rows])[2])
        inside = metres <= RADIUS_M
        at, rows, metres = at[inside], rows[inside], metres[inside]
        order = np.lexsort((self.town.ranks[rows], metres, at))
        at, rows = at[order], rows[order]
        place = np.arange(len(at)) - np.searchsorted(at, at)
        return at[place < K], rows[place < K]


class StrTree(Peer):
    """A box that surely holds the radius, for every position."""

    def __init__(self, town: City, leaf: int) -> None:
        super().__init__(town, leaf)
        self.tree = shapely.STRtree(shapely.points(town.lngs, town.lats))

    def pairs(self, lngs: Degrees, lats: Degrees) -> tuple[Rows, Rows]:
        north = RADIUS_M / 110_500
        east = RADIUS_M / (111_000 * np.cos(np.radians(np.abs(lats) + north)))
        at, rows = self.tree.query(shapely.box(lngs - east, lats - north, lngs + east, lats + north))
        return at, rows


class KdTree(Peer):
    """A ball through the Earth; all shops in one tree, the category filtered afterwards."""

    def __init__(self, town: City, leaf: int) -> None:
        super().__init__(town, leaf)
        self.tree = scipy.spatial.cKDTree(ecef(town.lngs, town.lats))

    def pairs(self, lngs: Degrees, lats: Degrees) -> tuple[Rows, Rows]:
        found = self.tree.query_ball_point(ecef(lngs, lats), greatest_chord_m(RADIUS_M))
        return np.repeat(np.arange(len(lngs)), [len(rows) for rows in found]), np.concatenate(found).astype(
            np.intp
        )


class KdTreeOfCategory(Peer):
    """The best a cKDTree can do: a tree of the one category that will be asked, made beforehand."""

    def __init__(self, town: City, leaf: int) -> None:
        super().__init__(town, leaf)
        self.rows = np.flatnonzero(town.leaves == leaf)
        self.tree = scipy.spatial.cKDTree(ecef(town.lngs[self.rows], town.lats[self.rows]))

    def pairs(self, lngs: Degrees, lats: Degrees) -> tuple[Rows, Rows]:
        here = ecef(lngs, lats)
        chords, found = self.tree.query(here, k=K + 1, distance_upper_bound=greatest_chord_m(RADIUS_M))
        at, place = np.nonzero(np.isfinite(chords))
        return at, self.rows[found[at, place]]


def run(report: Report, *, quick: bool) -> None:
    count = 100_000 if quick else 1_000_000
    asked = 20_000 if quick else 200_000
    town = city(count)
    report.note(
        f"{count:,} generated shops in 40 x 40 km (70 % clustered), {asked:,} positions, 80 % near a shop"
    )
    leaf = LEAF_INDEX[CATEGORY]
    group = int(LEAF_GROUPS[leaf])
    members = int((town.leaves == leaf).sum())
    report.note(
        f"question: {K} nearest within {RADIUS_M:,.0f} m; filter {CATEGORY} ({members:,} shops) unless said"
    )
    index = _measure_build(report, town, quick=quick)
    lngs, lats = positions(town, asked)
    places = [LngLat(lng, lat) for lng, lat in zip(lngs[:5_000].tolist(), lats[:5_000].tolist(), strict=True)]
    ours_us = _measure_single(report, index, places, leaf, group)
    rate = _measure_batch(report, index, lngs, lats, leaf, group)
    peers = (
        ("shapely STRtree + filter", StrTree(town, leaf), 5.0),
        ("scipy cKDTree + filter", KdTree(town, leaf), 10.0),
        ("scipy cKDTree of this category", KdTreeOfCategory(town, leaf), None),
    )
    _measure_peers(report, index, peers, (lngs[:2_000], lats[:2_000], leaf), (ours_us, rate))


def _measure_build(report: Report, town: City, *, quick: bool) -> NearestShops:
    index = town.index()  # compiles what is not compiled yet
    shuffled = np.random.default_rng(1).permutation(len(town.lngs))
    lngs, lats = town.lngs[shuffled], town.lats[shuffled]

    def build() -> None:
        cells = cells_at(lngs, lats, FINEST)
        order = np.argsort(cells, kind="stable")
        columns = lngs[order], lats[order]
        town_columns = {"ranks": town.ranks, "leaves": town.leaves[shuffled][order], "groups": LEAF_GROUPS}
        NearestShops(*columns, cells=cells[order], **town_columns)

    took = seconds(build)
    value = f"{took:.2f} s with cells and sorting"
    report.add(Case("index build", value=value, target="<= 5 s", met=None if quick else took <= 5))
    size = index.nbytes / len(index)
    report.add(Case("index size", value=f"{size:.0f} bytes a shop", target="<= 150", met=size <= 150))
    return index


def _measure_single(
    report: Report, index: NearestShops, places: list[LngLat], leaf: int, group: int
) -> float:
    filters = {
        "a category": ShopFilter(leaf=leaf),
        "a group": ShopFilter(group=group),
        "no filter": EVERY_SHOP,
    }
    ours = 0.0
    for name, where in filters.items():
        index.nearest(places[0], K, radius_m=RADIUS_M, where=where)
        median, p99 = singles(
            lambda i, where=where: index.nearest(places[i], K, radius_m=RADIUS_M, where=where), len(places)
        )
        target = {"a category": "<= 40 µs"}.get(name, "")
        report.add(
            Case(
                f"ours, one by one, {name}", median, p99, target=target, met=median <= 40 if target else None
            )
        )
        ours = ours or median
    return ours


def _measure_batch(
    report: Report,
    index: NearestShops,
    lngs: NDArray[np.float64],
    lats: NDArray[np.float64],
    leaf: int,
    group: int,
) -> float:
    filters = {
        "a category": ShopFilter(leaf=leaf),
        "a group": ShopFilter(group=group),
        "no filter": EVERY_SHOP,
    }
    ours = 0.0
    for name, where in filters.items():
        took = seconds(
            lambda where=where: index.nearest_many(lngs, lats, K, radius_m=RADIUS_M, where=where), 2
        )
        rate = len(lngs) / took
        target = {"a category": ">= 300,000 /s"}.get(name, "")
        report.add(
            Case(f"ours, batch, {name}", rate=rate, target=target, met=rate >= 300_000 if target else None)
        )
        ours = ours or rate
    return ours


def _measure_peers(
    report: Report,
    index: NearestShops,
    peers: Sequence[tuple[str, Peer, float | None]],
    asked: Asked,
    ours: tuple[float, float],
) -> None:
    our_us, our_rate = ours
    lngs, lats, leaf = asked
    expected, _ = index.nearest_many(lngs, lats, K, radius_m=RADIUS_M, where=ShopFilter(leaf=leaf))
    for name, peer, wanted in peers:
        at, rows = peer.ask(lngs, lats)
        theirs = np.full_like(expected, -1)
        theirs[at, np.arange(len(at)) - np.searchsorted(at, at)] = rows
        agree = int((theirs == expected).all(axis=1).sum())
        median, p99 = singles(
            lambda i, peer=peer: peer.ask(lngs[i : i + 1], lats[i : i + 1]), min(1_000, len(lngs))
        )
        rate = len(lngs) / seconds(lambda peer=peer: peer.ask(lngs, lats))
        report.add(
            Case(
                name,
                median,
                p99,
                rate=rate,
                value=f"same answer in {agree:,} of {len(lngs):,}",
                target=f"we are >= {wanted:.0f} x in batch" if wanted else "",
                met=our_rate / rate >= wanted if wanted else None,
                ratio=f"we are {median / our_us:.1f} x one by one, {our_rate / rate:.1f} x in batch",
            )
        )
