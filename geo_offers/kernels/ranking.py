"""The order of offers: inside before listed, then score, then id."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from geo_offers.kernels import fences
from geo_offers.kernels.distance import GREATEST_RADIUS_M, LEAST_RADIUS_M
from geo_offers.kernels.fence_distance import ecef_of

#: Nearness is worth this much of a score, a benefit the rest; in thousandths.
NEAR_MILLI = 70_000
STRENGTH_MILLI = 30_000
#: At this distance nearness is worth half. Fits how often coupons were redeemed by distance: 13.5 % within
#: 500 m, then 6.0, 3.9 and 3.0 % (Tianchi O2O, 1,053,282 coupons).
HALF_M = 150.0
NO_SHOP = -1


@njit(cache=True)
def match(
    integers, numbers, wanted, strength, shop_starts, shop_slots, xyz, lng, lat, reach_m, after, k, room
):
    """Candidates and their order in one call, for a question that nothing but fences and time decides.

    The arguments are those of `fences.around` and of `rank`. Gives (sure, slots, inside, most_m, shops, distances,
    near, worth), best first; when not sure, a rim is too near or the room too small: ask step by step.
    """
    count, slots, states, _least, most = fences.around(integers, numbers, wanted, lng, lat, reach_m, room)
    sure = count <= room
    kept = 0
    inside = np.empty(len(slots), np.bool_)
    for i in range(len(slots)):
        if states[i] == fences.DOUBTFUL or (states[i] == fences.OUTSIDE and most[i] > reach_m):
            sure = False
            break
        if states[i] == fences.OUTSIDE and wanted[slots[i]] != 2:
            continue
        slots[kept] = slots[i]
        most[kept] = most[i]
        inside[kept] = states[i] == fences.INSIDE
        kept += 1
    places, shops, distances, near, worth = rank(
        slots[:kept], inside[:kept], most[:kept], strength, shop_starts, shop_slots, xyz, lng, lat, after, k
    )
    return sure, slots[places], inside[places], most[places], shops, distances, near, worth


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
