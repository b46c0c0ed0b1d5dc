"""What must be true of every discovery, checked as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from geo_offers.districts.boundaries import polygonal
from geo_offers.districts.discovered import DiscoveredDistrict
from geo_offers.domain.place import Shop
from geo_offers.index.cells import cells_at, outline_of

_ROUNDING = 1e-13  # square degrees: a thousandth of a square millimetre


def assert_sound(shops: Sequence[Shop], found: Sequence[DiscoveredDistrict]) -> None:
    assert_covers_its_shops_and_no_others(shops, found)
    by_id = {district.id: district for district in found}
    assert len(by_id) == len(found)
    assert len({district.name for district in found}) == len(found)
    for district in found:
        assert district.shape.is_valid
        assert not district.shape.is_empty
        west, south, east, north = district.shape.bounds
        assert west >= -180
        assert east <= 180
        assert south >= -90
        assert north <= 90
        if district.level == "street":
            parent = by_id[district.parent_id or ""]
            assert parent.level == "quarter"
            assert set(district.shop_ids) < set(parent.shop_ids)
            assert district.shape.difference(parent.shape).area <= _ROUNDING
        else:
            assert district.parent_id is None
    for level in ("quarter", "street"):
        assert_no_overlap([district for district in found if district.level == level])


def assert_covers_its_shops_and_no_others(shops: Sequence[Shop], found: Sequence[DiscoveredDistrict]) -> None:
    at = np.array([(shop.at.lng, shop.at.lat) for shop in shops]).reshape(-1, 2)
    ids = np.array([shop.id for shop in shops], object)
    for district in found:
        inside = shapely.intersects_xy(district.shape, at)
        assert set(ids[inside]) == set(district.shop_ids)


def assert_whole_cells(shops: Sequence[Shop], found: Sequence[DiscoveredDistrict]) -> None:
    """No cell of a member's is cut; away from the antimeridian only."""
    at = {shop.id: shop.at for shop in shops}
    for district in found:
        lngs, lats = np.array([(at[shop].lng, at[shop].lat) for shop in district.shop_ids]).T
        for cell in np.unique(cells_at(lngs, lats, district.parameters.resolution)).tolist():
            outline = shapely.Polygon(outline_of(cell))
            assert polygonal(outline.difference(district.shape)).area <= _ROUNDING


def assert_no_overlap(districts: Sequence[DiscoveredDistrict]) -> None:
    shapes = np.array([district.shape for district in districts], object)
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T if len(shapes) else []
    for one, other in pairs:
        if one < other:
            assert shapely.intersection(shapes[one], shapes[other]).area <= _ROUNDING
