"""Days, weeks and months by the wall clock of a zone, as limits count them."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

from geo_offers.domain.time_zones import zone_of

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")
_DAY = timedelta(days=1)


def period_start(when: datetime, period: Period, time_zone: str) -> datetime:
    """When the period began that holds `when`, in UTC; a week begins on Monday.

    when  aware, of the years 2 to 9998

    A day begins at the first moment whose date by the wall clock is that date or a later one: at midnight; where
    clocks skip it, at the end of the gap; a day that was skipped whole has no length. What has begun does not begin
    again when clocks are set back over midnight. So periods follow each other without gap and overlap.
    Raises TimeZoneUnknown.
    """
    zone = zone_of(time_zone)
    return _start_of(_first_day(_day_of(when, zone), period), zone)


def period_end(when: datetime, period: Period, time_zone: str) -> datetime:
    """When the period ends that holds `when`, in UTC: the next one's start. Raises TimeZoneUnknown."""
    zone = zone_of(time_zone)
    return _start_of(_next_first(_first_day(_day_of(when, zone), period), period), zone)


def _day_of(when: datetime, zone: ZoneInfo) -> date:
    """The latest day that has begun."""
    day = when.astimezone(zone).date()
    while _start_of(day + _DAY, zone) <= when:  # clocks were set back over midnight
        day += _DAY
    return day


def _first_day(day: date, period: Period) -> date:
    match period:
        case "day":
            return day
        case "week":
            return day - day.weekday() * _DAY
        case "month":
            return day.replace(day=1)
        case _:
            assert_never(period)


def _next_first(first: date, period: Period) -> date:
    match period:
        case "day":
            return first + _DAY
        case "week":
            return first + 7 * _DAY
        case "month":
            return (first + 31 * _DAY).replace(day=1)
        case _:
            assert_never(period)


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    """The first moment whose wall clock shows this day's midnight or later."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - what a wall clock shows
    # As PEP 495 has it: of a midnight that comes twice, fold 0 is the first; in a gap it is too late by
    # the gap's length, and fold 1 too early.
    first, other = (midnight.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= other:
        return first

    def is_later(second: int) -> bool:
        wall = (other + timedelta(seconds=second)).astimezone(zone)
        return wall.replace(tzinfo=None) >= midnight

    gap_s = round((first - other).total_seconds())
    return other + timedelta(seconds=bisect_left(range(gap_s), x=True, key=is_later))
