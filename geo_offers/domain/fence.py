"""Where a promotion is live: the four kinds of fence. A fence that exists is valid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import shapely

from geo_offers.domain.errors import FenceInvalid, FenceTooLarge
from geo_offers.domain.place import LngLat
from geo_offers.domain.polygon import Polygonal, area_m2, checked_polygon

LEAST_RADIUS_M = 1.0
GREATEST_RADIUS_M = 50_000.0
MOST_VERTICES = 10_000
GREATEST_AREA_M2 = 10_000e6
#: No meridian from a pole is shorter than this a degree, metres.
_METRES_A_DEGREE = 110_574.0


@dataclass(frozen=True, slots=True)
class CircleFence:
    """All places within a geodesic radius; the rim is inside. Raises FenceInvalid."""

    center: LngLat
    radius_m: float

    def __post_init__(self) -> None:
        _check_radius(self.radius_m)
        if (90 - abs(self.center.lat)) * _METRES_A_DEGREE <= self.radius_m:
            raise FenceInvalid("a circle that reaches a pole is not served", pointer="/fence/center")


@dataclass(frozen=True, slots=True)
class PolygonFence:
    """All places in a Polygon or MultiPolygon; borders are inside, holes are not.

    geometry  as `checked_polygon` gives it: valid, split at the antimeridian
    Raises PolygonInvalid, FenceTooLarge.
    """

    geometry: Polygonal

    def __post_init__(self) -> None:
        vertices = int(shapely.get_num_coordinates(self.geometry))
        if vertices > MOST_VERTICES:
            raise FenceTooLarge(
                f"a fence has at most {MOST_VERTICES:,} corners, this has {vertices:,}",
                pointer="/fence/geometry",
            )
        object.__setattr__(self, "geometry", checked_polygon(self.geometry))
        area = area_m2(self.geometry)
        if area > GREATEST_AREA_M2:
            raise FenceTooLarge(
                f"a fence covers at most {GREATEST_AREA_M2 / 1e6:,.0f} km², this covers {area / 1e6:,.0f}; "
                "name a district instead",
                pointer="/fence/geometry",
            )


@dataclass(frozen=True, slots=True)
class DistrictFence:
    """All places in a district, whatever its polygon is at the time."""

    district_id: str


@dataclass(frozen=True, slots=True)
class AroundShopsFence:
    """All places within a geodesic radius of any of the promotion's shops. Raises FenceInvalid."""

    radius_m: float

    def __post_init__(self) -> None:
        _check_radius(self.radius_m)


Fence = CircleFence | PolygonFence | DistrictFence | AroundShopsFence


def _check_radius(radius_m: float) -> None:
    if not (math.isfinite(radius_m) and LEAST_RADIUS_M <= radius_m <= GREATEST_RADIUS_M):
        raise FenceInvalid(
            f"a radius is from {LEAST_RADIUS_M:,.0f} to {GREATEST_RADIUS_M:,.0f} m, not {radius_m}",
            pointer="/fence/radius_m",
        )
