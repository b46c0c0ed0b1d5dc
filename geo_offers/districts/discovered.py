"""What discovery gives: a district with its level, rank, character and the parameters that found it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import shapely

from geo_offers.districts.parameters import Parameters
from geo_offers.domain.place import District, Source
from geo_offers.index.polygons import Polygonal

PROVIDER = "discovered"
#: What made the district; a change of the method that moves borders is another one.
METHOD = "shop density on H3 cells, after Macdonald, Dolega and Singleton 2022; 1"
Level = Literal["quarter", "street"]
Rank = Literal["regional", "town", "local"]


@dataclass(frozen=True, slots=True)
class CategoryShare:
    """A group of categories in one district: its share of the shops, and that over its share of the city's."""

    group: str
    share: float
    over_city: float


@dataclass(frozen=True, slots=True)
class Measures:
    """A district in numbers.

    kinds     how many equally common categories would be as diverse (the exponential of Shannon's entropy)
    per_ha    shops per hectare of the polygon
    """

    shops: int
    area_ha: float
    per_ha: float
    kinds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredDistrict:
    """A district found from shops.

    shape      valid, split at the antimeridian; holds exactly the members
    shop_ids   of its members, ascending
    source_id  level and core cell, such as "quarter/89112..."; the id follows from it
    licence    of the shops it was found from
    """

    id: str
    name: str
    level: Level
    rank: Rank
    shape: Polygonal
    shop_ids: tuple[str, ...]
    primary: tuple[CategoryShare, ...]
    measures: Measures
    parameters: Parameters
    source_id: str
    licence: str
    names: Mapping[str, str] = field(default_factory=dict)
    parent_id: str | None = None

    def to_district(self) -> District:
        """The district as stores keep it; `facts` holds the rest."""
        return District(
            id=self.id,
            name=self.name,
            kind="discovered",
            wkb=shapely.to_wkb(self.shape, byte_order=1),
            source=Source(PROVIDER, self.source_id, self.licence),
            names=self.names,
            parent_id=self.parent_id,
            facts=self.facts(),
        )

    def facts(self) -> dict[str, Any]:
        """Level, rank, primary categories, measures and parameters, as JSON can hold them."""
        return {
            "level": self.level,
            "rank": self.rank,
            "primary_categories": [share.group for share in self.primary],
            "shares": [asdict(share) for share in self.primary],
            "measures": asdict(self.measures),
            "method": METHOD,
            "parameters": asdict(self.parameters),
        }
