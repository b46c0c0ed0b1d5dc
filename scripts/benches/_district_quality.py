"""How well districts are found in towns where they are known: agreement of shops, of shapes, and ids that stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.districts.discovered import DiscoveredDistrict
from geo_offers.districts.discovery import discover
from geo_offers.domain.place import Shop
from scripts.benches._known_towns import KINDS, SEEDS, KnownTown, known_town, perturbed


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one town's quarters were found.

    found, known      how many districts
    rand              adjusted Rand index over all shops; stray shops are a class of their own
    overlap           mean over known districts of intersection over union with the best found one, each found once
    kept, kept_blind  share of districts whose id is on the matching district after 5 % of the shops changed: with
                      the previous districts at hand, and without
    """

    kind: str
    seed: int
    shops: int
    known: int
    found: int
    rand: float
    overlap: float
    kept: float
    kept_blind: float
    took_s: float


def quality(seeds: Sequence[int] = SEEDS, *, kinds: Sequence[str] = KINDS, again: int = 2) -> list[Quality]:
    """One row a town; ids are tried on `again` different changes of its shops."""
    return [_quality(known_town(kind, seed), again) for kind in kinds for seed in seeds]


def _quality(town: KnownTown, again: int) -> Quality:
    started = perf_counter()
    found = discover(town.shops)
    took_s = perf_counter() - started
    quarters = [district for district in found if district.level == "quarter"]
    changes = [perturbed(town, 1_000 + number) for number in range(again)]
    previous = [district.to_district() for district in found]
    return Quality(
        kind=town.kind,
        seed=town.seed,
        shops=len(town.shops),
        known=len(town.districts),
        found=len(quarters),
        rand=adjusted_rand(town.truth, labels(town.shops, quarters)),
        overlap=mean_overlap(town.districts, [quarter.shape for quarter in quarters]),
        kept=float(np.mean([ids_kept(found, discover(shops, previous=previous)) for shops in changes])),
        kept_blind=float(np.mean([ids_kept(found, discover(shops)) for shops in changes])),
        took_s=took_s,
    )


def labels(shops: Sequence[Shop], districts: Sequence[DiscoveredDistrict]) -> NDArray[np.int64]:
    """The number of each shop's district, -1 for none."""
    number_of = {shop: number for number, district in enumerate(districts) for shop in district.shop_ids}
    return np.array([number_of.get(shop.id, -1) for shop in shops])


def adjusted_rand(truth: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    """1 for the same partition, about 0 for one by chance (Hubert and Arabie, Comparing partitions, 1985)."""
    _, one = np.unique(truth, return_inverse=True)
    _, other = np.unique(found, return_inverse=True)
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    together = _pairs(table)
    rows, columns = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    chance = rows * columns / _pairs(np.array([len(truth)]))
    best = (rows + columns) / 2
    return 1.0 if best == chance else float((together - chance) / (best - chance))


def mean_overlap(known: Sequence[shapely.Geometry], found: Sequence[shapely.Geometry]) -> float:
    """The mean intersection over union of the known shapes with found ones, the strongest pairs first."""
    pairs = sorted(
        ((_overlap(one, other), i, j) for i, one in enumerate(known) for j, other in enumerate(found)),
        reverse=True,
    )
    matched: dict[int, float] = {}
    used: set[int] = set()
    for share, i, j in pairs:
        if i not in matched and j not in used:
            matched[i] = share
            used.add(j)
    return sum(matched.values()) / len(known)


def ids_kept(before: Sequence[DiscoveredDistrict], after: Sequence[DiscoveredDistrict]) -> float:
    """The share of districts whose id is afterwards on the district of its level that overlaps it most."""
    kept = 0
    for district in before:
        same_level = [other for other in after if other.level == district.level]
        best = max(same_level, key=lambda other: _overlap(district.shape, other.shape), default=None)
        kept += best is not None and best.id == district.id and _overlap(district.shape, best.shape) > 0
    return kept / len(before) if before else 1.0


def _pairs(counts: NDArray[np.float64]) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _overlap(one: shapely.Geometry, other: shapely.Geometry) -> float:
    if not shapely.intersects(one, other):
        return 0.0
    return float(shapely.intersection(one, other).area / shapely.union(one, other).area)
