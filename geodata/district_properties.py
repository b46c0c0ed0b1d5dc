"""What the properties of a feature say of a district: its name and names, its id, and what our own export wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.place import DistrictKind
from geodata.category_words import spelled
from geodata.district_features import DistrictFeature
from geodata.geojson import tags_of
from geodata.geojson_document import id_of_feature
from geodata.osm_tags import names_in
from geodata.rows import shown

_NAME_FIELDS = (
    "name", "nom", "nombre", "nome", "naam", "namn", "navn", "nimi", "bezeichnung", "title",
    "名称", "名稱", "商圈名称", "商圈名稱", "商圈", "名前", "名字", "地名", "이름", "명칭",
)  # fmt: skip
_MOST_SHOWN = 12


class OwnRow(msgspec.Struct, frozen=True):
    """What a row of our own export says of itself."""

    id: str
    source_provider: str
    source_id: str
    licence: str
    kind: DistrictKind | None = None
    parent_id: str | None = None
    facts: dict[str, Any] = {}

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> OwnRow | None:
        """The row, or None when these are the properties of something else."""
        try:
            return msgspec.convert({**properties, "facts": _mapping(properties.get("facts"))}, cls)
        except msgspec.ValidationError:
            return None


def name_of(feature: DistrictFeature, name_field: str | None) -> str | None:
    """The name in this field, else in a field of a usual name, else in any language; None when it has none.

    Raises InvalidInput when there is no such field.
    """
    if name_field is not None:
        return _told(feature, name_field)
    by_field = {spelled(key): value for key, value in feature.properties.items()}
    for key in _NAME_FIELDS:
        name = _text(by_field.get(key))
        if name:
            return name
    return next(iter(names_of(feature).values()), None)


def names_of(feature: DistrictFeature) -> dict[str, str]:
    """Names by BCP 47 tag, from name:xx and name_xx in any case, or a mapping `names`."""
    properties = {
        spelled(key) if spelled(key).startswith("name") else key: value
        for key, value in feature.properties.items()
    }
    properties["names"] = _mapping(properties.get("names"))
    return {tag: " ".join(text.split()) for tag, text in names_in(tags_of(properties)).items()}


def id_of(feature: DistrictFeature, id_field: str | None) -> str | None:
    """The id in this field, else the feature's own; None when it has none. Raises as name_of does."""
    if id_field is not None:
        return _told(feature, id_field)
    if feature.id is not None:
        return feature.id
    return id_of_feature(msgspec.UNSET, {spelled(key): value for key, value in feature.properties.items()})


def _told(feature: DistrictFeature, name: str) -> str | None:
    """The text of a field that was named by the user; raises InvalidInput when there is no such field."""
    for key, value in feature.properties.items():
        if spelled(key) == spelled(name):
            return _text(value)
    saw = ", ".join(map(shown, list(feature.properties)[:_MOST_SHOWN])) or "none"
    raise InvalidInput(f"there is no field {shown(name)}; the fields are {saw}")


def _text(value: Any) -> str | None:
    """A value as one line of text; None when it is blank or no text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return " ".join(str(value).split()) or None


def _mapping(value: Any) -> dict[str, Any]:
    """A JSON object, also when it is written as text, as tables have it; else an empty one."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}
