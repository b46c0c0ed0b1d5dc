"""The obvious answers: every shop, no index; made to be read, and compared with what is fast."""

from __future__ import annotations

import numpy as np
import pyproj
from numpy.typing import NDArray

_WGS84 = pyproj.Geod(ellps="WGS84")
#: A sphere of this radius is never off the ellipsoid by more than 0.6 %; twice that is beyond doubt.
_SPHERE_M = 6_371_008.8
_SPHERE_DOUBT = 0.012


def geodesics_m(
    lng: float, lat: float, lngs: NDArray[np.float64], lats: NDArray[np.float64]
) -> NDArray[np.float64]:
    n = len(lngs)
    return np.asarray(_WGS84.inv(np.full(n, lng), np.full(n, lat), lngs, lats)[2])


def haversines_m(
    lng: float, lat: float, lngs: NDArray[np.float64], lats: NDArray[np.float64]
) -> NDArray[np.float64]:
    north, east = np.radians(lats - lat) / 2, np.radians(lngs - lng) / 2
    a = np.sin(north) ** 2 + np.cos(np.radians(lat)) * np.cos(np.radians(lats)) * np.sin(east) ** 2
    return 2 * _SPHERE_M * np.arcsin(np.sqrt(np.minimum(1.0, a)))


def nearest(
    lng: float,
    lat: float,
    lngs: NDArray[np.float64],
    lats: NDArray[np.float64],
    ids: NDArray[np.str_],
    k: int,
    radius_m: float,
    counts: NDArray[np.bool_] | None = None,
    *,
    sphere_first: bool = True,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The k nearest rows by geodesic, then id, of those that count; and their distances.

    `sphere_first` leaves out rows that a sphere proves to be too far, which only saves time.
    """
    rows = np.arange(len(lngs)) if counts is None else np.flatnonzero(counts)
    if sphere_first and len(rows):
        rough = haversines_m(lng, lat, lngs[rows], lats[rows])
        reach = np.partition(rough, min(k, len(rows)) - 1)[min(k, len(rows)) - 1] * (1 + 2 * _SPHERE_DOUBT)
        rows = rows[rough <= min(reach, radius_m * (1 + _SPHERE_DOUBT)) + 1e-3]
    distances = geodesics_m(lng, lat, lngs[rows], lats[rows])
    rows, distances = rows[distances <= radius_m], distances[distances <= radius_m]
    order = np.lexsort((ids[rows], distances))[:k]
    return rows[order], distances[order]
