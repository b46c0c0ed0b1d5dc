"""Offers as they come and go over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.parameters import AtPlace, Decimal, Moment, Whole
from geo_offers.services.match_offers import OfferQuery

MOST_POSITIONS = 1_000


class OffersParameters(AtPlace):
    """GET /v1/offers."""

    radius_m: Decimal = Field(1_000.0, gt=0, le=50_000, description="How far listed offers may be, metres.")
    limit: Whole = Field(20, ge=1, le=100, description="Offers on a page.")
    cursor: str | None = Field(
        None, description="`next` of the page before; leave the other parameters as they were."
    )
    category: str | None = Field(
        None, description="Only offers of a shop of this category or group.", examples=["food"]
    )
    district_id: str | None = Field(None, description="Only offers of a shop in this district.")
    visitor_id: str | None = Field(
        None, min_length=1, max_length=200, description="Your own id of the visitor; hashed at once."
    )
    segments: str | None = Field(
        None, max_length=1_000, description="Segments the visitor is in, such as vip,staff."
    )
    accuracy_m: Decimal | None = Field(
        None, ge=0, le=100_000, description="Of the position; exact when not given."
    )
    fix_at: Moment | None = Field(None, description="Since when the position is known; now when not given.")
    at: Moment | None = Field(None, description="Ask about this time instead of now; RFC 3339.")
    lang: str | None = Field(None, max_length=100, description="Languages, before those of Accept-Language.")
    explain: bool = Field(False, description="Also say why other promotions near by are no offers.")

    def to_domain(self, *, account: str) -> OfferQuery:
        return OfferQuery(
            at=self.place,
            account=account,
            radius_m=self.radius_m,
            limit=self.limit,
            cursor=self.cursor,
            category=self.category,
            district_id=self.district_id,
            visitor_id=self.visitor_id,
            segments=segments_of(self.segments),
            accuracy_m=self.accuracy_m,
            fix_at=self.fix_at,
            when=self.at,
            explain=self.explain,
        )


def segments_of(text: str | None) -> frozenset[str]:
    """The segments of a comma-separated list."""
    return frozenset(part.strip() for part in text.split(",") if part.strip()) if text else frozenset()


def assumed_of(query: OfferQuery) -> list[str]:
    """What a question left open, and was taken to be at its best."""
    return [name for name in ("accuracy_m", "fix_at") if getattr(query, name) is None]


class BriefShop(BaseModel):
    """The nearest shop that honours an offer."""

    id: str
    name: str
    category: str
    lng: float
    lat: float
    open: bool | None = Field(description="null: nobody knows.")


class MerchantName(BaseModel):
    id: str
    name: str


class Offer(BaseModel):
    """A promotion as shown to one visitor at one place."""

    promotion_id: str
    title: str = Field(description="In the language asked for, where there is one.")
    benefit: dict[str, Any]
    merchant: MerchantName
    shop: BriefShop | None = Field(description="The nearest that honours it; null when it names none.")
    inside: bool = Field(description="The position is good enough, and inside of the fence.")
    distance_m: float = Field(description="To the shop, or else to the fence.")
    distance_to_fence_m: float = Field(description="Upwards to a decimetre; 0 inside.")
    ends_at: datetime
    score: float = Field(description="The sum of its parts; offers inside come first whatever their score.")
    score_parts: dict[str, float]
    claimable: bool


class ExcludedOffer(BaseModel):
    """Why a promotion is no offer here and now."""

    promotion_id: str
    reason: str
    facts: dict[str, Any] = Field(description="The distance to yes; `also` names further reasons.")


class Offers(BaseModel):
    """A page of offers, the best first."""

    items: list[Offer]
    next: str | None = Field(description="Cursor of the next page; null on the last.")
    assumed: list[str] = Field(description="What was not given, and taken at its best: accuracy_m, fix_at.")
    degraded: list[str] = Field(description="What could not be asked, such as usage.")
    excluded: list[ExcludedOffer] | None = Field(None, description="With explain=true.")


class AskedPosition(BaseModel):
    """One of many positions."""

    lng: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    accuracy_m: float | None = Field(None, ge=0, le=100_000)
    fix_at: datetime | None = None
    visitor_id: str | None = Field(None, min_length=1, max_length=200)

    model_config = ConfigDict(strict=True)


class MatchRequest(BaseModel):
    """POST /v1/offers/match."""

    positions: list[AskedPosition] = Field(max_length=MOST_POSITIONS)
    limit: int = Field(20, ge=1, le=100)
    radius_m: float = Field(1_000, gt=0, le=50_000)
    category: str | None = None
    at: datetime | None = None
    explain: bool = False

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [{"positions": [{"lng": 120.1541, "lat": 31.1981}], "limit": 3, "radius_m": 300}]
        },
    )


class MatchResult(BaseModel):
    items: list[Offer]
    excluded: list[ExcludedOffer] | None = None


class MatchAnswer(BaseModel):
    """Offers for many positions, in their order."""

    results: list[MatchResult]
    degraded: list[str]
