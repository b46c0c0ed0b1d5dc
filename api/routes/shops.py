"""Shops near a position, one shop, and where a position is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from api.answers import catalog_answer, next_link
from api.callers import keyed_router
from api.dependencies import FIRST, Languages, PiecesHere, ServicesOf
from api.pieces import shop_body, shops_body
from api.schemas.parameters import AtPlace
from api.schemas.problems import problems
from api.schemas.shops import (
    EXAMPLE_SHOP_ID,
    Here,
    ShopDetail,
    ShopParameters,
    Shops,
    ShopsParameters,
    here_json,
)

ShopId = Annotated[str, Path(description="The id of a shop.", examples=[EXAMPLE_SHOP_ID])]

router = keyed_router("/v1", tags=["places"], dependencies=FIRST)


@router.get(
    "/shops", responses={200: {"model": Shops}, **problems(404, 422, 503)}, summary="Shops near a position"
)
async def list_shops(
    request: Request,
    services: ServicesOf,
    pieces: PiecesHere,
    languages: Languages,
    asked: Annotated[ShopsParameters, Query()],
) -> Response:
    """The nearest shops first, by exact geodesic distance, then id; complete, a page at a time."""
    page = services.find_shops.near(asked.to_domain())
    link = next_link(request.scope, page.next)
    body = shops_body(pieces.of(page.snapshot, languages), page)
    return catalog_answer(body, page.snapshot.revision, link=link)


@router.get(
    "/shops/{shop_id}", responses={200: {"model": ShopDetail}, **problems(404, 422, 503)}, summary="One shop"
)
async def get_shop(
    services: ServicesOf,
    pieces: PiecesHere,
    languages: Languages,
    shop_id: ShopId,
    asked: Annotated[ShopParameters, Query()],
) -> Response:
    """Everything known of one shop."""
    found, snapshot = services.find_shops.shop(shop_id, asked.at)
    return catalog_answer(shop_body(pieces.of(snapshot, languages), found), snapshot.revision)


@router.get("/context", responses={200: {"model": Here}, **problems(422, 503)}, summary="Where a position is")
async def get_context(
    services: ServicesOf, languages: Languages, asked: Annotated[AtPlace, Query()]
) -> Response:
    """The districts here, innermost first, the cell, and how much is around."""
    context = services.find_shops.context(asked.place)
    return catalog_answer(here_json(context, languages), context.revision)
