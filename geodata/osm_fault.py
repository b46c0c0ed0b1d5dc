"""What osmium finds wrong with a file, in one sentence that says where or how far."""

from __future__ import annotations

import re
from pathlib import Path

from geo_offers.domain.errors import FileFault

_XML_LINE = re.compile(r"at line (\d+)")
_HEAD = 64


def osm_fault(path: Path, fault: Exception) -> FileFault:
    """The error for a file that osmium does not read; it tells a line of XML, and of other formats nothing."""
    line = _XML_LINE.search(str(fault))
    if line:
        return FileFault(f"{path.name} is not sound OSM data: {fault}", place=f"line {line[1]}")
    size = path.stat().st_size
    if path.name.lower().endswith(".pbf") and not _begins_as_pbf(path):
        return FileFault(f"{path.name} is no PBF file: its {size:,} bytes do not begin with an OSMHeader")
    if "unexpected EOF" in str(fault):
        return FileFault(
            f"{path.name} is cut off in the middle of a block; fetch the whole file again",
            place=f"after all of its {size:,} bytes",
        )
    return FileFault(f"{path.name} is not sound OSM data: {fault}", place=f"within its {size:,} bytes")


def _begins_as_pbf(path: Path) -> bool:
    with path.open("rb") as file:
        return b"OSMHeader" in file.read(_HEAD)
