"""Merchant districts of a city, found from its shops alone.

The outline follows Macdonald, Dolega and Singleton, An open source delineation and hierarchical classification of
UK retail agglomerations, Scientific Data 9, 2022: shops on H3 cells of resolution 11, connected tracts of cells,
pruning by number of shops, filled holes, a hierarchy by size relative to the surroundings. Ours differs so:

- Density is a kernel in metres around each shop, not the count of cells within so many steps.
- What is dense follows from the city's own stray shops (density.dense_from). Pavlis, Dolega and Singleton, A modified
  DBSCAN clustering method to estimate retail center extent, Geographical Analysis 50, 2018, adapt to the city too,
  by a radius from distances to nearest neighbours.
- Tracts that touch are parted at the saddles of the density, by persistence (regions.hills); theirs stay whole.
- A second level: dense cores and lines inside a quarter.
- Boundaries are smoothed, yet whole around the cell of every shop inside and clear of every shop outside.
- Names, and ids that stay. No land use, no streets, no footprints of buildings are needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.districts.boundaries import boundaries, meridian_amid, polygonal, split_at_antimeridian
from geo_offers.districts.character import kinds, primary_groups, rank_of, weight_of
from geo_offers.districts.density import Points
from geo_offers.districts.discovered import DiscoveredDistrict, Level, Measures
from geo_offers.districts.hierarchy import Patch, quarters, streets
from geo_offers.districts.identity import Identity, identify
from geo_offers.districts.naming import Nameless, Naming
from geo_offers.districts.parameters import Parameters
from geo_offers.districts.regions import groups, pieces
from geo_offers.domain.named_place import NamedPlace
from geo_offers.domain.place import District, Shop
from geo_offers.index.cells import average_area_m2, coarser, neighbours_of
from geo_offers.index.polygons import Polygonal
from geo_offers.kernels.distance import ecef

#: Shops in cells of this resolution that touch (about 17 km from centre to centre) are of one city.
_CITY_RESOLUTION = 5
_DEFAULTS = Parameters()


@dataclass(frozen=True, slots=True)
class _Found:
    """A district before it has an id and a name."""

    level: Level
    patch: Patch
    shape: Polygonal
    core: tuple[float, float]
    core_at: NDArray[np.float64]
    parent: int | None


@dataclass(frozen=True, slots=True)
class _City:
    """The shops of one city in the order of their ids, and where they are."""

    shops: tuple[Shop, ...]
    lngs: NDArray[np.float64]
    lats: NDArray[np.float64]
    points: Points


def discover(
    shops: Sequence[Shop],
    *,
    places: Sequence[NamedPlace] = (),
    parameters: Parameters = _DEFAULTS,
    previous: Sequence[District] = (),
) -> list[DiscoveredDistrict]:
    """The merchant districts that the shops form, city by city: quarters, the most shops first, each before its streets.

    places    what districts may be called after, beside the shops' addresses and names
    previous  districts of an earlier discovery: one that is still there keeps its id, and its name if that still fits

    The same shops in any order give the same districts. Every shape is valid, holds all of its members and no other
    shop; quarters do not overlap, nor do streets, and a street lies in its quarter. Names are unique in a city,
    ids everywhere. 9,256 points of Tokyo take 2.5 s.
    """
    cities = list(_cities(shops, parameters))
    found = [_find(city, parameters) for city in cities]
    every = [district for districts in found for district in districts]
    identities = identify(
        [district.shape for district in every],
        [district.level for district in every],
        [district.core for district in every],
        previous,
    )
    result: list[DiscoveredDistrict] = []
    start = 0
    for city, districts in zip(cities, found, strict=True):
        result += _described(city, districts, identities[start : start + len(districts)], places, parameters)
        start += len(districts)
    return result


def _cities(shops: Sequence[Shop], parameters: Parameters) -> Iterator[_City]:
    """The shops parted into cities, the largest first."""
    ordered = sorted(shops, key=lambda shop: shop.id)
    lngs = np.array([shop.at.lng for shop in ordered], np.float64)
    lats = np.array([shop.at.lat for shop in ordered], np.float64)
    points = Points.of(lngs, lats, parameters.resolution)
    cells, cell_of_shop = np.unique(coarser(points.cells, _CITY_RESOLUTION), return_inverse=True)
    beside = neighbours_of(cells)
    rows = np.searchsorted(cells, beside)
    rows[~np.isin(beside, cells)] = -1
    parts = dict(groups(pieces(rows, np.zeros(len(cells), np.int64))[cell_of_shop])) if len(cells) else {}
    for numbers in sorted(parts.values(), key=lambda numbers: (-len(numbers), int(numbers[0]))):
        yield _City(
            tuple(ordered[number] for number in numbers.tolist()),
            lngs[numbers],
            lats[numbers],
            Points(points.cells[numbers], points.at[numbers]),
        )


def _find(city: _City, parameters: Parameters) -> list[_Found]:
    """The quarters of a city, each followed by its streets."""
    outer = quarters(city.points, parameters)
    inner = [
        (number, street)
        for number, quarter in enumerate(outer)
        for street in streets(quarter, city.points, parameters)
    ]
    outer_shapes = _shapes(outer, city)
    inner_shapes = _shapes([street for _, street in inner], city)
    found: list[_Found] = []
    for number, quarter in enumerate(outer):
        parent = len(found)
        found.append(_found("quarter", quarter, outer_shapes[number], city, None))
        for (own, street), shape in zip(inner, inner_shapes, strict=True):
            if own == number:
                within = polygonal(shapely.intersection(shape, outer_shapes[number]))
                found.append(_found("street", street, within, city, parent))
    return found


def _shapes(patches: Sequence[Patch], city: _City) -> list[Polygonal]:
    return boundaries(
        [patch.cells for patch in patches],
        [patch.members for patch in patches],
        shop_cells=city.points.cells,
        lngs=city.lngs,
        lats=city.lats,
    )


def _found(level: Level, patch: Patch, shape: Polygonal, city: _City, parent: int | None) -> _Found:
    _, one_a_cell = np.unique(city.points.cells[patch.members], return_index=True)
    spread = patch.members[one_a_cell]
    meridian = meridian_amid(city.lngs[spread])
    lng = meridian + float(((city.lngs[spread] - meridian + 180) % 360 - 180).mean())
    core = ((lng + 180) % 360 - 180, float(city.lats[spread].mean()))
    core_at = ecef(np.array([core[0]]), np.array([core[1]]))[0]
    return _Found(level, patch, split_at_antimeridian(shape), core, core_at, parent)


def _described(
    city: _City,
    found: Sequence[_Found],
    identities: Sequence[Identity],
    places: Sequence[NamedPlace],
    parameters: Parameters,
) -> Iterator[DiscoveredDistrict]:
    if not found:
        return
    names = Naming(city.shops, city.points.at, places).name_all(
        [
            Nameless(
                district.level,
                district.patch.members,
                district.core_at,
                identity.previous_name,
                district.parent,
            )
            for district, identity in zip(found, identities, strict=True)
        ]
    )
    categories = [shop.category for shop in city.shops]
    own = [[categories[member] for member in district.patch.members.tolist()] for district in found]
    diversity = [kinds(some) for some in own]
    heaviest = max(weight_of(len(some), diverse) for some, diverse in zip(own, diversity, strict=True))
    for number, district in enumerate(found):
        members = [city.shops[member] for member in district.patch.members.tolist()]
        area_ha = len(district.patch.cells) * average_area_m2(parameters.resolution) / 10_000
        yield DiscoveredDistrict(
            id=identities[number].id,
            name=names[number].name,
            names=names[number].names,
            level=district.level,
            rank=rank_of(len(members), diversity[number], heaviest=heaviest),
            shape=district.shape,
            shop_ids=tuple(shop.id for shop in members),
            primary=primary_groups(own[number], categories),
            measures=Measures(
                len(members), round(area_ha, 2), round(len(members) / area_ha, 2), round(diversity[number], 2)
            ),
            parameters=parameters,
            source_id=identities[number].source_id,
            licence=" AND ".join(sorted({shop.source.licence for shop in members})),
            parent_id=None if district.parent is None else identities[district.parent].id,
        )
