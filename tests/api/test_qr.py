"""QR codes of coupons: they read back as our address, and the page behind it tells nobody anything."""

from __future__ import annotations

from io import BytesIO

import httpx
import numpy as np
import pytest
import zxingcpp
from matplotlib import image

from api.qr import QrCodes
from geo_offers.domain.codes import new_code, shown
from geo_offers.domain.errors import InvalidInput
from tests.api.commerce import Market, a_live_promotion, a_market
from tests.api.conftest import Serving


def _read(png: bytes) -> str:
    pixels = image.imread(BytesIO(png), format="png")
    grey = (pixels.reshape(*pixels.shape[:2], -1)[..., 0] * 255).astype(np.uint8)
    (found,) = zxingcpp.read_barcodes(np.ascontiguousarray(grey))
    return str(found.text)


async def _qr(market: Market, code: str, kind: str, query: str = "", **headers: str) -> httpx.Response:
    return await market.client.get(f"/v1/coupons/{code}/qr.{kind}{query}", headers=market.app | headers)


async def test_the_image_reads_back_as_the_page_of_the_coupon(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion, public_url="https://offers.example/") as market:
        claimed = (await market.claim(promotion)).json()
        code = claimed["code"]
        png, svg = await _qr(market, code, "png"), await _qr(market, code, "svg")
        small = await _qr(market, code, "png", "?scale=2&border=4")
    assert claimed["qr_url"] == f"https://offers.example/v1/coupons/{code}/qr.svg"
    assert _read(png.content) == _read(small.content) == f"https://offers.example/c/{code}"
    assert png.headers["content-type"] == "image/png"
    assert svg.headers["content-type"] == "image/svg+xml"
    assert svg.text.startswith("<svg xmlns")
    assert "script" not in svg.text
    assert png.headers["cache-control"] == "private, max-age=3600"


async def test_an_image_that_is_known_is_not_sent_again(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        first = await _qr(market, code, "svg")
        again = await _qr(market, code, "svg", **{"If-None-Match": first.headers["etag"]})
        larger = await _qr(market, code, "svg", "?scale=9", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert larger.status_code == 200


async def test_a_size_out_of_bounds_is_refused_and_no_coupon_is_not_found(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        code = (await market.claim(promotion)).json()["code"]
        queries = ("?scale=0", "?scale=33", "?border=-1", "?border=17", "?scale=1.5", "?dark=1")
        answers = [await _qr(market, code, "png", query) for query in queries]
        absent = await _qr(market, new_code(), "svg")
    assert [answer.status_code for answer in answers] == [422] * 6
    assert (absent.status_code, absent.json()["code"]) == (404, "coupon_not_found")


async def test_the_page_shows_any_code_and_looks_none_up(serving: Serving) -> None:
    promotion = a_live_promotion()
    async with a_market(serving, promotion) as market:
        claimed, invented = (await market.claim(promotion)).json()["code"], new_code()
        pages = [await market.client.get(f"/c/{code}") for code in (claimed, invented)]
        own = await market.client.get("/c/SPRING-1")
        odd = await market.client.get("/c/%3Cscript%3E")
    for code, page in zip((claimed, invented), pages, strict=True):
        assert page.status_code == 200
        assert shown(code) in page.text
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    plain = [
        page.text.split("<svg")[0].replace(shown(code), "")
        for page, code in zip(pages, (claimed, invented), strict=True)
    ]
    assert plain[0] == plain[1]
    assert "SPRING-1" in own.text
    assert (odd.status_code, odd.headers["content-type"]) == (404, "application/problem+json")


def test_what_is_kept_has_a_bound() -> None:
    codes = QrCodes(most=8)
    for number in range(20):
        codes.drawn(f"{number}", "svg", scale=1, border=0)
    assert len(codes._kept) == 8
    with pytest.raises(InvalidInput):
        codes.drawn("x" * 3_000, "svg", scale=1, border=0)
