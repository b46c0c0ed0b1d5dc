"""What routes ask for: the services of this app, and the languages of the reader."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError

from geo_offers.bootstrap import Services
from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.languages import accepted_languages


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _languages(accept_language: Annotated[str | None, Header()] = None) -> tuple[str, ...]:
    return accepted_languages(accept_language) if accept_language else ()


_MOST_PARAMETERS = 50


def each_parameter_once(request: Request) -> None:
    """Refuses a query that gives a parameter twice: nobody could say which one was meant."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    if given.total() > _MOST_PARAMETERS:
        raise InvalidInput(f"a query has at most {_MOST_PARAMETERS} parameters, this has {given.total():,}")
    repeated = sorted(name for name, times in given.items() if times > 1)
    if repeated:
        raise RequestValidationError([{"type": "repeated", "loc": ("query", name)} for name in repeated])


ServicesOf = Annotated[Services, Depends(_services)]
Languages = Annotated[tuple[str, ...], Depends(_languages)]
