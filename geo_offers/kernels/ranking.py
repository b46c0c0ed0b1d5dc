"""The order of offers: inside before listed, then score, then id."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from geo_offers.kernels import fences
from geo_offers.kernels.distance import GREATEST_RADIUS_M, LEAST_RADIUS_M
from geo_offers.kernels.fence_distance import ecef_of
from geo_offers.kernels.prefetch import prefetch

#: Nearness is worth this much of a score, a benefit the rest; in thousandths.
NEAR_MILLI = 70_000
STRENGTH_MILLI = 30_000
#: At this distance nearness is worth half. Fits how often coupons were redeemed by distance: 13.5 % within
#: 500 m, then 6.0, 3.9 and 3.0 % (Tianchi O2O, 1,053,282 coupons).
HALF_M = 150.0
NO_SHOP = -1


#: What a ranked offer is, as a row of int64: number of its segment, slot, nearest shop (or NO_SHOP), whether it can be
#: claimed, centimetres to the shop or else to the fence, decimetres to the fence upwards, thousandths of the score.
OF, SLOT, SHOP, INSIDE, DISTANCE_CM, TO_FENCE_DM, NEAR, WORTH = range(8)
COLUMNS = 8
#: Shops of one promotion that are asked for ahead: most have fewer.
_FETCHED_SHOPS = 4
#: No position is as vague as this; a stale one is treated as if it were.
VAGUEST_M = np.inf


@njit(cache=True)
def match_many(segments, xyz, lngs, lats, reach_m, accuracies_m, after, room, rows, found, sure):
    """The best offers at each of m positions, for questions that only fences, accuracy and time decide.

    segments   two of (geometry, tree, strength, max_accuracy_m, shop_starts, shop_slots, ids): fences as
               `fences.around` wants them, float64[n] twice, shops as for `rank`, and ids uint8[n, 20]; one whose tree is
               empty is passed over
    accuracies_m  float64[m]: 0 for exact, VAGUEST_M for stale
    after      (inside, score in thousandths, rank in the first segment, rank in the second): see `rank`
    room       how many candidates at most

    rows       int64[m, k, COLUMNS], best first; written in place
    found      int64[m], how many
    sure       bool[m]; not where a rim is too near or the room too small: ask step by step
    """
    for q in range(len(lngs)):
        ask = (lngs[q], lats[q], reach_m, accuracies_m[q])
        k = rows.shape[1]
        one = match(segments[0], xyz, ask, (after[0], after[1], after[2]), k, room)
        two = match(segments[1], xyz, ask, (after[0], after[1], after[3]), k, room)
        sure[q] = one[0] and two[0]
        found[q] = _merged(one[1], two[1], segments[0][6], segments[1][6], rows[q])


@njit(cache=True)
def match(segment, xyz, ask, after, k, room):
    """Candidates and their order for one segment and position: (sure, int64[c, COLUMNS]), best first; see `match_many`.

    ask  (lng, lat, reach_m, accuracy_m)
    """
    (integers, numbers), tree, strength, max_accuracy_m, shop_starts, shop_slots, _ids = segment
    lng, lat, reach_m, accuracy_m = ask
    if len(tree) == 0:
        return True, np.empty((0, COLUMNS), np.int64)
    count, slots, states, _least, most = fences.around(integers, numbers, tree, lng, lat, reach_m, room)
    _fetch(slots, strength, max_accuracy_m, shop_starts, shop_slots, xyz)
    sure = count <= room
    kept = 0
    inside = np.empty(len(slots), np.bool_)
    for i in range(len(slots)):
        if states[i] == fences.DOUBTFUL or (states[i] == fences.OUTSIDE and most[i] > reach_m):
            sure = False
            break
        holds = states[i] == fences.INSIDE and accuracy_m <= max_accuracy_m[slots[i]]
        # A tree begins with what is wanted of each promotion: 2 is shown near by, too.
        if not holds and tree[slots[i]] != 2:
            continue
        slots[kept] = slots[i]
        most[kept] = most[i]
        inside[kept] = holds
        kept += 1
    places, shops, distances, near, worth = rank(
        slots[:kept], inside[:kept], most[:kept], strength, shop_starts, shop_slots, xyz, lng, lat, after, k
    )
    return sure, as_rows(slots[places], inside[places], most[places], shops, distances, near, worth)


@njit(cache=True)
def _fetch(slots, strength, max_accuracy_m, shop_starts, shop_slots, xyz):
    """Ask for what is known of some promotions and for their shops, which lie anywhere."""
    for slot in slots:
        prefetch(shop_starts, slot)
        prefetch(strength, slot)
        prefetch(max_accuracy_m, slot)
    for slot in slots:
        prefetch(shop_slots, shop_starts[slot])
    for slot in slots:
        for i in range(shop_starts[slot], min(shop_starts[slot + 1], shop_starts[slot] + _FETCHED_SHOPS)):
            prefetch(xyz, 3 * shop_slots[i])


@njit(cache=True)
def as_rows(slots, inside, most_m, shops, distances_m, near, worth):
    """Ranked offers as rows, int64[c, COLUMNS]: the one place where metres are rounded. Their segment is 0.

    Distances are rounded to the nearest centimetre, halves to even; those to a fence up to the next decimetre.
    """
    rows = np.zeros((len(slots), COLUMNS), np.int64)
    for i in range(len(slots)):
        rows[i, SLOT] = slots[i]
        rows[i, SHOP] = shops[i]
        rows[i, INSIDE] = inside[i]
        rows[i, DISTANCE_CM] = np.int64(np.rint(distances_m[i] * 100.0))
        rows[i, TO_FENCE_DM] = 0 if inside[i] else np.int64(np.ceil(most_m[i] * 10.0))
        rows[i, NEAR] = near[i]
        rows[i, WORTH] = worth[i]
    return rows


@njit(cache=True)
def _merged(ones, twos, ids_of_ones, ids_of_twos, rows):
    """The best of two ranked lists in `rows`; how many."""
    i, j, count = 0, 0, 0
    while count < len(rows) and (i < len(ones) or j < len(twos)):
        if j == len(twos) or (i < len(ones) and _first(ones[i], twos[j], ids_of_ones, ids_of_twos)):
            rows[count] = ones[i]
            rows[count, OF] = 0
            i += 1
        else:
            rows[count] = twos[j]
            rows[count, OF] = 1
            j += 1
        count += 1
    return count


@njit(cache=True)
def _first(one, two, ids_of_ones, ids_of_twos):
    """Whether an offer of the first segment comes before one of the second."""
    if one[INSIDE] != two[INSIDE]:
        return one[INSIDE] > two[INSIDE]
    score, other = one[NEAR] + one[WORTH], two[NEAR] + two[WORTH]
    if score != other:
        return score > other
    a, b = ids_of_ones[one[SLOT]], ids_of_twos[two[SLOT]]
    for place in range(len(a)):
        if a[place] != b[place]:
            return a[place] < b[place]
    return True


@njit(cache=True)
def rank(slots, inside, most_m, strength, shop_starts, shop_slots, xyz, lng, lat, after, k):
    """The best k of some offers: (places int64, shops int32, distances float64, near int64, worth int64).

    slots, inside, most_m   int32, bool, float64[c]: promotions, whether they hold the position, metres to the fence
    strength     float64[n], by slot
    shop_starts, shop_slots   shops of promotion i are shop_slots[shop_starts[i]:shop_starts[i + 1]]
    xyz          float64[shops, 3], metres
    after        (inside, score in thousandths, slot rank): only what comes later counts; inside is -1 for no limit

    places   which of the c, best first
    shops    the nearest shop of each, NO_SHOP when it has none
    distances   to that shop, or else to the fence, metres
    near, worth   the parts of the score, in thousandths
    """
    px, py, pz = ecef_of(lng, lat)
    places, shops = np.empty(k, np.int64), np.empty(k, np.int32)
    distances = np.empty(k)
    nears, worths = np.empty(k, np.int64), np.empty(k, np.int64)
    found = 0
    for c in range(len(slots)):
        slot = slots[c]
        best2 = np.inf
        shop = NO_SHOP
        for i in range(shop_starts[slot], shop_starts[slot + 1]):
            s = shop_slots[i]
            d2 = (xyz[s, 0] - px) ** 2 + (xyz[s, 1] - py) ** 2 + (xyz[s, 2] - pz) ** 2
            if d2 < best2 or (d2 == best2 and s < shop):
                best2 = d2
                shop = s
        distance = most_m[c]
        if shop != NO_SHOP:
            chord = math.sqrt(best2)
            distance = chord + chord**3 / (24.0 * LEAST_RADIUS_M * GREATEST_RADIUS_M)
        near = round(NEAR_MILLI / (1.0 + distance / HALF_M))
        worth = round(STRENGTH_MILLI * strength[slot])
        score = near + worth
        if after[0] >= 0 and not _later(inside[c], score, float(slot), after[0], after[1], after[2]):
            continue
        at = found if found < k else k - 1
        if found == k and not _later(
            inside[places[at]],
            nears[at] + worths[at],
            float(slots[places[at]]),
            inside[c],
            score,
            float(slot),
        ):
            continue
        while at > 0 and _later(
            inside[places[at - 1]], nears[at - 1] + worths[at - 1], float(slots[places[at - 1]]),
            inside[c], score, float(slot),
        ):  # fmt: skip
            places[at], shops[at], distances[at] = places[at - 1], shops[at - 1], distances[at - 1]
            nears[at], worths[at] = nears[at - 1], worths[at - 1]
            at -= 1
        places[at], shops[at], distances[at], nears[at], worths[at] = c, shop, distance, near, worth
        found = min(found + 1, k)
    return places[:found], shops[:found], distances[:found], nears[:found], worths[:found]


@njit(cache=True, inline="always")
def _later(inside, score, rank, than_inside, than_score, than_rank):
    """Whether one offer comes after another."""
    if inside != than_inside:
        return inside < than_inside
    if score != than_score:
        return score < than_score
    return rank > than_rank
