"""Districts: the virtual commerce zone, its directory and its character."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from api.answers import catalog_answer, next_link
from api.callers import keyed_router
from api.dependencies import FIRST, Languages, PiecesHere, ServicesOf
from api.pieces import directory_body, district_offers_body
from api.schemas.districts import (
    DirectoryPage,
    DirectoryParameters,
    District,
    DistrictOffers,
    DistrictOffersParameters,
    DistrictParameters,
    Districts,
    DistrictsParameters,
    zone_detail_json,
    zones_json,
)
from api.schemas.problems import problems
from api.schemas.shops import EXAMPLE_DISTRICT_ID

DistrictId = Annotated[str, Path(description="The id of a district.", examples=[EXAMPLE_DISTRICT_ID])]

router = keyed_router("/v1/districts", tags=["districts"], dependencies=FIRST)


@router.get("", responses={200: {"model": Districts}, **problems(422, 503)}, summary="Districts")
async def list_districts(
    request: Request,
    services: ServicesOf,
    languages: Languages,
    asked: Annotated[DistrictsParameters, Query()],
) -> Response:
    """Districts in a box, near a place, with a name: nearest first, else by id; complete, a page at a time."""
    page = services.zones.find(asked.to_domain())
    link = next_link(request.scope, page.next)
    return catalog_answer(zones_json(page, languages, asked), page.revision, link=link)


@router.get(
    "/{district_id}", responses={200: {"model": District}, **problems(404, 422, 503)}, summary="One district"
)
async def get_district(
    services: ServicesOf,
    languages: Languages,
    district_id: DistrictId,
    asked: Annotated[DistrictParameters, Query()],
) -> Response:
    """A district with its polygon, its shops by category, its opening profile and its neighbours."""
    # Off the event loop: a thousand shops with hours of their own take a third of a second.
    detail = await asyncio.to_thread(services.zones.detail, district_id, asked.at)
    document = zone_detail_json(detail, languages, simplify_m=asked.simplify_m)
    return catalog_answer(document, detail.revision)


@router.get(
    "/{district_id}/shops",
    responses={200: {"model": DirectoryPage}, **problems(404, 422, 503)},
    summary="The shops of a district",
)
async def list_shops_of_district(
    request: Request,
    services: ServicesOf,
    pieces: PiecesHere,
    languages: Languages,
    district_id: DistrictId,
    asked: Annotated[DirectoryParameters, Query()],
) -> Response:
    """The directory of a district: by category, then name; complete, a page at a time."""
    directory = services.zones.directory(
        district_id, category=asked.category, limit=asked.limit, cursor=asked.cursor, when=asked.at
    )
    link = next_link(request.scope, directory.next)
    body = directory_body(pieces.of(directory.snapshot, languages), directory)
    return catalog_answer(body, directory.snapshot.revision, link=link)


@router.get(
    "/{district_id}/offers",
    responses={200: {"model": DistrictOffers}, **problems(404, 422, 503)},
    summary="The offers of a district",
)
async def list_offers_of_district(
    request: Request,
    services: ServicesOf,
    pieces: PiecesHere,
    languages: Languages,
    district_id: DistrictId,
    asked: Annotated[DistrictOffersParameters, Query()],
) -> Response:
    """What is live for everybody and honoured in the district, or fenced around the middle of it; the most worth first.

    Whether it can be claimed is a matter of where somebody stands: ask `/v1/offers`.
    """
    page = services.district_offers.page(district_id, limit=asked.limit, cursor=asked.cursor, when=asked.at)
    body = district_offers_body(pieces.of(page.snapshot, languages), page)
    return catalog_answer(body, page.snapshot.revision, link=next_link(request.scope, page.next))
