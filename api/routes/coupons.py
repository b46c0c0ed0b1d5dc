"""Coupons: claimed by an app for its visitors, read by their code, shown as QR codes."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import HTMLResponse, Response

from api.answers import next_link
from api.callers import ClaimCaller, CouponCaller, keyed_router
from api.dependencies import Languages, ServicesOf, each_parameter_once
from api.once import KeyedWriteOf
from api.preconditions import KnownTagsOf
from api.qr import MEDIA_TYPE, Kind, base_url_of, coupon_url, qr_codes_of
from api.schemas.coupons import (
    EXAMPLE_CODE,
    ClaimAsked,
    ClaimedCoupon,
    QrParameters,
    ShownCouponItem,
    Wallet,
    WalletParameters,
    claimed_json,
    coupon_json,
    wallet_json,
)
from api.schemas.problems import problems
from geo_offers.domain.account import Caller, Role
from geo_offers.domain.codes import readings, shown
from geo_offers.domain.coupon import Coupon
from geo_offers.domain.errors import CodeInvalid, CouponNotFound
from geo_offers.services.coupons import ShownCoupon

_PRIVATE = {"Cache-Control": "private, max-age=3600"}
_encode = msgspec.json.Encoder().encode

Code = Annotated[
    str,
    Path(description="A code as people type it; hyphens and case do not matter.", examples=[EXAMPLE_CODE]),
]

router = keyed_router("/v1/coupons", tags=["coupons"], dependencies=[Depends(each_parameter_once)])
page_router = APIRouter()


@router.post(
    "",
    status_code=201,
    responses={201: {"model": ClaimedCoupon}, **problems(404, 409, 422, 503)},
    summary="Claim an offer",
)
async def claim(
    request: Request, caller: ClaimCaller, services: ServicesOf, write: KeyedWriteOf, asked: ClaimAsked
) -> Response:
    """A coupon for a visitor who is inside of the fence, on a position that is fresh and exact enough.

    409 with `code` the decisive reason (the words of `excluded` in `/v1/offers`) and its `facts` where the promotion
    is no offer for this visitor here and now; then nothing was spent.
    """
    base_url = base_url_of(request)

    def answer(coupon: Coupon) -> Response:
        headers = {"Location": f"/v1/coupons/{coupon.code}"}
        return _json(claimed_json(coupon, base_url), 201, headers)

    query = asked.to_domain(account=caller.account)
    return await write.answered(caller, lambda once: services.coupons.claim(query, once=once), answer)


@router.get("", responses={200: {"model": Wallet}, **problems(422, 503)}, summary="The wallet of a visitor")
async def list_coupons(
    request: Request,
    caller: ClaimCaller,
    services: ServicesOf,
    languages: Languages,
    asked: Annotated[WalletParameters, Query()],
) -> Response:
    """The coupons of one of your visitors, newest first; complete, a page at a time."""
    page = await services.coupons.wallet(
        asked.visitor_id, account=caller.account, limit=asked.limit, cursor=asked.cursor
    )
    link = next_link(request.scope, page.next)
    document = wallet_json(page, languages, base_url_of(request))
    return _json(document, 200, {"Link": link} if link else {})


@router.get(
    "/{code}", responses={200: {"model": ShownCouponItem}, **problems(404, 422, 503)}, summary="One coupon"
)
async def get_coupon(
    request: Request, caller: CouponCaller, services: ServicesOf, languages: Languages, code: Code
) -> Response:
    """A coupon of this app's visitors, or of this merchant's promotions."""
    found = await _coupon(services, caller, code)
    return _json(coupon_json(found, languages, base_url_of(request)), 200, {})


def _image(kind: Kind) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"description": "The image.", "content": {MEDIA_TYPE[kind]: {"schema": {"type": "string"}}}},
        304: {"description": "It is what you have."},
        **problems(404, 422, 503),
    }


@router.get("/{code}/qr.svg", responses=_image("svg"), response_class=Response, summary="Its QR code as SVG")
async def get_qr_svg(
    request: Request,
    caller: CouponCaller,
    services: ServicesOf,
    known: KnownTagsOf,
    code: Code,
    asked: Annotated[QrParameters, Query()],
) -> Response:
    """Leads to a page that shows the code; nothing of the visitor is in it."""
    found = await _coupon(services, caller, code)
    return known.or_unchanged(*_drawn(request, found.coupon.code, "svg", asked))


@router.get("/{code}/qr.png", responses=_image("png"), response_class=Response, summary="Its QR code as PNG")
async def get_qr_png(
    request: Request,
    caller: CouponCaller,
    services: ServicesOf,
    known: KnownTagsOf,
    code: Code,
    asked: Annotated[QrParameters, Query()],
) -> Response:
    """Leads to a page that shows the code; nothing of the visitor is in it."""
    found = await _coupon(services, caller, code)
    return known.or_unchanged(*_drawn(request, found.coupon.code, "png", asked))


_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{shown}</title></head>
<body>
<p>Show this code at the till</p>
{qr}
<p><strong>{shown}</strong></p>
</body>
</html>
"""
_PAGE_HEADERS = {
    "Cache-Control": "private, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@page_router.get("/c/{code}", include_in_schema=False)
async def show_code(request: Request, code: str) -> Response:
    """What the QR code leads to: the code, large. It is not looked up, so nobody learns whether there is such a coupon."""
    try:
        read = readings(code)[0]
    except CodeInvalid as error:
        raise CouponNotFound("there is no such page; a code has another form") from error
    svg, _ = _drawn(request, read, "svg", QrParameters(scale=8, border=4))
    page = _PAGE.format(shown=shown(read), qr=bytes(svg.body).decode())
    return HTMLResponse(page, headers=_PAGE_HEADERS)


def _drawn(request: Request, code: str, kind: Kind, asked: QrParameters) -> tuple[Response, str]:
    """The QR code of a coupon, and its tag."""
    url = coupon_url(base_url_of(request), code)
    drawn = qr_codes_of(request).drawn(url, kind, scale=asked.scale, border=asked.border)
    return Response(drawn.image, media_type=MEDIA_TYPE[kind], headers=_PRIVATE), drawn.tag


async def _coupon(services: ServicesOf, caller: Caller, code: str) -> ShownCoupon:
    if caller.role is Role.MERCHANT:
        return await services.coupons.coupon(code, account=None, merchant_id=caller.account)
    return await services.coupons.coupon(code, account=caller.account, merchant_id=None)


def _json(document: Any, status: int, headers: dict[str, str]) -> Response:
    return Response(_encode(document), status, media_type="application/json", headers=headers)
