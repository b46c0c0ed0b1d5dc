"""Periods: midnight by the wall clock, where it exists; one after the other, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_offers.domain.errors import PromotionInvalid, TimeZoneUnknown
from geo_offers.domain.offer import Reason, Spent
from geo_offers.domain.periods import PERIODS, Period, period_end, period_start
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Limits, PeriodLimits
from geo_offers.domain.rules import MatchQuery, Places, is_eligible
from tests.builders import a_promotion


def at(text: str, zone: str = "UTC", *, fold: int = 0) -> datetime:
    """A time by the wall clock of a zone, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def hours_of(when: datetime, zone: str) -> float:
    """How long the day lasts that holds `when`."""
    return (period_end(when, "day", zone) - period_start(when, "day", zone)) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("day", "2026-03-04T00:00", "2026-03-05T00:00"),
        ("week", "2026-03-02T00:00", "2026-03-09T00:00"),
        ("month", "2026-03-01T00:00", "2026-04-01T00:00"),
    ],
)
def test_a_period_begins_and_ends_at_local_midnight(period: Period, start: str, end: str):
    zone = "Asia/Shanghai"
    for when in ("2026-03-04T00:00", "2026-03-04T07:59", "2026-03-04T23:59:59.999"):
        assert period_start(at(when, zone), period, zone) == at(start, zone)
        assert period_end(at(when, zone), period, zone) == at(end, zone)
    assert period_start(at("2026-03-04T12:00", zone), "day", zone).tzinfo is UTC


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu"])
def test_sundays_end_weeks_and_leap_days_end_february(zone: str):
    assert period_start(at("2026-03-01T23:59", zone), "week", zone) == at("2026-02-23T00:00", zone)
    assert period_end(at("2028-02-29T23:59", zone), "month", zone) == at("2028-03-01T00:00", zone)
    assert period_end(at("2026-12-31T23:59", zone), "month", zone) == at("2027-01-01T00:00", zone)


def test_days_have_as_many_hours_as_clocks_give_them():
    assert hours_of(at("2026-03-29T12:00", "Europe/Helsinki"), "Europe/Helsinki") == 23
    assert hours_of(at("2026-10-25T12:00", "Europe/Helsinki"), "Europe/Helsinki") == 25
    assert hours_of(at("2026-10-25T03:30", "Europe/Helsinki", fold=1), "Europe/Helsinki") == 25
    assert hours_of(at("2026-04-05T12:00", "Australia/Lord_Howe"), "Australia/Lord_Howe") == 24.5


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00"),  # 24:00 was 01:00
        ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00"),
        ("Africa/Cairo", "2023-04-28", "2023-04-27T22:00"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00"),
    ],
)
def test_where_clocks_skip_midnight_the_day_begins_when_the_gap_ends(zone: str, day: str, first: str):
    start = at(first)
    assert start.astimezone(ZoneInfo(zone)).isoformat()[:16] == f"{day}T01:00"
    for when in (start, at(f"{day}T01:00", zone), at(f"{day}T23:59:59", zone)):
        assert period_start(when, "day", zone) == start
    just_before = start - timedelta(milliseconds=1)
    assert period_end(just_before, "day", zone) == start
    assert hours_of(start, zone) == 23


def test_a_day_that_was_skipped_whole_is_no_day():
    zone, jump = "Pacific/Apia", at("2011-12-30T10:00")  # from the end of the 29th to the 31st
    assert period_end(jump - timedelta(seconds=1), "day", zone) == jump
    assert period_start(jump, "day", zone) == jump
    assert period_start(at("2011-12-29T23:00", zone), "day", zone) == at("2011-12-29T00:00", zone)
    assert period_start(jump, "week", zone) == at("2011-12-26T00:00", zone)
    assert period_end(jump, "month", zone) == at("2012-01-01T00:00", zone)


def test_midnight_that_comes_twice_begins_one_day():
    zone = "America/Havana"  # 01:00 was 00:00 again
    for when in (at("2026-11-01T00:30", zone), at("2026-11-01T00:30", zone, fold=1)):
        assert period_start(when, "day", zone) == at("2026-11-01T00:00", zone)
    assert hours_of(at("2026-11-01T12:00", zone), zone) == 25


def test_a_day_that_has_begun_does_not_begin_again_when_clocks_go_back_over_midnight():
    zone = "America/St_Johns"  # a minute after midnight it was 23:01 of the day before
    begun = at("2005-10-30T00:00", zone)
    late_again = begun + timedelta(minutes=31)
    assert late_again.astimezone(ZoneInfo(zone)).isoformat()[:16] == "2005-10-29T23:31"
    for when in (begun, late_again, at("2005-10-30T00:00:30", zone, fold=1), at("2005-10-30T12:00", zone)):
        assert period_start(when, "day", zone) == begun
    assert hours_of(late_again, zone) == 25


def test_a_zone_that_is_none_is_refused():
    with pytest.raises(TimeZoneUnknown):
        period_start(at("2026-01-01T00:00"), "day", "Mars/Olympus")


def test_the_periods_are_those_of_the_type():
    assert get_args(Period) == PERIODS


ODD = ["America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "America/St_Johns", "Pacific/Kwajalein", "Europe/Dublin",
       "Africa/Casablanca", "Antarctica/Troll", "Pacific/Kiritimati", "Asia/Tehran", "Australia/Lord_Howe"]  # fmt: skip
MOMENTS = st.integers(-3_000_000_000, 3_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


@settings(max_examples=300)
@given(MOMENTS, st.sampled_from(PERIODS), st.sampled_from(ODD))
def test_every_moment_is_in_its_period_and_the_next_begins_where_it_ends(
    when: datetime, period: Period, zone: str
):
    start, end = period_start(when, period, zone), period_end(when, period, zone)
    assert start <= when < end
    assert period_start(start, period, zone) == start
    assert period_start(end - timedelta(milliseconds=1), period, zone) == start
    assert period_start(end, period, zone) == end


@settings(max_examples=300)
@given(
    MOMENTS, st.timedeltas(timedelta(0), timedelta(days=3)), st.sampled_from(PERIODS), st.sampled_from(ODD)
)
def test_periods_follow_the_clock(when: datetime, later: timedelta, period: Period, zone: str):
    assert period_start(when, period, zone) <= period_start(when + later, period, zone)


@settings(max_examples=300)
@given(MOMENTS, st.sampled_from(ODD))
def test_weeks_and_months_begin_with_days(when: datetime, zone: str):
    for period in PERIODS:
        start = period_start(when, period, zone)
        assert period_start(start, "day", zone) == start


# -- limits of a period


@pytest.mark.parametrize(
    ("spent", "reasons"),
    [
        (Spent(claims=9, redemptions=9, by_visitor=9), ()),
        (Spent(claims_in_period=1, redemptions_in_period=2), ()),
        (Spent(claims_in_period=2), (Reason.LIMIT_REACHED,)),
        (Spent(redemptions_in_period=3), (Reason.LIMIT_REACHED,)),
        (Spent(by_visitor_in_period=1), (Reason.PER_VISITOR_LIMIT,)),
        (Spent(claims=10, by_visitor_in_period=1), (Reason.LIMIT_REACHED, Reason.PER_VISITOR_LIMIT)),
    ],
)
def test_what_a_period_has_used_counts_against_its_limits(spent: Spent, reasons: tuple[Reason, ...]):
    promotion = a_promotion(limits=Limits(max_claims=10, per_period=PeriodLimits("day", 2, 3, 1)))
    query = MatchQuery(when=at("2026-06-01T12:00"), at=LngLat(24.9414, 60.1699))
    assert is_eligible(promotion, query, Places({}, {}), spent).reasons == reasons


def test_a_limit_of_a_period_may_be_all_there_is_but_no_more():
    assert Limits(1, 1, 1, per_period=PeriodLimits("week", 1, 1, 1)).per_period is not None
    with pytest.raises(PromotionInvalid, match="2 in a week are more than 1 in all") as refused:
        Limits(max_per_visitor=1, per_period=PeriodLimits("week", 9, 9, 2))
    assert refused.value.pointer == "/limits/per_period/max_per_visitor"
