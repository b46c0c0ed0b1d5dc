"""Which district is which: ids that stay when shops come and go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.districts.discovered import PROVIDER, Level
from geo_offers.domain.place import District, district_id_of
from geo_offers.index.cells import FINEST, cell_at, cell_text
from geo_offers.index.polygons import Polygonal

#: Of the core cell an id is made from: so coarse that a middle that wanders a little stays in it.
_RESOLUTION: dict[Level, int] = {"quarter": 8, "street": 10}
_SAME = 0.3


@dataclass(frozen=True, slots=True)
class Identity:
    """An id, the source id that it follows from, and what the district was called before."""

    id: str
    source_id: str
    previous_name: str | None = None


def identify(
    shapes: Sequence[Polygonal],
    levels: Sequence[Level],
    cores: Sequence[tuple[float, float]],
    previous: Sequence[District],
) -> list[Identity]:
    """An identity for each district, no two alike.

    cores  the middle of each, (lng, lat)

    A district that overlaps one of `previous` of its level (by 30 % of what both cover; the strongest pairs first)
    is that one. Another's id is made from its level and the cell that holds its core; where two cores share a cell,
    from finer ones.
    """
    found = _carried_on(shapes, levels, previous)
    taken = {identity.source_id for identity in found.values()}
    keys = _keys(levels, cores)
    for number, key in enumerate(keys):
        if number in found:
            continue
        free = key
        again = 2
        while free in taken:
            free, again = f"{key}/{again}", again + 1
        taken.add(free)
        found[number] = Identity(district_id_of(PROVIDER, free), free)
    return [found[number] for number in range(len(shapes))]


def _carried_on(
    shapes: Sequence[Polygonal], levels: Sequence[Level], previous: Sequence[District]
) -> dict[int, Identity]:
    ours = [district for district in previous if district.source.provider == PROVIDER]
    if not ours or not shapes:
        return {}
    old: NDArray[np.object_] = shapely.from_wkb(np.array([district.wkb for district in ours], object))
    new = np.array(shapes, object)
    pairs = shapely.STRtree(new).query(old, predicate="intersects").T
    overlap = shapely.area(shapely.intersection(old[pairs[:, 0]], new[pairs[:, 1]]))
    overlap /= shapely.area(shapely.union(old[pairs[:, 0]], new[pairs[:, 1]]))
    ranked = sorted(
        (-float(share), ours[before].id, int(before), int(now))
        for share, (before, now) in zip(overlap, pairs, strict=True)
        if share >= _SAME and ours[before].source.id.startswith(levels[now] + "/")
    )
    found: dict[int, Identity] = {}
    used: set[int] = set()
    for _, _, before, now in ranked:
        if before not in used and now not in found:
            used.add(before)
            found[now] = Identity(ours[before].id, ours[before].source.id, ours[before].name)
    return found


def _keys(levels: Sequence[Level], cores: Sequence[tuple[float, float]]) -> list[str]:
    """Level and core cell; those that share a cell go down to finer ones until they differ, or to the finest."""
    resolutions = [_RESOLUTION[level] for level in levels]
    while True:
        keys = [
            f"{level}/{cell_text(cell_at(*core, resolution))}"
            for level, core, resolution in zip(levels, cores, resolutions, strict=True)
        ]
        often = Counter(keys)
        shared = [n for n, key in enumerate(keys) if often[key] > 1 and resolutions[n] < FINEST]
        if not shared:
            return keys
        for number in shared:
            resolutions[number] += 1
