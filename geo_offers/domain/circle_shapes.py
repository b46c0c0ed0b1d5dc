"""Geodesic circles as areas and as polygons."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import shapely

from geo_offers.domain.fence import CircleFence
from geo_offers.domain.polygon import Polygonal, checked_polygon

_WGS84 = pyproj.Geod(ellps="WGS84")


def circle_area_m2(circle: CircleFence) -> float:
    """The area of all places within a geodesic radius, square metres.

    The series of Bertrand, Diguet and Puiseux (1848) with the Gaussian curvature at the centre: for 50 km it is
    right to 1e-8.
    """
    e2 = _WGS84.es
    w2 = 1 - e2 * math.sin(math.radians(circle.center.lat)) ** 2
    curvature = w2**2 / (_WGS84.a**2 * (1 - e2))
    return math.pi * circle.radius_m**2 * (1 - curvature * circle.radius_m**2 / 12)


def circle_shape(circle: CircleFence, *, corners: int = 256) -> Polygonal:
    """A polygon of as many corners around the centre that has the circle's area; split at the antimeridian."""
    turn = 2 * math.pi / corners
    radius_m = circle.radius_m * math.sqrt(turn / math.sin(turn))
    azimuths = np.arange(corners) * (-360.0 / corners)
    lngs, lats, _ = _WGS84.fwd(
        np.full(corners, circle.center.lng),
        np.full(corners, circle.center.lat),
        azimuths,
        np.full(corners, radius_m),
    )
    ring = np.c_[lngs, lats]
    return checked_polygon(shapely.Polygon(np.vstack([ring, ring[:1]])))
