"""The exact distance, where it must decide: geodesics on the WGS 84 ellipsoid (Karney, 2013), by PROJ."""

from __future__ import annotations

import numpy as np
import pyproj
from numpy.typing import NDArray

from geo_offers.domain.place import LngLat

_WGS84 = pyproj.Geod(ellps="WGS84")


def geodesic_m(a: LngLat, b: LngLat) -> float:
    """The geodesic distance between two points, metres; 0.8 microseconds."""
    return float(_WGS84.inv(a.lng, a.lat, b.lng, b.lat)[2])


def geodesics_m(a: LngLat, lngs: NDArray[np.float64], lats: NDArray[np.float64]) -> NDArray[np.float64]:
    """The geodesic distances from one point to n, float64[n], metres."""
    n = len(lngs)
    return np.asarray(_WGS84.inv(np.full(n, a.lng), np.full(n, a.lat), lngs, lats)[2], dtype=np.float64)


def towards(a: LngLat, b: LngLat, metres: float) -> LngLat:
    """The point so far from a on the geodesic to b and beyond."""
    azimuth, _, _ = _WGS84.inv(a.lng, a.lat, b.lng, b.lat)
    lng, lat, _ = _WGS84.fwd(a.lng, a.lat, azimuth, metres)
    return LngLat(float(lng), float(lat))
