"""Several workers on one PostgreSQL: how soon all of them know a new promotion, and what they take of memory."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from geo_offers.bootstrap import open_key_desk, open_stores
from geo_offers.domain.account import Role
from geo_offers.domain.promotion import Merchant
from geo_offers.domain.promotion_document import merchant_id_of
from geo_offers.settings import Settings
from scripts.benches._match_load import HOST, Server, serving
from scripts.benches._server_reads import COMMAND, environment
from scripts.benches.report import Case, Report
from tests.servers import PostgisServer

_WORKERS = 3
_AT = (120.1541, 31.1981)
_MOST_P99_S = 1.0
_GIVE_UP_S = 10.0
_MERCHANT = Merchant(merchant_id_of("Lakeside Noodles"), "Lakeside Noodles")


def measure_workers(report: Report, server: PostgisServer, redis_url: str, *, quick: bool) -> None:
    """Until a promotion that was answered with 201 is an offer of every worker; with Redis, and by polling alone."""
    for name, nudged_by in (("with Redis", redis_url), ("by polling alone", None)):
        with server.fresh_database() as url, ExitStack() as started:
            key = asyncio.run(_merchants_key(url))
            settings = environment(url, nudged_by)
            servers = [
                started.enter_context(serving(COMMAND, settings, probe="/readyz")) for _ in range(_WORKERS)
            ]
            took_s = [_until_matchable(servers, key, number) for number in range(20 if quick else 200)]
        median, p99 = np.percentile(took_s, [50, 99])
        target, met = (
            ("", None) if nudged_by is None else (f"p99 <= {_MOST_P99_S:.0f} s", bool(p99 <= _MOST_P99_S))
        )
        value = f"{len(took_s)} promotions, the slowest worker of each"
        case = f"201 to matchable by {_WORKERS} workers, {name}"
        report.add(Case(case, median * 1e6, p99 * 1e6, value=value, target=target, met=met))
    for workers in (1, 2, 4):
        with server.fresh_database() as url:
            _measure_memory(report, environment(url, redis_url), workers)


async def _merchants_key(url: str) -> str:
    settings = Settings(database_url=url, secret="bench")
    stores = await open_stores(settings)
    try:
        await stores.catalog.import_promotions([], [_MERCHANT], dataset="bench")
    finally:
        await stores.catalog.close()
    async with open_key_desk(settings) as desk:
        return (await desk.create(Role.MERCHANT, _MERCHANT.id)).secret


def _until_matchable(servers: Sequence[Server], key: str, number: int) -> float:
    """Seconds from the answer of one worker until all of them offer it."""
    lng = _AT[0] + number * 0.01  # far from each other: each is the only offer at its place
    body = {
        "title": f"Noodles ({number})",
        "benefit": {"type": "percent_off", "basis_points": 2_000},
        "fence": {"type": "circle", "center": [lng, _AT[1]], "radius_m": 100},
        "starts_at": "2020-01-01T00:00:00Z",
        "ends_at": "2090-01-01T00:00:00Z",
        "status": "active",
    }
    first = servers[number % len(servers)]
    status, _ = _asked(first, "POST", "/v1/promotions", json.dumps(body), key)
    if status != 201:
        raise AssertionError(f"a promotion was answered with {status}")
    answered = time.perf_counter()
    waiting = list(servers)
    while waiting:
        if time.perf_counter() - answered > _GIVE_UP_S:
            raise AssertionError(
                f"after {_GIVE_UP_S:.0f} s {len(waiting)} workers do not offer a new promotion"
            )
        path = f"/v1/offers?lng={lng:.6f}&lat={_AT[1]}"
        waiting = [one for one in waiting if not json.loads(_asked(one, "GET", path)[1])["items"]]
    return time.perf_counter() - answered


def _asked(
    server: Server, method: str, path: str, body: str | None = None, key: str | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _measure_memory(report: Report, settings: dict[str, str], workers: int) -> None:
    """What all processes of one command take together; a page that they share counts once."""
    with serving((*COMMAND, "--workers", str(workers)), settings, probe="/readyz") as server:
        _await_workers(server, workers)
        processes = [server.process, *server.process.children(recursive=True)]
        sizes = [one.memory_full_info().pss / 2**20 for one in processes if one.is_running()]
    value = (
        f"{sum(sizes):,.0f} MB together, {len(sizes)} processes, the largest {max(sizes):,.0f} MB; no shops"
    )
    report.add(Case(f"memory of geo-offers serve --workers {workers}", value=value))


def _await_workers(server: Server, workers: int) -> None:
    until = time.perf_counter() + 60
    while time.perf_counter() < until:
        told = server.ask("GET", "/metrics").decode()
        if workers == 1 or f"geo_offers_workers {workers}.0" in told:
            return
        time.sleep(0.2)
    raise AssertionError(f"{workers} workers did not come up")
