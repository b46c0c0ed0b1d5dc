"""Merchants for tests of the API: each with a key, and what he writes."""

from __future__ import annotations

from typing import Any

import httpx

from geo_offers.domain.account import Role
from tests.api.conftest import key_for

SOMEWHERE = (24.94, 60.17)


async def merchant_with_key(client: httpx.AsyncClient, name: str = "Ekberg Oy") -> dict[str, str]:
    """The headers of a new merchant's key."""
    admin = await key_for(client, Role.ADMIN)
    made = (await client.post("/v1/merchants", json={"name": name}, headers=admin)).json()
    return await key_for(client, Role.MERCHANT, made["id"])


def a_document(**over: Any) -> dict[str, Any]:
    """A promotion document: 20 % off within 300 m of a place in Helsinki, whenever a test is run."""
    document: dict[str, Any] = {
        "title": "Coffee −20 %",
        "benefit": {"type": "percent_off", "basis_points": 2_000},
        "fence": {"type": "circle", "center": list(SOMEWHERE), "radius_m": 300},
        "starts_at": "2020-01-01T00:00:00Z",
        "ends_at": "2090-01-01T00:00:00Z",
    }
    return {name: value for name, value in (document | over).items() if value is not None}


def a_shop_document(**over: Any) -> dict[str, Any]:
    """A shop document: a café in Helsinki."""
    document = {"name": "Café Ekberg", "category": "food.cafe", "lng": SOMEWHERE[0], "lat": SOMEWHERE[1]}
    return {name: value for name, value in (document | over).items() if value is not None}


def a_polygon(*corners: tuple[float, float]) -> dict[str, Any]:
    """A polygon fence with these corners."""
    ring = [list(corner) for corner in (*corners, corners[0])]
    return {"type": "polygon", "geometry": {"type": "Polygon", "coordinates": [ring]}}


async def offers_at(
    client: httpx.AsyncClient, revision: str, at: tuple[float, float] = SOMEWHERE
) -> list[str]:
    """The titles of the offers that can be claimed at a place, no earlier than at a revision."""
    asked = {"lng": at[0], "lat": at[1]}
    seen = await client.get("/v1/offers", params=asked, headers={"X-Min-Catalog-Revision": revision})
    assert seen.status_code == 200, seen.text
    return [offer["title"] for offer in seen.json()["items"] if offer["inside"]]
