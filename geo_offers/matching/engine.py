"""The whole match without I/O: candidates with every reason against them, then the best of those that are offers.

One path serves single questions, batches and explanations: `shortlist`, then `select` or the reasons themselves.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.offer import MatchQuery, Spent
from geo_offers.domain.place import LngLat
from geo_offers.index.promotions import PromotionIndex, Promotions, Segment
from geo_offers.kernels import ranking
from geo_offers.matching.eligibility import NOT_INSIDE, Bits, reasons_against, spending_against

_FROM_THE_TOP = (-1, 0, 0.0)
_ROOM = 1_024
ShopTest = Callable[[NDArray[np.int32]], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Promotions of one segment that may matter for a query, in no order.

    slots    int32[k]
    inside   bool[k]: the fence holds the position
    least_m, most_m   float64[k], bounds of the distance to the fence
    against  uint16[k], bits of every reason against each
    """

    index: PromotionIndex
    slots: NDArray[np.int32]
    inside: NDArray[np.bool_]
    least_m: NDArray[np.float64]
    most_m: NDArray[np.float64]
    against: Bits


class Ranked(NamedTuple):
    """One offer in its place.

    of, slot     which promotion
    inside       the position is good enough and in the fence: it can be claimed here
    shop         slot of the nearest shop, or ranking.NO_SHOP
    distance_m   to that shop, or else to the fence
    to_fence_m   upwards to a decimetre: who moves so far towards the fence is inside
    near, worth  the parts of the score, in thousandths
    """

    of: PromotionIndex
    slot: int
    inside: bool
    shop: int
    distance_m: float
    to_fence_m: float
    near: int
    worth: int

    @property
    def promotion_id(self) -> str:
        return self.of.rows[self.slot].id

    @property
    def order(self) -> tuple[int, int, str]:
        """Smaller comes first."""
        return (0 if self.inside else 1, -(self.near + self.worth), self.promotion_id)


@dataclass(frozen=True, slots=True)
class AfterOffer:
    """Where the page before ended."""

    inside: bool
    score_milli: int
    promotion_id: str


def shortlist(
    promotions: Promotions,
    query: MatchQuery,
    at: LngLat,
    *,
    reach_m: float,
    everything: bool = False,
) -> list[Shortlist]:
    """Promotions whose fence holds the position, and those within reach of it that may be shown or explained.

    reach_m     how far a fence may be; 0 for only those that hold the position
    everything  also those that are not live, or not listed
    """
    return [_shortlist(segment, query, at, reach_m, everything=everything) for segment in promotions.segments]


def _shortlist(
    segment: Segment,
    query: MatchQuery,
    at: LngLat,
    reach_m: float,
    *,
    everything: bool,
) -> Shortlist:
    stretch = segment.live.at(query.when)
    around = segment.index.fences.around(
        at, segment.live.everything if everything else stretch.wanted, reach_m
    )
    of_time = stretch.reasons[around.slots]
    against = reasons_against(segment.index, around.slots, of_time, query, around.inside)
    return Shortlist(segment.index, around.slots, around.inside, around.least_m, around.most_m, against)


def best_at_once(
    promotions: Promotions,
    query: MatchQuery,
    at: LngLat,
    shop_xyz: NDArray[np.float64],
    *,
    reach_m: float,
    limit: int,
) -> list[Ranked] | None:
    """What `shortlist` and `select` give for a question that only fences and time decide, in one call of a kernel.

    None when the question is not of that kind, or too near to a rim: then it is asked step by step.
    """
    if (
        len(promotions.segments) > 1
        or query.visitor is not None
        or query.accuracy_m is not None
        or query.is_stale
    ):
        return None
    segment = promotions.segments[0]
    index, public = segment.index, segment.live.at(query.when).public
    integers, numbers = index.fences.packed
    sure, *columns = ranking.match(
        integers, numbers, public, index.strength, index.shop_starts, index.shop_slots, shop_xyz,
        float(at.lng), float(at.lat), float(reach_m), _FROM_THE_TOP, limit, _ROOM,
    )  # fmt: skip
    return _in_order(index, *columns) if sure else None


def _in_order(
    index: PromotionIndex,
    slots: NDArray[np.int32],
    inside: NDArray[np.bool_],
    most_m: NDArray[np.float64],
    shops: NDArray[np.int32],
    distances_m: NDArray[np.float64],
    near: NDArray[np.int64],
    worth: NDArray[np.int64],
) -> list[Ranked]:
    to_fences_m = np.where(inside, 0.0, np.ceil(most_m * 10) / 10)
    columns = (slots, inside, shops, distances_m, to_fences_m, near, worth)
    return [Ranked(index, *row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def charged(found: Shortlist, spent: Mapping[str, Spent]) -> Shortlist:
    """The same with the limits that are reached counted against; spent by promotion id."""
    if not spent:
        return found
    return replace(found, against=found.against | spending_against(found.index, found.slots, spent))


def select(
    shortlists: Sequence[Shortlist],
    at: LngLat,
    shop_xyz: NDArray[np.float64],
    *,
    limit: int,
    honoured_by: ShopTest | None = None,
    after: AfterOffer | None = None,
) -> list[Ranked]:
    """The best offers: those that hold the position first, then listed ones near by; by score, then id.

    honoured_by  which shops count, bool[k] for slots int32[k]: an offer counts when one of its shops does
    """
    ranked = [_ranked(one, at, shop_xyz, limit, honoured_by, after) for one in shortlists]
    full = [one for one in ranked if one]
    if len(full) <= 1:
        return full[0] if full else []
    return list(heapq.merge(*full, key=lambda one: one.order))[:limit]


def is_offered(found: Shortlist) -> NDArray[np.bool_]:
    """Which of them are shown, bool[k]: offers, and listed ones that only the position is against."""
    only_the_position = (found.against & ~NOT_INSIDE) == 0
    return np.asarray((found.against == 0) | (only_the_position & found.index.listed[found.slots]))


def _ranked(
    found: Shortlist,
    at: LngLat,
    shop_xyz: NDArray[np.float64],
    limit: int,
    honoured_by: ShopTest | None,
    after: AfterOffer | None,
) -> list[Ranked]:
    index, against = found.index, found.against
    offered = is_offered(found)
    if honoured_by is not None:
        offered &= _honoured(index, found.slots, honoured_by)
    slots, most_m = found.slots[offered], found.most_m[offered]
    inside = against[offered] == 0
    start = _FROM_THE_TOP
    if after is not None:
        start = (int(after.inside), after.score_milli, index.rank_after(after.promotion_id))
    best = ranking.rank(
        slots, inside, most_m, index.strength, index.shop_starts, index.shop_slots, shop_xyz,
        float(at.lng), float(at.lat), start, limit,
    )  # fmt: skip
    places, *columns = best
    return _in_order(index, slots[places], inside[places], most_m[places], *columns)


def _honoured(index: PromotionIndex, slots: NDArray[np.int32], test: ShopTest) -> NDArray[np.bool_]:
    starts, stops = index.shop_starts[slots], index.shop_starts[slots + 1]
    return np.array(
        [
            bool(test(index.shop_slots[a:b]).any())
            for a, b in zip(starts.tolist(), stops.tolist(), strict=True)
        ],
        np.bool_,
    )


def to_fence_m(most_m: float, *, inside: bool) -> float:
    """A distance to a fence as it is told: never less than it is, in decimetres; 0 inside."""
    return 0.0 if inside else math.ceil(most_m * 10) / 10
