"""Redemptions, funnels and pools of codes as they come and go over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from geo_offers.domain.coupon import Funnel, Redemption
from geo_offers.domain.discount import MOST_MINOR
from geo_offers.services.redemptions import TillQuery

MOST_CODES = 10_000
EXAMPLE_REDEMPTION_ID = "red_0123456789abcdef"
_Total = Annotated[
    Any,  # so that what is no whole number is said to be a basket_invalid, whatever it is
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": MOST_MINOR}, {"type": "null"}]}),
]


class RedemptionAsked(BaseModel):
    """A coupon at a till; basket_minor and currency both or neither."""

    code: str = Field(
        max_length=100, description="As it was typed or scanned; hyphens and case do not matter."
    )
    shop_id: str = Field(max_length=100)
    basket_minor: _Total = Field(None, description="What is to be paid before the discount, minor units.")
    currency: str | None = Field(None, max_length=10, description="ISO 4217.")

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "code": "7HXK-2M9Q-T4EW",
                    "shop_id": "shp_evx47tagj6ejzhsw",
                    "basket_minor": 4_500,
                    "currency": "CNY",
                }
            ]
        },
    )

    def to_domain(self) -> TillQuery:
        return TillQuery(
            code=self.code, shop_id=self.shop_id, basket_minor=self.basket_minor, currency=self.currency
        )


class RedemptionItem(BaseModel):
    """A coupon that was used."""

    id: str = Field(examples=[EXAMPLE_REDEMPTION_ID])
    code: str
    promotion_id: str
    shop_id: str
    discount_minor: int | None = Field(
        None, description="To be taken off, minor units; absent where the benefit is no amount of money."
    )
    currency: str | None = Field(None, description="Of the discount.")
    redeemed_at: datetime
    rolled_back_at: datetime | None = Field(None, description="Absent while it stands.")


class FunnelItem(BaseModel):
    """How a promotion does; shown, opened and shared are null where events are not counted."""

    promotion_id: str
    shown: int | None
    opened: int | None
    claimed: int
    redeemed: int = Field(description="Of the claimed ones, without those that were rolled back.")
    rolled_back: int
    expired: int
    shared: int | None
    discount_minor: int = Field(description="What redemptions took off in all, minor units.")
    currency: str | None


class CodesAsked(BaseModel):
    """Codes of your own: 4 to 40 letters A-Z, digits and, between them, hyphens."""

    codes: list[str] = Field(min_length=1, max_length=MOST_CODES)

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"codes": ["SPRING-0001", "SPRING-0002"]}]},
    )


class CodesLeft(BaseModel):
    """How many codes of its pool a promotion has left."""

    left: int


def redemption_json(one: Redemption) -> dict[str, Any]:
    """A redemption; members that it does not have are left out."""
    members = {
        "id": one.id,
        "code": one.code,
        "promotion_id": one.promotion_id,
        "shop_id": one.shop_id,
        "discount_minor": one.discount_minor,
        "currency": None if one.discount_minor is None else one.currency,
        "redeemed_at": one.redeemed_at,
        "rolled_back_at": one.rolled_back_at,
    }
    return {name: value for name, value in members.items() if value is not None}


def funnel_json(promotion_id: str, funnel: Funnel) -> dict[str, Any]:
    """How a promotion does."""
    return {
        "promotion_id": promotion_id,
        "shown": funnel.shown,
        "opened": funnel.opened,
        "claimed": funnel.claimed,
        "redeemed": funnel.redeemed,
        "rolled_back": funnel.rolled_back,
        "expired": funnel.expired,
        "shared": funnel.shared,
        "discount_minor": funnel.discount_minor,
        "currency": funnel.currency,
    }
