"""What routes ask for: the services of this app, and the languages of the reader."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError

from api.callers import ANY_DOOR
from api.pieces import PiecesOfApp
from geo_offers.bootstrap import Services
from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.languages import accepted_languages


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _pieces(request: Request) -> PiecesOfApp:
    pieces: PiecesOfApp = request.app.state.pieces
    return pieces


def _languages(accept_language: Annotated[str | None, Header()] = None) -> tuple[str, ...]:
    return accepted_languages(accept_language) if accept_language else ()


_MOST_PARAMETERS = 50
_PATIENCE_S = 2.0


def each_parameter_once(request: Request) -> None:
    """Refuses a query that gives a parameter twice: nobody could say which one was meant."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    if given.total() > _MOST_PARAMETERS:
        raise InvalidInput(f"a query has at most {_MOST_PARAMETERS} parameters, this has {given.total():,}")
    repeated = sorted(name for name, times in given.items() if times > 1)
    if repeated:
        raise RequestValidationError([{"type": "repeated", "loc": ("query", name)} for name in repeated])


async def wait_for_revision(
    services: Annotated[Services, Depends(_services)],
    x_min_catalog_revision: Annotated[
        int | None, Header(ge=0, description="Wait, at most 2 s, until this revision is served.")
    ] = None,
) -> None:
    """Lets a request see its own write."""
    if x_min_catalog_revision is not None:
        await services.catalog.at_least(x_min_catalog_revision, within_s=_PATIENCE_S)


#: What every read of the catalog does first; it is for any key.
FIRST = [Depends(ANY_DOOR), Depends(each_parameter_once), Depends(wait_for_revision)]
PiecesHere = Annotated[PiecesOfApp, Depends(_pieces)]
ServicesOf = Annotated[Services, Depends(_services)]
Languages = Annotated[tuple[str, ...], Depends(_languages)]
