"""What a planned town is made of: streets and areas in metres, before they have names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geodata.town.plane import Line, Ring

StreetKind = Literal["ring", "avenue", "street", "pedestrian", "lane", "railway"]
HALF_WIDTH_M: dict[StreetKind, float] = {
    "ring": 14.0,
    "avenue": 12.0,
    "street": 8.0,
    "pedestrian": 5.0,
    "lane": 4.0,
    "railway": 9.0,
}


@dataclass(frozen=True, slots=True)
class PlannedStreet:
    """A street; `known_as` is set on those that every town has."""

    kind: StreetKind
    line: Line
    known_as: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedArea:
    """A district, square, pond, park or building by key; what is in a hole does not belong to it."""

    key: str
    ring: Ring
    holes: tuple[Ring, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole map in metres. A nested district comes after its parent."""

    streets: tuple[PlannedStreet, ...]
    districts: tuple[PlannedArea, ...]
    squares: tuple[PlannedArea, ...]
    water: tuple[PlannedArea, ...]
    green: tuple[PlannedArea, ...]
    buildings: tuple[PlannedArea, ...]
