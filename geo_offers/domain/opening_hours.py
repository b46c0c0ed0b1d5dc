"""OSM opening_hours of a shop: open, closed or unknown at any time, in the shop's own zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import opening_hours as evaluator

from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.opening_hours_text import Rule, names_holidays, names_sun, rules_of, texts_of
from geo_offers.domain.place import LngLat
from geo_offers.domain.public_holidays import public_holidays
from geo_offers.domain.time_zones import zone_of

MAX_LENGTH = 1_000
"""Characters of a value that we read; OSM allows 255. A longer value is unknown."""

HORIZON_DAYS = 400
"""How far ahead a change is looked for."""

_FIRST_YEAR, _LAST_YEAR = 1902, 9990  # the evaluator reads dates of 1900 to 9999
_STEP = timedelta(days=7)
_BEFORE_ALL, _NEVER = datetime.min, datetime.max  # noqa: DTZ901 - the wall clock has no zone
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


class OpenState(IntEnum):
    CLOSED = 0
    OPEN = 1
    UNKNOWN = 2


_STATES = {
    evaluator.State.CLOSED: OpenState.CLOSED,
    evaluator.State.OPEN: OpenState.OPEN,
    evaluator.State.UNKNOWN: OpenState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """An opening_hours value at a place.

    text       as written in the source; None, invalid or over MAX_LENGTH characters is unknown at all times
    time_zone  IANA name; the wall clock there decides, so an hour that the clock repeats is as open the
               second time, and an hour that it skips never comes
    country    ISO 3166-1 alpha-2, decides public holidays; without it no day is a holiday
    at         where, needed only when `depends_on_place`; such a text is unknown without it

    Making one parses nothing. Parsed values are kept in a bounded cache and shared by equal texts.
    Raises TimeZoneUnknown.
    """

    text: str | None
    time_zone: str = "UTC"
    country: str | None = None
    at: LngLat | None = None

    def __post_init__(self) -> None:
        zone_of(self.time_zone)

    @property
    def depends_on_place(self) -> bool:
        """True when the text names sunrise, sunset, dawn or dusk."""
        reading = _read(self.text)
        return reading is not None and reading.names_sun

    def state_at(self, when: datetime) -> OpenState:
        """Open, closed or unknown at an aware datetime. Raises InvalidInput when `when` is naive."""
        wall = _wall(when, zone_of(self.time_zone))
        hours = self._hours(wall.year)
        return hours.state_at(wall) if hours else OpenState.UNKNOWN

    def next_change_at(self, when: datetime) -> datetime | None:
        """When the state next differs from the one at `when`, in UTC; None when not within HORIZON_DAYS.

        Raises InvalidInput when `when` is naive.
        """
        zone = zone_of(self.time_zone)
        wall = _wall(when, zone)
        hours = self._hours(wall.year)
        if hours is None:
            return None
        now = hours.state_at(wall)
        start = when.astimezone(UTC)
        runs = hours.runs(zone, start, start + timedelta(days=HORIZON_DAYS))
        return next((begins for begins, state in runs if state != now), None)

    def intervals(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime, OpenState]]:
        """What [start, end) is made of: (from, to, state) in UTC, without gaps; neighbours differ in state.

        Raises InvalidInput for naive times, for an end before the start and for more than HORIZON_DAYS.
        """
        zone = zone_of(self.time_zone)
        hours = self._hours(_wall(start, zone).year)
        _wall(end, zone)
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        if not timedelta(0) <= end - start <= timedelta(days=HORIZON_DAYS):
            raise InvalidInput(f"from {start} to {end}: give 0 to {HORIZON_DAYS} days, the earlier first")
        if start == end:
            return []
        runs = list(hours.runs(zone, start, end)) if hours else [(start, OpenState.UNKNOWN)]
        ends = [*(begins for begins, _ in runs[1:]), end]
        return [(begins, ends_at, state) for (begins, state), ends_at in zip(runs, ends, strict=True)]

    def _hours(self, year: int) -> _Hours | None:
        """The evaluator for times that begin in this year; None when all is unknown."""
        reading = _read(self.text)
        if self.text is None or reading is None or not _FIRST_YEAR <= year <= _LAST_YEAR:
            return None
        calendar = (self.country.upper(), year) if reading.names_holidays and self.country else None
        if not reading.names_sun:
            return _hours(self.text, calendar, None)
        if self.at is None:
            return None
        # Rounded, so that a town shares one evaluator; it moves the sun by less than a minute.
        return _hours(self.text, calendar, (self.time_zone, round(self.at.lng, 1), round(self.at.lat, 1)))


def is_valid(text: str) -> bool:
    """True when the value can be evaluated, plain slips of the pen forgiven."""
    return _read(text) is not None


@dataclass(frozen=True, slots=True)
class _Reading:
    """A value that is valid, and what it needs to know of its place."""

    rules: tuple[Rule, ...]
    names_holidays: bool
    names_sun: bool


@dataclass(frozen=True, slots=True)
class _Hours:
    """Parsed alternatives, asked by the wall clock: each further one counts where all before are closed."""

    alternatives: tuple[evaluator.OpeningHours, ...]

    def state_at(self, wall: datetime) -> OpenState:
        for hours in self.alternatives:
            state = _STATES[hours.state(wall)[0]]
            if state:
                return state
        return OpenState.CLOSED

    def unchanged_until(self, wall: datetime) -> datetime:
        """The wall-clock time after `wall` up to which nothing changes; _NEVER when beyond HORIZON_DAYS."""
        changes = (hours.next_change(wall) for hours in self.alternatives)
        later = (change.replace(tzinfo=None) for change in changes if change)
        return min((change for change in later if change > wall), default=_NEVER)

    def runs(self, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, OpenState]]:
        """When each state begins between two UTC times, from `start` on; neighbours differ."""
        last: OpenState | None = None
        known_from = known_to = _BEFORE_ALL  # what holds from one wall-clock time to another
        for begin, stop in _steady_stretches(zone, start, end):
            offset = _offset(zone, begin)
            wall, wall_stop = ((at + offset).replace(tzinfo=None) for at in (begin, stop))
            while wall < wall_stop:
                if not known_from <= wall < known_to:
                    known_from, known_to = wall, self.unchanged_until(wall)
                    state = self.state_at(wall)
                    if state != last:
                        yield (wall - offset).replace(tzinfo=UTC), state
                        last = state
                wall = min(known_to, wall_stop)


def _steady_stretches(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """[start, end) in pieces during which the zone's distance from UTC stays the same."""
    while start < end:
        stop = min(start + _STEP, end)
        offset = _offset(zone, start)
        if _offset(zone, stop) != offset:
            stop = _shift_between(zone, start, stop)
        yield start, stop
        start = stop


def _shift_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which the clocks change, by halving."""
    offset = _offset(zone, before)
    low, high = 0, int((after - before).total_seconds()) + 1
    origin = before.replace(microsecond=0)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, origin + timedelta(seconds=middle)) == offset:
            low = middle
        else:
            high = middle
    return min(origin + timedelta(seconds=high), after)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _wall(when: datetime, zone: ZoneInfo) -> datetime:
    if when.tzinfo is None or when.utcoffset() is None:
        raise InvalidInput(f"{when} has no time zone; give an offset, such as {when.isoformat()}+00:00")
    try:
        return when.astimezone(zone).replace(tzinfo=None)
    except OverflowError as fault:
        raise InvalidInput(f"{when} is too near to the end of the calendar") from fault


@lru_cache(maxsize=512)
def _read(text: str | None) -> _Reading | None:
    """The rules of a value, None when it is absent, too long or invalid."""
    return None if text is None or len(text) > MAX_LENGTH else _read_short(text)


@lru_cache(maxsize=16_384)
def _read_short(text: str) -> _Reading | None:
    if _UNREADABLE.search(text):
        return None
    rules = rules_of(text)
    written, with_a_holiday = texts_of(rules), texts_of(rules, [date(2024, 1, 1)])
    if not all(evaluator.validate(text) for text in (*written, *with_a_holiday)):
        return None
    return _Reading(rules, names_holidays(rules), names_sun(rules))


@lru_cache(maxsize=16_384)
def _hours(
    text: str, calendar: tuple[str, int] | None, place: tuple[str, float, float] | None
) -> _Hours | None:
    """Parsed hours, with the holidays of `calendar` (country, year) from a year before to two years after.

    By text and not by reading: a string remembers its hash.
    """
    reading = _read_short(text)
    if reading is None:
        return None
    holidays: tuple[date, ...] = ()
    if calendar:
        country, year = calendar
        holidays = public_holidays(country, year - 1, year + 2)
    return _Hours(tuple(_parsed(alternative, place) for alternative in texts_of(reading.rules, holidays)))


def _parsed(text: str, place: tuple[str, float, float] | None) -> evaluator.OpeningHours:
    if place is None:
        return evaluator.OpeningHours(
            text, auto_timezone=False, auto_country=False, max_interval_days=HORIZON_DAYS
        )
    zone, lng, lat = place
    # With auto_timezone off the evaluator ignores where the place is.
    return evaluator.OpeningHours(
        text,
        timezone=zone_of(zone),
        coords=(lat, lng),
        auto_timezone=True,
        auto_country=False,
        max_interval_days=HORIZON_DAYS,
    )
