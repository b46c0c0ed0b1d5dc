"""A page of answers in one call: found, put in order and written."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo_offers.kernels import cell_tree, ranking, writing

#: There is no page here: something has to be looked at again, or more room is needed.
NO_PAGE = -1


@njit(cache=True)
def offers(matched, written, spent, lng, lat, reach_m, limit, named, room, out):
    """The first offers at an exact position: (bytes written or NO_PAGE, found, segment, slot, inside, score).

    matched   (segments, xyz) as for `ranking.match_many`
    written   (promotions, shops, states) as for `writing.offers_many`
    spent     for each of the two segments uint16[n], not 0 where a limit is reached; empty where none is
    named, out  as for `writing.offers_many`
    room      how many candidates at most

    found is more than `limit` when there are more; the last four are of the last one that was written.
    """
    segments, xyz = matched
    promotions, shops, states = written
    rows = np.empty((1, limit + 1, ranking.COLUMNS), np.int64)
    place, ends = np.empty((3, 1)), np.empty((2, 1), np.int64)
    flags = np.empty((2, 1), np.bool_)
    place[0, 0], place[1, 0], place[2, 0] = lng, lat, 0.0
    found, sure, plain = ends[0], flags[0], flags[1]
    from_the_top = (-1, 0, 0.0, 0.0)
    ranking.match_many(
        segments, xyz, place[0], place[1], reach_m, place[2], from_the_top, room, rows, found, sure
    )
    count = found[0]
    if not sure[0] or _any_spent(rows[0], count, spent):
        return NO_PAGE, 0, 0, 0, 0, 0
    needed, known = writing.offers_many(
        rows, found, limit, promotions, shops, states, named, out, ends[1], plain
    )
    if not plain[0] or not known or needed > len(out):
        return NO_PAGE, 0, 0, 0, 0, 0
    last = rows[0, max(0, min(count, limit) - 1)]
    score = last[ranking.NEAR] + last[ranking.WORTH]
    return ends[1, 0], count, last[ranking.OF], last[ranking.SLOT], last[ranking.INSIDE], score


@njit(cache=True)
def _any_spent(rows, count, spent):
    """Whether any of these has reached a limit."""
    for i in range(count):
        bits = spent[rows[i, ranking.OF]]
        if len(bits) > 0 and bits[rows[i, ranking.SLOT]] != 0:
            return True
    return False


@njit(cache=True)
def shops(found_in, written, lng, lat, high, sure_chord, limit, named, out):
    """The nearest shops of a position: (bytes written or NO_PAGE, found, slot of the last one that was written).

    found_in  (tree, root, xyz, opening) as for `cell_tree.nearest_one`
    written   (shops, districts, states) as for `writing.shops`
    high, sure_chord  as for `cell_tree.nearest_one`
    named, out  as for `writing.shops`
    """
    tree, root, xyz, opening = found_in
    documents, districts, states = written
    if len(tree[1]) == 0:
        return 0, 0, 0
    proven, slots, distances = cell_tree.nearest_one(
        tree, root, xyz, lng, lat, high, sure_chord, opening, limit + 1
    )
    if not proven:
        return NO_PAGE, 0, 0
    shown = slots[:limit]
    end, needed, known, plain = writing.shops(shown, distances, documents, districts, states, named, out)
    if not plain or not known or needed > len(out):
        return NO_PAGE, 0, 0
    return end, len(slots), shown[len(shown) - 1] if len(shown) > 0 else 0
