"""Query parameters that several routes share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from geo_offers.domain.place import LngLat

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")


def moment_of(value: Any) -> datetime:
    """The time that a query parameter says, in UTC. Raises ValueError."""
    # A plus sign that was not escaped arrives as a blank; nothing else of RFC 3339 has one there.
    text = re.sub(r" (?=\d\d:\d\d\Z)", "+", str(value))
    if not _RFC_3339.match(text):
        raise ValueError("a time is written as RFC 3339 with its zone, such as 2026-12-01T18:30:00+08:00")
    moment = datetime.fromisoformat(text.upper())
    if not 1902 <= moment.year <= 9990:
        raise ValueError("a time is from the years 1902 to 9990")
    return moment.astimezone(UTC)


_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)


def _decimal(value: Any) -> Any:
    # What Python also takes for a number (24_0, Arabic digits, blanks around it) is a slip of the pen here.
    if isinstance(value, str) and not _DECIMAL.match(value):
        raise ValueError("a number is written in decimal digits, such as 24.94")
    return value


Decimal = Annotated[float, BeforeValidator(_decimal)]
Whole = Annotated[int, BeforeValidator(_decimal)]
Moment = Annotated[datetime, BeforeValidator(moment_of)]


class Parameters(BaseModel):
    """Query parameters of a route; one that is not named here is refused by name."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class AtPlace(Parameters):
    """Where to look from: WGS 84 degrees."""

    lng: Decimal = Field(ge=-180, le=180, description="Longitude, degrees, WGS 84.", examples=[120.1541])
    lat: Decimal = Field(ge=-90, le=90, description="Latitude, degrees, WGS 84.", examples=[31.1981])

    @property
    def place(self) -> LngLat:
        return LngLat(self.lng, self.lat)
