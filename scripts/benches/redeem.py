"""Durable claims and redemptions on SQLite: through the services in process, over HTTP, and plain commits beside them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from geo_offers.bootstrap import Services, Stores, running
from geo_offers.services.coupons import ClaimQuery
from geo_offers.services.redemptions import TillQuery
from geo_offers.stores.once import Once
from scripts.benches._redeem_http import LEAST_RATE, measure_http
from scripts.benches._redeem_town import (
    AT,
    CURRENCY,
    Sums,
    Town,
    add_proof,
    filled_town,
    folder_on_disk,
    sums_of,
)
from scripts.benches.report import Case, Report

_CALLERS = 64
_encode = msgspec.json.Encoder().encode


def run(report: Report, *, quick: bool) -> None:
    report.note(
        f"load of the machine when it began: {os.getloadavg()[0]:.1f}; quote only what began below 0.3"
    )
    with folder_on_disk() as (folder, file_system):
        report.note(
            f"SQLite, WAL, synchronous=FULL, on {file_system}; {_CALLERS} callers at once, each with its own key"
        )
        report.note(
            "20 % off inside of a circle, limits of claims, redemptions, a visitor and a budget counted each time"
        )
        commits = measure_commits(report, folder, count=200 if quick else 2_000)
        asyncio.run(_measure(report, folder, commits, quick=quick))


async def _measure(report: Report, folder: Path, commits: float, *, quick: bool) -> None:
    town = await filled_town(f"sqlite:///{folder / 'bench.sqlite3'}")
    async with running(town.settings) as services:
        for hot in (True, False):
            await measure_services(report, town, services, commits, hot=hot, count=1_280 if quick else 6_400)
    await measure_http(report, town, quick=quick)


def measure_commits(report: Report, folder: Path, *, count: int) -> float:
    """What the disk gives who writes one row a commit, one after the other; commits a second."""
    with closing(sqlite3.connect(folder / "plain.sqlite3", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE coupons (code TEXT PRIMARY KEY, visitor TEXT)")
        took = np.empty(count)
        for number in range(count):
            started = time.perf_counter()
            connection.execute("INSERT INTO coupons VALUES (?, ?)", (f"{number:012}", f"visitor-{number}"))
            took[number] = time.perf_counter() - started
    rate = count / float(took.sum())
    median, p99 = _percentiles(took)
    report.add(
        Case(
            "plain SQLite: one row a commit, one by one",
            median,
            p99,
            rate,
            "the ceiling without sharing commits",
        )
    )
    return rate


async def measure_services(
    report: Report,
    town: Town,
    services: Services,
    commits: float,
    *,
    hot: bool,
    count: int,
    least_rate: float = LEAST_RATE,
) -> None:
    """Claims, and redemptions of half of their coupons, as the API asks for them but without HTTP."""
    promotion_ids = town.promotions_of_run(hot=hot)
    of = "one hot promotion" if hot else f"{len(promotion_ids):,} promotions"
    stores = Stores(services.store, services.accounts, services.commerce)
    before = await sums_of(stores)
    codes: list[str] = []

    async def claim(number: int) -> None:
        asked = ClaimQuery(
            promotion_id=promotion_ids[number % len(promotion_ids)],
            account="bench",
            visitor_id=f"services-{hot}-{number}",
            at=AT,
            accuracy_m=10.0,
            fix_at=datetime.now(UTC),
        )
        kept = await services.coupons.claim(asked, once=_once("app:bench", f"claim-{hot}-{number}"))
        codes.append(msgspec.json.decode(kept.body)["code"])

    async def redeem(number: int) -> None:
        asked = TillQuery(code=codes[number], shop_id=town.shop_id, basket_minor=4_500, currency=CURRENCY)
        once = _once(f"merchant:{town.caller.account}", f"redeem-{hot}-{number}")
        await services.redemptions.redeem(asked, by=town.caller, once=once)

    for name, act, acts in (("claims", claim, count), ("redemptions", redeem, count // 2)):
        rate, took = await _by_callers(act, acts)
        median, p99 = _percentiles(took)
        ratio = f"{rate / commits:.1f} x the plain commits"
        report.add(
            Case(
                f"services: {name}, {of}", median, p99, rate, f"{acts:,} answers", f">= {least_rate:,.0f} /s",
                rate >= least_rate, ratio,
            )
        )  # fmt: skip
    await add_proof(report, f"services: {of}", stores, before, Sums(len(set(codes)), count // 2))


async def _by_callers(act: Callable[[int], Awaitable[None]], count: int) -> tuple[float, Sequence[float]]:
    """So many acts by 64 callers, each going on when it is answered: how many a second, and seconds of each."""
    rest = iter(range(count))
    took: list[float] = []

    async def caller() -> None:
        for number in rest:
            started = time.perf_counter()
            await act(number)
            took.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    return count / (time.perf_counter() - started), took


def _once(account: str, key: str) -> Once[Any]:
    return Once(account, key, hashlib.sha256(key.encode()).digest(), _encode)


def _percentiles(took: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile of seconds, in microseconds."""
    return float(np.median(took)) * 1e6, float(np.percentile(took, 99)) * 1e6
