"""What comes into a match and what goes out: query, verdict, reason, offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from geo_offers.domain.place import LngLat

#: A fix older than this opens no fence; one this far in the future neither.
FRESH_FOR = timedelta(seconds=120)


class Reason(StrEnum):
    """Why a promotion is not an offer, in the order in which a verdict names them."""

    PAUSED = "paused"
    ENDED = "ended"
    NOT_STARTED = "not_started"
    OUTSIDE_HOURS = "outside_hours"
    WRONG_AUDIENCE = "wrong_audience"
    LIMIT_REACHED = "limit_reached"
    BUDGET_SPENT = "budget_spent"
    PER_VISITOR_LIMIT = "per_visitor_limit"
    POSITION_MISSING = "position_missing"
    POSITION_STALE = "position_stale"
    POSITION_VAGUE = "position_vague"
    OUTSIDE_FENCE = "outside_fence"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, as far as an app says: a keyed hash, the segments he is in, whether he has claimed before."""

    key: str
    segments: frozenset[str] = frozenset()
    returning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchQuery:
    """One question: what is live here, now, for this visitor?

    at          where; None when nobody knows
    accuracy_m  how far off it may be; None is taken as exact
    fix_at      since when it is known; None is taken as now
    """

    when: datetime
    at: LngLat | None
    accuracy_m: float | None = None
    fix_at: datetime | None = None
    visitor: Visitor | None = None

    @property
    def is_stale(self) -> bool:
        """A fix of another time."""
        return self.fix_at is not None and abs(self.when - self.fix_at) > FRESH_FOR


@dataclass(frozen=True, slots=True)
class Spent:
    """What a promotion has used of its limits, and one visitor of his; a hint until the store decides.

    *_in_period  of that, in the period of its limits that holds now
    """

    claims: int = 0
    redemptions: int = 0
    budget_minor: int = 0
    by_visitor: int = 0
    claims_in_period: int = 0
    redemptions_in_period: int = 0
    by_visitor_in_period: int = 0


NOTHING_SPENT = Spent()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a promotion is an offer for a query.

    reasons  every reason against it, in the order of Reason; none when it is
    facts    what would have to change: metres to the fence, when it opens, what is spent
    """

    reasons: tuple[Reason, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def eligible(self) -> bool:
        return not self.reasons

    @property
    def reason(self) -> Reason | None:
        return self.reasons[0] if self.reasons else None
