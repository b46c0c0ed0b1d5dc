"""A fresh process that loads a snapshot and follows single changes: prints seconds, megabytes and milliseconds as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

from geo_offers.bootstrap import open_store
from geo_offers.settings import Settings
from scripts.benches._match_town import promotion_id

_STEPS = 20


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


async def main(url: str) -> dict[str, object]:
    """What was measured."""
    from geo_offers.services.catalog import advanced_snapshot, load_snapshot

    imports_s = time.time() - psutil.Process().create_time()
    store = await open_store(Settings(database_url=url))
    try:
        started = time.perf_counter()
        snapshot = await load_snapshot(store)
        load_s = time.perf_counter() - started
        resident_mb, peak_mb = psutil.Process().memory_info().rss / 2**20, _peak_mb()
        steps_ms = []
        for n in range(_STEPS):
            promotion = await store.get_promotion(promotion_id(n))
            await store.put_promotion(replace(promotion, title=f"{promotion.title} ({n})"))
            started = time.perf_counter()
            snapshot = await advanced_snapshot(store, snapshot)
            steps_ms.append((time.perf_counter() - started) * 1e3)
            found = snapshot.promotions.find(promotion.id)
            if found is None or not found[0].index.rows[found[1]].title.endswith(f"({n})"):
                raise AssertionError("the change is not in the snapshot")
    finally:
        await store.close()
    return {
        "imports_s": imports_s,
        "load_s": load_s,
        "resident_mb": resident_mb,
        "peak_mb": peak_mb,
        "steps_ms": steps_ms,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1]))))
