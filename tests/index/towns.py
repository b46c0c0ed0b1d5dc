"""Shops as bare columns for tests of the index: generated ones, and real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo_offers.index.cells import FINEST, cells_at
from geo_offers.index.nearest import NearestShops

LEAVES = 60
GROUPS = (np.arange(LEAVES) // 5).astype(np.uint8)


@dataclass(frozen=True)
class Columns:
    """n shops in slot order; ids are in no order."""

    lngs: NDArray[np.float64]
    lats: NDArray[np.float64]
    cells: NDArray[np.int64]
    leaves: NDArray[np.uint8]
    ids: NDArray[np.str_]
    ranks: NDArray[np.int32]

    def index(self) -> NearestShops:
        return NearestShops(
            self.lngs, self.lats, cells=self.cells, ranks=self.ranks, leaves=self.leaves, groups=GROUPS
        )


def columns(lngs: NDArray[np.float64], lats: NDArray[np.float64], seed: int = 1) -> Columns:
    """Shops at these places, with categories and ids by chance."""
    rng = np.random.default_rng(seed)
    cells = cells_at(lngs, lats, FINEST)
    order = np.argsort(cells, kind="stable")
    ids = np.array([f"shop-{number:06d}" for number in rng.permutation(len(lngs))])
    ranks = np.empty(len(ids), np.int32)
    ranks[np.argsort(ids)] = np.arange(len(ids), dtype=np.int32)
    leaves = rng.integers(0, LEAVES, len(lngs)).astype(np.uint8)
    return Columns(lngs[order], lats[order], cells[order], leaves, ids, ranks)


def around(lng: float, lat: float, count: int, spread_m: float, seed: int = 1) -> Columns:
    """Shops in a disc anywhere on the Earth, poles and antimeridian too."""
    lngs, lats = scattered(lng, lat, count, spread_m, np.random.default_rng(seed))
    return columns(lngs, lats, seed)


def scattered(
    lng: float, lat: float, count: int, spread_m: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places in a disc, laid out with geodesics from its centre."""
    import pyproj

    lngs, lats, _ = pyproj.Geod(ellps="WGS84").fwd(
        np.full(count, lng),
        np.full(count, lat),
        rng.uniform(-180, 180, count),
        spread_m * np.sqrt(rng.random(count)),
    )
    return np.asarray(lngs), np.asarray(lats)
