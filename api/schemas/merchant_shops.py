"""A merchant's profile and shops as they come and go over HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.parameters import Parameters, Whole
from api.schemas.shops import EXAMPLE_SHOP_ID, Source
from geo_offers.domain.place import Shop
from geo_offers.domain.shop_document import document_of_shop

_EXAMPLE: dict[str, Any] = {
    "external_id": "lakeside-1",
    "name": "Lakeside Noodles",
    "names": {"zh": "湖边面馆"},
    "category": "food.restaurant",
    "lng": 120.1541,
    "lat": 31.1981,
    "opening_hours": "Mo-Su 10:00-22:00",
}


class OwnShopParameters(Parameters):
    """GET /v1/merchants/me/shops."""

    limit: Whole = Field(20, ge=1, le=100, description="Shops on a page.")
    cursor: str | None = Field(None, description="`next` of the page before.")


class ShopDocument(BaseModel):
    """A shop as its merchant writes it; name, category, lng and lat are needed."""

    external_id: str | None = Field(
        None, max_length=256, description="Your own id; stays as it is. Does not begin with ~."
    )
    name: str = Field(min_length=1, max_length=512)
    names: dict[str, str] = Field({}, description="By BCP 47 tag.")
    category: str = Field(description="A category, not a group.", examples=["food.cafe"])
    lng: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    opening_hours: str | None = Field(None, description="As in OpenStreetMap; null: nobody knows.")
    address: str | None = None
    brand: str | None = None
    time_zone: str | None = Field(None, description="IANA name; that of the place when not given.")
    country: str | None = Field(None, description="ISO 3166-1; that of the place when not given.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})


class ShopPatch(BaseModel):
    """A JSON merge patch (RFC 7396) of a shop document: null takes a member away."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"opening_hours": "Mo-Su 11:00-23:00"}]}
    )


class OwnShop(ShopDocument):
    """A shop as its merchant sees it."""

    id: str = Field(examples=[EXAMPLE_SHOP_ID])
    source: Source


class OwnShops(BaseModel):
    """A page of a merchant's shops, by id."""

    items: list[OwnShop]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class Profile(BaseModel):
    """A merchant as he sees himself."""

    id: str
    name: str


class ProfilePatch(BaseModel):
    """A JSON merge patch (RFC 7396) of a profile."""

    name: str | None = Field(None, max_length=512)

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Lakeside Noodles"}]})


class ImportCounts(BaseModel):
    """What became of the rows of an import."""

    added: int
    updated: int
    unchanged: int
    revision: int


def own_shop_json(shop: Shop) -> dict[str, Any]:
    """A shop as its merchant sees it."""
    source = {"provider": shop.source.provider, "id": shop.source.id, "licence": shop.source.licence}
    return {"id": shop.id, **document_of_shop(shop), "source": source}
