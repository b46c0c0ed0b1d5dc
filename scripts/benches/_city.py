"""A generated city of any size for measurements: 40 by 40 km, most shops in clusters, some anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.categories import LEAVES
from geo_offers.index.cells import FINEST, cells_at
from geo_offers.index.nearest import NearestShops
from geo_offers.index.snapshot import LEAF_GROUPS

CENTRE = (121.47, 31.23)
_HALF_M = 20_000.0
_M_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class City:
    """Shops in slot order (ascending by cell), with ids that are not in that order."""

    lngs: NDArray[np.float64]
    lats: NDArray[np.float64]
    cells: NDArray[np.int64]
    leaves: NDArray[np.uint8]
    ranks: NDArray[np.int32]

    def index(self) -> NearestShops:
        return NearestShops(
            self.lngs, self.lats, cells=self.cells, ranks=self.ranks, leaves=self.leaves, groups=LEAF_GROUPS
        )


def _degrees(
    east_m: NDArray[np.float64], north_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lats = CENTRE[1] + north_m / _M_PER_DEGREE
    return CENTRE[0] + east_m / (_M_PER_DEGREE * np.cos(np.radians(CENTRE[1]))), lats


def points(count: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`count` places of shops: 70 % in clusters of 300 m, 30 % anywhere."""
    clusters = rng.uniform(-_HALF_M, _HALF_M, (max(8, count // 1_000), 2))
    at = clusters[rng.integers(0, len(clusters), count)] + rng.normal(0, 300, (count, 2))
    anywhere = rng.random(count) < 0.3
    at[anywhere] = rng.uniform(-_HALF_M, _HALF_M, (int(anywhere.sum()), 2))
    at = np.clip(at, -_HALF_M, _HALF_M)
    return _degrees(at[:, 0], at[:, 1])


def city(count: int, seed: int = 7) -> City:
    """A city with `count` shops; leaves are as unequal as in life (Zipf)."""
    rng = np.random.default_rng(seed)
    lngs, lats = points(count, rng)
    weights = 1 / np.arange(1, len(LEAVES) + 1) ** 0.7
    leaves = rng.choice(len(LEAVES), count, p=weights / weights.sum()).astype(np.uint8)
    cells = cells_at(lngs, lats, FINEST)
    order = np.argsort(cells, kind="stable")
    ranks = rng.permutation(count).astype(np.int32)
    return City(lngs[order], lats[order], cells[order], leaves[order], ranks)


def positions(town: City, count: int, seed: int = 11) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where visitors stand: 80 % within some 100 m of a shop, 20 % anywhere."""
    rng = np.random.default_rng(seed)
    near = rng.integers(0, len(town.lngs), count)
    east, north = rng.normal(0, 100, (2, count))
    lngs, lats = _degrees(east, north)
    lngs, lats = town.lngs[near] + lngs - CENTRE[0], town.lats[near] + lats - CENTRE[1]
    anywhere = rng.random(count) < 0.2
    stray = rng.uniform(-_HALF_M, _HALF_M, (2, int(anywhere.sum())))
    lngs[anywhere], lats[anywhere] = _degrees(stray[0], stray[1])
    return lngs, lats
