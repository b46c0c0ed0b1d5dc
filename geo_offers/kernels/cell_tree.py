"""A tree over points sorted by H3 cell, and the search for the nearest in it.

Nodes are H3 cells (by climbing from the finest resolution), children of one node stand together, and every node
has a ball around the points that it really holds. A ball is a true lower bound wherever the cell lies and whatever
its shape, so pentagons, poles and the antimeridian need no case of their own.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from geo_offers.kernels.distance import (
    CHORD_DECIDES_M,
    GREATEST_RADIUS_M,
    LEAST_RADIUS_M,
    chord_gap_m,
)
from geo_offers.kernels.fence_distance import ecef_of

FINEST = 15
#: A cell with at most this many points is not divided further. On a million points 16 to 40 answer alike, 8 is slower.
LEAF_POINTS = 16
NO_SLOT = -1
#: A node has at most 122 children at the root and 7 below, on at most 16 levels.
STACK_ROOM = 122 + 7 * 16

OPEN = np.uint8(1)
NOT_EVALUATED = np.uint8(255)


@njit(cache=True)
def _enclose(xyz, start, stop, ball):
    """The ball of points start..stop: centre of their box, radius to the farthest, rounded up."""
    for axis in range(3):
        low = np.inf
        high = -np.inf
        for i in range(start, stop):
            low = min(low, xyz[i, axis])
            high = max(high, xyz[i, axis])
        ball[axis] = 0.5 * (low + high)
    farthest2 = 0.0
    for i in range(start, stop):
        d2 = (xyz[i, 0] - ball[0]) ** 2 + (xyz[i, 1] - ball[1]) ** 2 + (xyz[i, 2] - ball[2]) ** 2
        farthest2 = max(farthest2, d2)
    ball[3] = math.sqrt(farthest2) + 1e-6


@njit(cache=True)
def build(cells, xyz, segments):
    """Trees over segments of points, one tree a segment.

    cells     int64[n], finest H3 cells; ascending within each segment
    xyz       float64[n, 3], metres
    segments  int64[s + 1], ascending; points segments[j]..segments[j + 1] make tree j

    Gives (balls float64[m, 4], spans int32[m, 4]): node j < s is the root of tree j; a span is
    (first point, end of points, first child, number of children), with no child for a leaf.
    """
    trees = len(segments) - 1
    room = max(16, trees + len(cells) // 2)
    balls = np.empty((room, 4))
    spans = np.zeros((room, 4), np.int32)
    levels = np.zeros(room, np.int8)
    for j in range(trees):
        spans[j, 0] = segments[j]
        spans[j, 1] = segments[j + 1]
        levels[j] = -1
    count = trees
    node = 0
    # Nodes before `node` are done, nodes up to `count` are known: a queue in place.
    while node < count:
        start = spans[node, 0]
        stop = spans[node, 1]
        _enclose(xyz, start, stop, balls[node])
        level = levels[node]
        if stop - start > LEAF_POINTS and level < FINEST:
            first = cells[start]
            last = cells[stop - 1]
            # Go down past cells with a single child. Equal above 3 * (15 - level) bits means one cell at that level.
            level += 1
            while level < FINEST and (first >> (3 * (FINEST - level))) == (last >> (3 * (FINEST - level))):
                level += 1
            shift = 3 * (FINEST - level)
            if (first >> shift) != (last >> shift):
                spans[node, 2] = count
                begin = start
                while begin < stop:
                    prefix = cells[begin] >> shift
                    end = begin + 1
                    while end < stop and (cells[end] >> shift) == prefix:
                        end += 1
                    if count == room:
                        room *= 2
                        balls = _grown(balls, room)
                        spans = _grown(spans, room)
                        more = np.zeros(room, np.int8)
                        more[:count] = levels
                        levels = more
                    spans[count, 0] = begin
                    spans[count, 1] = end
                    levels[count] = level
                    count += 1
                    begin = end
                spans[node, 3] = count - spans[node, 2]
        node += 1
    return balls[:count].copy(), spans[:count].copy()


@njit(cache=True)
def _grown(rows, room):
    more = np.zeros((room, rows.shape[1]), rows.dtype)
    more[: len(rows)] = rows
    return more


@njit(cache=True)
def _take(d2, slot, rank, best_d2, best_slot, best_rank, found):
    """Put a candidate into the sorted best ones, which have room for len(best_d2); the new number of them."""
    k = len(best_d2)
    at = found if found < k else k - 1
    while at > 0 and (best_d2[at - 1] > d2 or (best_d2[at - 1] == d2 and best_rank[at - 1] > rank)):
        best_d2[at] = best_d2[at - 1]
        best_slot[at] = best_slot[at - 1]
        best_rank[at] = best_rank[at - 1]
        at -= 1
    best_d2[at] = d2
    best_slot[at] = slot
    best_rank[at] = rank
    return found + 1 if found < k else k


@njit(cache=True, inline="always")
def _ball_bound(balls, node, x, y, z):
    """No point of a node is nearer than this, in metres; negative inside its ball."""
    centre2 = (balls[node, 0] - x) ** 2 + (balls[node, 1] - y) ** 2 + (balls[node, 2] - z) ** 2
    return math.sqrt(centre2) - balls[node, 3]


@njit(cache=True)
def _push_children(balls, first, children, x, y, z, limit, stack, bounds, depth):
    """Put the children that may matter on the stack, the nearest on top; the new depth."""
    bottom = depth
    for child in range(first, first + children):
        bound = _ball_bound(balls, child, x, y, z)
        if bound > limit:
            continue
        at = depth
        while at > bottom and bounds[at - 1] < bound:
            bounds[at] = bounds[at - 1]
            stack[at] = stack[at - 1]
            at -= 1
        bounds[at] = bound
        stack[at] = child
        depth += 1
    return depth


@njit(cache=True)
def _search(tree, root, x, y, z, low2, high2, opening, best_d2, best_slot, best_rank, stack, bounds):
    """The best candidates of one tree for one position; how many were found."""
    xyz, slots, ranks, balls, spans = tree
    hours, states = opening
    by_hours = len(states) > 0
    k = len(best_d2)
    found = 0
    limit2 = high2
    limit = math.sqrt(high2)
    depth = 1
    stack[0] = root
    bounds[0] = _ball_bound(balls, root, x, y, z)
    # What is left on the stack is all that may still hold a nearer point; limit only ever falls.
    while depth > 0:
        depth -= 1
        if bounds[depth] > limit:
            continue
        node = stack[depth]
        if spans[node, 3] > 0:
            depth = _push_children(
                balls, spans[node, 2], spans[node, 3], x, y, z, limit, stack, bounds, depth
            )
            continue
        for i in range(spans[node, 0], spans[node, 1]):
            d2 = (xyz[i, 0] - x) ** 2 + (xyz[i, 1] - y) ** 2 + (xyz[i, 2] - z) ** 2
            if d2 > limit2 or d2 < low2:
                continue
            slot = slots[i]
            if by_hours:
                state = states[hours[slot]]
                if state != OPEN and state != NOT_EVALUATED:
                    continue
            if found == k and d2 == limit2 and ranks[slot] > best_rank[k - 1]:
                continue
            found = _take(d2, slot, ranks[slot], best_d2, best_slot, best_rank, found)
            if found == k and best_d2[k - 1] < limit2:
                limit2 = best_d2[k - 1]
                limit = math.sqrt(limit2)
    return found


@njit(cache=True)
def nearest_many(tree, root, positions, lows, highs, opening, out_slots, out_chords, out_found):
    """The nearest points of one tree for each of m positions, k of them where there are so many.

    tree       (xyz float64[n, 3], slots int32[n], ranks int32[by slot], balls, spans): see `build`
    positions  float64[m, 3], metres
    lows, highs  float64[m], chords between which a point counts, metres
    opening    (hours int32[by slot], states uint8[h]): only OPEN and NOT_EVALUATED pass; no states: all pass
    out_slots  int32[m, k], by chord, then rank; NO_SLOT behind the last
    out_chords float64[m, k], metres
    out_found  int32[m]
    """
    k = out_slots.shape[1]
    stack = np.empty(STACK_ROOM, np.int32)
    bounds = np.empty(STACK_ROOM)
    best_d2 = np.empty(k)
    best_slot = np.empty(k, np.int32)
    best_rank = np.empty(k, np.int32)
    for q in range(len(positions)):
        x, y, z = positions[q]
        low2 = max(lows[q], 0.0) ** 2
        found = _search(
            tree, root, x, y, z, low2, highs[q] ** 2, opening, best_d2, best_slot, best_rank, stack, bounds
        )
        out_found[q] = found
        for i in range(found):
            out_slots[q, i] = best_slot[i]
            out_chords[q, i] = math.sqrt(best_d2[i])
        for i in range(found, k):
            out_slots[q, i] = NO_SLOT
            out_chords[q, i] = np.inf


@njit(cache=True)
def nearest_one(tree, root, xyz, lng, lat, high, sure_chord, opening, k):
    """The k nearest points of one tree for one position: (proven, slots int32, distances float64 in metres).

    xyz  float64[by slot, 3]; the rest is as for `nearest_many` and `doubtful_many`

    When not proven, chords do not decide the order.
    """
    x, y, z = ecef_of(lng, lat)
    slots, chords = np.empty((1, k + 1), np.int32), np.empty((1, k + 1))
    found, doubtful = np.empty(1, np.int32), np.empty(1, np.bool_)
    lows, highs, positions = np.zeros(1), np.full(1, high), np.empty((1, 3))
    positions[0, 0], positions[0, 1], positions[0, 2] = x, y, z
    nearest_many(tree, root, positions, lows, highs, opening, slots, chords, found)
    doubtful_many(xyz, slots, chords, found, sure_chord, doubtful)
    count = min(found[0], k)
    distances = np.empty(count)
    for i in range(count):
        chord = chords[0, i]
        distances[i] = chord + chord**3 / (24.0 * LEAST_RADIUS_M * GREATEST_RADIUS_M)
    return not doubtful[0], slots[0, :count], distances


@njit(cache=True)
def within(tree, root, position, low, high, out):
    """Every point of one tree whose chord to a position is between low and high; how many there are.

    out  int32[room]: the slots, in no order, as far as there is room
    """
    xyz, slots, _, balls, spans = tree
    stack = np.empty(STACK_ROOM, np.int32)
    bounds = np.empty(STACK_ROOM)
    x, y, z = position
    low2 = max(low, 0.0) ** 2
    high2 = high**2
    count = 0
    depth = 1
    stack[0] = root
    bounds[0] = _ball_bound(balls, root, x, y, z)
    while depth > 0:
        depth -= 1
        node = stack[depth]
        if bounds[depth] > high:
            continue
        if spans[node, 3] > 0:
            depth = _push_children(balls, spans[node, 2], spans[node, 3], x, y, z, high, stack, bounds, depth)
            continue
        for i in range(spans[node, 0], spans[node, 1]):
            d2 = (xyz[i, 0] - x) ** 2 + (xyz[i, 1] - y) ** 2 + (xyz[i, 2] - z) ** 2
            if low2 <= d2 <= high2:
                if count < len(out):
                    out[count] = slots[i]
                count += 1
    return count


@njit(cache=True)
def doubtful_many(xyz, slots, chords, found, sure_chord, out):
    """Marks the positions whose answer chords alone do not prove.

    xyz      float64[by slot, 3]
    slots, chords, found   as `nearest_many` gave them, with one candidate more than is asked for
    sure_chord  a candidate up to this chord is surely within the radius, metres
    out      bool[m]; written in place

    An order is proven where neighbours differ by more than the gap, or stand at one and the same point with
    the next one known.
    """
    for q in range(len(slots)):
        out[q] = False
        for i in range(found[q]):
            chord = chords[q, i]
            if chord > CHORD_DECIDES_M or chord > sure_chord:
                out[q] = True
            elif i > 0 and chord - chords[q, i - 1] <= chord_gap_m(chord):
                a = slots[q, i - 1]
                b = slots[q, i]
                apart = xyz[a, 0] != xyz[b, 0] or xyz[a, 1] != xyz[b, 1] or xyz[a, 2] != xyz[b, 2]
                # Behind the last one seen there may be others, as far as it and elsewhere.
                if apart or i == slots.shape[1] - 1:
                    out[q] = True
