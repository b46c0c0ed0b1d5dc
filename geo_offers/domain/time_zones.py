"""Time zones by their IANA names."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from geo_offers.domain.errors import TimeZoneUnknown


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name. Raises TimeZoneUnknown."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise TimeZoneUnknown(f"{name!r} is no IANA time zone; write one such as Asia/Shanghai") from fault
