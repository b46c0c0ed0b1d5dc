"""Why a claim or a redemption is refused, as errors with the facts that are in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from geo_offers.domain.coupon import Claim
from geo_offers.domain.errors import NotEligible, PositionRefused
from geo_offers.domain.offer import FRESH_FOR, Reason, Spent
from geo_offers.domain.promotion import Limits, Promotion

_POSITION = (Reason.POSITION_MISSING, Reason.POSITION_STALE, Reason.POSITION_VAGUE)
_WORDS = {
    Reason.PAUSED: "is paused: try again later",
    Reason.ENDED: "has ended",
    Reason.NOT_STARTED: "has not started: opens_at says when it does",
    Reason.OUTSIDE_HOURS: "is outside its hours: opens_at says when the next begin",
    Reason.WRONG_AUDIENCE: "is not for this visitor",
    Reason.LIMIT_REACHED: "has reached its limit",
    Reason.BUDGET_SPENT: "has not enough of its budget left",
    Reason.PER_VISITOR_LIMIT: "was claimed by this visitor as often as it may be",
    Reason.POSITION_MISSING: "needs to know the position: send all of lng, lat, accuracy_m and fix_at",
    Reason.POSITION_STALE: "needs a newer position: send a fix of now",
    Reason.POSITION_VAGUE: "needs a better position: wait until accuracy_m is at most max_accuracy_m",
    Reason.OUTSIDE_FENCE: "is claimed inside its fence: go there",
}


class _Limit(NamedTuple):
    """One limit: what it counts, None or the period that it holds for, the most, and what is used."""

    of: str
    period: str | None
    limit: int | None
    used: int

    @property
    def is_reached(self) -> bool:
        return self.limit is not None and self.used >= self.limit

    def facts(self) -> dict[str, object]:
        return self._asdict()


def not_eligible(promotion: Promotion, reason: Reason, claim: Claim, spent: Spent) -> NotEligible:
    """The error for a claim that this reason is decisive against. How far the fence is is left out."""
    kind = PositionRefused if reason in _POSITION else NotEligible
    facts = _facts_of(promotion, reason, claim, spent)
    return kind(f"{promotion.title!r} {_WORDS[reason]}", reason=reason.value, **facts)


def claim_limit_reached(promotion: Promotion, claim: Claim, spent: Spent) -> NotEligible:
    """The error for a claim that was one too many: in all, else for its visitor."""
    in_all = any(limit.is_reached for limit in _claims(promotion.limits, spent))
    return not_eligible(promotion, Reason.LIMIT_REACHED if in_all else Reason.PER_VISITOR_LIMIT, claim, spent)


def ended(promotion: Promotion, when: datetime) -> NotEligible:
    """The error for a promotion that is over."""
    return NotEligible(
        f"{promotion.title!r} {_WORDS[Reason.ENDED]}", reason=Reason.ENDED.value, **_ended_at(promotion, when)
    )


def cannot_redeem(promotion: Promotion, spent: Spent, discount_minor: int) -> NotEligible:
    """The error for a redemption that a limit or the budget does not leave room for."""
    limits, title = promotion.limits, promotion.title
    for limit in _redemptions(limits, spent):
        if limit.is_reached:
            reason = Reason.LIMIT_REACHED
            return NotEligible(f"{title!r} {_WORDS[reason]}", reason=reason.value, **limit.facts())
    facts = _budget(limits, spent) | {"discount_minor": discount_minor}
    reason = Reason.BUDGET_SPENT
    return NotEligible(f"{title!r} {_WORDS[reason]}", reason=reason.value, **facts)


def missing_of(claim: Claim) -> list[str]:
    """What of its position a claim does not say."""
    given = {"position": claim.at, "accuracy_m": claim.accuracy_m, "fix_at": claim.fix_at}
    return [name for name, value in given.items() if value is None]


def _facts_of(promotion: Promotion, reason: Reason, claim: Claim, spent: Spent) -> dict[str, object]:
    schedule, limits = promotion.schedule, promotion.limits
    match reason:
        case Reason.ENDED:
            return _ended_at(promotion, claim.when)
        case Reason.NOT_STARTED | Reason.OUTSIDE_HOURS:
            return {"opens_at": schedule.next_live_at(claim.when)}
        case Reason.LIMIT_REACHED:
            reached = (
                one for one in (*_claims(limits, spent), *_redemptions(limits, spent)) if one.is_reached
            )
            return next(reached).facts()
        case Reason.BUDGET_SPENT:
            return _budget(limits, spent)
        case Reason.PER_VISITOR_LIMIT:
            return next(one for one in _visits(limits, spent) if one.is_reached).facts()
        case Reason.POSITION_MISSING:
            return {"missing": missing_of(claim)}
        case Reason.POSITION_STALE:
            return {"fix_at": claim.fix_at, "fresh_for_s": FRESH_FOR.total_seconds()}
        case Reason.POSITION_VAGUE:
            return {"accuracy_m": claim.accuracy_m, "max_accuracy_m": promotion.max_accuracy_m}
        case _:
            return {}


def _ended_at(promotion: Promotion, when: datetime) -> dict[str, object]:
    """When it ended by its schedule; nothing where it was ended by hand."""
    ends_at = promotion.schedule.ends_at
    return {"ended_at": ends_at} if when >= ends_at else {}


def _budget(limits: Limits, spent: Spent) -> dict[str, object]:
    return {"limit": limits.budget_minor, "used": spent.budget_minor, "currency": limits.currency}


def _claims(limits: Limits, spent: Spent) -> Iterator[_Limit]:
    yield _Limit("claims", None, limits.max_claims, spent.claims)
    if limits.per_period is not None:
        period = limits.per_period
        yield _Limit("claims", period.period, period.max_claims, spent.claims_in_period)


def _redemptions(limits: Limits, spent: Spent) -> Iterator[_Limit]:
    yield _Limit("redemptions", None, limits.max_redemptions, spent.redemptions)
    if limits.per_period is not None:
        period = limits.per_period
        yield _Limit("redemptions", period.period, period.max_redemptions, spent.redemptions_in_period)


def _visits(limits: Limits, spent: Spent) -> Iterator[_Limit]:
    yield _Limit("claims of a visitor", None, limits.max_per_visitor, spent.by_visitor)
    if limits.per_period is not None:
        period = limits.per_period
        yield _Limit("claims of a visitor", period.period, period.max_per_visitor, spent.by_visitor_in_period)
