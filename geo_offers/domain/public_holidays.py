"""The public holidays of a country by law, for opening hours that name PH; school holidays are not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from holidays import country_holidays

# Days off by agreement that the calendar lists although no law makes them public holidays.
_NOT_BY_LAW: Mapping[str, frozenset[str]] = MappingProxyType(
    {"FI": frozenset({"Midsummer Eve", "Christmas Eve"})}
)


@lru_cache(maxsize=1_024)
def public_holidays(country: str, first_year: int, last_year: int) -> tuple[date, ...]:
    """The public holidays of a country from January of one year to December of another, in order.

    country  ISO 3166-1 alpha-2, in either case

    Nation-wide days only, with the days given instead when one falls on a weekend.
    Empty for a country without a calendar.
    The first use of a country in a process loads its calendar: up to 110 ms.
    """
    code = country.upper()
    years = range(first_year, last_year + 1)
    try:
        named = country_holidays(code, years=years, language="en_US" if code in _NOT_BY_LAW else None)
    except NotImplementedError:
        return ()
    not_by_law = _NOT_BY_LAW.get(code, frozenset())
    return tuple(sorted(day for day, name in named.items() if name not in not_by_law and day.year in years))
