"""The store of the match bench: filling it, and a fresh process that loads its snapshot and follows one change."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from geo_offers.stores.durable_sqlite import SqliteStore
from scripts.benches._city import City
from scripts.benches._match_town import Fences, merchant_of, promotions, shops
from scripts.benches.report import Case, Report


def fill_store(report: Report, path: Path, town: City, made: Fences) -> None:
    """All shops and promotions by the imports that users have."""
    asyncio.run(_fill(report, path, town, made))


async def _fill(report: Report, path: Path, town: City, made: Fences) -> None:
    store = await SqliteStore.open(path)
    try:
        started = time.perf_counter()
        await store.import_shops(shops(town), dataset="bench")
        shops_s = time.perf_counter() - started
        merchants = list({one.id: one for one in map(merchant_of, range(len(made)))}.values())
        started = time.perf_counter()
        await store.import_promotions(promotions(town, made), merchants, dataset="bench")
        took_s = time.perf_counter() - started
    finally:
        await store.close()
    value = f"shops {shops_s:.1f} s, promotions {took_s:.1f} s, both made as domain values on the way"
    report.add(Case("store: filled by imports", rate=len(made) / took_s, value=value))


def measure_snapshot(report: Report, path: Path, *, quick: bool) -> None:
    """Load, memory, and a changed promotion, in a process of its own."""
    command = [sys.executable, "-m", "scripts.benches._match_worker", f"sqlite:///{path}"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(ended.stdout.splitlines()[-1])
    load_s, memory_mb = told["load_s"], told["resident_mb"]
    value = f"{load_s:.1f} s; the process began {told['imports_s']:.1f} s before"
    report.add(
        Case("store: snapshot loaded", value=value, target="<= 60 s", met=None if quick else load_s <= 60)
    )
    value = f"{memory_mb:,.0f} MB, peak {told['peak_mb']:,.0f} MB"
    met = None if quick else memory_mb <= 1_200
    report.add(Case("store: resident after it", value=value, target="<= 1,200 MB", met=met))
    steps = told["steps_ms"]
    value = f"median {sorted(steps)[len(steps) // 2]:.1f} ms, worst of {len(steps)} {max(steps):.1f} ms"
    report.add(Case("store: one promotion changed", value=value, target="<= 100 ms", met=max(steps) <= 100))
