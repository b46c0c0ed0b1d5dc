"""Which promotions are live at a moment: status, schedule and weekly hours as columns, worked out once for a stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.offer import Reason
from geo_offers.domain.opening_hours import OpeningHours, OpenState
from geo_offers.index.fences import FenceIndex, WantedFences

#: The bit of each reason in a column of reasons.
BIT = {reason: 1 << place for place, reason in enumerate(Reason)}
ALWAYS = -1
#: Stretches that are known at a time; 100,000 promotions that are all live are 3.6 MB in a tree, of which each may have two.
_KEPT = 4
_MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR_MS = 2**62


def epoch_ms(when: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return (when - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class LiveStretch:
    """What holds for every moment of [from_ms, until_ms).

    reasons  uint16[n]: bits of the reasons of time against each promotion; 0 is live
    wanted   the fences of those that are live: 1 live, 2 live and listed; see WantedFences
    public   the same for a visitor of whom nothing is known: only what is for everybody
    """

    from_ms: int
    until_ms: int
    reasons: NDArray[np.uint16]
    wanted: WantedFences
    public: WantedFences


@dataclass(frozen=True, slots=True)
class Times:
    """When n promotions may be live.

    against    uint16[n]: bits of reasons that hold at any time (paused, ended by hand)
    starts_ms, ends_ms   int64[n]
    hours      int32[n]: a row of `rows`, or ALWAYS
    listed     bool[n]
    for_all    bool[n]: the audience is everybody
    """

    against: NDArray[np.uint16]
    starts_ms: NDArray[np.int64]
    ends_ms: NDArray[np.int64]
    hours: NDArray[np.int32]
    rows: Sequence[OpeningHours]
    listed: NDArray[np.bool_]
    for_all: NDArray[np.bool_]


class LiveTable:
    """Stretches of time in which the same promotions are live; knows a few at a time.

    Schedules begin and end at any millisecond, weekly hours on whole minutes.
    """

    def __init__(self, times: Times, fences: FenceIndex, alive: NDArray[np.bool_] | None = None) -> None:
        self._times = times
        self._fences = fences
        self.alive = np.ones(len(times.against), np.bool_) if alive is None else alive
        self._known: tuple[LiveStretch, ...] = ()
        #: All that are here, live or not.
        self.everything = fences.only(np.where(self.alive, 2, 0).astype(np.uint8))

    def without(self, slots: Sequence[int]) -> LiveTable:
        """The same where these promotions are no more: they are neither live nor a candidate."""
        alive = self.alive.copy()
        alive[list(slots)] = False
        return LiveTable(self._times, self._fences, alive)

    def at(self, when: datetime) -> LiveStretch:
        """The stretch around a moment. 1 ms for 100,000 promotions when it is not known yet."""
        at_ms = epoch_ms(when)
        for stretch in self._known:
            if stretch.from_ms <= at_ms < stretch.until_ms:
                return stretch
        stretch = self._stretch(at_ms)
        self._known = (stretch, *self._known[: _KEPT - 1])
        return stretch

    def _stretch(self, at_ms: int) -> LiveStretch:
        times = self._times
        reasons = times.against.copy()
        reasons |= (at_ms >= times.ends_ms) * np.uint16(BIT[Reason.ENDED])
        reasons |= (at_ms < times.starts_ms) * np.uint16(BIT[Reason.NOT_STARTED])
        until_ms = min(_next(times.starts_ms, at_ms), _next(times.ends_ms, at_ms))
        from_ms = at_ms
        if times.rows:
            minute_ms = at_ms // _MINUTE_MS * _MINUTE_MS
            moment = _EPOCH + timedelta(milliseconds=minute_ms)
            closed = np.array([*(row.state_at(moment) is not OpenState.OPEN for row in times.rows), False])
            reasons |= closed[times.hours] * np.uint16(BIT[Reason.OUTSIDE_HOURS])
            until_ms = min(until_ms, minute_ms + _MINUTE_MS)
        live = (reasons == 0) & self.alive
        wanted = self._fences_of(live * (times.listed + np.uint8(1)))
        public = self._fences_of(wanted.wanted * times.for_all, wanted)
        return LiveStretch(from_ms, until_ms, reasons, wanted, public)

    def _fences_of(self, wanted: NDArray[np.uint8], *others: WantedFences) -> WantedFences:
        """These fences; those that are known already, where they are the same."""
        for stretch in self._known:
            others = (*others, stretch.wanted, stretch.public)
        for known in others:
            if np.array_equal(known.wanted, wanted):
                return known
        return self._fences.only(wanted)


def _next(boundaries_ms: NDArray[np.int64], at_ms: int) -> int:
    later = boundaries_ms[boundaries_ms > at_ms]
    return int(later.min()) if len(later) else _FAR_MS
