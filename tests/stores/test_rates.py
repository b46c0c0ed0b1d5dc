"""Rates of callers: never more than the burst and what was refilled since, in any stretch of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_offers.stores.ports import Taken
from geo_offers.stores.rate_memory import MemoryRateLimits

#: A request counts as due when it is this part of one early.
ROUNDING = 1e-3


def allowed(limits: MemoryRateLimits, times_s: list[float], *, per_minute: int, burst: int) -> list[float]:
    return [
        now_s
        for now_s in times_s
        if limits.take("key", per_minute=per_minute, burst=burst, now_s=now_s).allowed
    ]


@given(
    start_s=st.floats(0, 1e7),
    gaps_s=st.lists(st.one_of(st.just(0.0), st.floats(0, 20)), max_size=150),
    per_minute=st.integers(1, 10_000),
    burst=st.integers(1, 30),
)
def test_no_stretch_of_time_has_more_than_the_burst_and_the_refill(start_s, gaps_s, per_minute, burst):
    times_s = [start_s]
    for gap_s in gaps_s:
        times_s.append(times_s[-1] + gap_s)
    passed = allowed(MemoryRateLimits(), times_s, per_minute=per_minute, burst=burst)
    assert passed[: min(burst, len(times_s))] == times_s[:burst], "the burst is there from the start"
    for first, from_s in enumerate(passed):
        for last, to_s in enumerate(passed[first:], first):
            most = burst + (to_s - from_s) * per_minute / 60 + ROUNDING
            assert last - first + 1 <= most


@given(per_minute=st.integers(1, 100_000), burst=st.integers(1, 50), wait=st.floats(0, 3))
def test_what_a_refusal_says_is_when_one_is_there_again(per_minute, burst, wait):
    limits = MemoryRateLimits()
    for left in range(burst - 1, -1, -1):
        taken = limits.take("key", per_minute=per_minute, burst=burst, now_s=100.0)
        assert (taken.allowed, taken.remaining, taken.retry_after_s) == (True, left, 0.0)
    refused = limits.take("key", per_minute=per_minute, burst=burst, now_s=100.0)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert refused.retry_after_s == pytest.approx(60 / per_minute)
    assert refused.reset_s == pytest.approx(60 / per_minute * burst)
    later_s = 100.0 + refused.retry_after_s
    assert limits.take("key", per_minute=per_minute, burst=burst, now_s=later_s).allowed


def test_a_rate_runs_evenly():
    limits = MemoryRateLimits()
    asked = [100.0 + tenth / 10 for tenth in range(100)]
    assert allowed(limits, asked, per_minute=60, burst=1) == [100.0 + second for second in range(10)]


def test_each_key_has_its_own_bucket():
    limits = MemoryRateLimits()
    assert limits.take("a", per_minute=1, burst=1, now_s=0.0) == Taken(True, 0, 60.0, 0.0)
    assert limits.take("b", per_minute=1, burst=1, now_s=0.0) == Taken(True, 0, 60.0, 0.0)
    assert limits.take("a", per_minute=1, burst=1, now_s=15.0) == Taken(False, 0, 45.0, 45.0)


def test_memory_is_bounded_and_full_buckets_go_first():
    limits = MemoryRateLimits(most=100)
    for second in range(10_000):
        limits.take(f"address {second}", per_minute=1, burst=1, now_s=second / 100)
        assert len(limits) <= 100
    limits.take("somebody", per_minute=1, burst=1, now_s=1_000.0)
    limits.take("another", per_minute=1, burst=1, now_s=1_000.0)
    assert len(limits) == 98, "each newcomer let go of two that were full"
    assert not limits.take("somebody", per_minute=1, burst=1, now_s=1_001.0).allowed
