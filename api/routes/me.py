"""The profile of the merchant who calls."""

from __future__ import annotations

import msgspec
from fastapi import Depends
from starlette.responses import Response

from api.bodies import JsonObject, documented
from api.callers import MerchantCaller, keyed_router
from api.dependencies import ServicesOf, each_parameter_once
from api.once import WriteOf
from api.preconditions import ExpectedTags, KnownTagsOf, etag
from api.schemas.merchant_shops import Profile
from api.schemas.problems import problems
from geo_offers.domain.promotion import Merchant
from geo_offers.stores.account_ports import Tagged

_encode = msgspec.json.Encoder().encode

router = keyed_router("/v1/merchants/me", tags=["merchants"], dependencies=[Depends(each_parameter_once)])


@router.get(
    "",
    responses={
        200: {"model": Profile},
        304: {"description": "It is as you know it."},
        **problems(404, 422, 503),
    },
    summary="Own profile",
)
async def get_profile(caller: MerchantCaller, services: ServicesOf, known: KnownTagsOf) -> Response:
    """Who calls, with the ETag of the profile."""
    found = await services.merchant_shops.profile(caller)
    return known.or_unchanged(_answer(found), found.tag)


@router.patch(
    "",
    responses={200: {"model": Profile}, **problems(404, 412, 413, 415, 422, 428, 503)},
    summary="Change the own profile",
    openapi_extra=documented("ProfilePatch", "application/merge-patch+json"),
)
async def change_profile(
    caller: MerchantCaller, services: ServicesOf, write: WriteOf, expected: ExpectedTags, patch: JsonObject
) -> Response:
    """A JSON merge patch of the profile; live offers show the new name at once."""
    return await write.answered(
        caller,
        lambda once: services.merchant_shops.change_profile(caller, patch, expected=expected, once=once),
        _answer,
    )


def _answer(merchant: Tagged[Merchant]) -> Response:
    shown = {"id": merchant.value.id, "name": merchant.value.name}
    return Response(_encode(shown), media_type="application/json", headers={"ETag": etag(merchant.tag)})
