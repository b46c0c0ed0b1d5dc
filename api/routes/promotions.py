"""A merchant's own promotions: registered, previewed, changed, published, paused, ended, looked back at, imported."""

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
from api.imports import PROMOTION_KINDS, promotions_in
from api.once import Write, WriteOf
from api.preconditions import ExpectedTags, KnownTagsOf, etag
from api.routes.merchant_shops import import_answer, revision_header
from api.schemas.merchant_shops import ImportCounts
from api.schemas.problems import problems
from api.schemas.promotions import (
    EXAMPLE_PROMOTION_ID,
    OwnPromotion,
    OwnPromotions,
    OwnPromotionsParameters,
    PreviewAnswer,
    PreviewParameters,
    PromotionVersions,
    own_promotion_json,
    preview_json,
    version_json,
)
from geo_offers.bootstrap import Services
from geo_offers.domain.account import Caller
from geo_offers.domain.promotion import Promotion
from geo_offers.domain.promotion_steps import Step
from geo_offers.services.agreeing import Expected
from geo_offers.services.importing import Imported
from geo_offers.stores.account_ports import Tagged

PromotionId = Annotated[str, Path(description="The id of a promotion.", examples=[EXAMPLE_PROMOTION_ID])]
_encode = msgspec.json.Encoder().encode

router = keyed_router(
    "/v1/promotions",
    tags=["promotions"],
    dependencies=[Depends(each_parameter_once), Depends(wait_for_revision)],
)


@router.post(
    "",
    status_code=201,
    responses={201: {"model": OwnPromotion}, **problems(409, 413, 415, 422, 503)},
    summary="Register a promotion",
    openapi_extra=documented("PromotionDocument"),
)
async def create_promotion(
    caller: MerchantCaller, services: ServicesOf, write: WriteOf, document: JsonObject
) -> Response:
    """A new promotion of the caller's: a draft, unless `status` is active or paused. An active one is live at once."""
    return await write.answered(
        caller,
        lambda once: services.promotions.create(caller, document, once=once),
        promotion_answer(services, 201),
    )


@router.post(
    "/preview",
    responses={200: {"model": PreviewAnswer}, **problems(413, 415, 422, 503)},
    summary="Preview a promotion",
    openapi_extra=documented("PromotionDocument"),
)
async def preview(
    caller: MerchantCaller,
    services: ServicesOf,
    asked: Annotated[PreviewParameters, Query()],
    document: JsonObject,
) -> Response:
    """What would become of this document: its faults, or what its fence covers and meets. Nothing is written."""
    made = await services.previews.of(caller, document, asked.at)
    headers = {"X-Catalog-Revision": str(made.revision)}
    return Response(_encode(preview_json(made)), media_type="application/json", headers=headers)


@router.post(
    "/import",
    responses={200: {"model": ImportCounts}, **problems(409, 413, 415, 422, 503)},
    summary="Import promotions",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string"}} for kind in PROMOTION_KINDS},
        }
    },
)
async def import_promotions(
    request: Request, caller: MerchantCaller, services: ServicesOf, write: WriteOf
) -> Response:
    """All rows or none; promotions are known again by their external_id. `errors` lists every faulty row."""
    body = await body_within(request, request.app.state.most_import_bytes)
    owner = await services.promotions.merchant(caller)
    rows = await asyncio.to_thread(promotions_in, body, content_type(request), owner)
    counts = Imported()
    return await write.answered(
        caller,
        lambda once: services.promotions.take_rows(caller, rows, counts, once=once),
        import_answer(services, counts),
    )


@router.get("", responses={200: {"model": OwnPromotions}, **problems(422, 503)}, summary="Own promotions")
async def list_promotions(
    request: Request,
    caller: MerchantCaller,
    services: ServicesOf,
    asked: Annotated[OwnPromotionsParameters, Query()],
) -> Response:
    """The caller's promotions by id, drafts and ended ones too; complete, a page at a time."""
    page = await services.promotions.listed(
        caller, status=asked.status, cursor=asked.cursor, limit=asked.limit
    )
    body = {"items": [own_promotion_json(one.value) for one in page.items], "next": page.next}
    link = next_link(request.scope, page.next)
    headers = {"Link": link} if link else None
    return Response(_encode(body), media_type="application/json", headers=headers)


@router.get(
    "/{promotion_id}",
    responses={
        200: {"model": OwnPromotion},
        304: {"description": "It is as you know it."},
        **problems(404, 422, 503),
    },
    summary="One own promotion",
)
async def get_promotion(
    caller: MerchantCaller, services: ServicesOf, promotion_id: PromotionId, known: KnownTagsOf
) -> Response:
    """A promotion as it is now, with its ETag."""
    found = await services.promotions.find(caller, promotion_id)
    answer = Response(_encode(own_promotion_json(found.value)), media_type="application/json")
    return known.or_unchanged(answer, found.tag)


@router.patch(
    "/{promotion_id}",
    responses={200: {"model": OwnPromotion}, **problems(404, 409, 412, 413, 415, 422, 428, 503)},
    summary="Change a promotion",
    openapi_extra=documented("PromotionPatch", "application/merge-patch+json"),
)
async def change_promotion(
    caller: MerchantCaller,
    services: ServicesOf,
    write: WriteOf,
    promotion_id: PromotionId,
    expected: ExpectedTags,
    patch: JsonObject,
) -> Response:
    """A JSON merge patch of the document, which is checked as a whole; one more version, live at once.

    `status` may go from draft to active, between active and paused, and from any to ended, which is for good.
    """
    return await write.answered(
        caller,
        lambda once: services.promotions.change(caller, promotion_id, patch, expected=expected, once=once),
        promotion_answer(services, 200),
    )


@router.get(
    "/{promotion_id}/versions",
    responses={200: {"model": PromotionVersions}, **problems(404, 422, 503)},
    summary="The history of a promotion",
)
async def list_versions(caller: MerchantCaller, services: ServicesOf, promotion_id: PromotionId) -> Response:
    """How it has been, oldest first."""
    found = await services.promotions.versions(caller, promotion_id)
    body = {"items": [version_json(one) for one in found]}
    return Response(_encode(body), media_type="application/json")


@router.post(
    "/{promotion_id}/publish",
    responses={200: {"model": OwnPromotion}, **problems(404, 409, 412, 422, 428, 503)},
    summary="Publish a draft",
)
async def publish(
    caller: MerchantCaller,
    services: ServicesOf,
    write: WriteOf,
    promotion_id: PromotionId,
    expected: ExpectedTags,
) -> Response:
    """From draft to active; the same as a patch of `status`. One that is active stays as it is."""
    return await _step(caller, services, write, promotion_id, Step.PUBLISH, expected)


@router.post(
    "/{promotion_id}/pause",
    responses={200: {"model": OwnPromotion}, **problems(404, 409, 412, 422, 428, 503)},
    summary="Pause a promotion",
)
async def pause(
    caller: MerchantCaller,
    services: ServicesOf,
    write: WriteOf,
    promotion_id: PromotionId,
    expected: ExpectedTags,
) -> Response:
    """From active to paused; coupons that were claimed stay good."""
    return await _step(caller, services, write, promotion_id, Step.PAUSE, expected)


@router.post(
    "/{promotion_id}/resume",
    responses={200: {"model": OwnPromotion}, **problems(404, 409, 412, 422, 428, 503)},
    summary="Resume a promotion",
)
async def resume(
    caller: MerchantCaller,
    services: ServicesOf,
    write: WriteOf,
    promotion_id: PromotionId,
    expected: ExpectedTags,
) -> Response:
    """From paused to active."""
    return await _step(caller, services, write, promotion_id, Step.RESUME, expected)


@router.post(
    "/{promotion_id}/end",
    responses={200: {"model": OwnPromotion}, **problems(404, 409, 412, 422, 428, 503)},
    summary="End a promotion",
)
async def end(
    caller: MerchantCaller,
    services: ServicesOf,
    write: WriteOf,
    promotion_id: PromotionId,
    expected: ExpectedTags,
) -> Response:
    """For good: nothing is claimed or redeemed any more, and nothing of it can be changed."""
    return await _step(caller, services, write, promotion_id, Step.END, expected)


async def _step(
    caller: Caller, services: Services, write: Write, promotion_id: str, step: Step, expected: Expected
) -> Response:
    return await write.answered(
        caller,
        lambda once: services.promotions.take_step(caller, promotion_id, step, expected=expected, once=once),
        promotion_answer(services, 200),
    )


def promotion_answer(services: Services, status: int) -> Callable[[Tagged[Promotion]], Response]:
    """The answer to a write of a promotion."""

    def answer(promotion: Tagged[Promotion]) -> Response:
        headers = {"ETag": etag(promotion.tag), **revision_header(services, promotion.revision)}
        if status == 201:
            headers["Location"] = f"/v1/promotions/{promotion.value.id}"
        body = _encode(own_promotion_json(promotion.value))
        return Response(body, status, media_type="application/json", headers=headers)

    return answer
