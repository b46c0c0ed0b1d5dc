"""The whole match without I/O: candidates with every reason against them, then the best of those that are offers.

One path serves single questions, batches and explanations: `shortlist`, then `select` or the reasons themselves.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.offer import MatchQuery, Spent, Visitor
from geo_offers.domain.place import LngLat
from geo_offers.index.promotions import PromotionIndex, Promotions, Segment
from geo_offers.kernels import ranking
from geo_offers.matching.eligibility import NOT_INSIDE, Bits, reasons_against, spending_against

_FROM_THE_TOP = (-1, 0, 0.0, 0.0)
_NO_TREE = np.empty(0, np.uint8)
#: Candidates at one position that kernels take; where there are more it is asked step by step.
ROOM = 1_024
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
    """One offer in its place; its numbers are rounded already, see `ranking.as_rows`.

    of, slot     which promotion
    shop         slot of the nearest shop, or ranking.NO_SHOP
    inside       1 when the position is good enough and in the fence: it can be claimed here
    distance_cm  to that shop, or else to the fence
    to_fence_dm  upwards: who moves so far towards the fence is inside
    near, worth  the parts of the score, in thousandths
    """

    of: PromotionIndex
    slot: int
    shop: int
    inside: int
    distance_cm: int
    to_fence_dm: int
    near: int
    worth: int

    @property
    def promotion_id(self) -> str:
        return self.of.id_of(self.slot)

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
    around = (segment.live.everything if everything else stretch.wanted).around(at, reach_m)
    of_time = stretch.reasons[around.slots]
    against = reasons_against(segment.index, around.slots, of_time, query, around.inside)
    return Shortlist(segment.index, around.slots, around.inside, around.least_m, around.most_m, against)


@dataclass(frozen=True, slots=True, eq=False)
class BestMany:
    """The best offers at each of m positions, from one call of a kernel.

    indexes  of the segments, by the number in `ranking.OF`
    rows     int64[m, k, ranking.COLUMNS], best first
    found    int64[m], how many of the rows count
    sure     bool[m]; not where a rim is too near: those are asked step by step
    """

    indexes: tuple[PromotionIndex, PromotionIndex]
    rows: NDArray[np.int64]
    found: NDArray[np.int64]
    sure: NDArray[np.bool_]

    def ranked(self, place: int) -> list[Ranked]:
        """The offers at one of the positions."""
        rows = self.rows[place, : self.found[place]].tolist()
        return [Ranked(self.indexes[of], *numbers) for of, *numbers in rows]

    def limited(self, place: int) -> list[str]:
        """Ids of those at one of the positions that have limits."""
        rows = self.rows[place, : self.found[place], : ranking.SLOT + 1].tolist()
        return [self.indexes[of].id_of(slot) for of, slot in rows if self.indexes[of].limited[slot]]

    def end_of(self, place: int, count: int) -> AfterOffer:
        """Where a page of so many offers at one of the positions ends."""
        of, slot, _, inside, _, _, near, worth = self.rows[place, count - 1].tolist()
        return AfterOffer(bool(inside), near + worth, self.indexes[of].id_of(slot))


def decided_by_place_and_time(promotions: Promotions, visitor: Visitor | None) -> bool:
    """Whether who asks makes no difference, limits aside."""
    return visitor is None or all(len(one.index.audiences) == 1 for one in promotions.segments)


def vagueness_m(query: MatchQuery) -> float:
    """How far off a position may be, as kernels take it: 0 for exact, endless for an old one."""
    return ranking.VAGUEST_M if query.is_stale else query.accuracy_m or 0.0


def best_many(
    promotions: Promotions,
    when: datetime,
    shop_xyz: NDArray[np.float64],
    lngs: NDArray[np.float64],
    lats: NDArray[np.float64],
    accuracies_m: NDArray[np.float64],
    *,
    reach_m: float,
    limit: int,
    after: AfterOffer | None = None,
) -> BestMany:
    """What `shortlist` and `select` give at m positions for questions that place and time decide.

    lngs, lats, accuracies_m   float64[m]; see `vagueness_m`
    """
    base, last = promotions.segments[0], promotions.segments[-1]
    m = len(lngs)
    rows = np.empty((m, limit, ranking.COLUMNS), np.int64)
    found, sure = np.empty(m, np.int64), np.empty(m, np.bool_)
    start = _FROM_THE_TOP
    if after is not None:
        ranks = (base.index.rank_after(after.promotion_id), last.index.rank_after(after.promotion_id))
        start = (int(after.inside), after.score_milli, *ranks)
    ranking.match_many(
        columns_of(promotions, when), shop_xyz, lngs, lats, float(reach_m), accuracies_m, start, ROOM,
        rows, found, sure,
    )  # fmt: skip
    return BestMany((base.index, last.index), rows, found, sure)


def columns_of(promotions: Promotions, when: datetime) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The segments as `ranking.match_many` wants them, for visitors of whom nothing is known."""
    base, *later = promotions.segments
    columns = _columns(base, when)
    # Kernels take two segments, and pass over one whose tree is empty.
    return columns, _columns(later[0], when) if later else (columns[0], _NO_TREE, *columns[2:])


def _columns(segment: Segment, when: datetime) -> tuple[Any, ...]:
    index = segment.index
    return (
        index.fences.packed, segment.live.at(when).public.tree, index.strength, index.max_accuracy_m,
        index.shop_starts, index.shop_slots, index.ids.view(np.uint8).reshape(len(index), 20),
    )  # fmt: skip


def best_at_once(
    promotions: Promotions,
    query: MatchQuery,
    at: LngLat,
    shop_xyz: NDArray[np.float64],
    *,
    reach_m: float,
    limit: int,
    after: AfterOffer | None = None,
) -> list[Ranked] | None:
    """`best_many` for one position; None when more decides than place and time, or too near to a rim."""
    if not decided_by_place_and_time(promotions, query.visitor):
        return None
    best = best_many(
        promotions, query.when, shop_xyz, np.array([at.lng]), np.array([at.lat]), np.array([vagueness_m(query)]),
        reach_m=reach_m, limit=limit, after=after,
    )  # fmt: skip
    return best.ranked(0) if best.sure[0] else None


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
    start: tuple[int, int, float] = _FROM_THE_TOP[:3]
    if after is not None:
        start = (int(after.inside), after.score_milli, index.rank_after(after.promotion_id))
    places, *columns = ranking.rank(
        slots, inside, most_m, index.strength, index.shop_starts, index.shop_slots, shop_xyz,
        float(at.lng), float(at.lat), start, limit,
    )  # fmt: skip
    rows = ranking.as_rows(slots[places], inside[places], most_m[places], *columns).tolist()
    return [Ranked(index, *numbers) for _, *numbers in rows]


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
