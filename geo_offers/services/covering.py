"""The ground that a fence covers: its shape, and the shops, districts and other fences on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.circle_shapes import circle_shape
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, PolygonFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.polygon import Polygonal, area_m2
from geo_offers.domain.promotion import Promotion, PromotionRow
from geo_offers.index.geodesic import geodesics_m
from geo_offers.index.promotions import PromotionIndex, Segment
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.services.indexable import compiled

_CORNERS = 256
#: Of many circles each is drawn with fewer: their union is what counts.
_CORNERS_OF_MANY = 64
_MANY = 50


@dataclass(frozen=True, slots=True)
class DistrictShare:
    """A district, and how much of a fence lies in it, 0 to 1."""

    id: str
    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground of one fence in a snapshot.

    circles  of a circle or around shops; else none
    shape    as polygons; a circle as one of its area
    """

    snapshot: CatalogSnapshot
    alone: PromotionIndex
    circles: Sequence[CircleFence]
    shape: Polygonal

    def shop_slots(self) -> NDArray[np.int64]:
        """The slots of the shops inside, exactly, ascending."""
        shops = self.snapshot.shops
        if not self.circles:
            west, south, east, north = self.shape.bounds
            lngs, lats = shops.lngs, shops.lats
            near = np.flatnonzero((lngs >= west) & (lngs <= east) & (lats >= south) & (lats <= north))
            shapely.prepare(self.shape)
            return near[shapely.intersects_xy(self.shape, lngs[near], lats[near])]
        nearest = self.snapshot.nearest
        inside: set[int] = set()
        for circle in self.circles:
            count = nearest.count_within(circle.center, circle.radius_m)
            if count:
                slots, _ = nearest.nearest(circle.center, count, radius_m=circle.radius_m)
                inside.update(slots.tolist())
        return np.array(sorted(inside), np.int64)

    def district_shares(self) -> list[DistrictShare]:
        """The districts that share ground with the fence, by their share, the greatest first, then by id."""
        if self.shape.is_empty:
            return []
        districts = self.snapshot.districts
        whole_m2 = area_m2(self.shape)
        found = []
        for number in np.flatnonzero(shapely.intersects(districts.shapes, self.shape)).tolist():
            shared_m2 = _area_of(shapely.intersection(districts.shapes[number], self.shape))
            if shared_m2 > 0:
                row = districts.rows[number]
                found.append(DistrictShare(row.id, row.name, min(1.0, shared_m2 / whole_m2)))
        return sorted(found, key=lambda one: (-one.share, one.id))

    def overlapping(self, when: datetime) -> list[str]:
        """The merchants of the promotions that are live at this moment and share a place with the fence, one each."""
        if self.shape.is_empty:
            return []
        owners: list[str] = []
        for segment in self.snapshot.promotions.segments:
            live = (segment.live.at(when).reasons == 0) & segment.live.alive
            slots = self._overlapping_in(segment, live)
            owners += [segment.index.rows[slot].merchant_id for slot in slots]
        return owners

    def _overlapping_in(self, segment: Segment, live: NDArray[np.bool_]) -> list[int]:
        everything = segment.live.everything
        if self.circles:
            # A fence that is as near to a centre as its radius shares the place on the rim.
            found = [everything.around(circle.center, circle.radius_m).slots for circle in self.circles]
            slots = np.unique(np.concatenate(found))
            return [slot for slot in slots.tolist() if live[slot]]
        middle, reach_m = _around(self.shape)
        near = everything.around(middle, reach_m).slots
        return [slot for slot in near.tolist() if live[slot] and self._meets(segment.index, slot)]

    def _meets(self, index: PromotionIndex, slot: int) -> bool:
        """Whether the fence, which is no circle, shares a place with that of another promotion."""
        row = index.rows[slot]
        around = self.snapshot.surroundings
        if row.fence_kind == "circle":
            assert row.fence_lng is not None
            assert row.fence_lat is not None
            return self._within(LngLat(row.fence_lng, row.fence_lat), row)
        if row.fence_kind == "around_shops":
            shops = index.shop_slots[index.shop_starts[slot] : index.shop_starts[slot + 1]].tolist()
            return any(
                self._within(LngLat(float(around.lngs[shop]), float(around.lats[shop])), row)
                for shop in shops
            )
        if row.fence_kind == "district":
            shape = around.shapes.get(row.fence_district_id or "")
            return shape is not None and bool(shapely.intersects(self.shape, shape))
        return bool(shapely.intersects(self.shape, shapely.from_wkb(row.fence_wkb)))

    def _within(self, center: LngLat, row: PromotionRow) -> bool:
        return self.alone.fences.distance_m(0, center) <= (row.fence_radius_m or 0.0)


def ground_of(promotion: Promotion, snapshot: CatalogSnapshot) -> Ground:
    """The ground of a promotion's fence. Raises PromotionInvalid when it cannot be compiled."""
    alone = compiled(promotion, snapshot).segments[0].index
    circles = _circles(promotion, snapshot)
    return Ground(snapshot, alone, circles, _shape(promotion, snapshot, circles))


def _circles(promotion: Promotion, snapshot: CatalogSnapshot) -> list[CircleFence]:
    match promotion.fence:
        case CircleFence():
            return [promotion.fence]
        case AroundShopsFence(radius_m):
            around = snapshot.surroundings
            slots = around.shop_slots(promotion.shop_ids)
            there = slots[slots >= 0].tolist()
            places = [LngLat(float(around.lngs[slot]), float(around.lats[slot])) for slot in there]
            return [CircleFence(place, radius_m) for place in places]
        case PolygonFence() | DistrictFence():
            return []
        case _:
            assert_never(promotion.fence)


def _shape(promotion: Promotion, snapshot: CatalogSnapshot, circles: Sequence[CircleFence]) -> Polygonal:
    match promotion.fence:
        case PolygonFence(geometry):
            return geometry
        case DistrictFence(district_id):
            return snapshot.surroundings.shapes[district_id]
        case CircleFence() | AroundShopsFence():
            corners = _CORNERS if len(circles) < _MANY else _CORNERS_OF_MANY
            drawn = [circle_shape(circle, corners=corners) for circle in circles]
            return drawn[0] if len(drawn) == 1 else _polygonal(shapely.union_all(drawn))
        case _:
            assert_never(promotion.fence)


def _around(shape: Polygonal) -> tuple[LngLat, float]:
    """A place in the middle of a shape, and how far its farthest corner is from there, metres."""
    middle = shapely.point_on_surface(shape)
    at = LngLat(middle.x, middle.y)
    corners = shapely.get_coordinates(shape)
    # An edge that is straight in lng/lat may lie farther out than both of its ends.
    return at, float(geodesics_m(at, corners[:, 0], corners[:, 1]).max()) * 1.05 + 1.0


def _area_of(shape: shapely.Geometry) -> float:
    """The area of the polygons in what an intersection gave."""
    polygonal = _polygonal(shape)
    return 0.0 if polygonal.is_empty else area_m2(polygonal)


def _polygonal(shape: shapely.Geometry) -> Polygonal:
    if isinstance(shape, shapely.Polygon | shapely.MultiPolygon):
        return shape
    parts = shapely.get_parts(shape).tolist()
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon" and not part.is_empty])
