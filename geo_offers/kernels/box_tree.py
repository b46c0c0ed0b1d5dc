"""Which boxes hold a point? A packed tree of boxes: no pointers, eight children a node, rows in the order of the leaves.

Boxes are sorted into tiles (Leutenegger, Lopez, Edgington: STR, a simple and efficient algorithm for R-tree packing, 1997).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

FAN_OUT = 8
_MOST_LEVELS = 12


def tiled_order(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of boxes float64[n, 4] (west, south, east, north) in tiles of FAN_OUT, so that neighbours stand together."""
    x = boxes[:, 0] + boxes[:, 2]
    y = boxes[:, 1] + boxes[:, 3]
    slices = max(1, math.ceil(math.sqrt(len(boxes) / FAN_OUT)))
    by_x = np.argsort(x, kind="stable")
    slice_of = np.empty(len(boxes), np.int64)
    slice_of[by_x] = np.arange(len(boxes)) * slices // max(1, len(boxes))
    return np.lexsort((y, slice_of))


@njit(cache=True)
def pack(boxes):
    """A tree over boxes float64[n, 4] that stand in tiled order.

    Gives (nodes float64[m, 4], levels int64[k + 1]): the boxes themselves are level 0, the root is alone on level k - 1.
    """
    levels = levels_of(len(boxes))
    nodes = np.empty((levels[-1], 4))
    nodes[: len(boxes)] = boxes
    fill(nodes, levels)
    return nodes, levels


@njit(cache=True)
def levels_of(count):
    """Where the levels of a tree over so many boxes begin, and how many nodes it has at last: int64[k + 1]."""
    levels = np.zeros(_MOST_LEVELS + 1, np.int64)
    total = 0
    level = 0
    while True:
        total += count
        level += 1
        levels[level] = total
        if count <= 1:
            break
        count = (count + FAN_OUT - 1) // FAN_OUT
    return levels[: level + 1].copy()


@njit(cache=True)
def fill(nodes, levels):
    """Boxes around boxes, level by level, above those of level 0; written in place."""
    for upper in range(1, len(levels) - 1):
        below, own = levels[upper - 1], levels[upper]
        for i in range(levels[upper + 1] - own):
            first = below + i * FAN_OUT
            stop = min(first + FAN_OUT, own)
            west, south, east, north = nodes[first]
            for child in range(first + 1, stop):
                west = min(west, nodes[child, 0])
                south = min(south, nodes[child, 1])
                east = max(east, nodes[child, 2])
                north = max(north, nodes[child, 3])
            nodes[own + i, 0], nodes[own + i, 1], nodes[own + i, 2], nodes[own + i, 3] = (
                west,
                south,
                east,
                north,
            )


@njit(cache=True, inline="always")
def _meets(nodes, node, west, south, east, north):
    return (
        nodes[node, 0] <= east
        and nodes[node, 2] >= west
        and nodes[node, 1] <= north
        and nodes[node, 3] >= south
    )


@njit(cache=True)
def meeting(tree, west, south, east, north, stack, out):
    """The boxes that share a point with a box: how many, and as many of them in `out` as there is room.

    tree   as `pack` gave it
    stack  int64[at least 8 * levels], scratch
    out    int32[room], rows in tiled order, ascending
    """
    nodes, levels = tree
    count = 0
    if levels[-1] == 0:
        return 0
    # The stack holds nodes that meet the box; children are pushed backwards, so rows come out ascending.
    depth = 0
    root = levels[-1] - 1
    if _meets(nodes, root, west, south, east, north):
        stack[0] = root
        depth = 1
    while depth > 0:
        depth -= 1
        node = stack[depth]
        level = 0
        while node >= levels[level + 1]:
            level += 1
        if level == 0:
            if count < len(out):
                out[count] = node
            count += 1
            continue
        first = levels[level - 1] + (node - levels[level]) * FAN_OUT
        stop = min(first + FAN_OUT, levels[level])
        for child in range(stop - 1, first - 1, -1):
            if _meets(nodes, child, west, south, east, north):
                stack[depth] = child
                depth += 1
    return count


@njit(cache=True)
def holding(tree, x, y, stack, out):
    """The boxes that hold a point, their rims too; see `meeting`."""
    return meeting(tree, x, y, x, y, stack, out)
