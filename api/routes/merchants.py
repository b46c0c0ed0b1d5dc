"""Merchants, for an operator: taken in and listed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.answers import next_link
from api.callers import AdminCaller, keyed_router
from api.dependencies import ServicesOf, each_parameter_once
from api.once import WriteOf
from api.schemas.keys import MerchantAsked, MerchantItem, Merchants, MerchantsParameters
from api.schemas.problems import problems
from geo_offers.domain.account import random_word
from geo_offers.domain.promotion import Merchant
from geo_offers.services.cursors import Cursor
from geo_offers.stores.account_ports import Tagged

_BY_ID = ("merchants",)
_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode

router = keyed_router("/v1/merchants", tags=["merchants"], dependencies=[Depends(each_parameter_once)])


@router.post(
    "",
    status_code=201,
    responses={201: {"model": MerchantItem}, **problems(409, 422, 503)},
    summary="Take in a merchant",
)
async def create_merchant(
    caller: AdminCaller, services: ServicesOf, write: WriteOf, asked: MerchantAsked
) -> Response:
    """A new merchant, who has no key yet: make him one with `POST /v1/keys`."""
    merchant = Merchant(f"mrc_{random_word(16)}", asked.name)
    return await write.answered(
        caller, lambda once: services.accounts.create_merchant(merchant, once=once), _created
    )


@router.get("", responses={200: {"model": Merchants}, **problems(422, 503)}, summary="Merchants")
async def list_merchants(
    request: Request,
    _: AdminCaller,
    services: ServicesOf,
    asked: Annotated[MerchantsParameters, Query()],
) -> Response:
    """All merchants by id; complete, a page at a time."""
    after = Cursor.read(asked.cursor, _BY_ID).last_id if asked.cursor else None
    found = await services.accounts.list_merchants(after=after, limit=asked.limit + 1)
    page = found[: asked.limit]
    more = len(found) > len(page)
    cursor = Cursor(0.0, page[-1].id, _NO_MOMENT).written(_BY_ID) if more else None
    link = next_link(request.scope, cursor)
    body = Merchants(items=[MerchantItem.from_domain(one) for one in page], next=cursor)
    return Response(
        body.model_dump_json(), media_type="application/json", headers={"Link": link} if link else None
    )


def _created(merchant: Tagged[Merchant]) -> Response:
    shown = {"id": merchant.value.id, "name": merchant.value.name}
    return Response(_encode(shown), 201, media_type="application/json")
