"""Offers, shops and batches over HTTP: ours, the service a user would write, and a bare hello of the same size."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.benches import _match_hello_app, _match_peer_app
from scripts.benches._match_load import (
    CONNECTIONS,
    Asked,
    Loaded,
    Server,
    loaded,
    pinned,
    serving,
    uvicorn_of,
)
from scripts.benches._match_town import Degrees
from scripts.benches.report import Case, Report

_BATCH = 1_000
_BATCH_CONNECTIONS = 4
_ONLY_INSIDE_M = 1


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of request, how it is asked, and what is aimed at.

    positions   in each request; rates count positions
    """

    name: str
    asked: Asked
    positions: int = 1
    connections: int = CONNECTIONS
    least_rate: float | None = None
    most_p99_us: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run, and the bytes of a body and the items for a position, on average."""

    loaded: Loaded
    size: float
    items: float


def measure_http(
    report: Report,
    store: Path,
    postgis_url: str | None,
    at: tuple[Degrees, Degrees],
    radius_m: float,
    *,
    quick: bool,
) -> None:
    """All three, one after the other; requests a second, percentiles, bytes."""
    if shutil.which("wrk") is None:
        report.note("nothing was measured over HTTP: there is no wrk on this machine")
        return
    apart = "server on one core, wrk on the other" if pinned(1) else "server and wrk not pinned"
    report.note(
        f"HTTP: {apart}, {CONNECTIONS} connections ({_BATCH_CONNECTIONS} for batches of {_BATCH:,}), "
        f"{len(at[0]):,} positions in turn; limit 20; PostgreSQL's own processes are not pinned"
    )
    report.note(
        "HTTP peers: a service as a user would write it (FastAPI, asyncpg, PostGIS: KNN, ST_Covers, ST_DWithin; uvicorn), "
        "and plain ASGI on uvicorn that answers with as many bytes as we do"
    )
    seconds = 1 if quick else 6
    questions = _questions(at, radius_m)
    environment = {
        "GEO_OFFERS_DATABASE_URL": f"sqlite:///{store}",
        "GEO_OFFERS_LOG_LEVEL": "warning",
        "GEO_OFFERS_OPEN_READS": "true",
        "GEO_OFFERS_RATE_APP": "0",  # one address asks for all
    }
    command = [str(Path(sys.executable).parent / "geo-offers"), "serve", "--port", "{port}"]
    ours: dict[str, Outcome] = {}
    with serving(command, environment, probe="/readyz") as server:
        value = f"{server.ready_s:.1f} s from start to ready, {server.resident_mb:,.0f} MB resident"
        report.add(Case("HTTP geo-offers serve", value=value))
        for question in questions:
            ours[question.name] = _ask(report, server, question, seconds, quick=quick)
        memory_mb = server.resident_mb
    _measure_keyed(report, environment, command, questions[0], ours[questions[0].name], seconds)
    value, met = f"{memory_mb:,.0f} MB", None if quick else memory_mb <= 1_200
    report.add(Case("HTTP geo-offers serve: resident after it", value=value, target="<= 1,200 MB", met=met))
    for question in questions[:2]:
        _measure_ceiling(report, question, ours[question.name], seconds)
    if postgis_url is not None:
        _measure_peer(report, questions, ours, postgis_url, seconds)


def _measure_keyed(
    report: Report,
    environment: Mapping[str, str],
    command: Sequence[str],
    question: Question,
    ours: Outcome,
    seconds: float,
) -> None:
    """The same with a key in each request, checked and counted against a rate that is never reached."""
    made = [command[0], "keys", "create", "--role", "app"]
    told = subprocess.run(made, env={**os.environ, **environment}, check=True, capture_output=True, text=True)
    asked = replace(question.asked, key=told.stdout.strip())
    keyed = {**environment, "GEO_OFFERS_OPEN_READS": "false", "GEO_OFFERS_RATE_APP": "100000000"}
    with serving(command, keyed, probe="/readyz") as server:
        loaded(server, asked, seconds=1, connections=question.connections)
        run = loaded(server, asked, seconds=seconds, connections=question.connections)
    lost = 1 - run.rate / ours.loaded.rate
    report.add(
        Case(
            f"HTTP {question.name}: ours, with keys and rate limits", run.p50_us, run.p99_us, run.rate,
            f"{lost:.1%} lost by the check{_failed(run)}", "<= 10 % lost", None if seconds < 2 else lost <= 0.1,
        )
    )  # fmt: skip


def _questions(at: tuple[Degrees, Degrees], radius_m: float) -> list[Question]:
    here = [f"lng={lng:.6f}&lat={lat:.6f}" for lng, lat in zip(*map(list, at), strict=True)]
    offers = [f"/v1/offers?{one}&radius_m={radius_m:.0f}&limit=20" for one in here]
    shops = [f"/v1/shops?{one}&limit=20" for one in here]
    farther = Question("offers 1,000 m", Asked([f"/v1/offers?{one}&limit=20" for one in here]))
    return [
        Question(f"offers {radius_m:,.0f} m", Asked(offers), least_rate=10_000, most_p99_us=10_000.0),
        Question("shops", Asked(shops)),
        *([farther] if radius_m < 1_000 else []),
        _batch("match, inside only", at, _ONLY_INSIDE_M, 60_000),
        _batch(f"match, {radius_m:,.0f} m", at, radius_m, None),
    ]


def _batch(name: str, at: tuple[Degrees, Degrees], radius_m: float, least: float | None) -> Question:
    places = [{"lng": round(lng, 6), "lat": round(lat, 6)} for lng, lat in zip(*map(list, at), strict=True)]
    bodies = [
        json.dumps({"positions": places[first : first + _BATCH], "limit": 20, "radius_m": radius_m})
        for first in range(0, len(places), _BATCH)
    ]
    asked = Asked(bodies, "POST", "/v1/offers/match")
    return Question(name, asked, positions=_BATCH, connections=_BATCH_CONNECTIONS, least_rate=least)


def _sample(server: Server, question: Question) -> tuple[float, float]:
    """Bytes of a body and items for a position, on average over some."""
    bodies, items = [], 0
    asked = question.asked
    some = asked.questions[:: max(1, len(asked.questions) // 50)][:50]
    for one in some:
        body = server.ask("GET", one) if asked.method == "GET" else server.ask("POST", asked.path, one)
        bodies.append(len(body))
        told = json.loads(body)
        items += sum(len(result["items"]) for result in told.get("results", [told]))
    return sum(bodies) / len(bodies), items / len(bodies) / question.positions


def _ask(report: Report, server: Server, question: Question, seconds: float, *, quick: bool) -> Outcome:
    size, items = _sample(server, question)
    cold = loaded(server, question.asked, seconds=1, connections=question.connections)
    run = loaded(server, question.asked, seconds=seconds, connections=question.connections)
    rate = run.rate * question.positions
    targets, met = [], []
    if question.least_rate:
        targets.append(f">= {question.least_rate:,.0f} /s")
        met.append(rate >= question.least_rate)
    if question.most_p99_us:
        targets.append(f"p99 <= {question.most_p99_us / 1e3:.0f} ms")
        met.append(run.p99_us <= question.most_p99_us)
    counted = "positions" if question.positions > 1 else "requests"
    value = f"{size:,.0f} bytes, {items:.1f} items; {counted}; first second {cold.rate * question.positions:,.0f} /s"
    report.add(
        Case(
            f"HTTP {question.name}: ours", run.p50_us, run.p99_us, rate, value + _failed(run),
            ", ".join(targets), all(met) and not run.failed if targets and not quick else None,
        )
    )  # fmt: skip
    return Outcome(run, size, items)


def _failed(run: Loaded) -> str:
    return f"; {run.failed} FAILED" if run.failed else ""


def _measure_ceiling(report: Report, question: Question, ours: Outcome, seconds: float) -> None:
    environment = {_match_hello_app.SIZE_VARIABLE: f"{ours.size:.0f}"}
    command = uvicorn_of("scripts.benches._match_hello_app:create_app")
    with serving(command, environment, probe="/") as server:
        run = loaded(server, question.asked, seconds=min(seconds, 3), connections=question.connections)
    ratio = f"we are at {ours.loaded.rate / run.rate:.0%} of it"
    name = f"HTTP {question.name}: bare ASGI hello"
    value = f"{ours.size:,.0f} bytes{_failed(run)}"
    report.add(Case(name, run.p50_us, run.p99_us, run.rate, value, ratio=ratio))


def _measure_peer(
    report: Report, questions: Sequence[Question], ours: Mapping[str, Outcome], url: str, seconds: float
) -> None:
    environment = {_match_peer_app.URL_VARIABLE: url}
    command = uvicorn_of("scripts.benches._match_peer_app:create_app")
    with serving(command, environment, probe="/openapi.json") as server:
        for question in questions:
            if question.positions > 1 and "inside only" not in question.name:
                continue  # it answers batches with what holds a position, nothing else
            size, items = _sample(server, question)
            run = loaded(server, question.asked, seconds=min(seconds, 5), connections=question.connections)
            ratio = f"we are {ours[question.name].loaded.rate / run.rate:.1f} x"
            rate = run.rate * question.positions
            value = f"{size:,.0f} bytes, {items:.1f} items{_failed(run)}"
            name = f"HTTP {question.name}: a user's service"
            report.add(Case(name, run.p50_us, run.p99_us, rate, value, ratio=ratio))
