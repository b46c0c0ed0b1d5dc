"""Coupons as they come and go over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from api.schemas.parameters import Moment, Parameters, Whole
from geo_offers.domain.codes import shown
from geo_offers.domain.coupon import Coupon, CouponState
from geo_offers.domain.languages import name_for
from geo_offers.domain.place import LngLat
from geo_offers.services.coupons import ClaimQuery, ShownCoupon, WalletPage

#: Of the form of a code, with its check character; there is no such coupon.
EXAMPLE_CODE = "7HXK2M9QT4EW"
_MOST_SEGMENTS = 100
_decode_titles = msgspec.json.Decoder(dict[str, str]).decode
_decode_benefit = msgspec.json.Decoder(dict[str, Any]).decode


class ClaimAsked(BaseModel):
    """A claim. Without position, accuracy or time of the fix it is refused, as `position_missing`."""

    promotion_id: str = Field(max_length=100, examples=["prm_0123456789abcdef"])
    visitor_id: str = Field(
        min_length=1, max_length=200, description="Your own id of the visitor; hashed at once."
    )
    segments: list[str] = Field(
        default_factory=list, max_length=_MOST_SEGMENTS, description="Segments the visitor is in."
    )
    lng: float | None = Field(None, ge=-180, le=180, description="Longitude, degrees, WGS 84.")
    lat: float | None = Field(None, ge=-90, le=90, description="Latitude, degrees, WGS 84.")
    accuracy_m: float | None = Field(None, ge=0, le=100_000, description="How far off it may be, metres.")
    fix_at: Moment | None = Field(
        None, description="Since when the position is known; RFC 3339, at most 120 s ago."
    )

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "promotion_id": "prm_0123456789abcdef",
                    "visitor_id": "anna",
                    "lng": 120.1541,
                    "lat": 31.1981,
                    "accuracy_m": 12.5,
                    "fix_at": "2026-12-01T18:30:00+08:00",
                }
            ]
        },
    )

    def to_domain(self, *, account: str) -> ClaimQuery:
        at = None if self.lng is None or self.lat is None else LngLat(self.lng, self.lat)
        return ClaimQuery(
            promotion_id=self.promotion_id,
            account=account,
            visitor_id=self.visitor_id,
            segments=frozenset(self.segments),
            at=at,
            accuracy_m=self.accuracy_m,
            fix_at=self.fix_at,
        )


class ClaimedCoupon(BaseModel):
    """A coupon, just claimed."""

    code: str = Field(description="As programs keep it.", examples=[EXAMPLE_CODE])
    promotion_id: str
    state: CouponState
    expires_at: datetime
    qr_url: str = Field(description="Its QR code as SVG; `qr.png` beside it is the same as PNG.")


class ShownCouponItem(ClaimedCoupon):
    """A coupon and what it is for."""

    shown_code: str = Field(description="As people read and type it.", examples=["7HXK-2M9Q-T4EW"])
    title: str | None = Field(description="Of the promotion; null once that has left the catalog.")
    benefit: dict[str, Any] | None
    issued_at: datetime


class Wallet(BaseModel):
    """A page of a visitor's coupons, newest first."""

    items: list[ShownCouponItem]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class WalletParameters(Parameters):
    """GET /v1/coupons."""

    visitor_id: str = Field(
        min_length=1, max_length=200, description="Your own id of the visitor.", examples=["anna"]
    )
    limit: Whole = Field(20, ge=1, le=100, description="Coupons on a page.")
    cursor: str | None = Field(
        None, description="`next` of the page before; leave the other parameters as they were."
    )


class QrParameters(Parameters):
    """The size of a QR code."""

    scale: Whole = Field(8, ge=1, le=32, description="Pixels a module.")
    border: Whole = Field(
        4, ge=0, le=16, description="Modules of quiet zone; readers want 4 unless the page around is white."
    )


def claimed_json(coupon: Coupon, base_url: str) -> dict[str, Any]:
    """A coupon as the answer to its claim."""
    return {
        "code": coupon.code,
        "promotion_id": coupon.promotion_id,
        "state": coupon.state,
        "expires_at": coupon.expires_at,
        "qr_url": f"{base_url}/v1/coupons/{coupon.code}/qr.svg",
    }


def coupon_json(one: ShownCoupon, languages: tuple[str, ...], base_url: str) -> dict[str, Any]:
    """A coupon on its own, or in a wallet."""
    title = benefit = None
    if one.of is not None:
        title = name_for(one.of.title, _decode_titles(one.of.title_i18n_json), languages)
        benefit = _decode_benefit(one.of.benefit_json)
    return claimed_json(one.coupon, base_url) | {
        "shown_code": shown(one.coupon.code),
        "title": title,
        "benefit": benefit,
        "issued_at": one.coupon.issued_at,
    }


def wallet_json(page: WalletPage, languages: tuple[str, ...], base_url: str) -> dict[str, Any]:
    """A page of a wallet."""
    return {"items": [coupon_json(one, languages, base_url) for one in page.items], "next": page.next}
