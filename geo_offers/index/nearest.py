"""Nearest shops, exactly: by chords through the Earth where they prove the order, by geodesics where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.place import LngLat
from geo_offers.index.geodesic import geodesics_m
from geo_offers.index.opening_table import OpeningAt
from geo_offers.kernels import cell_tree
from geo_offers.kernels.distance import (
    ecef,
    greatest_chord_m,
    greatest_geodesic_m,
    least_chord_m,
    likely_geodesics_m,
    surely_within_chord_m,
)

Slots = NDArray[np.int32]
Metres = NDArray[np.float64]
Tree = tuple[NDArray[np.float64], Slots, NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]]

#: No two points of the Earth are farther apart.
ANYWHERE_M = 20_040_000.0
_NO_HOURS = (np.empty(0, np.int32), np.empty(0, np.uint8))
_NOTHING_NEAR = (np.empty(0, np.int32), np.empty(0))


@dataclass(frozen=True, slots=True)
class ShopFilter:
    """Which shops count.

    leaf, group  at most one of them: a category, by its number
    members      int32[m] or None: only these slots, ascending (a district's shops)
    opening      only shops that are surely open then
    """

    leaf: int | None = None
    group: int | None = None
    members: Slots | None = None
    opening: OpeningAt | None = None


EVERY_SHOP = ShopFilter()


@dataclass(frozen=True, slots=True)
class After:
    """Where the page before ended: only shops that are farther count, or as far with a greater id rank."""

    distance_m: float
    rank: float


class _Candidates(Protocol):
    """Where candidates come from; chords are in metres, `here` is float64[1, 3]."""

    def top(self, here: NDArray[np.float64], k: int, low: float, high: float) -> tuple[Slots, Metres]:
        """The k with the shortest chords, by chord, then rank; opening hours not yet evaluated count as open."""

    def between(self, here: NDArray[np.float64], low: float, high: float) -> Slots:
        """All whose chord is between low and high, in no order; opening hours do not matter."""


class NearestShops:
    """Exact k-nearest over shops in slot order.

    lngs, lats   float64[n], degrees
    cells        int64[n], finest H3 cells, ascending
    ranks        int32[n], the order of the shops' ids: equal distances are told apart by it
    leaves       uint8[n], each shop's category leaf
    groups       uint8[number of leaves], each leaf's group

    There is one tree for all shops, one for each leaf and one for each group, so that a category is the choice of a
    root and makes a question cheaper, never dearer.
    """

    def __init__(
        self,
        lngs: NDArray[np.float64],
        lats: NDArray[np.float64],
        *,
        cells: NDArray[np.int64],
        ranks: NDArray[np.int32],
        leaves: NDArray[np.uint8],
        groups: NDArray[np.uint8],
    ) -> None:
        self._lngs = lngs
        self._lats = lats
        self._xyz = ecef(lngs, lats)
        self._ranks = ranks
        self._leaves = leaves
        self._groups = groups
        balls, spans = cell_tree.build(cells, self._xyz, np.array([0, len(lngs)]))
        self._all: Tree = (self._xyz, np.arange(len(lngs), dtype=np.int32), ranks, balls, spans)
        self._by_leaf = self._planted(cells, leaves, len(groups))
        self._by_group = self._planted(cells, groups[leaves], int(groups.max(initial=0)) + 1)

    def _planted(self, cells: NDArray[np.int64], column: NDArray[np.uint8], kinds: int) -> Tree:
        """One tree for each value of a column; value v has root v."""
        slots = np.argsort(column, kind="stable").astype(np.int32)
        points = self._xyz[slots]
        balls, spans = cell_tree.build(
            cells[slots], points, np.searchsorted(column[slots], np.arange(kinds + 1))
        )
        return points, slots, self._ranks, balls, spans

    @property
    def xyz(self) -> NDArray[np.float64]:
        """Where the shops are in Earth-centred metres, float64[n, 3], by slot."""
        return self._xyz

    @property
    def whole(self) -> tuple[Tree, int, NDArray[np.float64], tuple[NDArray[np.int32], NDArray[np.uint8]]]:
        """Every shop, whatever its hours, as `cell_tree.nearest_one` wants it: (tree, root, xyz, opening)."""
        return self._all, 0, self._xyz, _NO_HOURS

    def __len__(self) -> int:
        return len(self._lngs)

    @property
    def nbytes(self) -> int:
        """Memory of the index beside the shops' own columns."""
        trees = (self._all, self._by_leaf, self._by_group)
        return self._ranks.nbytes + sum(
            part.nbytes for tree in trees for part in (tree[0], tree[1], tree[3], tree[4])
        )

    def nearest(
        self,
        at: LngLat,
        k: int,
        *,
        radius_m: float = ANYWHERE_M,
        where: ShopFilter = EVERY_SHOP,
        after: After | None = None,
    ) -> tuple[Slots, Metres]:
        """The k nearest shops within a radius (its rim is inside), by geodesic distance, then id.

        Gives (slots int32[j], distances float64[j] in metres), j <= k. The order is exact; a distance is within
        1e-7 m of the geodesic up to 1 km and within 0.02 m up to 100 km.
        """
        if after is None:
            quick = self.at_once(at, k, radius_m=radius_m, where=where)
            if quick is not None:
                return quick
        candidates = self._candidates(where)
        here = ecef(np.array([at.lng]), np.array([at.lat]))
        low = least_chord_m(after.distance_m) if after else 0.0
        high = greatest_chord_m(radius_m)
        asked = k
        while True:
            slots, chords = candidates.top(here, asked + 1, low, high)
            if where.opening is not None and where.opening.evaluate(slots):
                continue  # some of them may be shut
            if after is None and self._proven(slots, chords, radius_m):
                return slots[:k], likely_geodesics_m(chords[:k])
            complete = len(slots) <= asked
            sure_m = ANYWHERE_M if complete else greatest_geodesic_m(float(chords[asked - 1]))
            reach = min(high, greatest_chord_m(sure_m))
            slots, distances = self._measured(
                at, candidates.between(here, low, reach), radius_m, where.opening, after
            )
            # Up to sure_m nobody is missing; beyond it the list may have gaps.
            if complete or radius_m <= sure_m or (len(slots) >= k and distances[k - 1] <= sure_m):
                return slots[:k], distances[:k]
            asked *= 4

    def at_once(
        self, at: LngLat, k: int, *, radius_m: float = ANYWHERE_M, where: ShopFilter = EVERY_SHOP
    ) -> tuple[Slots, Metres] | None:
        """The same by one call of a kernel; None where chords do not prove the order, and for a list of members."""
        if where.members is not None:
            return None
        tree, root = self._tree_of(where)
        if len(tree[1]) == 0:
            return _NOTHING_NEAR
        lng, lat = float(at.lng), float(at.lat)
        high, sure = greatest_chord_m(radius_m), surely_within_chord_m(radius_m)
        while True:
            hours = _hours_of(where.opening)
            proven, slots, distances = cell_tree.nearest_one(
                tree, root, self._xyz, lng, lat, high, sure, hours, k
            )
            if where.opening is None or not where.opening.evaluate(slots):
                return (slots, distances) if proven else None

    def nearest_many(
        self,
        lngs: NDArray[np.float64],
        lats: NDArray[np.float64],
        k: int,
        *,
        radius_m: float = ANYWHERE_M,
        where: ShopFilter = EVERY_SHOP,
    ) -> tuple[Slots, Metres]:
        """The same for m positions: (slots int32[m, k], distances float64[m, k]); -1 and infinity behind the last."""
        m = len(lngs)
        positions = ecef(lngs, lats)
        slots = np.full((m, k + 1), cell_tree.NO_SLOT, np.int32)
        chords = np.full((m, k + 1), np.inf)
        found = np.empty(m, np.int32)
        doubtful = np.ones(m, np.bool_)
        if where.members is None:
            tree, root = self._tree_of(where)
            lows, highs = np.zeros(m), np.full(m, greatest_chord_m(radius_m))
            while True:
                opening = _hours_of(where.opening)
                cell_tree.nearest_many(tree, root, positions, lows, highs, opening, slots, chords, found)
                if where.opening is None or not where.opening.evaluate(slots[slots >= 0]):
                    break
            sure = surely_within_chord_m(radius_m)
            cell_tree.doubtful_many(self._xyz, slots, chords, found, sure, doubtful)
        distances = likely_geodesics_m(chords[:, :k])
        slots = slots[:, :k]
        for q in np.flatnonzero(doubtful).tolist():
            at = LngLat(float(lngs[q]), float(lats[q]))
            exact_slots, exact = self.nearest(at, k, radius_m=radius_m, where=where)
            slots[q] = cell_tree.NO_SLOT
            distances[q] = np.inf
            slots[q, : len(exact)] = exact_slots
            distances[q, : len(exact)] = exact
        return slots, distances

    def count_within(self, at: LngLat, radius_m: float, *, where: ShopFilter = EVERY_SHOP) -> int:
        """How many shops are within a radius; its rim is inside."""
        here = ecef(np.array([at.lng]), np.array([at.lat]))
        candidates = self._candidates(where)
        slots = candidates.between(here, 0.0, greatest_chord_m(radius_m))
        if where.opening is not None:
            slots = slots[where.opening.is_open(slots)]
        chords = np.sqrt(((self._xyz[slots] - here) ** 2).sum(axis=1))
        inside = chords <= surely_within_chord_m(radius_m)
        rim = slots[~inside]
        return int(inside.sum() + (geodesics_m(at, self._lngs[rim], self._lats[rim]) <= radius_m).sum())

    def _tree_of(self, where: ShopFilter) -> tuple[Tree, int]:
        if where.leaf is not None:
            return self._by_leaf, where.leaf
        if where.group is not None:
            return self._by_group, where.group
        return self._all, 0

    def _candidates(self, where: ShopFilter) -> _Candidates:
        if where.members is None:
            return _FromTree(*self._tree_of(where), where.opening)
        slots = where.members
        if where.leaf is not None:
            slots = slots[self._leaves[slots] == where.leaf]
        elif where.group is not None:
            slots = slots[self._groups[self._leaves[slots]] == where.group]
        if where.opening is not None:
            slots = slots[where.opening.is_open(slots)]
        return _FromList(slots, self._xyz[slots], self._ranks[slots])

    def _proven(self, slots: Slots, chords: Metres, radius_m: float) -> bool:
        doubtful = np.empty(1, np.bool_)
        found = np.array([len(slots)], np.int32)
        sure = surely_within_chord_m(radius_m)
        cell_tree.doubtful_many(self._xyz, slots[np.newaxis], chords[np.newaxis], found, sure, doubtful)
        return not doubtful[0]

    def _measured(
        self, at: LngLat, slots: Slots, radius_m: float, opening: OpeningAt | None, after: After | None
    ) -> tuple[Slots, Metres]:
        """Candidates with their geodesics, in order, without those that do not count."""
        if opening is not None:
            slots = slots[opening.is_open(slots)]
        distances = geodesics_m(at, self._lngs[slots], self._lats[slots])
        ranks = self._ranks[slots]
        counts = distances <= radius_m
        if after is not None:
            counts &= (distances > after.distance_m) | (
                (distances == after.distance_m) & (ranks > after.rank)
            )
        slots, distances, ranks = slots[counts], distances[counts], ranks[counts]
        order = np.lexsort((ranks, distances))
        return slots[order], distances[order]


@dataclass(frozen=True, slots=True)
class _FromTree:
    tree: Tree
    root: int
    opening: OpeningAt | None

    def top(self, here: NDArray[np.float64], k: int, low: float, high: float) -> tuple[Slots, Metres]:
        room = min(k, len(self.tree[1]))
        slots = np.empty((1, room), np.int32)
        chords = np.empty((1, room))
        found = np.empty(1, np.int32)
        if room == 0:
            return slots[0], chords[0]
        lows, highs, opening = np.array([low]), np.array([high]), _hours_of(self.opening)
        cell_tree.nearest_many(self.tree, self.root, here, lows, highs, opening, slots, chords, found)
        return slots[0, : found[0]], chords[0, : found[0]]

    def between(self, here: NDArray[np.float64], low: float, high: float) -> Slots:
        out = np.empty(256, np.int32)
        count = cell_tree.within(self.tree, self.root, here[0], low, high, out)
        if count > len(out):
            out = np.empty(count, np.int32)
            cell_tree.within(self.tree, self.root, here[0], low, high, out)
        return out[:count]


@dataclass(frozen=True, slots=True)
class _FromList:
    slots: Slots
    xyz: NDArray[np.float64]
    ranks: NDArray[np.int32]

    def _chords(self, here: NDArray[np.float64], low: float, high: float) -> tuple[NDArray[np.intp], Metres]:
        chords = np.sqrt(((self.xyz - here) ** 2).sum(axis=1))
        at = np.flatnonzero((chords >= low) & (chords <= high))
        return at, chords[at]

    def top(self, here: NDArray[np.float64], k: int, low: float, high: float) -> tuple[Slots, Metres]:
        at, chords = self._chords(here, low, high)
        order = np.lexsort((self.ranks[at], chords))[:k]
        return self.slots[at[order]], chords[order]

    def between(self, here: NDArray[np.float64], low: float, high: float) -> Slots:
        at, _ = self._chords(here, low, high)
        return self.slots[at]


def _hours_of(opening: OpeningAt | None) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    return _NO_HOURS if opening is None else (opening.hours, opening.states)
