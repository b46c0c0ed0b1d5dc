"""The rules over columns: for many promotions at once what domain/rules says for one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.offer import MatchQuery, Reason, Spent, Visitor
from geo_offers.domain.promotion import Audience, PeriodLimits
from geo_offers.index.live import BIT
from geo_offers.index.promotions import NO_LIMIT, PromotionIndex

Bits = NDArray[np.uint16]
_decode_period = msgspec.json.Decoder(PeriodLimits).decode
#: With only these against it a listed promotion is still shown near its fence.
NOT_INSIDE = np.uint16(BIT[Reason.OUTSIDE_FENCE] | BIT[Reason.POSITION_STALE] | BIT[Reason.POSITION_VAGUE])


def reasons_against(
    index: PromotionIndex,
    slots: NDArray[np.int32],
    of_time: Bits,
    query: MatchQuery,
    inside: NDArray[np.bool_],
) -> Bits:
    """Bits of every reason but spending against some promotions, uint16[k].

    slots    int32[k]
    of_time  uint16[k], from the live table
    inside   bool[k], whether the fence holds the position
    """
    against = of_time | np.where(inside, 0, BIT[Reason.OUTSIDE_FENCE]).astype(np.uint16)
    if query.is_stale:
        against |= np.uint16(BIT[Reason.POSITION_STALE])
    if query.accuracy_m is not None:
        vague = query.accuracy_m > index.max_accuracy_m[slots]
        against[vague] |= np.uint16(BIT[Reason.POSITION_VAGUE])
    if len(index.audiences) > 1:
        wrong = np.array([not _fits(audience, query.visitor) for audience in index.audiences])
        against[wrong[index.audience[slots]]] |= np.uint16(BIT[Reason.WRONG_AUDIENCE])
    return against


def spending_against(index: PromotionIndex, slots: NDArray[np.int32], spent: Mapping[str, Spent]) -> Bits:
    """Bits of the limits that some promotions have reached, uint16[k]; spent by promotion id."""
    against = np.zeros(len(slots), np.uint16)
    for place in np.flatnonzero(np.isin(slots, _slots_of(index, spent))).tolist():
        slot = slots[place]
        row = index.rows[slot]
        used = spent[row.id]
        against[place] = _limit_bits(index.limits[slot], used)
        if row.per_period_json is not None:
            against[place] |= _period_bits(_decode_period(row.per_period_json), used)
    return against


def _slots_of(index: PromotionIndex, spent: Mapping[str, Spent]) -> NDArray[np.int64]:
    """The slots of those of these promotions that are here; they are few among all."""
    if len(index) == 0:
        return np.empty(0, np.int64)
    wanted = np.array([promotion_id.encode() for promotion_id in spent], "S20")
    slots = np.minimum(np.searchsorted(index.ids, wanted), len(index) - 1)
    there: NDArray[np.int64] = slots[index.ids[slots] == wanted]
    return there


def _fits(audience: Audience, visitor: Visitor | None) -> bool:
    if audience.segments and not (visitor and audience.segments & visitor.segments):
        return False
    return audience.visitors == "all" or (
        visitor is not None and (audience.visitors == "returning") == visitor.returning
    )


def _limit_bits(limits: NDArray[np.int64], used: Spent) -> np.uint16:
    claims, redemptions, per_visitor, budget = (
        limit != NO_LIMIT and amount >= limit
        for limit, amount in zip(
            limits.tolist(), (used.claims, used.redemptions, used.by_visitor, used.budget_minor), strict=True
        )
    )
    bits = BIT[Reason.LIMIT_REACHED] if claims or redemptions else 0
    bits |= BIT[Reason.BUDGET_SPENT] if budget else 0
    bits |= BIT[Reason.PER_VISITOR_LIMIT] if per_visitor else 0
    return np.uint16(bits)


def _period_bits(limits: PeriodLimits, used: Spent) -> np.uint16:
    claims, redemptions, per_visitor = (
        limit is not None and amount >= limit
        for limit, amount in (
            (limits.max_claims, used.claims_in_period),
            (limits.max_redemptions, used.redemptions_in_period),
            (limits.max_per_visitor, used.by_visitor_in_period),
        )
    )
    bits = BIT[Reason.LIMIT_REACHED] if claims or redemptions else 0
    return np.uint16(bits | (BIT[Reason.PER_VISITOR_LIMIT] if per_visitor else 0))


def reasons_of(bits: int) -> tuple[Reason, ...]:
    """The reasons of a column's bits, in their order."""
    return tuple(reason for reason in Reason if bits & BIT[reason])
