"""Which live fences hold a position, as others would find out: PostGIS and shapely's STRtree."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import asyncpg
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.categories import LEAVES
from scripts.benches._city import City
from scripts.benches._match_town import (
    ALWAYS_OPEN,
    GEOD,
    Degrees,
    Fences,
    merchant_of,
    promotion_id,
    shop_facts,
    shop_id,
    title_of,
)

Pairs = NDArray[np.int64]

#: A position from two parameters, whether a fence holds it, and whether a promotion is live.
HERE = "ST_SetSRID(ST_MakePoint($1, $2), 4326)"
HOLDS = """CASE WHEN centre IS NULL THEN ST_Covers(area, {at})
 ELSE ST_DWithin(centre, ({at})::geography, radius_m) END"""
LIVE = """status = 'active' AND starts_at <= {now} AND ends_at > {now} AND (opens IS NULL OR CASE WHEN opens < closes
 THEN {minute} >= opens AND {minute} < closes ELSE {minute} >= opens OR {minute} < closes END)"""
_SINGLE = (
    f"SELECT id FROM fence WHERE area && {HERE} AND {LIVE.format(now='$3', minute='$4')} "
    f"AND {HOLDS.format(at=HERE)}"
)
_BATCH = (
    f"SELECT spot.i, fence.id FROM spot JOIN fence ON area && geom WHERE {LIVE.format(now='$1', minute='$2')} "
    f"AND {HOLDS.format(at='geom')}"
)
_EVERY_PAIR = (
    f"SELECT i, array_agg(id) FILTER (WHERE holds), count(*) FROM (SELECT spot.i, fence.id, "
    f"{HOLDS.format(at='geom')} AS holds FROM spot JOIN fence ON area && geom) pair GROUP BY i"
)


def minute_of(now: datetime) -> int:
    """The minute of the day, UTC."""
    return now.hour * 60 + now.minute


async def load_fences(connection: asyncpg.Connection, made: Fences) -> None:
    """A table of promotions: polygons as geometry, circles as geography with a box that surely holds them."""
    await connection.execute(
        "CREATE TABLE raw (id int, promotion_id text, merchant_id text, merchant_name text, title text, "
        "basis_points int, lng float8, lat float8, radius_m float8, wkb bytea, west float8, south float8, "
        "east float8, north float8, starts_at timestamptz, ends_at timestamptz, opens smallint, closes smallint, "
        "status text, listed bool, shop_ids int[])"
    )
    await connection.copy_records_to_table("raw", records=list(_records(made)))
    await connection.execute(
        "CREATE TABLE fence AS SELECT id, promotion_id, merchant_id, merchant_name, title, basis_points, radius_m, "
        "starts_at, ends_at, opens, closes, status, listed, shop_ids, CASE WHEN wkb IS NULL THEN "
        "ST_MakeEnvelope(west, south, east, north, 4326) ELSE ST_GeomFromWKB(wkb, 4326) END AS area, "
        "CASE WHEN wkb IS NULL THEN ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography END AS centre FROM raw"
    )
    await connection.execute("CREATE INDEX ON fence USING gist (area)")
    await connection.execute("DROP TABLE raw")
    await connection.execute("VACUUM ANALYZE fence")


def _records(made: Fences) -> Iterator[tuple[object, ...]]:
    wkbs, boxes = shapely.to_wkb(made.shapes, byte_order=1), made.boxes().tolist()
    for i in range(len(made)):
        merchant = merchant_of(i)
        hours = (None, None) if made.opens[i] == ALWAYS_OPEN else (int(made.opens[i]), int(made.closes[i]))
        times = [datetime.fromtimestamp(ms / 1_000, UTC) for ms in (made.starts_ms[i], made.ends_ms[i])]
        yield (
            i, promotion_id(i), merchant.id, merchant.name, title_of(i), int(made.basis_points[i]),
            float(made.lngs[i]), float(made.lats[i]), float(made.radii_m[i]), wkbs[i], *boxes[i],
            *times, *hours, "paused" if made.paused[i] else "active", bool(made.listed[i]),
            [int(slot) for slot in made.shops[i] if slot >= 0],
        )  # fmt: skip


async def load_shops(connection: asyncpg.Connection, town: City) -> None:
    """A table of shops with an index for each way to ask for the nearest of a category."""
    await connection.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    await connection.execute(
        "CREATE TABLE raw (id int, shop_id text, name text, category text, leaf smallint, lng float8, lat float8, "
        "address text, brand text, opening_hours text)"
    )
    columns = zip(
        town.lngs.tolist(), town.lats.tolist(), town.leaves.tolist(), town.ranks.tolist(), strict=True
    )

    def records() -> Iterator[tuple[object, ...]]:
        for slot, (lng, lat, leaf, rank) in enumerate(columns):
            name, address, brand, hours = shop_facts(rank)
            yield slot, shop_id(rank), name, LEAVES[leaf].key, leaf, lng, lat, address, brand, hours

    await connection.copy_records_to_table("raw", records=records())
    await connection.execute(
        "CREATE TABLE shop AS SELECT raw.*, ST_SetSRID(ST_MakePoint(lng, lat), 4326) AS geom, "
        "ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography AS geog FROM raw"
    )
    await connection.execute("SET maintenance_work_mem = '1GB'")
    await connection.execute("CREATE INDEX ON shop (id)")
    await connection.execute("CREATE INDEX ON shop USING gist (geog)")
    await connection.execute("CREATE INDEX ON shop USING gist (leaf, geom)")
    await connection.execute("DROP TABLE raw")
    await connection.execute("VACUUM ANALYZE shop")


async def load_spots(connection: asyncpg.Connection, lngs: Degrees, lats: Degrees) -> None:
    """Positions as a temporary table."""
    await connection.execute("CREATE TEMP TABLE place (i int, lng float8, lat float8)")
    records = list(zip(range(len(lngs)), lngs.tolist(), lats.tolist(), strict=True))
    await connection.copy_records_to_table("place", records=records)
    await connection.execute(
        "CREATE TEMP TABLE spot AS SELECT i, ST_SetSRID(ST_MakePoint(lng, lat), 4326) AS geom FROM place"
    )
    await connection.execute("ANALYZE spot")


async def ask_one_by_one(
    connection: asyncpg.Connection, query: str, questions: Sequence[tuple[object, ...]]
) -> tuple[float, float, list[list[int]]]:
    """Median and 99th percentile in microseconds, and the first column of each answer."""
    prepared = await connection.prepare(query)
    took, answers = np.empty(len(questions)), []
    for i, question in enumerate(questions):
        started = time.perf_counter_ns()
        rows = await prepared.fetch(*question)
        took[i] = time.perf_counter_ns() - started
        answers.append([row[0] for row in rows])
    return float(np.median(took)) / 1e3, float(np.percentile(took, 99)) / 1e3, answers


async def postgis_holding(
    connection: asyncpg.Connection, lngs: Degrees, lats: Degrees, now: datetime
) -> tuple[float, float, list[list[int]]]:
    """Live fences that hold positions, one by one."""
    asked = [(lng, lat, now, minute_of(now)) for lng, lat in zip(lngs.tolist(), lats.tolist(), strict=True)]
    return await ask_one_by_one(connection, _SINGLE, asked)


async def postgis_holding_many(
    connection: asyncpg.Connection, lngs: Degrees, lats: Degrees, now: datetime
) -> tuple[float, int]:
    """Positions a second by a join, and how many memberships it found."""
    await load_spots(connection, lngs, lats)
    started = time.perf_counter()
    rows = await connection.fetch(_BATCH, now, minute_of(now))
    return len(lngs) / (time.perf_counter() - started), len(rows)


async def postgis_every_pair(
    connection: asyncpg.Connection, lngs: Degrees, lats: Degrees
) -> tuple[int, Pairs]:
    """How many pairs of a position and a fence were looked at, and those where the fence holds it, live or not."""
    await load_spots(connection, lngs, lats)
    rows = await connection.fetch(_EVERY_PAIR)
    held = [(row[0], fence) for row in rows for fence in row[1] or ()]
    return sum(row[2] for row in rows), np.array(held, np.int64).reshape(-1, 2)


class StrTree:
    """shapely's tree of all fences, live ones chosen by a column, polygons prepared, circles by the geodesic.

    only_live  a tree of the live ones alone, made beforehand: it must be made anew whenever one begins or ends
    """

    def __init__(self, made: Fences, *, only_live: bool = False) -> None:
        self._rows = np.flatnonzero(made.live) if only_live else np.arange(len(made))
        self._live = made.live[self._rows]
        self._round = made.circles[self._rows]
        self._shapes = made.shapes[self._rows]
        shapely.prepare(self._shapes)
        self._centres = made.lngs[self._rows], made.lats[self._rows], made.radii_m[self._rows]
        boxes = shapely.box(*made.boxes()[self._rows].T)
        self._tree = shapely.STRtree(boxes)

    def candidates(self, lngs: Degrees, lats: Degrees) -> Pairs:
        """(position, fence) whose box holds the position, live or not, sorted by position."""
        at, rows = self._tree.query(shapely.points(lngs, lats))
        return np.c_[at, self._rows[rows]]

    def holding(self, lngs: Degrees, lats: Degrees) -> Pairs:
        """(position, fence) for the live fences that hold the position."""
        points = shapely.points(lngs, lats)
        at, rows = self._tree.query(points)
        wanted = self._live[rows]
        at, rows = at[wanted], rows[wanted]
        holds = np.empty(len(rows), np.bool_)
        round_ = self._round[rows]
        holds[~round_] = shapely.covers(self._shapes[rows[~round_]], points[at[~round_]])
        around = rows[round_]
        centre_lngs, centre_lats, radii_m = (column[around] for column in self._centres)
        metres = GEOD.inv(lngs[at[round_]], lats[at[round_]], centre_lngs, centre_lats)[2]
        holds[round_] = metres <= radii_m
        return np.c_[at[holds], self._rows[rows[holds]]]
