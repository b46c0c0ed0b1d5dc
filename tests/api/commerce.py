"""A visitor, an app and a till for tests of coupons: each with its key, at a promotion that is live now."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyproj

from geo_offers.bootstrap import Services
from geo_offers.domain.account import Role
from geo_offers.domain.place import LngLat, Shop
from geo_offers.domain.promotion import AmountOff, Promotion
from tests.api.conftest import Serving, key_for
from tests.builders import a_merchant, a_promotion, a_shop

AT = LngLat(24.9414, 60.1699)
_GEOD = pyproj.Geod(ellps="WGS84")


def away(metres: float, azimuth: float = 90.0) -> LngLat:
    lng, lat, _ = _GEOD.fwd(AT.lng, AT.lat, azimuth, metres)
    return LngLat(float(lng), float(lat))


def in_hours(hours: float) -> datetime:
    """So many hours from now, to the second."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)


def a_live_promotion(external_id: str = "spring-1", **over: Any) -> Promotion:
    """5 EUR off at a shop, from two hours ago until tomorrow."""
    facts = {
        "starts_at": in_hours(-2),
        "ends_at": in_hours(24),
        "benefit": AmountOff(500, "EUR"),
        "shop_ids": (a_shop().id,),
    }
    return a_promotion(external_id, **facts | over)


@dataclass
class Market:
    """One client, with the keys of an app and of the merchant."""

    client: httpx.AsyncClient
    app: dict[str, str]
    till: dict[str, str]
    _keys: itertools.count = field(default_factory=itertools.count)  # type: ignore[type-arg]

    @property
    def services(self) -> Services:
        services: Services = self.client.app.state.services  # type: ignore[attr-defined]
        return services

    def fresh(self, headers: dict[str, str]) -> dict[str, str]:
        """These headers with an Idempotency-Key of their own."""
        return headers | {"Idempotency-Key": f"key-{next(self._keys)}"}

    async def claim(self, promotion: Promotion, visitor: str = "anna", **over: Any) -> httpx.Response:
        return await self.client.post(
            "/v1/coupons", json=claim_of(promotion, visitor, **over), headers=self.fresh(self.app)
        )

    async def redeem(self, code: str, shop_id: str | None = None, **over: Any) -> httpx.Response:
        body = {"code": code, "shop_id": shop_id or a_shop().id} | over
        return await self.client.post("/v1/redemptions", json=body, headers=self.fresh(self.till))

    async def verified(self) -> bool:
        return list(await self.services.commerce.verify()) == []


def claim_of(promotion: Promotion, visitor: str = "anna", at: LngLat = AT, **over: Any) -> dict[str, Any]:
    """The body of a claim on a fresh and exact position; a member given as None is left out."""
    facts = {
        "promotion_id": promotion.id,
        "visitor_id": visitor,
        "lng": at.lng,
        "lat": at.lat,
        "accuracy_m": 10,
        "fix_at": datetime.now(UTC).isoformat(),
    }
    return {name: value for name, value in (facts | over).items() if value is not None}


@asynccontextmanager
async def a_market(
    serving: Serving, *promotions: Promotion, shops: tuple[Shop, ...] = (), **chosen: Any
) -> AsyncIterator[Market]:
    async with serving(shops or (a_shop(),), (), promotions, **chosen) as client:
        app = await key_for(client, Role.APP, "lakeside")
        till = await key_for(client, Role.MERCHANT, a_merchant().id)
        market = Market(client, app, till)
        yield market
        assert await market.verified()
