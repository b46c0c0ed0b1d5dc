"""Reads a file the way the command line does, for tests of the readers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from geo_offers.domain.place import Shop
from geodata.files import default_options, format_of, open_shops
from geodata.report import ReadReport


def read(path: Path, **changes: Any) -> tuple[list[Shop], ReadReport]:
    """All shops of the file and what was counted; `changes` are fields of ReadOptions."""
    report = ReadReport()
    options = replace(default_options(path, format_of(path)), **changes)
    return list(open_shops(path, report, options)), report


def by_source(shops: list[Shop]) -> dict[str, Shop]:
    """The shops by their id at the source."""
    return {shop.source.id: shop for shop in shops}
