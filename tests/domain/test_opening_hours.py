"""Opening hours: real values against a second evaluator, changing clocks, unknown, hostile texts."""

from __future__ import annotations

import gc
import gzip
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_offers.domain.errors import InvalidInput, TimeZoneUnknown
from geo_offers.domain.opening_hours import HORIZON_DAYS, MAX_LENGTH, OpeningHours, OpenState, is_valid
from geo_offers.domain.place import LngLat
from tests.domain.opening_hours_disagreements import DISAGREEMENTS
from tests.shared_data import shared

CLOSED, OPEN, UNKNOWN = OpenState.CLOSED, OpenState.OPEN, OpenState.UNKNOWN
ZONES = {"helsinki": "Europe/Helsinki", "monaco": "Europe/Monaco", "beijing": "Asia/Shanghai"}
HELSINKI = LngLat(24.9414, 60.1699)


def at(text: str, zone: str = "Europe/Helsinki", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def helsinki(text: str | None, country: str | None = "FI") -> OpeningHours:
    return OpeningHours(text, "Europe/Helsinki", country)


# Against the reference


def _vectors() -> Iterator[dict[str, Any]]:
    with gzip.open(
        shared("opening_hours/real_values_helsinki_monaco_beijing.jsonl.gz"), "rt", encoding="utf-8"
    ) as lines:
        yield from map(json.loads, lines)


def _agrees(vector: dict[str, Any]) -> bool:
    if not vector["ok"]:
        return not is_valid(vector["value"])
    zone = ZONES[vector["set"]]
    hours = OpeningHours(vector["value"], zone, vector["country"], LngLat(vector["lon"], vector["lat"]))
    return is_valid(vector["value"]) and all(
        _as_written(hours, zone, window) == window["intervals"] for window in vector["windows"]
    )


def _as_written(hours: OpeningHours, zone: str, window: dict[str, Any]) -> list[list[str]]:
    def wall(when: datetime) -> str:
        return when.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")

    return [
        [wall(start), wall(end)] + (["unknown"] if state is UNKNOWN else [])
        for start, end, state in hours.intervals(at(window["from"], zone), at(window["to"], zone))
        if state is not CLOSED
    ]


def test_real_values_agree_with_the_reference_save_those_in_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    vectors = list(_vectors())
    disagree = {(vector["set"], vector["value"]) for vector in vectors if not _agrees(vector)}
    agreement = 1 - len(disagree) / len(vectors)
    with capsys.disabled():
        sys.stdout.write(
            f"\nopening hours: {len(vectors) - len(disagree)} of {len(vectors)} agree, {agreement:.1%}\n"
        )
    assert len(vectors) == 483
    assert disagree == set(DISAGREEMENTS)
    assert agreement >= 0.97


# Weeks, nights, holidays


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ("2024-06-17 09:59:59.999999", CLOSED),
        ("2024-06-17 10:00", OPEN),
        ("2024-06-17 17:59:59.999999", OPEN),
        ("2024-06-17 18:00", CLOSED),
        ("2024-06-22 12:00", CLOSED),
    ],
)
def test_a_shop_is_open_from_the_first_instant_and_closed_at_the_last(when: str, state: OpenState) -> None:
    assert helsinki("Mo-Fr 10:00-18:00").state_at(at(when)) is state


def test_the_shops_own_zone_decides_whatever_zone_the_question_is_in() -> None:
    hours = OpeningHours("Mo-Fr 09:00-18:00", "Asia/Shanghai", "CN")
    assert hours.state_at(datetime(2024, 6, 17, 1, 0, tzinfo=UTC)) is OPEN
    assert hours.state_at(datetime(2024, 6, 17, 12, 0, tzinfo=UTC)) is CLOSED
    assert hours.state_at(at("2024-06-16 18:30", "America/Los_Angeles")) is OPEN  # Monday 09:30 in Shanghai


@pytest.mark.parametrize(
    ("text", "when", "state"),
    [
        ("Mo-Th 17:00-03:00; Fr-Su 15:00-03:00", "2024-06-17 01:00", OPEN),  # Sunday's night, on Monday
        (
            "Mo-Th 17:00-03:00; Fr-Su 15:00-03:00",
            "2024-06-21 01:00",
            CLOSED,
        ),  # Friday's rule owns all of Friday
        ("Mo-Th 17:00-03:00, Fr-Su 15:00-03:00", "2024-06-21 01:00", OPEN),
        ("Mo-Su 11:00-23:00; Fr,Sa 11:00-02:00", "2024-06-23 01:00", OPEN),
        ("Mo-Fr 18:00-26:00", "2024-06-18 01:59", OPEN),
        ("24/7", "2024-06-18 00:00", OPEN),
        ("24/7; Tu off", "2024-06-18 12:00", CLOSED),
        ("2025 Jan 10:00-12:00", "2024-01-10 11:00", CLOSED),
        ("2025 Jan 10:00-12:00", "2025-01-10 11:00", OPEN),
        ("Dec 24-26 off; Mo-Su 10:00-12:00", "2024-06-18 11:00", OPEN),
        ("SH 10:00-12:00", "2024-07-01 11:00", CLOSED),
    ],
)
def test_rules_are_read_as_the_specification_says(text: str, when: str, state: OpenState) -> None:
    assert helsinki(text).state_at(at(when)) is state


@pytest.mark.parametrize(
    ("zone", "country", "day", "state"),
    [
        ("Europe/Helsinki", "FI", "2024-12-06", CLOSED),  # Independence Day, a Friday
        ("Europe/Helsinki", "fi", "2024-12-06", CLOSED),
        ("Europe/Helsinki", "SE", "2024-12-06", OPEN),
        ("Europe/Helsinki", None, "2024-12-06", OPEN),
        ("Europe/Helsinki", "XX", "2024-12-06", OPEN),
        ("Europe/Helsinki", "FI", "2024-06-21", OPEN),  # Midsummer Eve is no public holiday by law
        ("Asia/Shanghai", "CN", "2024-02-12", CLOSED),  # Spring Festival
        ("Asia/Tokyo", "JP", "2024-09-23", CLOSED),  # the Monday after a holiday on Sunday
        ("Asia/Taipei", "TW", "2024-10-10", CLOSED),  # Double Tenth
        ("Asia/Hong_Kong", "HK", "2024-07-01", CLOSED),
    ],
)
def test_the_country_decides_public_holidays(
    zone: str, country: str | None, day: str, state: OpenState
) -> None:
    assert (
        OpeningHours("Mo-Fr 10:00-18:00; PH off", zone, country).state_at(at(f"{day} 12:00", zone)) is state
    )


def test_holidays_may_have_hours_of_their_own_and_weekdays_beside_them() -> None:
    hours = helsinki("Mo-Fr 10:00-18:00; Su,PH 12:00-02:00; Dec PH off")
    assert hours.state_at(at("2024-05-01 11:00")) is CLOSED  # May Day, a Wednesday
    assert hours.state_at(at("2024-05-01 20:00")) is OPEN
    assert hours.state_at(at("2024-05-02 01:00")) is OPEN
    assert hours.state_at(at("2024-05-05 12:00")) is OPEN
    assert hours.state_at(at("2024-12-06 12:00")) is CLOSED


# Unknown is not closed


@pytest.mark.parametrize(
    "text",
    [None, "", " ", ";", "||", "Seasonal", "Mo-Fr 7:00-21", "Mo-Fr 9-5pm", "Mo 25:99-26:00",
     '"by appointment"', '"', "a" * 10_000, "Mo-Fr 10:00-18:00" + " " * MAX_LENGTH, "\x00", "\ud800", "🕐",
     "24/7 unknown"],
)  # fmt: skip
def test_what_cannot_be_known_is_unknown_at_all_times(text: str | None) -> None:
    hours = helsinki(text)
    monday = at("2024-06-17 12:00")
    assert hours.state_at(monday) is UNKNOWN
    assert hours.next_change_at(monday) is None
    assert hours.intervals(monday, monday + timedelta(1)) == [
        (monday.astimezone(UTC), monday.astimezone(UTC) + timedelta(1), UNKNOWN)
    ]


@pytest.mark.parametrize(
    ("text", "noon", "night"),
    [
        ('Mo-Fr 10:00-18:00 "by appointment"', UNKNOWN, CLOSED),
        ('Mo-Fr 10:00-18:00 open "ring the bell"', OPEN, CLOSED),
        ('Mo-Fr 10:00-18:00 || "on appointment"', OPEN, UNKNOWN),
        ('08:00-18:00; Mo "on request"', UNKNOWN, UNKNOWN),
        ("Mo 10:00-14:00, 20:00+", OPEN, UNKNOWN),  # an open end may be over already
        ("Mo 10:00-14:00,20:00+", OPEN, UNKNOWN),
        ("Mo 10:00-20:00+", OPEN, UNKNOWN),
    ],
)
def test_comments_and_open_ends_say_unknown(text: str, noon: OpenState, night: OpenState) -> None:
    hours = helsinki(text)
    assert (hours.state_at(at("2024-06-17 12:00")), hours.state_at(at("2024-06-17 22:00"))) == (noon, night)


# Slips of the pen


@pytest.mark.parametrize(
    ("sloppy", "clean"),
    [
        ("mo-fr 9-18", "Mo-Fr 09:00-18:00"),
        ("Mo-Su: 10-18", "Mo-Su 10:00-18:00"),
        ("Mo - Fr 9:00 - 18:00;", "Mo-Fr 09:00-18:00"),
        ("Mon-Fri 9am-5pm, Sat 12am - 2 p.m.", "Mo-Fr 09:00-17:00; Sa 00:00-14:00"),
        ("Mo-Sa 09:30–19:30", "Mo-Sa 09:30-19:30"),
        ("Mo-Fr 10.00-18.00,Sa 10h-15h30", "Mo-Fr 10:00-18:00; Sa 10:00-15:30"),
        ("Montag bis Freitag 9:00-17:00 Uhr", "Mo-Fr 09:00-17:00"),
        ("Sa, Su 09:00-16:00", "Sa,Su 09:00-16:00"),
        ("We-Fr13:00-18:00 Sa 12:00-18:00", "We-Fr 13:00-18:00; Sa 12:00-18:00"),
        ("24 hours", "24/7"),
        ("Mo-Fr 24/7", "Mo-Fr 00:00-24:00"),
        ("24小时", "24/7"),
        ("周一至周五 9：00－18：00；周六、周日 10：00～20：00", "Mo-Fr 09:00-18:00; Sa,Su 10:00-20:00"),
        ("週一到週日 11:00-22:00", "Mo-Su 11:00-22:00"),
        ("月曜日-金曜日 10:00〜19:00", "Mo-Fr 10:00-19:00"),
        ("Ｍｏ－Ｆｒ　０９：００－１８：００", "Mo-Fr 09:00-18:00"),
        ("09:00-12:30; 14:30-19:00", "09:00-12:30,14:30-19:00"),
    ],
)  # fmt: skip
def test_a_plain_slip_of_the_pen_is_forgiven(sloppy: str, clean: str) -> None:
    week = at("2024-06-17 00:00"), at("2024-06-24 00:00")
    assert helsinki(sloppy).intervals(*week) == helsinki(clean).intervals(*week)
    assert is_valid(sloppy)


@pytest.mark.parametrize(
    "text", ["Dec 24-26 10:00-12:00", "week 25-26 Mo 10:00-12:00", "Mo[1-2] 10:00-12:00"]
)
def test_numbers_that_are_dates_are_not_taken_for_hours(text: str) -> None:
    assert is_valid(text)
    assert helsinki(text).state_at(at("2024-06-21 10:30")) is CLOSED


# Clocks that change


def test_an_hour_that_the_clock_skips_never_comes() -> None:
    hours = helsinki("02:00-05:00")  # on 31 March 2024 the clock goes from 03:00 to 04:00
    assert hours.intervals(at("2024-03-31 00:00"), at("2024-03-31 12:00")) == [
        (datetime(2024, 3, 30, 22, tzinfo=UTC), datetime(2024, 3, 31, 0, tzinfo=UTC), CLOSED),
        (datetime(2024, 3, 31, 0, tzinfo=UTC), datetime(2024, 3, 31, 2, tzinfo=UTC), OPEN),
        (datetime(2024, 3, 31, 2, tzinfo=UTC), datetime(2024, 3, 31, 9, tzinfo=UTC), CLOSED),
    ]
    assert helsinki("03:15-03:45").next_change_at(at("2024-03-30 12:00")) == datetime(
        2024, 4, 1, 0, 15, tzinfo=UTC
    )


def test_an_hour_that_the_clock_repeats_is_open_twice() -> None:
    hours = helsinki("03:15-03:45")  # on 27 October 2024 the clock goes from 04:00 back to 03:00
    found = hours.intervals(at("2024-10-27 02:00"), at("2024-10-27 06:00"))
    assert [start.strftime("%H:%M") for start, _, state in found if state is OPEN] == ["00:15", "01:15"]
    first, second = at("2024-10-27 03:30"), at("2024-10-27 03:30", fold=1)
    assert second - first == timedelta(0)  # the wall clock does not tell them apart
    assert (hours.state_at(first), hours.state_at(second)) == (OPEN, OPEN)
    assert hours.next_change_at(first) == datetime(2024, 10, 27, 0, 45, tzinfo=UTC)
    assert hours.next_change_at(second) == datetime(2024, 10, 27, 1, 45, tzinfo=UTC)


def test_closing_on_the_night_the_clocks_change_is_by_the_wall_clock() -> None:
    hours = helsinki("20:00-06:00")
    assert hours.next_change_at(at("2024-03-30 21:00")) == datetime(2024, 3, 31, 3, tzinfo=UTC)
    assert hours.next_change_at(at("2024-10-26 21:00")) == datetime(2024, 10, 27, 4, tzinfo=UTC)


TEXTS = st.sampled_from(
    ["Mo-Fr 10:00-18:00; PH off", "22:00-03:30", "02:30-03:30", "Sa-Su 00:00-24:00", "24/7", "Mo 03:00-03:00",
     'Mo-Fr 08:00-12:00,13:00-18:00; Sa 22:00-05:00 || "ask"', "sunrise-sunset; We off", "Su,PH 18:00+"]
)  # fmt: skip
_DAYS = st.floats(0, 1_800).map(lambda days: datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=days))
MOMENTS = _DAYS | st.sampled_from(
    [
        datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC),
        datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
        datetime(2024, 4, 6, 15, tzinfo=UTC),
    ]
)
SOME_ZONES = st.sampled_from(
    ["Europe/Helsinki", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
)


@settings(max_examples=300, deadline=None)
@given(
    text=TEXTS,
    zone=SOME_ZONES,
    start=MOMENTS,
    days=st.floats(0.001, 20),
    part=st.floats(0, 1, exclude_max=True),
)
def test_state_and_next_change_and_intervals_tell_the_same_story(
    text: str, zone: str, start: datetime, days: float, part: float
) -> None:
    hours = OpeningHours(text, zone, "FI", HELSINKI)
    end = start + timedelta(days=days)
    found = hours.intervals(start, end)
    assert found[0][0] == start
    assert found[-1][1] == end
    for (_, ends, state), (begins, _, next_state) in pairwise(found):
        assert ends == begins
        assert state != next_state
    moment = min(start + (end - start) * part, end - timedelta(microseconds=1))
    _, stop, state = next(run for run in found if run[0] <= moment < run[1])
    assert hours.state_at(moment) is state
    change = hours.next_change_at(moment)
    if stop < end:
        assert change == stop
    if change:
        assert change > moment
        assert hours.state_at(change) is not state
        assert hours.state_at(change - timedelta(microseconds=1)) is state


# Sun, shape, limits


def test_sunrise_needs_the_place_and_other_hours_do_not() -> None:
    nowhere, here = (
        helsinki("sunrise-sunset"),
        OpeningHours("sunrise-sunset", "Europe/Helsinki", "FI", HELSINKI),
    )
    midsummer_night, winter_afternoon = at("2024-06-17 04:30"), at("2024-12-17 15:30")
    assert nowhere.depends_on_place
    assert not helsinki('Mo 10:00-12:00 "after sunrise"').depends_on_place
    assert (here.state_at(midsummer_night), here.state_at(winter_afternoon)) == (OPEN, CLOSED)
    assert nowhere.state_at(midsummer_night) is UNKNOWN


def test_a_change_is_looked_for_within_the_horizon_only() -> None:
    monday = at("2024-06-17 12:00")
    assert helsinki("24/7").next_change_at(monday) is None
    assert helsinki("2099 Jan 10:00-12:00").next_change_at(monday) is None
    assert helsinki("2025 Jun 10:00-12:00").next_change_at(monday) == datetime(2025, 6, 1, 7, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="0 to 400 days"):
        helsinki("24/7").intervals(monday, monday + timedelta(days=HORIZON_DAYS, seconds=1))
    with pytest.raises(InvalidInput, match="the earlier first"):
        helsinki("24/7").intervals(monday, monday - timedelta(seconds=1))
    assert helsinki("24/7").intervals(monday, monday) == []


@pytest.mark.parametrize("year", [1, 1899, 9991, 9999])
def test_years_that_the_evaluator_does_not_know_are_unknown(year: int) -> None:
    assert helsinki("24/7").state_at(datetime(year, 6, 1, tzinfo=UTC)) is UNKNOWN


def test_a_naive_time_is_refused() -> None:
    naive = datetime(2024, 6, 17)  # noqa: DTZ001 - naive is the point
    for ask in (helsinki("24/7").state_at, helsinki(None).next_change_at):
        with pytest.raises(InvalidInput, match="no time zone"):
            ask(naive)
    with pytest.raises(InvalidInput, match="no time zone"):
        helsinki("24/7").intervals(naive, naive)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Europe", "\x00", "UTC+8"])
def test_a_zone_that_does_not_exist_is_refused_when_the_hours_are_made(zone: str) -> None:
    with pytest.raises(TimeZoneUnknown, match="Asia/Shanghai"):
        OpeningHours("24/7", zone)


PIECES = st.sampled_from(
    ["Mo", "Tu-Fr", "Su", "PH", "SH", " ", ",", ";", "||", "-", "+", "10:00", "-18:00", "24/7", "off",
     "unknown", "Jan", "Feb 29", "2024", "9999", "0000", "week 53", "easter", "[1]", "[-1]", "(sunset-02:00)",
     '"x"', '"', "/02:00", "48:00", "99:99", "+1 day", "-999999999 days", "2147483648", "周一", "～",
     "\u202e", "\x00", "🕐", "Mo-Fr 10:00-18:00", "; PH off"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(text=st.lists(PIECES, max_size=40).map(" ".join) | st.text(max_size=60))
def test_no_text_makes_it_raise(text: str) -> None:
    hours = OpeningHours(text, "Europe/Helsinki", "FI", HELSINKI)
    monday = at("2024-06-17 12:00")
    state = hours.state_at(monday)
    assert hours.intervals(monday, monday + timedelta(days=2))[0][2] is state
    assert is_valid(text) or (state is UNKNOWN and hours.next_change_at(monday) is None)


@pytest.mark.parametrize(
    "text",
    ["(" * 1_000, '"' * 999, "Mo," * 333, "Mo-" * 333, "1" * 1_000, "1:00-" * 199, " " * 1_000, "9-" * 500,
     "24 " * 330, "a.m. " * 200, " ;" * 500, "10:00-12:00," * 82 + "9:00-10:00", "Mo 10:00-12:00; " * 60,
     "Feb 29 Mo[5] 10:00-11:00", "Feb 29 Su sunrise-sunset; Feb 29 Su 00:00-00:01", "x" * 10_000],
)  # fmt: skip
def test_no_text_makes_it_slow(text: str) -> None:
    hours = OpeningHours(text, "Europe/Helsinki", "FI", HELSINKI)
    monday = at("2024-06-17 12:00")
    gc.disable()  # a collection of what other tests left would be counted here
    begun = time.process_time()
    try:
        hours.state_at(monday)
        hours.next_change_at(monday)
    finally:
        gc.enable()
    assert time.process_time() - begun < 0.05
