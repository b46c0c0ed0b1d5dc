"""Which fences hold a position, and how far are those around it? Circles and polygons of one index, exactly.

A fence consists of parts: circles and polygons. A circle is decided by the chord to its centre where that proves the
geodesic, and otherwise marked: the caller asks the geodesic.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from geo_offers.kernels import box_tree, containment, fence_distance
from geo_offers.kernels.distance import GREATEST_RADIUS_M, LEAST_RADIUS_M, chord_gap_m
from geo_offers.kernels.prefetch import prefetch

CIRCLE = 0
POLYGON = 1
OUTSIDE = 0
INSIDE = 1
#: The chord leaves it open on which side of a circle's rim the position is.
DOUBTFUL = 2
#: Bounds of a distance this near to each other are as good as one.
CLOSE_M = 0.02
#: Beyond this latitude a window is all the way round.
ROUND_LAT = 89.0


@njit(cache=True, inline="always")
def _geodesic(chord):
    return chord + chord**3 / (24.0 * LEAST_RADIUS_M * GREATEST_RADIUS_M)


@njit(cache=True)
def _circle(circle, px, py, pz):
    """State and bounds of the distance (state, at least, at most) for a circle."""
    chord = math.sqrt((circle[0] - px) ** 2 + (circle[1] - py) ** 2 + (circle[2] - pz) ** 2)
    if chord <= circle[4]:
        return INSIDE, 0.0, 0.0
    gap = chord_gap_m(chord)
    far = _geodesic(chord) - circle[3]
    if chord >= circle[5]:
        return OUTSIDE, max(far - gap, 0.0), far + gap
    return DOUBTFUL, 0.0, max(far + gap, 0.0)


@njit(cache=True)
def _polygon(polygons, edges, lines, edge_starts, p, x, y, px, py, pz, measure):
    """The same for a polygon; without `measure` only its state."""
    if containment.covers(polygons, p, x, y):
        return INSIDE, 0.0, 0.0
    if not measure:
        return OUTSIDE, 0.0, np.inf
    least, most = fence_distance.border_between(lines, edge_starts[p], edge_starts[p + 1], px, py, pz)
    if most - least > CLOSE_M:
        _, _, least = fence_distance.nearest_on_border(edges, edge_starts[p], edge_starts[p + 1], x, y)
        most = least
    return OUTSIDE, _geodesic(least), _geodesic(most)


# A call from Python costs 0.1 microseconds an array, more than many an answer: so fences travel as two, and which of
# them are wanted, with the tree over those, as a third.
_HEADER = 6
#: Of more edges the rest is read in a row.
_FETCHED_EDGES = 16
#: Fences that hold a position, mostly.
_FEW = 64
#: Bytes before the boxes of a tree: how many parts, and where each level begins, int32.
_HEAD = 64
_BOX = 16
_PART = 16


def packed(several, circles, polygons, edges, lines, edge_starts):
    """The geometry of fences as one array of integers and one of numbers.

    several  uint8[n]: the fence has more than one part
    circles  float64[c, 6]: centre in metres, radius, chord that is surely inside, chord that is surely outside
    polygons  as for `containment.covers`
    edges, lines, edge_starts   of the polygons: degrees, what `border_between` needs, and where each begins
    """
    slicing, slab_starts, slab_edges, slab_edge_starts = polygons
    sizes = [len(several), len(circles), len(slicing), len(edges), len(slab_edge_starts), len(slab_edges)]
    integers = [np.array(sizes), several, slab_starts, slab_edge_starts, edge_starts]
    numbers = [edges.ravel(), circles.ravel(), slicing.ravel(), lines.ravel(), slab_edges.ravel()]
    return np.concatenate(integers).astype(np.int32), np.concatenate(numbers)


@njit(cache=True)
def _unpacked(integers, numbers):
    """What `packed` was given, as views."""
    several, circles, polygons, edges, slabs, slab_edges = integers[:_HEADER]
    at = _HEADER
    several_of = integers[at : at + several]
    at += several
    slab_starts = integers[at : at + polygons + 1]
    at += polygons + 1
    slab_edge_starts = integers[at : at + slabs]
    at += slabs
    edge_starts = integers[at : at + polygons + 1]
    edge_rows = numbers[: 4 * edges].reshape(edges, 4)
    to = 4 * edges
    circle_rows = numbers[to : to + 6 * circles].reshape(circles, 6)
    to += 6 * circles
    slicing = numbers[to : to + 2 * polygons].reshape(polygons, 2)
    to += 2 * polygons
    line_rows = numbers[to : to + 7 * edges].reshape(edges, 7)
    to += 7 * edges
    slab_edge_rows = numbers[to : to + 4 * slab_edges].reshape(slab_edges, 4)
    shapes = (slicing, slab_starts, slab_edge_rows, slab_edge_starts)
    return several_of, circle_rows, shapes, edge_rows, line_rows, edge_starts


@njit(cache=True)
def wanted_tree(wanted, parts, boxes):
    """Which fences are wanted, and a tree over the parts of those, in one array of bytes.

    wanted  uint8[n]: 0 pass over, 1 only when it holds the position, 2 also when it is within reach
    parts   int32[b, 3], a row a box: slot of the fence, kind, number of the circle or polygon
    boxes   float32[b, 4] that hold the parts, in tiled order (see box_tree); what is left of them still is

    Gives uint8[...]: `wanted` comes first, so it can be asked by slot.
    """
    count = 0
    for i in range(len(parts)):
        count += wanted[parts[i, 0]] != 0
    levels = box_tree.levels_of(count)
    out = np.empty(_tree_at(len(wanted)) + _HEAD + levels[-1] * _BOX + count * _PART, np.uint8)
    out[: len(wanted)] = wanted
    head, nodes, rows = _tree_views(out, len(wanted), levels[-1], count)
    head[0] = count
    head[1] = len(levels)
    head[2 : 2 + len(levels)] = levels
    at = 0
    for i in range(len(parts)):
        slot = parts[i, 0]
        if wanted[slot] != 0:
            nodes[at] = boxes[i]
            rows[at, 0], rows[at, 1], rows[at, 2], rows[at, 3] = slot, parts[i, 1], parts[i, 2], wanted[slot]
            at += 1
    box_tree.fill(nodes, levels)
    return out


@njit(cache=True, inline="always")
def _tree_at(fences):
    """Where the tree begins: after the wanted column, at a multiple of 16 bytes."""
    return (fences + 15) // 16 * 16


@njit(cache=True)
def _tree_views(tree, fences, nodes, count):
    """Head int32[16], boxes float32[nodes, 4] and rows of parts int32[count, 4], as views."""
    at = _tree_at(fences)
    head = tree[at : at + _HEAD].view(np.int32)
    at += _HEAD
    boxes = tree[at : at + nodes * _BOX].view(np.float32).reshape(nodes, 4)
    at += nodes * _BOX
    rows = tree[at : at + count * _PART].view(np.int32).reshape(count, 4)
    return head, boxes, rows


@njit(cache=True)
def tree_in(tree, fences):
    """What `wanted_tree` made, as views: ((boxes, levels), parts int32[b, 4]), a part as before and how it is wanted."""
    at = _tree_at(fences)
    head = tree[at : at + _HEAD].view(np.int32)
    levels = head[2 : 2 + head[1]]
    _, boxes, rows = _tree_views(tree, fences, levels[-1], head[0])
    return (boxes, levels), rows


@njit(cache=True)
def _around(index, among, place, window, reach_m, scratch, slots, states, least, most, count):
    """Adds the fences of one window to what is there already; the new count, whatever the room.

    place    (x, y, px, py, pz): the position in degrees and in metres
    window   (west, south, east, north)
    scratch  (stack int64, boxes int32[number of parts])
    """
    several, circles, polygons, edges, lines, edge_starts = index
    tree, parts = among
    x, y, px, py, pz = place
    west, south, east, north = window
    stack, boxes = scratch
    met = box_tree.meeting(tree, west, south, east, north, stack, boxes)
    _fetch(index, parts, boxes[:met])
    for i in range(met):
        part = boxes[i]
        slot = parts[part, 0]
        ref = parts[part, 2]
        # Without reach, how far it is matters to nobody.
        measure = reach_m >= 0.0 and parts[part, 3] == 2
        if parts[part, 1] == CIRCLE:
            state, near, far = _circle(circles[ref], px, py, pz)
        else:
            state, near, far = _polygon(polygons, edges, lines, edge_starts, ref, x, y, px, py, pz, measure)
        if state == OUTSIDE and (not measure or near > reach_m):
            continue
        at = count
        if several[slot]:
            at = 0
            while at < min(count, len(slots)) and slots[at] != slot:
                at += 1
            if at < min(count, len(slots)):
                if state == INSIDE or (state == DOUBTFUL and states[at] == OUTSIDE):
                    states[at] = state
                least[at] = min(least[at], near)
                most[at] = min(most[at], far)
                continue
            at = count
        if at < len(slots):
            slots[at] = slot
            states[at] = state
            least[at] = near
            most[at] = far
        count += 1
    return count


@njit(cache=True)
def _fetch(index, parts, boxes):
    """Ask for the geometry of some parts, which lies anywhere."""
    _several, circles, (slicing, slab_starts, slab_edges, slab_edge_starts), _edges, lines, edge_starts = (
        index
    )
    for box in boxes:
        ref = parts[box, 2]
        if parts[box, 1] == CIRCLE:
            prefetch(circles, circles.shape[1] * ref)
            prefetch(circles, circles.shape[1] * (ref + 1) - 1)
        else:
            prefetch(slicing, 2 * ref)
            prefetch(slab_starts, ref)
            prefetch(edge_starts, ref)
    for box in boxes:
        if parts[box, 1] == POLYGON:
            ref = parts[box, 2]
            prefetch(slab_edge_starts, slab_starts[ref])
            for edge in range(edge_starts[ref], min(edge_starts[ref + 1], edge_starts[ref] + _FETCHED_EDGES)):
                prefetch(lines, lines.shape[1] * edge)
    for box in boxes:
        if parts[box, 1] == POLYGON:
            prefetch(slab_edges, 4 * slab_edge_starts[slab_starts[parts[box, 2]]])


@njit(cache=True)
def _windows(lng, lat, reach_m, out):
    """Boxes in [-180, 180] that together hold all within reach of a position, a hundredth to spare; how many."""
    if reach_m <= 0.0:
        out[0, 0] = out[0, 2] = lng
        out[0, 1] = out[0, 3] = lat
        return 1
    lat_off = math.degrees(reach_m / LEAST_RADIUS_M) * 1.01 + 1e-9
    out[0, 1] = out[1, 1] = lat - lat_off
    out[0, 3] = out[1, 3] = lat + lat_off
    steepest = abs(lat) + lat_off
    if steepest > ROUND_LAT:
        out[0, 0], out[0, 2] = -180.0, 180.0
        return 1
    lng_off = lat_off / math.cos(math.radians(steepest))
    west, east = lng - lng_off, lng + lng_off
    out[0, 0], out[0, 2] = max(west, -180.0), min(east, 180.0)
    if west < -180.0:
        out[1, 0], out[1, 2] = west + 360.0, 180.0
        return 2
    if east > 180.0:
        out[1, 0], out[1, 2] = -180.0, east - 360.0
        return 2
    return 1


@njit(cache=True)
def _scratch(among):
    (_, levels), parts = among
    return np.empty(box_tree.FAN_OUT * len(levels), np.int64), np.empty(max(1, len(parts)), np.int32)


@njit(cache=True)
def around(integers, numbers, tree, lng, lat, reach_m, room):
    """Fences that hold a position, and those that may be within reach of it.

    integers, numbers  as `packed` gave them
    tree    as `wanted_tree` gave it: which fences are wanted

    Gives (count, slots int32, states uint8, least float64, most float64): fence, state, bounds of its distance in
    metres; in no order; when the count is greater than the room, ask again with more.
    """
    index = _unpacked(integers, numbers)
    among = tree_in(tree, integers[0])
    scratch = _scratch(among)
    room = min(room, len(among[1]))
    slots, states = np.empty(room, np.int32), np.empty(room, np.uint8)
    least, most = np.empty(room), np.empty(room)
    windows = np.empty((2, 4))
    px, py, pz = fence_distance.ecef_of(lng, lat)
    count = 0
    # The meridian of 180 degrees has two names, and shapes on either side may touch it.
    for turn in range(2 if abs(lng) == 180.0 else 1):
        x = -lng if turn else lng
        for w in range(_windows(x, lat, reach_m, windows)):
            window = (windows[w, 0], windows[w, 1], windows[w, 2], windows[w, 3])
            place = (x, lat, px, py, pz)
            count = _around(index, among, place, window, reach_m, scratch, slots, states, least, most, count)
    kept = min(count, room)
    return count, slots[:kept], states[:kept], least[:kept], most[:kept]


@njit(cache=True)
def holding(integers, numbers, tree, lng, lat):
    """The wanted fences that hold a position: (sure, slots int32); when not sure, a rim is too near to be decided here."""
    count, slots, states, _, _ = around(integers, numbers, tree, lng, lat, -1.0, _FEW)
    if count > _FEW:
        _, slots, states, _, _ = around(integers, numbers, tree, lng, lat, -1.0, count)
    kept = 0
    sure = True
    for i in range(len(slots)):
        if states[i] == DOUBTFUL:
            sure = False
        elif states[i] == INSIDE:
            slots[kept] = slots[i]
            kept += 1
    return sure, slots[:kept]


@njit(cache=True)
def is_in_polygons(integers, numbers, first, stop, x, y):
    """Whether one of some polygons holds a position in degrees, exactly."""
    _, _, polygons, _, _, _ = _unpacked(integers, numbers)
    held = False
    for p in range(first, stop):
        held = held or containment.covers(polygons, p, x, y)
    return held


@njit(cache=True)
def holding_many(integers, numbers, tree, xs, ys, starts, out, doubts):
    """The fences that hold each of m positions; how much room the answers need.

    starts  int64[m + 1]: the fences of position i are out[starts[i]:starts[i + 1]], as far as there is room
    doubts  uint8[m], written in place: 1 where a circle's rim is too near to be decided here
    """
    index = _unpacked(integers, numbers)
    among = tree_in(tree, integers[0])
    scratch = _scratch(among)
    room = max(1, len(among[1]))
    slots, states = np.empty(room, np.int32), np.empty(room, np.uint8)
    least, most = np.empty(room), np.empty(room)
    total = 0
    for i in range(len(xs)):
        starts[i] = total
        doubts[i] = 0
        px, py, pz = fence_distance.ecef_of(xs[i], ys[i])
        place = (xs[i], ys[i], px, py, pz)
        window = (xs[i], ys[i], xs[i], ys[i])
        count = _around(index, among, place, window, -1.0, scratch, slots, states, least, most, 0)
        for j in range(count):
            if states[j] == DOUBTFUL:
                doubts[i] = 1
            elif states[j] == INSIDE:
                if total < len(out):
                    out[total] = slots[j]
                total += 1
    starts[len(xs)] = total
    return total
