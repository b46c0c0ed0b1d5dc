"""Offers at a position, and at many."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import Response

from api.answers import catalog_answer, next_link
from api.callers import AnyCaller, keyed_router
from api.dependencies import FIRST, Languages, PiecesHere, ServicesOf
from api.matching import match_body, match_queries
from api.pieces import offers_body
from api.schemas.offers import MatchAnswer, MatchRequest, Offers, OffersParameters, assumed_of
from api.schemas.problems import problems
from geo_offers.domain.languages import accepted_languages

router = keyed_router("/v1/offers", tags=["offers"], dependencies=FIRST)


@router.get("", responses={200: {"model": Offers}, **problems(404, 422, 503)}, summary="Offers at a position")
async def list_offers(
    request: Request,
    caller: AnyCaller,
    services: ServicesOf,
    pieces: PiecesHere,
    languages: Languages,
    asked: Annotated[OffersParameters, Query()],
) -> Response:
    """Offers whose fence holds the position, then listed ones within the radius; the best first.

    A position that is old (`fix_at` more than 120 s away) or vague (`accuracy_m` above what a promotion allows)
    opens no fence.
    """
    query = asked.to_domain(account=caller.visitors_of)
    page = await services.match_offers.offers(query)
    wanted = (*accepted_languages(asked.lang), *languages) if asked.lang else languages
    body = offers_body(pieces.of(page.snapshot, wanted), page, assumed_of(query))
    link = next_link(request.scope, page.next)
    return catalog_answer(body, page.snapshot.revision, link=link)


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/MatchRequest"}}},
    }
}


@router.post(
    "/match",
    responses={200: {"model": MatchAnswer}, **problems(404, 422, 503)},
    summary="Offers at many positions",
    openapi_extra=_BODY,
)
async def match(
    request: Request, caller: AnyCaller, services: ServicesOf, pieces: PiecesHere, languages: Languages
) -> Response:
    """Up to 1,000 positions at once; results in their order."""
    body = await request.body()
    try:
        asked = MatchRequest.model_validate_json(body)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from error
    batch = await services.match_offers.match(match_queries(asked, account=caller.visitors_of))
    return catalog_answer(match_body(pieces.of(batch.snapshot, languages), batch), batch.snapshot.revision)
