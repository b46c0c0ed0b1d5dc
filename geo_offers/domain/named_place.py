"""Places with a name of their own, which a district may be called after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from geo_offers.domain.place import LngLat

PlaceKind = Literal["neighbourhood", "square", "station", "mall", "market", "pedestrian street", "street"]


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """One named place, or one piece of a named street.

    kind   "neighbourhood" is any named part of a town; "street" one that cars may use
    names  by BCP 47 tag
    at     its middle
    """

    kind: PlaceKind
    name: str
    at: LngLat
    names: Mapping[str, str] = field(default_factory=dict)
