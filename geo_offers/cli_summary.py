"""What an import shows: a bar while it runs, numbers when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from geo_offers.stores.ports import ImportCounts
from geodata.districts import DistrictReport, Repair
from geodata.promotions import PromotionReport
from geodata.report import ReadReport

if TYPE_CHECKING:
    from geo_offers.districts.discovered import DiscoveredDistrict

NOTICEABLE_M2 = 10


def printable(text: str) -> str:
    """The text as a terminal may have it: what would steer it, or turn the writing round, is escaped."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


@contextmanager
def progress(what: str, *, unit: str = "shops") -> Iterator[Callable[[int], None]]:
    """Where the store says how many rows it took; shown on stderr if that is a terminal."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}  {task.completed:,.0f} {task.fields[unit]}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(what, total=None, unit=unit)
        yield lambda rows: bar.update(task, completed=rows)


def print_report(report: ReadReport) -> None:
    """What a reading of shops kept and why it left the rest."""
    _print_numbers(
        "rows", {"read": report.read, "kept": report.kept.total(), "skipped": report.skipped.total()}
    )
    for title, numbers in (
        ("kept by category", report.kept),
        ("skipped by reason", report.skipped),
        ("noted", report.noted),
    ):
        if numbers:
            _print_numbers(title, dict(numbers.most_common()))


def print_districts(report: DistrictReport) -> None:
    """What a reading of districts repaired and which of them overlap."""
    noticeable = sum(pair.area_m2 >= NOTICEABLE_M2 for pair in report.overlaps)
    _print_numbers(
        "districts",
        {
            "read": report.read,
            "repaired": len(report.repaired),
            "inside of another": report.with_parent,
            "overlapping pairs": len(report.overlaps),
            f"of these by {NOTICEABLE_M2} m² or more": noticeable,
        },
    )
    if report.repaired:
        _print_lines("repaired", [_described(repair) for repair in report.repaired])
    if report.overlaps:
        pairs = [f"{pair.one} | {pair.other}: {_area(pair.area_m2)}" for pair in report.overlaps]
        _print_lines("overlapping pairs", pairs)


def print_discovered(districts: Sequence[DiscoveredDistrict], shops: int) -> None:
    """Which districts were found: quarters with their streets below them."""
    quarters = sum(district.level == "quarter" for district in districts)
    inside = sum(len(district.shop_ids) for district in districts if district.level == "quarter")
    _print_numbers(
        "discovered",
        {
            "quarters": quarters,
            "streets": len(districts) - quarters,
            "shops": shops,
            "shops in quarters": inside,
        },
    )
    indent = {"quarter": "", "street": "  "}
    _print_lines(
        "names",
        [
            f"{indent[one.level]}{one.name}: {one.rank}, {len(one.shop_ids):,} shops, "
            f"{', '.join(share.group for share in one.primary) or 'a bit of everything'}"
            for one in districts
        ],
    )


def print_promotions(report: PromotionReport) -> None:
    """What a reading of promotions saw, by kind of fence and by status."""
    _print_numbers("promotions", {"read": report.read})
    _print_numbers("by fence", dict(report.by_fence.most_common()))
    _print_numbers("by status", dict(report.by_status.most_common()))


def _described(repair: Repair) -> str:
    place = "" if repair.at is None else f" at lng {repair.at.lng:.7f}, lat {repair.at.lat:.7f}"
    return f"{repair.name}{place}: {repair.reason}"


def _area(area_m2: float) -> str:
    return f"{area_m2:,.1f} m²" if area_m2 >= 0.1 else "less than 0.1 m²"


def _print_lines(title: str, lines: list[str]) -> None:
    typer.echo("\n".join([title, *(f"  {line}" for line in lines), ""]))


def print_counts(by_what: dict[str, ImportCounts]) -> None:
    """What imports did to the store, by what they brought."""
    for what, counts in by_what.items():
        numbers = {
            "added": counts.added,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "retired": counts.retired,
        }
        _print_numbers(what, numbers)


def _print_numbers(title: str, numbers: dict[str, int]) -> None:
    # Text, because names of files and categories are not markup.
    table = Table(Column(Text(title)), Column(justify="right"), box=None, pad_edge=False, min_width=40)
    for name, number in numbers.items():
        table.add_row(Text(f"  {name}"), f"{number:,}")
    console = Console(soft_wrap=True)
    console.print(table)
    console.print()
