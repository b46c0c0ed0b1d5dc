"""Shops, and where a position is, as they come and go over HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api.schemas.parameters import AtPlace, Decimal, Moment, Parameters, Whole
from geo_offers.domain.languages import name_for
from geo_offers.index.cells import cell_text
from geo_offers.services.find_shops import Context, ShopQuery

#: Of the sample town, so that it can be tried.
EXAMPLE_SHOP_ID = "shp_evx47tagj6ejzhsw"
EXAMPLE_DISTRICT_ID = "dst_5htfr05msa16pmg9"


class ShopsParameters(AtPlace):
    """GET /v1/shops."""

    radius_m: Decimal = Field(
        1_000.0, gt=0, le=100_000, description="How far to look, metres; the rim is inside."
    )
    limit: Whole = Field(20, ge=1, le=100, description="Shops on a page.")
    cursor: str | None = Field(
        None, description="`next` of the page before; leave the other parameters as they were."
    )
    category: str | None = Field(None, description="A category or a group of categories.", examples=["food"])
    district_id: str | None = Field(
        None, description="Only shops of this district.", examples=[EXAMPLE_DISTRICT_ID]
    )
    open_now: bool = Field(False, description="Only shops that are surely open at `at`.")
    at: Moment | None = Field(
        None,
        description="Ask about this time instead of now; RFC 3339.",
        examples=["2026-12-01T18:30:00+08:00"],
    )

    def to_domain(self) -> ShopQuery:
        return ShopQuery(
            at=self.place,
            radius_m=self.radius_m,
            limit=self.limit,
            category=self.category,
            district_id=self.district_id,
            open_now=self.open_now,
            when=self.at,
            cursor=self.cursor,
        )


class ShopParameters(Parameters):
    """GET /v1/shops/{id}."""

    at: Moment | None = Field(
        None, description="Ask whether it is open at this time instead of now; RFC 3339."
    )


class Source(BaseModel):
    """Where a row came from, and the licence it came under."""

    provider: str
    id: str
    licence: str


class Shop(BaseModel):
    """A shop as lists show it."""

    id: str
    name: str = Field(description="In the language of Accept-Language where the shop has such a name.")
    category: str
    lng: float
    lat: float
    distance_m: float | None = Field(
        description="Geodesic metres from the asked place; null when there was none."
    )
    open: bool | None = Field(description="null: nobody knows.")
    opening_hours: str | None = Field(description="As in OpenStreetMap.")
    address: str | None
    brand: str | None
    district_ids: list[str] = Field(description="Innermost first.")
    source: Source


class ShopDetail(Shop):
    """A shop as its own page shows it."""

    names: dict[str, str] = Field(description="Every name by BCP 47 tag.")
    time_zone: str
    country: str | None


class Shops(BaseModel):
    """A page of shops, nearest first."""

    items: list[Shop]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class DistrictHere(BaseModel):
    id: str
    name: str
    kind: str


class Here(BaseModel):
    """Where a position is."""

    districts: list[DistrictHere] = Field(
        description="The districts that hold the position, innermost first."
    )
    cell: str = Field(description="H3 cell of resolution 11.")
    shops_nearby: int = Field(description="Shops within 1 km.")
    offers_live: int = Field(description="Offers that are live here.")


def here_json(context: Context, languages: tuple[str, ...]) -> dict[str, Any]:
    """Where a position is."""
    districts = [
        {"id": district.id, "name": name_for(district.name, district.names, languages), "kind": district.kind}
        for district in context.districts
    ]
    return {
        "districts": districts,
        "cell": cell_text(context.cell),
        "shops_nearby": context.shops_nearby,
        "offers_live": context.offers_live,
    }
