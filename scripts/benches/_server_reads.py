"""One town on PostgreSQL and on SQLite: importing it, and `/v1/offers` by one pinned worker on each, in turn."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from geo_offers.bootstrap import open_store
from geo_offers.settings import Settings
from scripts.benches._city import City, city, positions
from scripts.benches._match_load import Asked, Loaded, Server, loaded, pinned, serving
from scripts.benches._match_town import Fences, fences, merchant_of, promotions, shops
from scripts.benches.report import Case, Report
from tests.servers import PostgisServer

_RADIUS_M = 150
_MOST_IMPORT_S = 120.0
_LEAST_OF_EMBEDDED = 0.9
COMMAND = (str(Path(sys.executable).parent / "geo-offers"), "serve", "--port", "{port}")


def environment(database_url: str, redis_url: str | None = None) -> dict[str, str]:
    """Of a server without doors: open reads, no rates."""
    chosen = {
        "GEO_OFFERS_DATABASE_URL": database_url,
        "GEO_OFFERS_SECRET": "bench",
        "GEO_OFFERS_LOG_LEVEL": "warning",
        "GEO_OFFERS_OPEN_READS": "true",
        "GEO_OFFERS_RATE_APP": "0",
        "GEO_OFFERS_RATE_MERCHANT": "0",
    }
    return chosen | ({} if redis_url is None else {"GEO_OFFERS_REDIS_URL": redis_url})


def measure_reads(
    report: Report, server: PostgisServer, redis_url: str, folder: Path, *, quick: bool
) -> None:
    """The import, and what reads lose by the server profile."""
    count = 50_000 if quick else 1_000_000
    town = city(count)
    made = fences(town, count // 10, datetime.now(UTC))
    embedded = f"sqlite:///{folder / 'town.sqlite3'}"
    with server.fresh_database() as url:
        for name, of in (("PostgreSQL, by COPY", url), ("SQLite", embedded)):
            took_s = asyncio.run(_fill(of, town, made))
            target, met = (
                ("", None) if of == embedded else (f"<= {_MOST_IMPORT_S:.0f} s", took_s <= _MOST_IMPORT_S)
            )
            value = f"{took_s:.1f} s, made as domain values on the way"
            case = f"import of {count:,} shops into {name}"
            report.add(Case(case, rate=count / took_s, value=value, target=target, met=met))
        if shutil.which("wrk") is None:
            report.note("no reads were measured: there is no wrk on this machine")
            return
        profiles = {"server": environment(url, redis_url), "embedded": environment(embedded)}
        _compare(report, profiles, _questions(town), quick=quick)


async def _fill(url: str, town: City, made: Fences) -> float:
    """Seconds that the shops took; promotions follow."""
    store = await open_store(Settings(database_url=url))
    try:
        started = time.perf_counter()
        await store.import_shops(shops(town), dataset="bench")
        took_s = time.perf_counter() - started
        merchants = list({one.id: one for one in map(merchant_of, range(len(made)))}.values())
        await store.import_promotions(promotions(town, made), merchants, dataset="bench")
    finally:
        await store.close()
    return took_s


def _questions(town: City) -> Asked:
    lngs, lats = positions(town, 10_000, seed=31)
    here = zip(lngs.tolist(), lats.tolist(), strict=True)
    return Asked(
        [f"/v1/offers?lng={lng:.6f}&lat={lat:.6f}&radius_m={_RADIUS_M}&limit=20" for lng, lat in here]
    )


def _items(server: Server, question: str) -> object:
    return json.loads(server.ask("GET", question))["items"]


def _compare(report: Report, profiles: Mapping[str, Mapping[str, str]], asked: Asked, *, quick: bool) -> None:
    """Both servers run all the time and are asked in turn, so that the machine is as busy for one as for the other."""
    seconds, rounds = (1, 3) if quick else (5, 5)
    runs: dict[str, list[Loaded]] = {name: [] for name in profiles}
    with (
        serving(COMMAND, profiles["server"], probe="/readyz") as one,
        serving(COMMAND, profiles["embedded"], probe="/readyz") as two,
    ):
        servers = dict(zip(("server", "embedded"), (one, two), strict=True))
        told = {name: [_items(its, one) for one in asked.questions[:50]] for name, its in servers.items()}
        if told["server"] != told["embedded"]:
            raise AssertionError("the two profiles answer differently")
        for its in servers.values():
            loaded(its, asked, seconds=1)
        for _ in range(rounds):
            for name, its in servers.items():
                runs[name].append(loaded(its, asked, seconds=seconds))
    share = float(
        np.median([one.rate for one in runs["server"]]) / np.median([one.rate for one in runs["embedded"]])
    )
    where = "one worker on one core, wrk on the other" if pinned(1) else "not pinned"
    for name, its in runs.items():
        middle = sorted(its, key=lambda run: run.rate)[rounds // 2]
        failed = sum(run.failed for run in its)
        value = f"middle of {rounds} rounds in turn, {where}" + (f"; {failed} FAILED" if failed else "")
        target, met, ratio = "", None, ""
        if name == "server":
            target, met = (
                f">= {_LEAST_OF_EMBEDDED:.0%} of embedded",
                share >= _LEAST_OF_EMBEDDED and not failed,
            )
            ratio = f"{share:.0%} of embedded"
        case = f"HTTP offers {_RADIUS_M} m: {name} profile"
        report.add(Case(case, middle.p50_us, middle.p99_us, middle.rate, value, target, met, ratio))
