"""Shops near a position, one shop, and where a position is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from api.answers import catalog_answer, next_link
from api.dependencies import Languages, ServicesOf, each_parameter_once
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
    shop_detail_json,
    shops_json,
)

ShopId = Annotated[str, Path(description="The id of a shop.", examples=[EXAMPLE_SHOP_ID])]

router = APIRouter(prefix="/v1", tags=["places"], dependencies=[Depends(each_parameter_once)])


@router.get(
    "/shops", responses={200: {"model": Shops}, **problems(404, 422)}, summary="Shops near a position"
)
async def list_shops(
    request: Request, services: ServicesOf, languages: Languages, asked: Annotated[ShopsParameters, Query()]
) -> Response:
    """The nearest shops first, by exact geodesic distance, then id; complete, a page at a time."""
    page = services.find_shops.near(asked.to_domain())
    link = next_link(request.url, page.next)
    return catalog_answer(shops_json(page, languages), page.revision, link=link)


@router.get(
    "/shops/{shop_id}", responses={200: {"model": ShopDetail}, **problems(404, 422)}, summary="One shop"
)
async def get_shop(
    services: ServicesOf, languages: Languages, shop_id: ShopId, asked: Annotated[ShopParameters, Query()]
) -> Response:
    """Everything known of one shop."""
    found, revision = services.find_shops.shop(shop_id, asked.at)
    return catalog_answer(shop_detail_json(found, languages), revision)


@router.get("/context", responses={200: {"model": Here}, **problems(422)}, summary="Where a position is")
async def get_context(
    services: ServicesOf, languages: Languages, asked: Annotated[AtPlace, Query()]
) -> Response:
    """The districts here, innermost first, the cell, and how much is around."""
    context = services.find_shops.context(asked.place)
    return catalog_answer(here_json(context, languages), context.revision)
