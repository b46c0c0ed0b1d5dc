"""Is a point in a polygon? Exactly, borders inside, holes outside, in a few dozen nanoseconds.

Polygons are packed as edges in horizontal slabs: a point meets only the edges of its slab. The side of an edge is
decided in floating point where the rounding error cannot matter and in exact arithmetic where it can
(Shewchuk, Adaptive precision floating-point arithmetic, 1997).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo_offers.kernels import box_tree

#: Shewchuk's bound for the first, inexact try at an orientation: (3 + 16 eps) eps, eps = 2^-53.
_SURE = (3.0 + 16.0 * 2.0**-53) * 2.0**-53
_SPLITTER = 134_217_729.0  # 2^27 + 1
#: Edges a slab should hold, about.
_EDGES_A_SLAB = 4.0


@njit(cache=True, inline="always")
def _two_product(a, b):
    """a * b as an exact sum (rounded product, its error); Dekker, 1971."""
    product = a * b
    c = _SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@njit(cache=True)
def _exact_side(ax, ay, bx, by, px, py):
    """The sign of (a - p) x (b - p) without any rounding.

    The six products are exact pairs; adding them into an expansion keeps every bit (Shewchuk's GROW-EXPANSION).
    """
    parts = np.zeros(13)
    count = 0
    for left, right in ((ax, by), (-ax, py), (-px, by), (-ay, bx), (ay, px), (py, bx)):
        high, low = _two_product(left, right)
        for part in (low, high):
            carry = part
            for i in range(count):
                total = carry + parts[i]
                back = total - carry
                parts[i] = (carry - (total - back)) + (parts[i] - back)
                carry = total
            parts[count] = carry
            count += 1
    for i in range(count - 1, -1, -1):
        if parts[i] != 0.0:
            return 1.0 if parts[i] > 0.0 else -1.0
    return 0.0


@njit(cache=True, inline="always")
def _side(ax, ay, bx, by, px, py):
    """Positive when p lies left of a -> b, negative when right, zero when on the line; exactly."""
    left = (ax - px) * (by - py)
    right = (ay - py) * (bx - px)
    det = left - right
    if abs(det) > _SURE * (abs(left) + abs(right)):
        return det
    return _exact_side(ax, ay, bx, by, px, py)


@njit(cache=True, inline="always")
def _slab_of(y, south, slabs_a_degree, slabs):
    """The slab of a latitude; never descending in y, so an edge is met in every slab from its south to its north."""
    return min(max(int((y - south) * slabs_a_degree), 0), slabs - 1)


@njit(cache=True)
def count_slabs(edges, edge_starts):
    """How each polygon is to be sliced.

    edges        float64[e, 4], x1, y1, x2, y2 in degrees, all rings of a polygon together
    edge_starts  int64[p + 1]

    Gives (slicing float64[p, 2]: southmost latitude and slabs a degree, slab_starts int64[p + 1]).
    """
    polygons = len(edge_starts) - 1
    slicing = np.empty((polygons, 2))
    slab_starts = np.zeros(polygons + 1, np.int64)
    for p in range(polygons):
        first, stop = edge_starts[p], edge_starts[p + 1]
        south = np.inf
        north = -np.inf
        for e in range(first, stop):
            south = min(south, edges[e, 1], edges[e, 3])
            north = max(north, edges[e, 1], edges[e, 3])
        slabs = max(1, int((stop - first) / _EDGES_A_SLAB))
        slicing[p, 0] = south
        slicing[p, 1] = slabs / (north - south) if north > south else 0.0
        slab_starts[p + 1] = slab_starts[p] + slabs
    return slicing, slab_starts


@njit(cache=True)
def fill_slabs(edges, edge_starts, slicing, slab_starts):
    """The edges again, slab by slab; an edge stands in every slab that it touches.

    Gives (slab_edges float64[k, 4], slab_edge_starts int64[slabs + 1]).
    """
    slab_edge_starts = np.zeros(slab_starts[-1] + 1, np.int64)
    slab_edges = np.empty((0, 4))
    for fill in (False, True):
        if fill:
            for s in range(slab_starts[-1]):
                slab_edge_starts[s + 1] += slab_edge_starts[s]
            slab_edges = np.empty((slab_edge_starts[-1], 4))
        at = slab_edge_starts.copy()
        for p in range(len(edge_starts) - 1):
            slabs = slab_starts[p + 1] - slab_starts[p]
            for e in range(edge_starts[p], edge_starts[p + 1]):
                low = _slab_of(min(edges[e, 1], edges[e, 3]), slicing[p, 0], slicing[p, 1], slabs)
                high = _slab_of(max(edges[e, 1], edges[e, 3]), slicing[p, 0], slicing[p, 1], slabs)
                for s in range(slab_starts[p] + low, slab_starts[p] + high + 1):
                    if fill:
                        slab_edges[at[s]] = edges[e]
                        at[s] += 1
                    else:
                        slab_edge_starts[s + 1] += 1
    return slab_edges, slab_edge_starts


@njit(cache=True)
def covers(polygons, p, x, y):
    """Whether polygon p holds the point (x, y): its border counts, its holes do not.

    polygons  (slicing, slab_starts, slab_edges, slab_edge_starts): see `count_slabs` and `fill_slabs`
    """
    slicing, slab_starts, slab_edges, slab_edge_starts = polygons
    slab = slab_starts[p] + _slab_of(y, slicing[p, 0], slicing[p, 1], slab_starts[p + 1] - slab_starts[p])
    inside = False
    for e in range(slab_edge_starts[slab], slab_edge_starts[slab + 1]):
        x1, y1, x2, y2 = slab_edges[e]
        if (y1 > y) != (y2 > y):
            # The ray to the east from p crosses this edge when p is left of it going up.
            if x > x1 and x > x2:
                continue
            if x < x1 and x < x2:
                inside = not inside
                continue
            side = _side(x1, y1, x2, y2, x, y)
            if side == 0.0:
                return True
            if (side > 0.0) == (y2 > y1):
                inside = not inside
        elif y1 == y and y2 == y:
            if min(x1, x2) <= x <= max(x1, x2):
                return True
        elif (y1 == y and x1 == x) or (y2 == y and x2 == x):
            return True
    return inside


# A call from Python costs 0.1 microseconds an array, more than the answer itself: so an index travels as two.
_HEADER = 6


def packed(
    tree: tuple[NDArray[np.float64], NDArray[np.int64]],
    rows: NDArray[np.int64],
    polygons: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]],
    owners: NDArray[np.int64],
    owner_count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """An index of polygons as one array of integers and one of numbers, for `owners_at`.

    tree      boxes of the polygons, packed in tiled order (see box_tree)
    rows      int64[p], the polygon of each box
    polygons  as for `covers`
    owners    int64[p], the owner of each polygon, from 0 to owner_count - 1; an owner may have many
    """
    nodes, levels = tree
    slicing, slab_starts, slab_edges, slab_edge_starts = polygons
    header = [len(rows), len(nodes), len(levels), len(slab_edge_starts), len(slab_edges), owner_count]
    integers = [np.array(header), levels, rows, owners, slab_starts, slab_edge_starts]
    numbers = [nodes.ravel(), slicing.ravel(), slab_edges.ravel()]
    return np.concatenate(integers).astype(np.int64), np.concatenate(numbers)


@njit(cache=True)
def _unpacked(integers, numbers):
    """What `packed` was given, as views."""
    p, nodes, levels, slabs, edges = integers[0], integers[1], integers[2], integers[3], integers[4]
    at = _HEADER
    level_starts = integers[at : at + levels]
    at += levels
    rows = integers[at : at + p]
    at += p
    owners = integers[at : at + p]
    at += p
    slab_starts = integers[at : at + p + 1]
    at += p + 1
    slab_edge_starts = integers[at : at + slabs]
    boxes = numbers[: 4 * nodes].reshape(nodes, 4)
    slicing = numbers[4 * nodes : 4 * nodes + 2 * p].reshape(p, 2)
    slab_edges = numbers[4 * nodes + 2 * p :].reshape(edges, 4)
    return (boxes, level_starts), rows, (slicing, slab_starts, slab_edges, slab_edge_starts), owners


@njit(cache=True)
def _owners_holding(index, x, y, stack, boxes, out):
    """Who owns a polygon that holds a point: how many owners, ascending in `out`, each once."""
    tree, rows, polygons, owners = index
    count = 0
    for i in range(box_tree.holding(tree, x, y, stack, boxes)):
        p = rows[boxes[i]]
        owner = owners[p]
        at = count
        while at > 0 and out[at - 1] > owner:
            at -= 1
        if at > 0 and out[at - 1] == owner:
            continue
        if covers(polygons, p, x, y):
            for j in range(count, at, -1):
                out[j] = out[j - 1]
            out[at] = owner
            count += 1
    return count


@njit(cache=True)
def _scratch(integers):
    stack = np.empty(box_tree.FAN_OUT * integers[2], np.int64)
    return stack, np.empty(max(1, integers[0]), np.int32), np.empty(max(1, integers[5]), np.int32)


@njit(cache=True)
def owners_at(integers, numbers, x, y):
    """Who owns a polygon that holds a point, ascending, int32[k]; borders are inside.

    integers, numbers  as `packed` gave them
    """
    stack, boxes, out = _scratch(integers)
    return out[: _owners_holding(_unpacked(integers, numbers), x, y, stack, boxes, out)]


@njit(cache=True)
def owners_at_many(integers, numbers, xs, ys, starts, out):
    """The same for m points; how much room the answers need.

    starts  int64[m + 1]: the owners for point i are out[starts[i]:starts[i + 1]], as far as there is room
    """
    index = _unpacked(integers, numbers)
    stack, boxes, found = _scratch(integers)
    total = 0
    for i in range(len(xs)):
        starts[i] = total
        count = _owners_holding(index, xs[i], ys[i], stack, boxes, found)
        for j in range(count):
            if total + j < len(out):
                out[total + j] = found[j]
        total += count
    starts[len(xs)] = total
    return total
