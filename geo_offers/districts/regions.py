"""Dense places as sets of cells: hills of the density, parted at its saddles, gaps filled, crumbs dropped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Row numbers; as int64[n, 6] the neighbours of n cells, -1 where the surface ends.
Rows = NDArray[np.int64]


def hills(
    level: NDArray[np.float64],
    beside: Rows,
    shops: NDArray[np.int64],
    *,
    prominence: float,
    doubt: float,
    fewest: int,
) -> NDArray[np.int64]:
    """A hill for each row, int64[n]: the row of its peak; -1 where the level is not above 0.

    Going down from the peaks, a cell joins the hill of its highest neighbour. Where two hills meet at a saddle,
    the one with the lower peak joins the other, unless its peak is `prominence` times the saddle or more, its root
    above that of the saddle by `doubt` or more, and `fewest` shops stand above the saddle. (ToMATo: Chazal, Guibas,
    Oudot, Skraba, Persistence-based clustering in Riemannian manifolds, J. ACM 2013.)
    """
    heights = level.tolist()
    near_rows = beside.tolist()
    weight = shops.tolist()
    hill = [-1] * len(heights)
    joined = list(range(len(heights)))

    def peak_of(row: int) -> int:
        while joined[row] != row:
            joined[row] = joined[joined[row]]
            row = joined[row]
        return row

    for row in np.argsort(-level, kind="stable").tolist():
        height = heights[row]
        if height <= 0:
            break
        higher = [near for near in near_rows[row] if near >= 0 and hill[near] >= 0]
        if not higher:
            hill[row] = row
            continue
        best = hill[max(higher, key=lambda near: (heights[near], -near))]
        hill[row] = best
        own = peak_of(best)
        if own != row:
            weight[own] += shops[row]
        for near in higher:
            one, other = peak_of(hill[near]), peak_of(best)
            if one == other:
                continue
            low, high = sorted((one, other), key=lambda peak: (heights[peak], -peak))
            clear = heights[low] >= prominence * height and heights[low] ** 0.5 >= height**0.5 + doubt
            if not clear or weight[low] < fewest:
                joined[low] = high
                weight[high] += weight[low]
    return np.array([peak_of(peak) if peak >= 0 else -1 for peak in hill], np.int64)


def pieces(beside: Rows, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """The connected piece of each cell within cells of its label, int64[n]; -1 where the label is negative."""
    piece = np.full(len(label), -1)
    count = 0
    labels = label.tolist()
    near = beside.tolist()
    for start in range(len(labels)):
        if labels[start] < 0 or piece[start] >= 0:
            continue
        piece[start] = count
        stack = [start]
        while stack:
            row = stack.pop()
            for other in near[row]:
                if other >= 0 and piece[other] < 0 and labels[other] == labels[start]:
                    piece[other] = count
                    stack.append(other)
        count += 1
    return piece


def closed(beside: Rows, seeds: NDArray[np.bool_], *, steps: int) -> NDArray[np.bool_]:
    """The seeds with gaps and bays up to 2 `steps` wide: grown by `steps`, then shrunk by as much.

    The surface must go on for more than `steps` cells around the seeds.
    """
    grown = seeds
    for _ in range(steps):
        grown = grown | _any(beside, grown)
    for _ in range(steps):
        grown = grown & ~_any(beside, ~grown)
    return grown | seeds


def filled(beside: Rows, kept: NDArray[np.bool_], *, most: int) -> NDArray[np.bool_]:
    """The cells with the holes of up to `most` cells that they enclose; the edge of the surface is outside."""
    parts = pieces(beside, np.where(kept, -1, 0))
    if not (parts >= 0).any():
        return kept
    sizes = np.bincount(parts[parts >= 0])
    sizes[parts[~kept & (beside < 0).any(axis=1)]] = most + 1
    return kept | (np.append(sizes, most + 1)[parts] <= most)


def groups(label: NDArray[np.int64]) -> Iterator[tuple[int, Rows]]:
    """The rows of each label that is not negative, ascending."""
    if not len(label):
        return
    order = np.argsort(label, kind="stable")
    values, starts = np.unique(label[order], return_index=True)
    for value, rows in zip(values.tolist(), np.split(order, starts[1:]), strict=True):
        if value >= 0:
            yield value, rows


def _any(beside: Rows, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where any neighbour is in the mask."""
    return np.asarray(np.append(mask, False)[beside].any(axis=1))
