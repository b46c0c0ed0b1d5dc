"""Districts as they come and go over HTTP."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import numpy as np
import shapely
from pydantic import AfterValidator, BaseModel, Field

from api.schemas.offers import BriefShop, MerchantName
from api.schemas.parameters import Decimal, Moment, Parameters, Whole
from api.schemas.shops import Shop, Source
from geo_offers.domain.languages import name_for
from geo_offers.domain.place import LngLat
from geo_offers.services.zones import Box, Zone, ZoneDetail, ZonePage, ZoneQuery


def _numbers(text: str, count: int, form: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"write {form}, in degrees")
    return numbers


def _box_of(text: str) -> Box:
    west, south, east, north = _numbers(text, 4, "west,south,east,north")
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90):
        raise ValueError("longitudes are from -180 to 180, and latitudes from -90 to 90 with south <= north")
    return west, south, east, north


def _place_of(text: str) -> LngLat:
    lng, lat = _numbers(text, 2, "lng,lat")
    if abs(lng) > 180 or abs(lat) > 90:
        raise ValueError("longitudes are from -180 to 180, latitudes from -90 to 90; are they swapped?")
    return LngLat(lng, lat)


def _readable(read: Callable[[str], object]) -> AfterValidator:
    """Refuses a text that cannot be read; it stays a text, as the URL has it."""

    def check(text: str) -> str:
        read(text)
        return text

    return AfterValidator(check)


SIMPLIFY: Any = Field(
    0, ge=0, le=10_000, description="Leave out detail smaller than this, metres; 0: nothing."
)


class DistrictsParameters(Parameters):
    """GET /v1/districts."""

    bbox: Annotated[str, _readable(_box_of)] | None = Field(
        None,
        description="west,south,east,north in degrees; west > east crosses the antimeridian.",
        examples=["120.1,31.1,120.2,31.3"],
    )
    near: Annotated[str, _readable(_place_of)] | None = Field(
        None, description="lng,lat: nearest first.", examples=["120.1541,31.1981"]
    )
    q: str | None = Field(None, min_length=1, max_length=200, description="Part of a name in any language.")
    limit: Whole = Field(20, ge=1, le=100, description="Districts on a page.")
    cursor: str | None = Field(
        None, description="`next` of the page before; leave the other parameters as they were."
    )
    geometry: bool = Field(False, description="With polygons.")
    simplify_m: Decimal = SIMPLIFY

    def to_domain(self) -> ZoneQuery:
        return ZoneQuery(
            box=_box_of(self.bbox) if self.bbox else None,
            near=_place_of(self.near) if self.near else None,
            text=self.q,
            limit=self.limit,
            cursor=self.cursor,
        )


class DistrictParameters(Parameters):
    """GET /v1/districts/{id}."""

    simplify_m: Decimal = SIMPLIFY
    at: Moment | None = Field(None, description="The opening profile is of the week of this time; RFC 3339.")


class DirectoryParameters(Parameters):
    """GET /v1/districts/{id}/shops."""

    category: str | None = Field(None, description="A category or a group of categories.", examples=["food"])
    limit: Whole = Field(20, ge=1, le=100, description="Shops on a page.")
    cursor: str | None = Field(
        None, description="`next` of the page before; leave the other parameters as they were."
    )
    at: Moment | None = Field(None, description="Ask about this time instead of now; RFC 3339.")


class DistrictOffersParameters(Parameters):
    """GET /v1/districts/{id}/offers."""

    limit: Whole = Field(20, ge=1, le=100, description="Offers on a page.")
    cursor: str | None = Field(
        None, description="`next` of the page before; leave the other parameters as they were."
    )
    at: Moment | None = Field(None, description="Ask about this time instead of now; RFC 3339.")


class DistrictItem(BaseModel):
    """A district as lists show it."""

    id: str
    name: str = Field(description="In the language of Accept-Language where the district has such a name.")
    names: dict[str, str] = Field(description="Every name by BCP 47 tag.")
    kind: str = Field(description="official, discovered or custom.")
    parent_id: str | None
    child_ids: list[str]
    geometry: dict[str, Any] | None = Field(
        description="GeoJSON Polygon or MultiPolygon; null when not asked for."
    )
    bbox: list[float] = Field(description="west, south, east, north.")
    centre: list[float] = Field(description="lng, lat of a point inside.")
    area_m2: float
    distance_m: float | None = Field(description="From `near`; 0 inside; null when there was none.")
    shop_count: int
    categories: dict[str, int] = Field(description="Shops by category, the most frequent first.")
    rank: str | None = Field(description="regional, town or local, of a discovered district.")
    level: str | None = Field(description="quarter or street, of a discovered district.")
    primary_categories: list[str] = Field(description="What a discovered district is known for.")
    source: Source


class Districts(BaseModel):
    """A page of districts."""

    items: list[DistrictItem]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class Diversity(BaseModel):
    effective_categories: float = Field(
        description="As varied as this many equally frequent categories (Hill number)."
    )
    evenness: float = Field(description="0 to 1.")


class Opening(BaseModel):
    """How many shops are open in each hour of a week."""

    week_from: str = Field(description="The Monday, a date in the zone.")
    time_zone: str
    known: int = Field(description="Shops whose hours are known; only they are counted.")
    open: list[int] = Field(description="168 counts, Monday 00:00 first.")


class NeighbourItem(BaseModel):
    id: str
    name: str
    distance_m: float


class District(DistrictItem):
    """A district as its own page shows it."""

    diversity: Diversity
    opening: Opening
    neighbours: list[NeighbourItem] = Field(
        description="Districts within 300 m that are neither parent nor child."
    )
    made_with: dict[str, Any] | None = Field(description="Method and parameters of a discovered district.")


class DirectoryPage(BaseModel):
    """Shops of a district by category, then name."""

    items: list[Shop]
    categories: dict[str, int] = Field(description="All shops of the directory by category.")
    next: str | None


def geometry_json(shape: shapely.Polygon | shapely.MultiPolygon, simplify_m: float) -> dict[str, Any]:
    """The polygon as GeoJSON, without detail smaller than `simplify_m`."""
    if simplify_m > 0:
        _, south, _, north = shape.bounds
        scale = np.array([math.cos(math.radians((south + north) / 2)), 1.0]) * 111_195.0
        plane = shapely.transform(shape, lambda xy: xy * scale)
        shape = shapely.transform(shapely.simplify(plane, simplify_m), lambda xy: np.round(xy / scale, 7))
    return shapely.geometry.mapping(shape)


def zone_json(zone: Zone, languages: tuple[str, ...], *, geometry: dict[str, Any] | None) -> dict[str, Any]:
    """A district as lists show it."""
    district = zone.district
    facts = district.facts
    return {
        "id": district.id,
        "name": name_for(district.name, district.names, languages),
        "names": dict(district.names),
        "kind": district.kind,
        "parent_id": district.parent_id,
        "child_ids": zone.child_ids,
        "geometry": geometry,
        "bbox": list(zone.shape.bounds),
        "centre": [zone.centre.lng, zone.centre.lat],
        "area_m2": round(zone.area_m2, 1),
        "distance_m": None if zone.distance_m is None else round(zone.distance_m, 2),
        "shop_count": zone.shop_count,
        "categories": zone.mix.counts,
        "rank": facts.get("rank"),
        "level": facts.get("level"),
        "primary_categories": facts.get("primary_categories", []),
        "source": {
            "provider": district.source.provider,
            "id": district.source.id,
            "licence": district.source.licence,
        },
    }


def zones_json(page: ZonePage, languages: tuple[str, ...], asked: DistrictsParameters) -> dict[str, Any]:
    """A page of districts."""
    items = [
        zone_json(
            zone, languages, geometry=geometry_json(zone.shape, asked.simplify_m) if asked.geometry else None
        )
        for zone in page.items
    ]
    return {"items": items, "next": page.next}


def zone_detail_json(detail: ZoneDetail, languages: tuple[str, ...], *, simplify_m: float) -> dict[str, Any]:
    """A district on its own."""
    zone, opening = detail.zone, detail.opening
    facts = zone.district.facts
    made_with = (
        {"method": facts["method"], "parameters": facts.get("parameters")} if "method" in facts else None
    )
    return zone_json(zone, languages, geometry=geometry_json(zone.shape, simplify_m)) | {
        "diversity": {
            "effective_categories": round(zone.mix.effective, 2),
            "evenness": round(zone.mix.evenness, 3),
        },
        "opening": {
            "week_from": opening.monday.isoformat(),
            "time_zone": opening.time_zone,
            "known": opening.known,
            "open": list(opening.open),
        },
        "neighbours": [
            {
                "id": one.district.id,
                "name": name_for(one.district.name, one.district.names, languages),
                "distance_m": round(one.distance_m),
            }
            for one in detail.neighbours
        ],
        "made_with": made_with,
    }


class DistrictOffer(BaseModel):
    """A promotion that is on in a district."""

    promotion_id: str
    title: str = Field(description="In the language asked for, where there is one.")
    benefit: dict[str, Any]
    merchant: MerchantName
    shop: BriefShop | None = Field(
        description="One there that honours it; null when only its fence is there."
    )
    ends_at: datetime
    worth: float = Field(description="Of the benefit, as in the parts of a score.")


class DistrictOffers(BaseModel):
    """A page of a district's offers, the most worth first."""

    items: list[DistrictOffer]
    next: str | None = Field(description="Cursor of the next page; null on the last.")
