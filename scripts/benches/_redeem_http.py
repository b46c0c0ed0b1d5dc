"""Claims and redemptions over HTTP: one server on one core, `wrk` on the other, each request with a key of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from geo_offers.bootstrap import Stores, open_stores
from geo_offers.stores.commerce_tables import coupons
from scripts.benches._match_load import HOST, Loaded, Server, pinned, serving
from scripts.benches._redeem_town import AT, CURRENCY, Sums, Town, add_proof, settled_sums_of
from scripts.benches.report import Case, Report

CONNECTIONS = 64
LEAST_RATE = 300
#: Bodies that are made for a second: more than it will answer.
_MOST_A_SECOND = 1_500
_SCRIPT = """
local bodies = {}
local at = 0
init = function(args)
  for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
end
request = function()
  at = at + 1
  local key = "%(run)s-" .. at
  return wrk.format("POST", "%(path)s", {
    ["Content-Type"] = "application/json", ["Authorization"] = "Bearer %(secret)s", ["Idempotency-Key"] = key,
  }, bodies[at])
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests": %%d, "duration_us": %%d, "failed": %%d, "p50_us": %%d, "p99_us": %%d}\\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Posts:
    """Bodies that are posted once each."""

    run: str
    path: str
    secret: str
    bodies: Sequence[dict[str, Any]]


async def measure_http(report: Report, town: Town, *, quick: bool) -> None:
    """Claims and then redemptions of their coupons, of the hot promotion and of all the others."""
    if shutil.which("wrk") is None:
        report.note("nothing was measured over HTTP: there is no wrk on this machine")
        return
    apart = "server on one core, wrk on the other" if pinned(1) else "server and wrk not pinned"
    report.note(f"HTTP: one worker of geo-offers serve, {apart}, {CONNECTIONS} connections")
    environment = {
        "GEO_OFFERS_DATABASE_URL": town.settings.database_url,
        "GEO_OFFERS_LOG_LEVEL": "warning",
        "GEO_OFFERS_SECRET": "bench",
        "GEO_OFFERS_RATE_APP": "0",
        "GEO_OFFERS_RATE_MERCHANT": "0",
    }
    command = [str(Path(sys.executable).parent / "geo-offers"), "serve", "--port", "{port}"]
    stores = await open_stores(town.settings)
    try:
        with serving(command, environment, probe="/readyz") as server:
            for hot in (True, False):
                await _measure(report, server, town, stores, hot=hot, quick=quick)
    finally:
        await stores.catalog.close()


async def _measure(
    report: Report, server: Server, town: Town, stores: Stores, *, hot: bool, quick: bool
) -> None:
    seconds = 2 if quick else 10
    promotion_ids = town.promotions_of_run(hot=hot)
    of = "one hot promotion" if hot else f"{len(promotion_ids):,} promotions"
    before = await settled_sums_of(stores)
    first = _posted(server, _claims(town, promotion_ids, f"http-first-{hot}", seconds=1), seconds=1)
    claims = _posted(
        server, _claims(town, promotion_ids, f"http-claims-{hot}", seconds=seconds), seconds=seconds
    )
    _add(report, f"HTTP claims, {of}", claims, quick=quick)
    await settled_sums_of(stores)
    codes = await _issued(stores, promotion_ids)
    redeem = Posts(
        f"http-redeem-{hot}", "/v1/redemptions", town.till, [_redemption(town, code) for code in codes]
    )
    redemptions = _posted(server, redeem, seconds=max(1, min(seconds, len(codes) // _MOST_A_SECOND)))
    _add(report, f"HTTP redemptions, {of}", redemptions, quick=quick)
    answered = Sums(
        first.requests - first.failed + claims.requests - claims.failed,
        redemptions.requests - redemptions.failed,
    )
    await add_proof(
        report, f"HTTP {of}", stores, before, answered, unheard=Sums(2 * CONNECTIONS, CONNECTIONS)
    )


def _add(report: Report, name: str, run: Loaded, *, quick: bool) -> None:
    value = f"{run.requests:,} answers" + (f"; {run.failed} FAILED" if run.failed else "")
    met = None if quick else run.rate >= LEAST_RATE and not run.failed
    report.add(Case(name, run.p50_us, run.p99_us, run.rate, value, f">= {LEAST_RATE} /s", met))


def _claims(town: Town, promotion_ids: Sequence[str], run: str, *, seconds: int) -> Posts:
    fix_at = datetime.now(UTC).isoformat()
    bodies = [
        {
            "promotion_id": promotion_ids[number % len(promotion_ids)],
            "visitor_id": f"{run}-{number}",
            "lng": AT.lng,
            "lat": AT.lat,
            "accuracy_m": 10,
            "fix_at": fix_at,
        }
        for number in range(_MOST_A_SECOND * seconds)
    ]
    return Posts(run, "/v1/coupons", town.app, bodies)


def _redemption(town: Town, code: str) -> dict[str, Any]:
    return {"code": code, "shop_id": town.shop_id, "basket_minor": 4_500, "currency": CURRENCY}


async def _issued(stores: Stores, promotion_ids: Sequence[str]) -> list[str]:
    """The codes of all coupons of these promotions that were not used, in no order."""

    def read(connection: Connection) -> list[str]:
        query = select(coupons.c.code).where(
            coupons.c.state == "issued", coupons.c.promotion_id.in_(promotion_ids)
        )
        return list(connection.execute(query).scalars())

    catalog: Any = stores.catalog
    found: list[str] = await catalog.units.read(read)
    return found


def _posted(server: Server, posts: Posts, *, seconds: int) -> Loaded:
    """Post as fast as it answers, from the second core."""
    with tempfile.TemporaryDirectory(prefix="geo-offers-wrk-") as folder:
        bodies, script = Path(folder) / "bodies", Path(folder) / "post.lua"
        bodies.write_text("".join(f"{json.dumps(body)}\n" for body in posts.bodies), encoding="utf-8")
        facts = {"bodies": bodies, "run": posts.run, "path": posts.path, "secret": posts.secret}
        script.write_text(_SCRIPT % facts, encoding="utf-8")
        command = [
            *pinned(1), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s",
            "-s", str(script), f"http://{HOST}:{server.port}",
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    if ended.returncode:
        raise AssertionError(f"wrk ended with {ended.returncode}: {ended.stderr}{ended.stdout}")
    told = json.loads(ended.stdout.splitlines()[-1])
    if told["requests"] + CONNECTIONS > len(posts.bodies):
        raise AssertionError(f"{posts.run}: {len(posts.bodies):,} bodies were too few")
    rate = told["requests"] / (told["duration_us"] / 1e6)
    return Loaded(rate, told["p50_us"], told["p99_us"], told["requests"], told["failed"])
