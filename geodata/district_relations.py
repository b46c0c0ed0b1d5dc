"""How districts lie to each other: which holds which, and which merely overlap. Exact, in flat lng/lat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.polygon import Polygonal

Pairs = NDArray[np.int64]
"""int64[n, 2]: row numbers of two shapes."""


def holders(shapes: Sequence[Polygonal]) -> Pairs:
    """Pairs (inner, outer): the outer shape covers the inner one and is not the same area."""
    covered = _pairs(shapes, "covered_by")
    reversed_too = {(outer, inner) for inner, outer in covered.tolist()}
    kept = [pair for pair in covered.tolist() if tuple(pair) not in reversed_too]
    return np.array(kept, np.int64).reshape(-1, 2)


def parents(shapes: Sequence[Polygonal], ids: Sequence[str], held: Pairs) -> list[int | None]:
    """For each shape the smallest one that holds it, among equal ones that with the first id; None at the top."""
    areas = shapely.area(np.asarray(shapes, object))
    found: list[int | None] = [None] * len(shapes)
    for inner, outer in held.tolist():
        best = found[inner]
        if best is None or (areas[outer], ids[outer]) < (areas[best], ids[best]):
            found[inner] = outer
    return found


def overlapping(shapes: Sequence[Polygonal]) -> Pairs:
    """Pairs (first, later) that share area although neither covers the other; a shared border is no area."""
    meeting = _pairs(shapes, "intersects")
    meeting = meeting[meeting[:, 0] < meeting[:, 1]]
    one, other = (np.asarray(shapes, object)[meeting[:, i]] for i in (0, 1))
    share: NDArray[np.bool_] = shapely.relate_pattern(one, other, "2********")
    nested = shapely.covers(one, other) | shapely.covers(other, one)
    apart: Pairs = meeting[share & ~nested]
    return apart


def _pairs(shapes: Sequence[Polygonal], predicate: Literal["covered_by", "intersects"]) -> Pairs:
    """Pairs of different rows for which `predicate` holds, in their order."""
    rows = np.asarray(shapes, object)
    found = shapely.STRtree(rows).query(rows, predicate=predicate).T
    different: Pairs = np.unique(found[found[:, 0] != found[:, 1]], axis=0).astype(np.int64)
    return different
