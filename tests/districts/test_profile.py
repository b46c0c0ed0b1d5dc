"""The character of a district."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from geo_offers.districts.profile import HOURS_A_WEEK, mix_of, opening_profile
from geo_offers.domain.opening_hours import OpeningHours


def test_a_mix_of_equals_is_as_varied_as_it_has_categories() -> None:
    mix = mix_of(["food.cafe", "hobby.books", "food.bar"] * 5)
    assert (mix.effective, mix.evenness) == (pytest.approx(3), pytest.approx(1))
    assert list(mix.counts) == ["food.bar", "food.cafe", "hobby.books"]


def test_one_rare_category_hardly_adds_variety() -> None:
    mix = mix_of(["food.cafe"] * 99 + ["food.bar"])
    assert mix.effective == pytest.approx(math.exp(-(0.99 * math.log(0.99) + 0.01 * math.log(0.01))))
    assert mix_of([]).effective == 0
    assert mix_of(["food.bar"]).evenness == 1


def _helsinki(text: str | None) -> OpeningHours:
    return OpeningHours(text, "Europe/Helsinki", "FI")


def test_hours_are_counted_where_half_of_them_is_open() -> None:
    hours = {
        _helsinki("Mo 09:30-12:29"): 3,
        _helsinki("Mo 10:31-12:00"): 1,
        _helsinki(None): 5,
        _helsinki("??"): 2,
    }
    profile = opening_profile(hours, time_zone="Europe/Helsinki", when=datetime(2026, 11, 25, tzinfo=UTC))
    assert profile.monday == date(2026, 11, 23)
    assert profile.known == 4
    assert {hour: count for hour, count in enumerate(profile.open) if count} == {9: 3, 10: 3, 11: 4}


def test_the_week_is_the_zones_own() -> None:
    # Sunday 23:30 in London is already Monday in Helsinki.
    profile = opening_profile(
        {}, time_zone="Europe/Helsinki", when=datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    )
    assert profile.monday == date(2026, 11, 23)


@pytest.mark.parametrize("when", [datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)])
def test_what_never_closes_is_open_in_each_hour_that_comes_also_when_clocks_change(when: datetime) -> None:
    profile = opening_profile({_helsinki("24/7"): 1}, time_zone="Europe/Helsinki", when=when)
    skipped = [hour for hour in range(HOURS_A_WEEK) if profile.open[hour] == 0]
    # On Sunday 29 March 2026 the hour from three on does not come.
    assert skipped == ([6 * 24 + 3] if when.month == 3 else [])
