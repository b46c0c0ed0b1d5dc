"""What a merchant does with coupons: the till, its way back, the funnel, codes of his own."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path
from starlette.responses import Response

from api.callers import MerchantCaller, keyed_router
from api.dependencies import ServicesOf, each_parameter_once
from api.once import KeyedWriteOf, WriteOf
from api.schemas.problems import problems
from api.schemas.redemptions import (
    EXAMPLE_REDEMPTION_ID,
    CodesAsked,
    CodesLeft,
    FunnelItem,
    RedemptionAsked,
    RedemptionItem,
    funnel_json,
    redemption_json,
)
from geo_offers.domain.coupon import Redemption

RedemptionId = Annotated[str, Path(description="The id of a redemption.", examples=[EXAMPLE_REDEMPTION_ID])]
PromotionId = Annotated[str, Path(description="The id of a promotion.", examples=["prm_0123456789abcdef"])]
_encode = msgspec.json.Encoder().encode

router = keyed_router("/v1", tags=["redemptions"], dependencies=[Depends(each_parameter_once)])


@router.post(
    "/redemptions",
    status_code=201,
    responses={201: {"model": RedemptionItem}, **problems(404, 409, 422, 503)},
    summary="Redeem a coupon",
)
async def redeem(
    caller: MerchantCaller, services: ServicesOf, write: KeyedWriteOf, asked: RedemptionAsked
) -> Response:
    """Use a coupon at a shop of its promotion, once; with the total of the basket it says what to take off.

    409 with `code` the reason: already_redeemed, coupon_expired, wrong_shop, ended, limit_reached, budget_spent,
    spend_too_low; then nothing was spent.
    """
    query = asked.to_domain()

    def answer(redemption: Redemption) -> Response:
        headers = {"Location": f"/v1/redemptions/{redemption.id}"}
        return _json(redemption_json(redemption), 201, headers)

    return await write.answered(
        caller, lambda once: services.redemptions.redeem(query, by=caller, once=once), answer
    )


@router.get(
    "/redemptions/{redemption_id}",
    responses={200: {"model": RedemptionItem}, **problems(404, 422, 503)},
    summary="One redemption",
)
async def get_redemption(
    caller: MerchantCaller, services: ServicesOf, redemption_id: RedemptionId
) -> Response:
    """A redemption at one of your shops, rolled back or not."""
    return _json(redemption_json(await services.redemptions.redemption(redemption_id, by=caller)))


@router.post(
    "/redemptions/{redemption_id}/rollback",
    responses={200: {"model": RedemptionItem}, **problems(404, 409, 422, 503)},
    summary="Undo a redemption",
)
async def roll_back(
    caller: MerchantCaller, services: ServicesOf, write: WriteOf, redemption_id: RedemptionId
) -> Response:
    """The coupon, the counters and the budget are as before; the coupon can be redeemed again while it lasts."""
    return await write.answered(
        caller,
        lambda once: services.redemptions.roll_back(redemption_id, by=caller, once=once),
        lambda redemption: _json(redemption_json(redemption)),
    )


@router.get(
    "/promotions/{promotion_id}/stats",
    responses={200: {"model": FunnelItem}, **problems(404, 422, 503)},
    summary="How a promotion does",
)
async def get_stats(caller: MerchantCaller, services: ServicesOf, promotion_id: PromotionId) -> Response:
    """From shown to redeemed, of a promotion of yours."""
    return _json(funnel_json(promotion_id, await services.redemptions.funnel(promotion_id, by=caller)))


@router.post(
    "/promotions/{promotion_id}/codes",
    status_code=201,
    responses={201: {"model": CodesLeft}, **problems(404, 409, 422, 503)},
    summary="Codes of your own",
)
async def add_codes(
    caller: MerchantCaller,
    services: ServicesOf,
    write: WriteOf,
    promotion_id: PromotionId,
    asked: CodesAsked,
) -> Response:
    """All of these codes into the pool of a promotion, or none. From the first on its claims take codes from there."""
    return await write.answered(
        caller,
        lambda once: services.redemptions.add_codes(promotion_id, asked.codes, by=caller, once=once),
        lambda left: _json({"left": left}, 201),
    )


def _json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(_encode(document), status, media_type="application/json", headers=headers)
