"""Promotions as files that `promotions.py` reads again: one document a line, or GeoJSON with the fences drawn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from geo_offers.domain.errors import FileFault
from geo_offers.domain.promotion import Merchant, Promotion
from geo_offers.domain.promotion_document import document_of
from geodata.exports import require_room

_encode = msgspec.json.Encoder().encode


class PromotionFormat(StrEnum):
    """What an export of promotions can be."""

    NDJSON = "ndjson"
    GEOJSON = "geojson"


_BY_ENDING = {
    ".ndjson": PromotionFormat.NDJSON,
    ".jsonl": PromotionFormat.NDJSON,
    ".geojson": PromotionFormat.GEOJSON,
    ".json": PromotionFormat.GEOJSON,
}


def promotion_format_of(path: Path) -> PromotionFormat:
    """The format by the file's ending; raises FileFault for another ending."""
    file_format = _BY_ENDING.get(path.suffix.lower())
    if file_format is None:
        raise FileFault(f"{path.name} says no format; known are {', '.join(_BY_ENDING)}")
    return file_format


def write_promotions(
    promotions: Iterable[Promotion],
    merchants: Mapping[str, Merchant],
    path: Path,
    file_format: PromotionFormat,
    *,
    overwrite: bool = False,
) -> None:
    """Write promotions to a file: all of it or, on any failure, nothing. Raises as require_room does.

    merchants  by id; those of all promotions
    """
    require_room(path, overwrite=overwrite)
    rows = (_row_of(promotion, merchants[promotion.merchant_id]) for promotion in promotions)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            beside = Path(folder) / path.name
            with beside.open("wb") as file:
                _write(rows, file, file_format)
            require_room(path, overwrite=overwrite)
            beside.replace(path)
    except OSError as fault:
        raise FileFault(f"{path} cannot be written: {fault.strerror or fault}") from fault


def _row_of(promotion: Promotion, merchant: Merchant) -> dict[str, Any]:
    named = {"id": merchant.id, "name": merchant.name}
    return {"id": promotion.id, "merchant": named, **document_of(promotion)}


def _write(rows: Iterable[dict[str, Any]], file: BinaryIO, file_format: PromotionFormat) -> None:
    if file_format is PromotionFormat.NDJSON:
        file.writelines(_encode(row) + b"\n" for row in rows)
        return
    file.write(b'{"type":"FeatureCollection","features":[')
    for number, row in enumerate(rows):
        file.write(b",\n" if number else b"\n")
        file.write(_encode(_feature_of(row)))
    file.write(b"\n]}\n")


def _feature_of(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a feature: a circle is its centre and the property radius_m; a fence without a place has no geometry."""
    properties = dict(row)
    fence = row["fence"]
    geometry = None
    if fence["type"] == "circle":
        del properties["fence"]
        properties["radius_m"] = fence["radius_m"]
        geometry = {"type": "Point", "coordinates": fence["center"]}
    elif fence["type"] == "polygon":
        del properties["fence"]
        geometry = fence["geometry"]
    return {"type": "Feature", "id": row["id"], "properties": properties, "geometry": geometry}
