"""Why promotions near a position are no offers there, and what would have to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from geo_offers.domain.offer import FRESH_FOR, MatchQuery, Reason
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import PromotionRow
from geo_offers.domain.schedule import Schedule
from geo_offers.matching.eligibility import reasons_of
from geo_offers.matching.engine import Shortlist, to_fence_m

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Excluded:
    """A promotion that is not an offer here: every reason, the first of them decisive, and what would change it."""

    promotion_id: str
    reasons: Sequence[Reason]
    facts: Mapping[str, object]


def excluded_of(found: Sequence[Shortlist], asked: MatchQuery, at: LngLat) -> list[Excluded]:
    """Everything near that is no offer and is not shown either, by id."""
    excluded = []
    for one in found:
        for place, bits in enumerate(one.against.tolist()):
            reasons = reasons_of(bits)
            if reasons and not _is_shown(one, place, reasons):
                facts = _facts(one, place, reasons, asked, at)
                excluded.append(Excluded(one.index.id_of(int(one.slots[place])), reasons, facts))
    return sorted(excluded, key=lambda item: item.promotion_id)


_ONLY_LISTED = {Reason.OUTSIDE_FENCE, Reason.POSITION_STALE, Reason.POSITION_VAGUE}


def _is_shown(one: Shortlist, place: int, reasons: Sequence[Reason]) -> bool:
    return bool(one.index.listed[one.slots[place]]) and _ONLY_LISTED.issuperset(reasons)


def _facts(
    one: Shortlist, place: int, reasons: Sequence[Reason], asked: MatchQuery, at: LngLat
) -> dict[str, object]:
    """The distance to yes, for each reason."""
    slot = int(one.slots[place])
    row = one.index.rows[slot]
    facts: dict[str, object] = {}
    if len(reasons) > 1:
        facts["also"] = [reason.value for reason in reasons[1:]]
    if Reason.OUTSIDE_FENCE in reasons:
        nearest = one.index.fences.nearest_inside(slot, at)
        facts["distance_to_fence_m"] = to_fence_m(float(one.most_m[place]), inside=False)
        facts["nearest"] = {"lng": nearest.lng, "lat": nearest.lat}
    if Reason.NOT_STARTED in reasons or Reason.OUTSIDE_HOURS in reasons:
        opens_at = _schedule_of(row).next_live_at(asked.when)
        facts["opens_at"] = None if opens_at is None else opens_at.astimezone(UTC)
    if Reason.ENDED in reasons:
        facts["ended_at"] = min(asked.when, _moment(row.ends_at_ms))
    if Reason.POSITION_VAGUE in reasons:
        facts["max_accuracy_m"] = row.max_accuracy_m
    if Reason.POSITION_STALE in reasons:
        facts["max_age_s"] = int(FRESH_FOR.total_seconds())
    for reason, names in _LIMIT_FACTS.items():
        if reason in reasons:
            facts |= {name: getattr(row, name) for name in names if getattr(row, name) is not None}
    return facts


_LIMIT_FACTS = {
    Reason.LIMIT_REACHED: ("max_claims", "max_redemptions"),
    Reason.BUDGET_SPENT: ("budget_minor", "currency"),
    Reason.PER_VISITOR_LIMIT: ("max_per_visitor",),
}


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _schedule_of(row: PromotionRow) -> Schedule:
    return Schedule(_moment(row.starts_at_ms), _moment(row.ends_at_ms), row.weekly_hours, row.time_zone)
