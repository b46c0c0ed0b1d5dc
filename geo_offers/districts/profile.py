"""The character of a district: what its shops are, how varied, and when they are open. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from geo_offers.domain.opening_hours import OpeningHours, OpenState
from geo_offers.domain.time_zones import zone_of

HOURS_A_WEEK = 168
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Mix:
    """The categories of some shops.

    counts     shops by category leaf, the most frequent first, then by name
    effective  how many equally frequent categories would be as varied (Hill number of order 1:
               exp of Shannon's entropy; Hill, Ecology, 1973); 0 without shops
    evenness   entropy as a share of the greatest possible with these categories, 0 to 1; 1 for a single one
    """

    counts: Mapping[str, int]
    effective: float
    evenness: float


@dataclass(frozen=True, slots=True)
class OpeningProfile:
    """How many shops are open in each hour of one week.

    monday     the week's Monday, in the zone
    open       168 counts; hour h of weekday d (Monday is 0) is at 24 d + h; a shop counts when it is open
               for at least half of the hour
    known      shops whose hours are known; only they are counted
    """

    monday: date
    time_zone: str
    open: Sequence[int]
    known: int


def mix_of(leaves: Iterable[str]) -> Mix:
    """The mix of shops with these categories."""
    counts = Counter(leaves)
    total = counts.total()
    if total == 0:
        return Mix({}, 0.0, 0.0)
    entropy = -math.fsum(count / total * math.log(count / total) for count in counts.values())
    evenness = entropy / math.log(len(counts)) if len(counts) > 1 else 1.0
    ordered = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return Mix(ordered, math.exp(entropy), evenness)


def opening_profile(hours: Mapping[OpeningHours, int], *, time_zone: str, when: datetime) -> OpeningProfile:
    """When shops are open in the week of `when`.

    hours  how many shops have these opening hours
    """
    zone = zone_of(time_zone)
    local = when.astimezone(zone).date()
    monday = local - timedelta(days=local.weekday())
    # An hour of the week is named by the wall clock; where clocks change, one is skipped or lasts twice as long.
    walls = [datetime.combine(monday, time()) + hour * _HOUR for hour in range(HOURS_A_WEEK + 1)]
    edges = [wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls]
    counts = [0] * HOURS_A_WEEK
    known = 0
    for one, shops in hours.items():
        if one.text is None:
            continue
        stretches = one.intervals(edges[0], edges[-1])
        if all(state is OpenState.UNKNOWN for _, _, state in stretches):
            continue
        known += shops
        for hour in _open_hours(stretches, edges):
            counts[hour] += shops
    return OpeningProfile(monday, time_zone, counts, known)


def _open_hours(
    stretches: Sequence[tuple[datetime, datetime, OpenState]], edges: Sequence[datetime]
) -> list[int]:
    """The hours of which at least half is open."""
    open_for = [timedelta()] * HOURS_A_WEEK
    for begins, ends, state in stretches:
        if state is not OpenState.OPEN:
            continue
        first = max(0, int((begins - edges[0]) / _HOUR) - 1)
        for hour in range(first, HOURS_A_WEEK):
            if edges[hour] >= ends:
                break
            open_for[hour] += max(min(ends, edges[hour + 1]) - max(begins, edges[hour]), timedelta())
    return [
        hour
        for hour in range(HOURS_A_WEEK)
        if edges[hour + 1] > edges[hour] and open_for[hour] * 2 >= edges[hour + 1] - edges[hour]
    ]
