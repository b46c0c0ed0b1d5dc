"""Importing shops as a user does it: the command line in a process of its own, with the store; time and peak memory."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.benches._city import city
from scripts.benches._data import shared_data
from scripts.benches.report import Case, Report

_EXTRACTS = ("liechtenstein_2015", "helsinki_centre", "monaco_2021", "beijing_sample_2017")
_HOURS = ("Mo-Fr 09:00-18:00", "Mo-Su 10:00-22:00", "24/7", "Mo-Sa 07:30-15:00; PH off", "")


def run(report: Report, *, quick: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in _EXTRACTS:
            extract = shared_data() / "osm" / f"{name}.osm.pbf"
            if not extract.exists():
                report.note(f"{extract.name} is absent: not measured")
                continue
            took_s, peak_mb = _import(Path(folder) / f"{name}.sqlite3", "osm", extract)
            wanted = (10, 400) if name.startswith("liechtenstein") else None
            _add(
                report,
                f"import osm {extract.name} ({extract.stat().st_size / 1e6:.1f} MB)",
                took_s,
                peak_mb,
                wanted,
            )
        count = 100_000 if quick else 1_000_000
        table = Path(folder) / "shops.csv"
        _write_csv(table, count)
        store = Path(folder) / "table.sqlite3"
        for name in ("import shops", "the same again"):
            took_s, peak_mb = _import(store, "shops", table)
            wanted = None if quick else (120, 600)
            _add(
                report,
                f"{name}: CSV of {count:,} rows ({table.stat().st_size / 1e6:.0f} MB)",
                took_s,
                peak_mb,
                wanted,
                count,
            )


def _add(
    report: Report,
    name: str,
    took_s: float,
    peak_mb: float,
    wanted: tuple[float, float] | None,
    rows: int | None = None,
) -> None:
    target = f"<= {wanted[0]} s, <= {wanted[1]} MB" if wanted else ""
    met = took_s <= wanted[0] and peak_mb <= wanted[1] if wanted else None
    rate = rows / took_s if rows else None
    report.add(Case(name, rate=rate, value=f"{took_s:.1f} s, peak {peak_mb:.0f} MB", target=target, met=met))


# Not ru_maxrss, which a child inherits from the process that started it.
_COMMAND = """
import sys
from pathlib import Path
from geo_offers.cli import app
try:
    app(sys.argv[1:])
finally:
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(peak.split()[1])
"""


def _import(store: Path, what: str, file: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of one run of the command."""
    environment = {**os.environ, "GEO_OFFERS_DATABASE_URL": f"sqlite:///{store}"}
    command = [sys.executable, "-c", _COMMAND, "import", what, str(file)]
    started = time.perf_counter()
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - started, int(ended.stdout.split()[-1]) / 1024


def _write_csv(path: Path, count: int) -> None:
    town = city(count)
    leaves = ("cafe", "restaurant", "bakery", "pharmacy", "supermarket", "clothes", "books")
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "category", "lng", "lat", "address", "opening_hours", "brand"])
        for i, (lng, lat) in enumerate(zip(town.lngs.tolist(), town.lats.tolist(), strict=True)):
            kind = leaves[int(town.leaves[i]) % len(leaves)]
            brand = f"Brand {i % 97}" if i % 5 == 0 else ""
            rows.writerow(
                [i, f"店铺 {kind} {i}", kind, lng, lat, f"Street {i % 4_001} {i % 97}", _HOURS[i % 5], brand]
            )
