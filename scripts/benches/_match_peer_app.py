"""The service a user would write instead: FastAPI, asyncpg and PostGIS, on the tables of `_match_peers`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import asyncpg
from fastapi import FastAPI, Query
from pydantic import BaseModel, Field

from scripts.benches._match_peers import HERE, HOLDS, LIVE, minute_of

URL_VARIABLE = "BENCH_PEER_DATABASE_URL"
_CONNECTIONS = 8
_M_PER_DEGREE = 110_000.0

_SHOPS = f"""SELECT shop_id AS id, name, category, lng, lat, opening_hours, address, brand,
 ST_Distance(geog, {HERE}::geography) AS distance_m
 FROM shop WHERE ST_DWithin(geog, {HERE}::geography, $3) ORDER BY geog <-> {HERE}::geography LIMIT $4"""

_OFFERS = f"""WITH near AS (
 SELECT *, {HOLDS.format(at=HERE)} AS inside, CASE WHEN centre IS NULL
 THEN ST_Distance(area::geography, {HERE}::geography)
 ELSE greatest(0, ST_Distance(centre, {HERE}::geography) - radius_m) END AS distance_to_fence_m
 FROM fence WHERE area && ST_Expand({HERE}, $5, $6) AND {LIVE.format(now="$7", minute="$8")}
), best AS (
 SELECT * FROM near WHERE inside OR (listed AND distance_to_fence_m <= $3)
 ORDER BY inside DESC, distance_to_fence_m, id LIMIT $4
)
SELECT best.promotion_id, best.title, best.basis_points, best.merchant_id, best.merchant_name, best.ends_at,
 best.inside, best.distance_to_fence_m, s.shop_id, s.name, s.category, s.lng, s.lat, s.distance_m
 FROM best LEFT JOIN LATERAL (
  SELECT *, ST_Distance(geog, {HERE}::geography) AS distance_m FROM shop WHERE shop.id = ANY (best.shop_ids)
  ORDER BY distance_m LIMIT 1) s ON true
 ORDER BY best.inside DESC, best.distance_to_fence_m, best.id"""

_MATCH = f"""SELECT spot.i, promotion_id, title, basis_points, merchant_id, merchant_name, ends_at FROM (
 SELECT i, ST_SetSRID(ST_MakePoint(lng, lat), 4326) AS geom
 FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS given (lng, lat, i)) spot
 JOIN fence ON area && spot.geom WHERE {LIVE.format(now="$3", minute="$4")} AND {HOLDS.format(at="spot.geom")}
 ORDER BY spot.i, fence.id"""


class BriefShop(BaseModel):
    id: str
    name: str
    category: str
    lng: float
    lat: float


class Shop(BriefShop):
    distance_m: float
    opening_hours: str | None
    address: str | None
    brand: str | None


class Merchant(BaseModel):
    id: str
    name: str


class Benefit(BaseModel):
    type: str = "percent_off"
    basis_points: int


class Offer(BaseModel):
    promotion_id: str
    title: str
    benefit: Benefit
    merchant: Merchant
    shop: BriefShop | None
    inside: bool
    distance_m: float | None
    distance_to_fence_m: float
    ends_at: datetime


class Shops(BaseModel):
    items: list[Shop]


class Offers(BaseModel):
    items: list[Offer]


class Position(BaseModel):
    lng: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)


class MatchRequest(BaseModel):
    positions: list[Position] = Field(max_length=1_000)


class MatchAnswer(BaseModel):
    results: list[Offers]


Lng = Annotated[float, Query(ge=-180, le=180)]
Lat = Annotated[float, Query(ge=-90, le=90)]
Metres = Annotated[float, Query(gt=0, le=50_000)]
Limit = Annotated[int, Query(ge=1, le=100)]


def create_app() -> FastAPI:
    """The service on the database that the environment names."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        url = os.environ[URL_VARIABLE]
        settings = {"jit": "off", "max_parallel_workers_per_gather": "0"}
        async with asyncpg.create_pool(
            url, min_size=_CONNECTIONS, max_size=_CONNECTIONS, server_settings=settings
        ) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/v1/shops")
    async def list_shops(lng: Lng, lat: Lat, radius_m: Metres = 1_000, limit: Limit = 20) -> Shops:
        rows = await app.state.pool.fetch(_SHOPS, lng, lat, radius_m, limit)
        return Shops(items=[Shop(**row) for row in rows])

    @app.get("/v1/offers")
    async def list_offers(lng: Lng, lat: Lat, radius_m: Metres = 1_000, limit: Limit = 20) -> Offers:
        now = datetime.now(UTC)
        reach = radius_m / _M_PER_DEGREE
        rows = await app.state.pool.fetch(
            _OFFERS, lng, lat, radius_m, limit, reach * 1.25, reach, now, minute_of(now)
        )
        return Offers(items=[_offer(row, row["distance_m"], row["distance_to_fence_m"]) for row in rows])

    @app.post("/v1/offers/match")
    async def match(asked: MatchRequest) -> MatchAnswer:
        now = datetime.now(UTC)
        lngs, lats = [one.lng for one in asked.positions], [one.lat for one in asked.positions]
        results = [Offers(items=[]) for _ in asked.positions]
        for row in await app.state.pool.fetch(_MATCH, lngs, lats, now, minute_of(now)):
            results[row["i"] - 1].items.append(_offer(row, None, 0.0))
        return MatchAnswer(results=results)

    return app


def _offer(row: asyncpg.Record, distance_m: float | None, to_fence_m: float) -> Offer:
    shop = None
    if row.get("shop_id") is not None:
        shop = BriefShop(
            id=row["shop_id"], name=row["name"], category=row["category"], lng=row["lng"], lat=row["lat"]
        )
    return Offer(
        promotion_id=row["promotion_id"],
        title=row["title"],
        benefit=Benefit(basis_points=row["basis_points"]),
        merchant=Merchant(id=row["merchant_id"], name=row["merchant_name"]),
        shop=shop,
        inside=row.get("inside", True),
        distance_m=distance_m,
        distance_to_fence_m=to_fence_m,
        ends_at=row["ends_at"],
    )
