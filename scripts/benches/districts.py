"""Which districts hold a position: ours beside shapely and PostGIS, on New York's; and discovery, with its quality."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import asyncpg
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.districts.discovery import discover
from geo_offers.domain.place import LngLat
from geo_offers.index.polygons import PolygonIndex
from geodata.files import default_options, format_of, open_shops
from geodata.report import ReadReport
from scripts.benches._data import shared_data
from scripts.benches._district_quality import quality
from scripts.benches._known_towns import CHECK_SEEDS, SEEDS
from scripts.benches._postgis import fresh_postgis, on_postgis
from scripts.benches.report import Case, Report, seconds, singles

_NEAR_EDGE_M = 2.0
Pairs = NDArray[np.int64]


def run(report: Report, *, quick: bool) -> None:
    measure_containment(report, count=100_000 if quick else 1_000_000)
    measure_discovery(report)
    measure_quality(report, SEEDS[:1] if quick else SEEDS, "seeds it was tuned on")
    measure_quality(report, CHECK_SEEDS[:1] if quick else CHECK_SEEDS, "seeds it never saw")


def measure_discovery(report: Report) -> None:
    tokyo = shared_data() / "poi" / "tokyo_osm_poi_2014.geojson.gz"
    if not tokyo.exists():
        report.note("Tokyo's points are absent: discovery there is not measured")
        return
    shops = list(open_shops(tokyo, ReadReport(), default_options(tokyo, format_of(tokyo))))
    took = seconds(lambda: discover(shops))
    found = discover(shops)
    value = f"{took:.1f} s, {len(found)} districts from {len(shops):,} named points of 9,256"
    report.add(Case("discovery: Tokyo", value=value, target="<= 20 s", met=took <= 20))


def measure_quality(report: Report, seeds: Sequence[int], which: str) -> None:
    """Agreement with generated towns whose districts are known, and ids after 5 % of the shops changed."""
    rows = quality(seeds)
    rand, overlap = mean(row.rand for row in rows), mean(row.overlap for row in rows)
    kept, blind = mean(row.kept for row in rows), mean(row.kept_blind for row in rows)
    name = f"discovery: {len(rows)} known towns, {which}"
    value = f"adjusted Rand {rand:.3f} (least {min(row.rand for row in rows):.3f}), overlap {overlap:.2f}"
    report.add(Case(name, value=value, target=">= 0.8", met=rand >= 0.8))
    value = f"ids kept {kept:.1%} with the previous run at hand, {blind:.1%} without"
    report.add(Case(f"{name}: ids", value=value, target=">= 90 %", met=kept >= 0.9))


def measure_containment(report: Report, *, count: int) -> None:
    path = shared_data() / "districts" / "nyc_bids.geojson"
    if not path.exists():
        report.note("New York's districts are absent: containment is not measured")
        return
    shapes = _shapes(path)
    lngs, lats = _positions(shapes, count)
    report.note(
        f"{len(shapes)} districts of New York, {len(shapely.get_coordinates(shapes)):,} vertices; {count:,} positions, "
        f"{count // 5:,} of them within {_NEAR_EDGE_M:.0f} m of an edge, the rest anywhere in the bounds"
    )
    index = PolygonIndex(shapes)
    build = seconds(lambda: PolygonIndex(shapes), 3)
    report.add(Case("ours: build", value=f"{build * 1e3:.0f} ms, {index.nbytes / 1e6:.1f} MB"))
    places = [
        LngLat(lng, lat) for lng, lat in zip(lngs[-5_000:].tolist(), lats[-5_000:].tolist(), strict=True)
    ]
    near = [LngLat(lng, lat) for lng, lat in zip(lngs[:5_000].tolist(), lats[:5_000].tolist(), strict=True)]
    ours_us, p99 = singles(lambda i: index.holding(places[i]), len(places))
    report.add(Case("ours: one by one", ours_us, p99, target="<= 10 µs", met=ours_us <= 10))
    at_edges_us, p99 = singles(lambda i: index.holding(near[i]), len(near))
    report.add(Case("ours: one by one, near edges", at_edges_us, p99))
    pairs = _pairs(index, lngs, lats)
    rate = count / seconds(lambda: index.holding_many(lngs, lats), 2)
    report.add(Case("ours: batch", rate=rate, value=f"{len(pairs):,} memberships"))
    _measure_shapely(report, shapes, lngs, lats, places, pairs, (ours_us, rate))
    with fresh_postgis(report) as url:
        if url:
            _measure_postgis(report, url, shapes, lngs, lats, pairs, (ours_us, rate))


def _shapes(path: Path) -> NDArray[np.object_]:
    features = json.loads(path.read_bytes())["features"]
    return np.array([shapely.geometry.shape(feature["geometry"]) for feature in features], object)


def _positions(shapes: NDArray[np.object_], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A fifth within 2 m of an edge, first; the rest anywhere in the bounds."""
    rng = np.random.default_rng(3)
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapes)), return_index=True)
    starts = np.flatnonzero(ring[1:] == ring[:-1])
    at = rng.choice(starts, count // 5)
    points = corners[at] + rng.random((len(at), 1)) * (corners[at + 1] - corners[at])
    metres = _NEAR_EDGE_M * np.sqrt(rng.random(len(at)))
    angle = rng.uniform(0, 2 * np.pi, len(at))
    east = metres * np.cos(angle) / (111_320 * np.cos(np.radians(points[:, 1])))
    edge = points + np.c_[east, metres * np.sin(angle) / 111_200]
    west, south, right, north = shapely.total_bounds(shapes)
    rest = rng.uniform((west, south), (right, north), (count - len(at), 2))
    both = np.vstack([edge, rest])
    return both[:, 0].copy(), both[:, 1].copy()


def _pairs(index: PolygonIndex, lngs: NDArray[np.float64], lats: NDArray[np.float64]) -> Pairs:
    """(position, district), sorted."""
    starts, owners = index.holding_many(lngs, lats)
    return np.c_[np.repeat(np.arange(len(lngs)), np.diff(starts)), owners].astype(np.int64)


def _differences(ours: Pairs, theirs: Pairs) -> int:
    """Memberships that only one of the two has."""
    return len(set(map(tuple, ours.tolist())) ^ set(map(tuple, theirs.tolist())))


def _measure_shapely(
    report: Report,
    shapes: NDArray[np.object_],
    lngs: NDArray[np.float64],
    lats: NDArray[np.float64],
    places: list[LngLat],
    ours: Pairs,
    our: tuple[float, float],
) -> None:
    our_us, our_rate = our
    shapely.prepare(shapes)
    listed = list(shapes)

    def loop(i: int) -> list[int]:
        point = shapely.Point(places[i].lng, places[i].lat)
        return [n for n, shape in enumerate(listed) if shape.covers(point)]

    median, p99 = singles(loop, 1_000)
    report.add(
        Case(
            "prepared shapely loop: one by one", median, p99, target="we are >= 10 x", met=median / our_us >= 10,
            ratio=f"we are {median / our_us:.0f} x",
        )
    )  # fmt: skip
    tree = shapely.STRtree(shapes)
    ask = places[:1_000]
    median, p99 = singles(
        lambda i: tree.query(shapely.Point(ask[i].lng, ask[i].lat), predicate="covered_by"), 1_000
    )
    points = shapely.points(lngs, lats)
    started = time.perf_counter()
    found = tree.query(points, predicate="covered_by")
    rate = len(lngs) / (time.perf_counter() - started)
    missed = _differences(ours, found.T)
    report.add(
        Case(
            "shapely STRtree", median, p99, rate, f"{missed} differences from ours", "0 differences", missed == 0,
            f"we are {median / our_us:.1f} x one by one, {our_rate / rate:.1f} x in batch",
        )
    )  # fmt: skip


def _measure_postgis(
    report: Report,
    url: str,
    shapes: NDArray[np.object_],
    lngs: NDArray[np.float64],
    lats: NDArray[np.float64],
    ours: Pairs,
    our: tuple[float, float],
) -> None:
    our_us, our_rate = our
    on_postgis(url, lambda connection: _load(connection, shapes, lngs, lats))
    query = "SELECT n FROM district WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint($1, $2), 4326)) ORDER BY n"
    single_us, p99 = on_postgis(
        url, lambda connection: _ask_singly(connection, query, lngs[-1_000:], lats[-1_000:])
    )
    started = time.perf_counter()
    rows = on_postgis(
        url,
        lambda connection: connection.fetch(
            "SELECT p.i, d.n FROM district d JOIN position p ON ST_Covers(d.geom, p.geom) ORDER BY p.i, d.n"
        ),
    )
    rate = len(lngs) / (time.perf_counter() - started)
    missed = _differences(ours, np.array([tuple(row) for row in rows], np.int64).reshape(-1, 2))
    report.add(
        Case(
            "PostGIS ST_Covers", single_us, p99, rate, f"{missed} differences from ours", "0 differences", missed == 0,
            f"we are {single_us / our_us:.0f} x one by one, {our_rate / rate:.0f} x in batch",
        )
    )  # fmt: skip


async def _load(
    connection: asyncpg.Connection,
    shapes: NDArray[np.object_],
    lngs: NDArray[np.float64],
    lats: NDArray[np.float64],
) -> None:
    await connection.execute("CREATE TABLE raw (n int, wkb bytea)")
    await connection.copy_records_to_table("raw", records=list(enumerate(shapely.to_wkb(shapes))))
    await connection.execute("CREATE TABLE district AS SELECT n, ST_GeomFromWKB(wkb, 4326) AS geom FROM raw")
    await connection.execute("CREATE INDEX ON district USING gist (geom)")
    await connection.execute("CREATE TABLE spot (i int, lng float8, lat float8)")
    records = list(zip(range(len(lngs)), lngs.tolist(), lats.tolist(), strict=True))
    await connection.copy_records_to_table("spot", records=records)
    await connection.execute(
        "CREATE TABLE position AS SELECT i, ST_SetSRID(ST_MakePoint(lng, lat), 4326) AS geom FROM spot"
    )
    await connection.execute("CREATE INDEX ON position USING gist (geom)")
    await connection.execute("ANALYZE")


async def _ask_singly(
    connection: asyncpg.Connection, query: str, lngs: NDArray[np.float64], lats: NDArray[np.float64]
) -> tuple[float, float]:
    prepared = await connection.prepare(query)
    took = np.empty(len(lngs))
    for i, (lng, lat) in enumerate(zip(lngs.tolist(), lats.tolist(), strict=True)):
        started = time.perf_counter_ns()
        await prepared.fetch(lng, lat)
        took[i] = time.perf_counter_ns() - started
    return float(np.median(took)) / 1e3, float(np.percentile(took, 99)) / 1e3
