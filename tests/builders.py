"""Domain values for tests: every field has a default, and only what matters to a test is spelled out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import shapely

from geo_offers.domain.fence import CircleFence
from geo_offers.domain.place import District, LngLat, Shop, Source, district_id_of, shop_id_of
from geo_offers.domain.promotion import Limits, Merchant, PercentOff, Promotion, Status
from geo_offers.domain.promotion_document import merchant_id_of, promotion_id_of
from geo_offers.domain.schedule import Schedule


def a_source(source_id: str = "node/1", *, provider: str = "osm", licence: str = "ODbL-1.0") -> Source:
    return Source(provider, source_id, licence)


def a_shop(source_id: str = "node/1", **over: Any) -> Shop:
    """A café in Helsinki with every field filled; its id follows from its source unless given."""
    source = over.pop("source", a_source(source_id))
    facts: dict[str, Any] = {
        "id": shop_id_of(source.provider, source.id),
        "name": "Café Ekberg",
        "category": "food.cafe",
        "at": LngLat(24.9414, 60.1699),
        "names": {"sv": "Kafé Ekberg", "zh": "埃克贝里咖啡馆"},
        "brand": "Ekberg",
        "address": "Bulevardi 9",
        "opening_hours": "Mo-Fr 07:30-19:00; Sa 08:30-17:00",
        "time_zone": "Europe/Helsinki",
        "country": "FI",
    }
    return Shop(**facts | over, source=source)


def some_shops(count: int, *, first: int = 0, **over: Any) -> list[Shop]:
    """Shops with sources node/<first>, node/<first + 1>, … on a line of 10-metre steps to the east."""
    return [
        a_shop(f"node/{number}", **{"at": LngLat(24.9 + number * 0.00018, 60.17)} | over)
        for number in range(first, first + count)
    ]


def a_square(lng: float = 24.94, lat: float = 60.17, *, side: float = 0.01, hole: bool = True) -> bytes:
    """A square around a point as WKB, sides in degrees, with a square hole in its middle."""
    outer = shapely.box(lng - side / 2, lat - side / 2, lng + side / 2, lat + side / 2)
    inner = shapely.box(lng - side / 8, lat - side / 8, lng + side / 8, lat + side / 8)
    return shapely.to_wkb(outer.difference(inner) if hole else outer, byte_order=1)


def a_district(source_id: str = "way/1", **over: Any) -> District:
    """A square with a hole in Helsinki; its id follows from its source unless given."""
    source = over.pop("source", a_source(source_id))
    facts: dict[str, Any] = {
        "id": district_id_of(source.provider, source.id),
        "name": "Kamppi",
        "kind": "official",
        "wkb": a_square(),
        "names": {"sv": "Kampen", "zh": "坎皮"},
        "parent_id": None,
        "facts": {"rank": "local", "primary_categories": ["food"], "parameters": {"depth": 2.5}},
    }
    return District(**facts | over, source=source)


def a_merchant(name: str = "Ekberg Oy", **over: Any) -> Merchant:
    """A merchant whose id follows from the name unless given."""
    return Merchant(**{"id": merchant_id_of(name), "name": name} | over)


def a_promotion(external_id: str | None = "spring-1", **over: Any) -> Promotion:
    """20 % off within 300 m of a place in Helsinki, active all of 2026; its id follows from its external_id.

    starts_at, ends_at, hours, zone   of its schedule, in place of `schedule`
    """
    merchant_id = over.pop("merchant_id", a_merchant().id)
    schedule = Schedule(
        over.pop("starts_at", datetime(2026, 1, 1, tzinfo=UTC)),
        over.pop("ends_at", datetime(2027, 1, 1, tzinfo=UTC)),
        over.pop("hours", None),
        over.pop("zone", "Europe/Helsinki"),
    )
    facts: dict[str, Any] = {
        "id": promotion_id_of(merchant_id, external_id or "none"),
        "external_id": external_id,
        "title": "Kaksi kahvia −20 %",
        "title_i18n": {"en": "20 % off two coffees", "zh": "两杯八折"},
        "benefit": PercentOff(2_000),
        "fence": CircleFence(LngLat(24.9414, 60.1699), 300.0),
        "schedule": schedule,
        "status": Status.ACTIVE,
        "limits": Limits(max_claims=100, max_per_visitor=1, budget_minor=50_000, currency="EUR"),
    }
    return Promotion(**facts | over, merchant_id=merchant_id)


def some_promotions(count: int, *, first: int = 0, **over: Any) -> list[Promotion]:
    """Promotions p-<first>, p-<first + 1>, … of one merchant."""
    return [a_promotion(f"p-{number}", **over) for number in range(first, first + count)]
