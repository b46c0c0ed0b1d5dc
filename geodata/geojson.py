"""GeoJSON files become shops, feature by feature.

Properties may be ours (name, category, address, opening_hours, brand) or OSM tags, as a mapping or as
key and value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from geo_offers.domain.place import Shop
from geodata.category_words import CategoryWords
from geodata.geojson_document import FeatureText, decoded, features_in, id_of_feature
from geodata.geojson_shapes import Feature, Geometry, check_bbox, place_of_feature
from geodata.osm_tags import language_tag, shop_of_tags
from geodata.report import ReadReport
from geodata.rows import ReadOptions, Skip, sift

BROKEN_OUTLINE = "broken outline"
_feature = msgspec.json.Decoder(Feature)
_geometry = msgspec.json.Decoder(Geometry)


def read_geojson(path: Path, report: ReadReport, options: ReadOptions) -> Iterator[Shop]:
    """The shops of a GeoJSON file.

    Raises FileFault, with a JSON Pointer or a line, for what is not RFC 7946, for another `crs` than WGS 84
    and, unless options.skip_bad_rows, for the first feature that is not sound.
    """
    features = features_in(path, what="shop", check_bare=_check_bare)
    shop_of = _Features(options, report)
    return sift(features, shop_of, report, file=path.name, skip_bad_rows=options.skip_bad_rows)


class _Features:
    """From the bytes of one feature to a shop."""

    def __init__(self, options: ReadOptions, report: ReadReport) -> None:
        self._options = options
        self._report = report
        self._words = CategoryWords(options.category_words)

    def __call__(self, text: FeatureText) -> Shop | Skip:
        feature = decoded(_feature.decode, text)
        place = place_of_feature(feature, self._options.crs)
        properties = feature.properties or {}
        if isinstance(place, Skip):
            return place
        tags = tags_of(properties)
        tags |= {name: tags[told] for name, told in self._options.columns.items() if told in tags}
        shop = shop_of_tags(
            tags,
            category=self._category(tags),
            at=place.at,
            source_id=id_of_feature(feature.id, properties),
            options=self._options,
        )
        if place.broken and isinstance(shop, Shop):
            self._report.noted[BROKEN_OUTLINE] += 1
        return shop

    def _category(self, tags: dict[str, str]) -> str | None:
        word = tags.get("category")
        found = self._words.leaf_of(word) if word else None
        return found or self._words.leaf_of_tags(tags) or self._options.category


def tags_of(properties: dict[str, Any]) -> dict[str, str]:
    """All scalar properties as OSM-like tags; `tags`, `names`, `key` and `value`, `address` are unfolded."""
    tags = {key: str(value) for key, value in properties.items() if isinstance(value, str | int | float)}
    unfolded = properties.get("tags")
    if isinstance(unfolded, dict):
        tags |= {str(key): str(value) for key, value in unfolded.items() if value is not None}
    names = properties.get("names")
    if isinstance(names, dict):
        tags |= {f"name:{key}": str(value) for key, value in names.items() if value is not None}
    if "key" in tags and "value" in tags:
        tags.setdefault(tags["key"], tags["value"])
    if "address" in tags:
        tags.setdefault("addr:full", tags["address"])
    for key in [key for key in tags if key.startswith("name_")]:
        language = language_tag(key[5:].replace("_", "-"))
        if language is not None:
            tags.setdefault(f"name:{language}", tags[key])
    return tags


def _check_bare(text: bytes) -> None:
    check_bbox(decoded(_geometry.decode, text).bbox, "/bbox")
