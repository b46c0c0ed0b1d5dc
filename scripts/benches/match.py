"""The match: live fences that hold a position, whole shortlists, nearest shops; the store's snapshot; and all over HTTP.

Ours beside PostGIS, shapely, Redis and scipy in process, and beside the service a user would write over HTTP.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.offer import MatchQuery
from geo_offers.domain.place import LngLat
from geo_offers.index.fences import WantedFences
from geo_offers.index.promotions import PromotionIndex, Promotions
from geo_offers.matching.engine import best_at_once, is_offered, select, shortlist
from scripts.benches._city import City, city, positions
from scripts.benches._match_http import measure_http
from scripts.benches._match_nearest import measure_nearest
from scripts.benches._match_peers import (
    Pairs,
    StrTree,
    load_fences,
    load_shops,
    postgis_every_pair,
    postgis_holding,
    postgis_holding_many,
)
from scripts.benches._match_store import fill_store, measure_snapshot
from scripts.benches._match_town import (
    GEOD,
    NEAR_RIM_M,
    Degrees,
    Fences,
    fences,
    near_rims,
    promotion_rows,
    surroundings,
)
from scripts.benches._postgis import fresh_postgis, on_postgis
from scripts.benches.report import Case, Report, seconds, singles

_REACH_M = 1_000.0
_LIMIT = 20
_SINGLES = 2_000


def run(report: Report, *, quick: bool) -> None:
    shops, promotions = (20_000, 5_000) if quick else (1_000_000, 100_000)
    report.note(
        f"load of the machine when it began: {os.getloadavg()[0]:.1f}; quote only what began below 0.3"
    )
    town = city(shops)
    made = fences(town, promotions, datetime.now(UTC))
    report.note(
        f"{shops:,} generated shops in 40 x 40 km, {promotions:,} promotions (half circles, half polygons of 4-14 "
        f"corners, 50-500 m), {int(made.live.sum()):,} of them live; positions 80 % near a shop"
    )
    with fresh_postgis(report) as url, tempfile.TemporaryDirectory(prefix="geo-offers-bench-") as folder:
        radius_m = measure_in_process(report, town, made, url, quick=quick)
        store = Path(folder) / "bench.sqlite3"
        fill_store(report, store, town, made)
        measure_snapshot(report, store, quick=quick)
        measure_http(report, store, url, positions(town, 10_000, seed=31), radius_m, quick=quick)


def measure_in_process(report: Report, town: City, made: Fences, url: str | None, *, quick: bool) -> float:
    """Everything of one core; the radius within which about a page of offers is found."""
    started = time.perf_counter()
    promotions = Promotions.compiled(promotion_rows(town, made), surroundings(town))
    index = promotions.segments[0].index
    took = time.perf_counter() - started
    size = f"{index.fences.nbytes / 1e6:.0f} MB of fences"
    target, met = ("", None) if quick else ("<= 60 s", took <= 60)
    report.add(Case("promotions to columns", value=f"{took:.1f} s with rows, {size}", target=target, met=met))
    live = promotions.segments[0].live.at(made.now).wanted
    if not np.array_equal(live.wanted > 0, made.live) or index.quarantined:
        raise AssertionError("the fences that are live are not those that should be")
    many = positions(town, 20_000 if quick else 200_000)
    if url is not None:
        on_postgis(url, lambda connection: load_fences(connection, made))
        on_postgis(url, lambda connection: load_shops(connection, town))
    measure_live_tree(report, index, live)
    measure_holding(report, live, made, many, url)
    if url is not None:
        measure_agreement(report, index, made, url, pairs=50_000 if quick else 1_000_000)
    shops = town.index()
    radius_m = measure_shortlist(report, promotions, made, shops.xyz, many)
    first = many[0][:_SINGLES], many[1][:_SINGLES]
    measure_nearest(report, town, shops, first, url)
    return radius_m


def places_of(lngs: Degrees, lats: Degrees) -> list[LngLat]:
    return [LngLat(lng, lat) for lng, lat in zip(lngs.tolist(), lats.tolist(), strict=True)]


def measure_live_tree(report: Report, index: PromotionIndex, live: WantedFences) -> None:
    """What it costs when a promotion begins or ends: the tree of those that are live, made anew."""
    took_ms = seconds(lambda: index.fences.tree_over(live.wanted), 5) * 1e3
    size = f"{took_ms:.2f} ms, {live.tree.nbytes / 1e6:.1f} MB"
    report.add(Case("a tree of the live fences", value=size, target="<= 3 ms", met=took_ms <= 3))


def measure_holding(
    report: Report,
    live: WantedFences,
    made: Fences,
    many: tuple[Degrees, Degrees],
    url: str | None,
) -> None:
    """Fences that hold a position and are live: one by one and in batch, ours and the peers."""
    lngs, lats = many
    places = places_of(lngs[:20_000], lats[:20_000])
    live.holding(places[0])
    live.holding_many(lngs[:10], lats[:10])
    ours_us, p99 = singles(lambda i: live.holding(places[i]), len(places))
    took = seconds(lambda: live.holding_many(lngs, lats), 3)
    starts, slots = live.holding_many(lngs, lats)
    rate = len(lngs) / took
    value = f"{len(slots) / len(lngs):.1f} fences a position"
    report.add(Case("live and holding: ours, one by one", ours_us, p99, target="<= 12 µs", met=ours_us <= 12))
    target = ">= 250,000 /s"
    report.add(Case("live and holding: ours, batch", None, None, rate, value, target, rate >= 250_000))
    few, some = (lngs[:_SINGLES], lats[:_SINGLES]), (lngs[:20_000], lats[:20_000])
    expected = pairs_of(starts[: len(some[0]) + 1], slots)
    if url is not None:
        single_us, p99, found = on_postgis(
            url, lambda connection: postgis_holding(connection, *few, made.now)
        )
        their_rate, count = on_postgis(
            url, lambda connection: postgis_holding_many(connection, *some, made.now)
        )
        theirs = np.array([(i, slot) for i, slots in enumerate(found) for slot in slots]).reshape(-1, 2)
        missed = differing(expected[expected[:, 0] < len(few[0])], theirs)
        value = f"{len(missed)} differences from ours" + ("" if count == len(expected) else ", batch differs")
        add_peer(report, "PostGIS", (single_us, p99, their_rate), (ours_us, rate), 15, value)
    for name, least, tree in (
        ("STRtree", 6, StrTree(made)),
        ("STRtree of the live ones alone", None, StrTree(made, only_live=True)),
    ):
        single_us, p99 = singles(
            lambda i, tree=tree: tree.holding(lngs[i : i + 1], lats[i : i + 1]), _SINGLES
        )
        their_rate = len(some[0]) / seconds(lambda tree=tree: tree.holding(*some))
        value = f"{len(differing(expected, tree.holding(*some)))} differences from ours"
        add_peer(report, name, (single_us, p99, their_rate), (ours_us, rate), least, value)


def add_peer(
    report: Report,
    name: str,
    theirs: tuple[float, float, float],
    ours: tuple[float, float],
    least: float | None,
    value: str,
) -> None:
    """A peer's median, 99th percentile and rate beside our median and rate."""
    times = theirs[0] / ours[0]
    target = f"we are >= {least} x one by one" if least else ""
    ratio = f"we are {times:.1f} x one by one, {ours[1] / theirs[2]:.1f} x in batch"
    met = times >= least if least else None
    report.add(Case(f"live and holding: {name}", *theirs, value, target, met, ratio))


def pairs_of(starts: NDArray[np.int64], slots: NDArray[np.int32]) -> Pairs:
    """(position, fence) of an answer for many positions."""
    return np.c_[np.repeat(np.arange(len(starts) - 1), np.diff(starts)), slots[: starts[-1]]].astype(np.int64)


def differing(ours: Pairs, theirs: Pairs) -> list[tuple[int, int]]:
    """Memberships that only one of the two has, sorted."""
    return sorted(set(map(tuple, ours.tolist())) ^ set(map(tuple, theirs.tolist())))


def measure_agreement(report: Report, index: PromotionIndex, made: Fences, url: str, *, pairs: int) -> None:
    """All fences, live or not, whose box holds a position; a third of the positions within 2 m of a rim."""
    lngs, lats = _probes(made, pairs)
    every = index.fences.only(np.ones(len(made), np.uint8))
    starts, slots = every.holding_many(lngs, lats)
    ours = pairs_of(starts, slots)
    single = [every.around(at, 0.0) for at in places_of(lngs, lats)]
    one_by_one = np.array([(i, slot) for i, one in enumerate(single) for slot in one.slots.tolist()])
    looked_at, theirs = on_postgis(url, lambda connection: postgis_every_pair(connection, lngs, lats))
    apart = differing(ours, theirs)
    own = differing(ours, one_by_one)
    value = (
        f"{len(apart)} differences in {looked_at:,} pairs, {len(theirs):,} of them memberships; "
        f"{len(own)} between our single and batch"
    )
    report.add(Case("ours = PostGIS", value=value, target="0 differences", met=not apart and not own))
    held = set(map(tuple, ours.tolist()))
    for i, slot in apart[:5]:
        metres = float(GEOD.inv(lngs[i], lats[i], made.lngs[slot], made.lats[slot])[2]) - made.radii_m[slot]
        kind = f"circle, {metres:+.3e} m from its rim" if made.shapes[slot] is None else "polygon"
        whose = "ours alone" if (i, slot) in held else "PostGIS alone"
        report.note(f"differs: ({lngs[i]!r}, {lats[i]!r}) in fence {slot}, {whose}: {kind}")


def _probes(made: Fences, pairs: int) -> tuple[Degrees, Degrees]:
    """As many positions as it takes for so many pairs; a third within 2 m of a rim, the rest around fences."""
    rng = np.random.default_rng(23)
    count = pairs
    edge = near_rims(made, count // 3)
    of = rng.integers(0, len(made), count - len(edge[0]))
    away = rng.normal(0, 400, (2, len(of))) / 111_320.0
    lngs = np.concatenate([edge[0], made.lngs[of] + away[0]])
    lats = np.concatenate([edge[1], made.lats[of] + away[1]])
    mixed = rng.permutation(count)
    lngs, lats = lngs[mixed], lats[mixed]
    found = StrTree(made).candidates(lngs[: pairs // 4], lats[: pairs // 4])
    enough = int(found[min(pairs, len(found) - 1), 0]) + 1
    return lngs[:enough], lats[:enough]


def measure_shortlist(
    report: Report,
    promotions: Promotions,
    made: Fences,
    shop_xyz: NDArray[np.float64],
    many: tuple[Degrees, Degrees],
) -> float:
    """The whole match for one position; gives the radius within which the median position has a page of offers."""
    places = places_of(many[0][:5_000], many[1][:5_000])

    def ask(i: int, reach_m: float) -> int:
        at = places[i]
        found = shortlist(promotions, MatchQuery(when=made.now, at=at), at, reach_m=reach_m)
        return len(select(found, at, shop_xyz, limit=_LIMIT))

    def found_within(reach_m: float) -> float:
        counts = []
        for at in places[:500]:
            found = shortlist(promotions, MatchQuery(when=made.now, at=at), at, reach_m=reach_m)
            counts.append(sum(int(is_offered(one).sum()) for one in found))
        return float(np.median(counts))

    def ask_at_once(i: int, reach_m: float) -> object:
        query = MatchQuery(when=made.now, at=places[i])
        return best_at_once(promotions, query, places[i], shop_xyz, reach_m=reach_m, limit=_LIMIT)

    page_m = next((metres for metres in range(50, 1_000, 50) if found_within(metres) >= _LIMIT), 1_000)
    ask(0, _REACH_M)
    for reach_m in sorted({float(page_m), _REACH_M}):
        median, p99 = singles(lambda i, reach_m=reach_m: ask(i, reach_m), len(places))
        value = f"{found_within(reach_m):.0f} offers to choose from (median)"
        name = f"{_LIMIT} best within {reach_m:,.0f} m"
        report.add(Case(f"{name}, step by step", median, p99, value=value))
        ask_at_once(0, reach_m)
        median, p99 = singles(lambda i, reach_m=reach_m: ask_at_once(i, reach_m), len(places))
        report.add(Case(f"{name}, at once (as /v1/offers asks)", median, p99))
    report.note(f"a third of the compared positions are within {NEAR_RIM_M:.0f} m of a rim")
    return float(page_m)
