"""The table of one measurement, and the same as JSON."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

_PACKAGES = ("numpy", "numba", "h3", "shapely", "scipy", "pyproj", "sqlalchemy", "fastapi", "uvicorn")


@dataclass
class Case:
    """One measured thing; times in microseconds."""

    name: str
    median_us: float | None = None
    p99_us: float | None = None
    rate: float | None = None
    value: str = ""
    target: str = ""
    met: bool | None = None
    ratio: str = ""


@dataclass
class Report:
    name: str
    quick: bool
    data: list[str] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Say what was measured on."""
        self.data.append(line)

    def add(self, case: Case) -> Case:
        self.cases.append(case)
        return case

    def print(self) -> None:
        console = Console(width=150)
        console.print(
            f"[bold]{self.name}[/bold] on {_machine()}{' (quick: not to be quoted)' if self.quick else ''}"
        )
        for line in self.data:
            console.print(f"  {line}")
        table = Table("case", "median µs", "p99 µs", "rate /s", "value", "target", "met", "ratio")
        for case in self.cases:
            met = {None: "", True: "yes", False: "NO"}[case.met]
            numbers = (_number(case.median_us), _number(case.p99_us), _number(case.rate))
            table.add_row(case.name, *numbers, case.value, case.target, met, case.ratio)
        console.print(table)

    def as_json(self) -> str:
        document: dict[str, Any] = {
            "bench": self.name,
            "quick": self.quick,
            "machine": _machine(),
            "versions": {name: version(name) for name in _PACKAGES},
            "data": self.data,
            "cases": [asdict(case) for case in self.cases],
        }
        return json.dumps(document, indent=1)


def singles(ask: Callable[[int], object], count: int) -> tuple[float, float]:
    """Median and 99th percentile of `ask(0)`, `ask(1)`, … in microseconds, one by one."""
    took = np.empty(count)
    for i in range(count):
        started = time.perf_counter_ns()
        ask(i)
        took[i] = time.perf_counter_ns() - started
    return float(np.median(took)) / 1e3, float(np.percentile(took, 99)) / 1e3


def seconds(act: Callable[[], object], repeats: int = 1) -> float:
    """The best of some runs."""
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        act()
        best = min(best, time.perf_counter() - started)
    return best


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.1f}" if value < 1_000 else f"{value:,.0f}"


def _machine() -> str:
    model = next(
        (line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")),
        platform.machine(),
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
