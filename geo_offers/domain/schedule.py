"""When a promotion is live: from a start up to an end, and in these hours of the week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from geo_offers.domain.errors import ScheduleInvalid
from geo_offers.domain.opening_hours import OpeningHours, OpenState, is_valid
from geo_offers.domain.time_zones import zone_of


@dataclass(frozen=True, slots=True)
class Schedule:
    """[starts_at, ends_at) and, within it, weekly hours by the wall clock of a zone.

    weekly_hours  in the grammar of OSM opening_hours; None is always
    Raises ScheduleInvalid, TimeZoneUnknown.
    """

    starts_at: datetime
    ends_at: datetime
    weekly_hours: str | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        for name in ("starts_at", "ends_at"):
            if getattr(self, name).utcoffset() is None:
                raise ScheduleInvalid(f"{name} needs a time zone", pointer=f"/{name}")
        if self.starts_at >= self.ends_at:
            raise ScheduleInvalid("ends_at must be later than starts_at", pointer="/ends_at")
        zone_of(self.time_zone)
        if self.weekly_hours is not None and not is_valid(self.weekly_hours):
            raise ScheduleInvalid(
                f"weekly_hours {self.weekly_hours!r} cannot be read; write such as Mo-Fr 09:00-18:00",
                pointer="/weekly_hours",
            )

    @property
    def hours(self) -> OpeningHours | None:
        """The weekly hours as they can be evaluated; holidays are not known to a schedule."""
        return None if self.weekly_hours is None else OpeningHours(self.weekly_hours, self.time_zone)

    def in_hours_at(self, when: datetime) -> bool:
        """Whether this time is within the weekly hours."""
        hours = self.hours
        return hours is None or hours.state_at(when) is OpenState.OPEN

    def is_live_at(self, when: datetime) -> bool:
        """Whether this time is in the schedule."""
        return self.starts_at <= when < self.ends_at and self.in_hours_at(when)

    def next_live_at(self, when: datetime) -> datetime | None:
        """The first time from `when` on that is in the schedule; None when there is none within 400 days."""
        at = max(when, self.starts_at)
        hours = self.hours
        while at < self.ends_at:
            if hours is None or hours.state_at(at) is OpenState.OPEN:
                return at
            change = hours.next_change_at(at)
            if change is None:
                return None
            at = change
        return None
