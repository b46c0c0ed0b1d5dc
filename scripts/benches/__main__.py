"""./scripts/bench NAME [--json FILE] [--quick]"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

import scripts.benches
from scripts.benches.report import Report


def names() -> list[str]:
    return sorted(
        module.name
        for module in pkgutil.iter_modules(scripts.benches.__path__)
        if module.name not in {"__main__", "report"} and not module.name.startswith("_")
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="./scripts/bench", description="Measure, beside peers, in one run.")
    parser.add_argument("name", nargs="?", choices=names(), help="what to measure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same numbers as JSON")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, to see that it works")
    given = parser.parse_args()
    if given.name is None:
        print("measure one of:", ", ".join(names()))
        return 2
    bench = importlib.import_module(f"scripts.benches.{given.name}")
    report = Report(given.name, quick=given.quick)
    bench.run(report, quick=given.quick)
    report.print()
    if given.json:
        given.json.write_text(report.as_json())
    return 0


sys.exit(main())
