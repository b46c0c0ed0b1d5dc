"""Promotions as their merchant writes and sees them over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.faults import fault_of
from api.schemas.parameters import Decimal, Parameters, Whole
from api.schemas.problems import Fault
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Promotion, Status
from geo_offers.domain.promotion_document import document_of
from geo_offers.services.previews import Covered, Preview
from geo_offers.stores.account_ports import Version

EXAMPLE_PROMOTION_ID = "prm_4h9x2m7q0kt8w1zc"
_EXAMPLE: dict[str, Any] = {
    "external_id": "noodles-20",
    "title": "20 % off noodles",
    "title_i18n": {"zh": "面条八折"},
    "benefit": {"type": "percent_off", "basis_points": 2_000},
    "fence": {"type": "circle", "center": [120.1541, 31.1981], "radius_m": 300},
    "starts_at": "2026-01-01T00:00:00+08:00",
    "ends_at": "2030-01-01T00:00:00+08:00",
    "weekly_hours": "Mo-Su 10:00-22:00",
    "time_zone": "Asia/Shanghai",
    "limits": {"max_claims": 100, "max_per_visitor": 1},
}
_NO_EVENTS = "It needs events of visits, which are not recorded here yet."


class OwnPromotionsParameters(Parameters):
    """GET /v1/promotions."""

    status: Status | None = Field(None, description="Only those of this status.")
    limit: Whole = Field(20, ge=1, le=100, description="Promotions on a page.")
    cursor: str | None = Field(
        None, description="`next` of the page before; leave the other parameters as they were."
    )


class PreviewParameters(Parameters):
    """POST /v1/promotions/preview."""

    lng: Decimal | None = Field(
        None, ge=-180, le=180, description="With lat: what a visitor there would be told now."
    )
    lat: Decimal | None = Field(None, ge=-90, le=90)

    @model_validator(mode="after")
    def _both(self) -> PreviewParameters:
        if (self.lng is None) != (self.lat is None):
            raise ValueError("lng and lat are given together, or neither")
        return self

    @property
    def at(self) -> LngLat | None:
        return None if self.lng is None or self.lat is None else LngLat(self.lng, self.lat)


class PromotionDocument(BaseModel):
    """A promotion as its merchant writes it; title, benefit, fence, starts_at and ends_at are needed."""

    external_id: str | None = Field(None, max_length=256, description="Your own id, unique among yours.")
    title: str = Field(min_length=1, max_length=512)
    title_i18n: dict[str, str] = Field({}, description="By BCP 47 tag.")
    benefit: dict[str, Any] = Field(
        description="type is percent_off (basis_points, max_minor), amount_off (amount_minor, currency,"
        " min_spend_minor), free_item (item), buy_x_get_y (buy, get) or points (points)."
    )
    fence: dict[str, Any] = Field(
        description="type is circle (center, radius_m), polygon (geometry), district (district_id) or"
        " around_shops (radius_m)."
    )
    shop_ids: list[str] = Field([], description="Your shops that honour it.", max_length=1_000)
    starts_at: datetime
    ends_at: datetime
    weekly_hours: str | None = Field(None, description="As opening_hours in OpenStreetMap; null is always.")
    time_zone: str = Field("UTC", description="IANA name; weekly hours are by its clock.")
    listed: bool = Field(True, description="Also shown near its fence.")
    max_accuracy_m: float = Field(150, ge=1, le=10_000)
    status: Status = Field(Status.DRAFT, description="A new one is draft, active or paused.")
    limits: dict[str, Any] = Field(
        {},
        description="max_claims, max_redemptions, max_per_visitor, budget_minor with currency, per_period.",
    )
    audience: dict[str, Any] = Field({}, description="segments, and visitors: all, new or returning.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})


class PromotionPatch(BaseModel):
    """A JSON merge patch (RFC 7396) of a promotion document: null takes a member away.

    Objects are merged, so a fence of another type also needs null for the members of the old one.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"title": "25 % off noodles"}]})


class OwnPromotion(PromotionDocument):
    """A promotion as its merchant sees it."""

    id: str = Field(examples=[EXAMPLE_PROMOTION_ID])
    merchant_id: str


class OwnPromotions(BaseModel):
    """A page of a merchant's promotions, by id."""

    items: list[OwnPromotion]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class PromotionVersion(BaseModel):
    """How a promotion was from one moment on."""

    number: int = Field(description="1, 2, … without gaps.")
    changed_at: datetime
    key_id: str | None = Field(description="Whose key made it; null for an import by an operator.")
    document: PromotionDocument


class PromotionVersions(BaseModel):
    """The history of a promotion, oldest first."""

    items: list[PromotionVersion]


class CoveredDistrict(BaseModel):
    id: str
    name: str
    share: float = Field(description="How much of the fence is in it, 0 to 1.")


class CoveredShop(BaseModel):
    id: str
    name: str
    category: str
    lng: float
    lat: float


class CoveredShops(BaseModel):
    count: int
    first: list[CoveredShop] = Field(description="At most 20, by id.")


class Overlapping(BaseModel):
    """Live promotions whose fences share a place with this one."""

    own: int
    others: int


class PreviewVerdict(BaseModel):
    """What a visitor at the asked position would be told now, were the promotion active."""

    eligible: bool
    reasons: list[str]


class PreviewAnswer(BaseModel):
    """What would become of a promotion document; with faults everything else is null."""

    faults: list[Fault]
    area_m2: float | None
    districts: list[CoveredDistrict] | None
    shops: CoveredShops | None
    overlapping: Overlapping | None
    estimated_reach: None
    estimated_reach_note: str = Field(description="Why there is no estimate.")
    verdict: PreviewVerdict | None = Field(description="With lng and lat.")


def own_promotion_json(promotion: Promotion) -> dict[str, Any]:
    """A promotion as its merchant sees it."""
    return {"id": promotion.id, "merchant_id": promotion.merchant_id, **document_of(promotion)}


def version_json(version: Version) -> dict[str, Any]:
    """One version; its document stands as it was written."""
    return {
        "number": version.number,
        "changed_at": version.changed_at,
        "key_id": version.key_id,
        "document": msgspec.Raw(version.document.encode()),
    }


def preview_json(preview: Preview) -> dict[str, Any]:
    """What would become of a document."""
    verdict = None
    if preview.reasons is not None:
        verdict = {"eligible": not preview.reasons, "reasons": [reason.value for reason in preview.reasons]}
    return {
        "faults": [fault_of(one, getattr(one, "pointer", None) or "") for one in preview.faults],
        **_covered_json(preview.covered),
        "estimated_reach": None,
        "estimated_reach_note": _NO_EVENTS,
        "verdict": verdict,
    }


def _covered_json(covered: Covered | None) -> dict[str, Any]:
    if covered is None:
        return {"area_m2": None, "districts": None, "shops": None, "overlapping": None}
    first = [
        {"id": shop.id, "name": shop.name, "category": shop.category, "lng": shop.at.lng, "lat": shop.at.lat}
        for shop in covered.shops
    ]
    return {
        "area_m2": round(covered.area_m2, 1),
        "districts": [
            {"id": one.id, "name": one.name, "share": round(one.share, 6)} for one in covered.districts
        ],
        "shops": {"count": covered.shop_count, "first": first},
        "overlapping": {"own": covered.own, "others": covered.others},
    }
