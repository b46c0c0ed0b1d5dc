"""A merchant's own shops: registered, changed, taken out, listed and imported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from api.answers import next_link
from api.bodies import JsonObject, body_within, content_type, documented
from api.callers import MerchantCaller, keyed_router
from api.dependencies import ServicesOf, each_parameter_once, wait_for_revision
from api.imports import SHOP_KINDS, shops_in
from api.once import WriteOf
from api.preconditions import ExpectedTags, KnownTagsOf, etag
from api.schemas.merchant_shops import ImportCounts, OwnShop, OwnShopParameters, OwnShops, own_shop_json
from api.schemas.problems import problems
from api.schemas.shops import EXAMPLE_SHOP_ID
from geo_offers.bootstrap import Services
from geo_offers.domain.place import Shop
from geo_offers.services.importing import Imported
from geo_offers.stores.account_ports import Tagged

ShopId = Annotated[str, Path(description="The id of a shop.", examples=[EXAMPLE_SHOP_ID])]
_encode = msgspec.json.Encoder().encode

router = keyed_router(
    "/v1", tags=["merchants"], dependencies=[Depends(each_parameter_once), Depends(wait_for_revision)]
)


@router.post(
    "/shops",
    status_code=201,
    responses={201: {"model": OwnShop}, **problems(409, 413, 415, 422, 503)},
    summary="Register a shop",
    openapi_extra=documented("ShopDocument"),
)
async def create_shop(
    caller: MerchantCaller, services: ServicesOf, write: WriteOf, document: JsonObject
) -> Response:
    """A new shop of the caller's; it is in the catalog at once."""
    return await write.answered(
        caller,
        lambda once: services.merchant_shops.create(caller, document, once=once),
        shop_answer(services, 201),
    )


@router.patch(
    "/shops/{shop_id}",
    responses={200: {"model": OwnShop}, **problems(404, 412, 413, 415, 422, 428, 503)},
    summary="Change a shop",
    openapi_extra=documented("ShopPatch", "application/merge-patch+json"),
)
async def change_shop(
    caller: MerchantCaller,
    services: ServicesOf,
    write: WriteOf,
    shop_id: ShopId,
    expected: ExpectedTags,
    patch: JsonObject,
) -> Response:
    """A JSON merge patch of the shop's document; its ETag is that of `GET /v1/merchants/me/shops/{shop_id}`."""
    return await write.answered(
        caller,
        lambda once: services.merchant_shops.change(caller, shop_id, patch, expected=expected, once=once),
        shop_answer(services, 200),
    )


@router.delete(
    "/shops/{shop_id}",
    status_code=204,
    responses=problems(404, 412, 422, 428, 503),
    summary="Take a shop out",
)
async def delete_shop(
    caller: MerchantCaller, services: ServicesOf, write: WriteOf, shop_id: ShopId, expected: ExpectedTags
) -> Response:
    """The shop leaves the catalog; promotions that name it stay, without it."""

    def gone(revision: int) -> Response:
        return Response(status_code=204, headers=revision_header(services, revision))

    return await write.answered(
        caller,
        lambda once: services.merchant_shops.take_out(caller, shop_id, expected=expected, once=once),
        gone,
    )


@router.get(
    "/merchants/me/shops",
    responses={200: {"model": OwnShops}, **problems(422, 503)},
    summary="Own shops",
)
async def list_own_shops(
    request: Request,
    caller: MerchantCaller,
    services: ServicesOf,
    asked: Annotated[OwnShopParameters, Query()],
) -> Response:
    """The caller's shops by id; complete, a page at a time."""
    page = await services.merchant_shops.listed(caller, cursor=asked.cursor, limit=asked.limit)
    body = {"items": [own_shop_json(shop) for shop in page.items], "next": page.next}
    link = next_link(request.scope, page.next)
    headers = {"Link": link} if link else None
    return Response(_encode(body), media_type="application/json", headers=headers)


@router.get(
    "/merchants/me/shops/{shop_id}",
    responses={
        200: {"model": OwnShop},
        304: {"description": "It is as you know it."},
        **problems(404, 422, 503),
    },
    summary="One own shop",
)
async def get_own_shop(
    caller: MerchantCaller, services: ServicesOf, shop_id: ShopId, known: KnownTagsOf
) -> Response:
    """A shop as its merchant wrote it, with its ETag."""
    found = await services.merchant_shops.find(caller, shop_id)
    answer = Response(_encode(own_shop_json(found.value)), media_type="application/json")
    return known.or_unchanged(answer, found.tag)


@router.post(
    "/shops/import",
    responses={200: {"model": ImportCounts}, **problems(409, 413, 415, 422, 503)},
    summary="Import shops",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string"}} for kind in SHOP_KINDS},
        }
    },
)
async def import_shops(
    request: Request, caller: MerchantCaller, services: ServicesOf, write: WriteOf
) -> Response:
    """All rows or none; shops are known again by their id, else by name and place. `errors` lists every faulty row."""
    body = await body_within(request, request.app.state.most_import_bytes)
    rows = await asyncio.to_thread(shops_in, body, content_type(request), caller.account)
    counts = Imported()
    return await write.answered(
        caller,
        lambda once: services.merchant_shops.take_rows(caller, rows, counts, once=once),
        import_answer(services, counts),
    )


def shop_answer(services: Services, status: int) -> Callable[[Tagged[Shop]], Response]:
    """The answer to a write of a shop."""

    def answer(shop: Tagged[Shop]) -> Response:
        headers = {"ETag": etag(shop.tag), **revision_header(services, shop.revision)}
        if status == 201:
            headers["Location"] = f"/v1/merchants/me/shops/{shop.value.id}"
        body = _encode(own_shop_json(shop.value))
        return Response(body, status, media_type="application/json", headers=headers)

    return answer


def import_answer(services: Services, counts: Imported) -> Callable[[int], Response]:
    """The answer to an import."""

    def answer(revision: int) -> Response:
        headers = revision_header(services, revision)
        body = {
            "added": counts.added,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "revision": int(headers["X-Catalog-Revision"]),
        }
        return Response(_encode(body), media_type="application/json", headers=headers)

    return answer


def revision_header(services: Services, revision: int) -> dict[str, str]:
    """The revision of a write; the one that is served where nothing had to be written."""
    return {"X-Catalog-Revision": str(revision or services.catalog.current.revision)}
