"""Shops for tests of discovery: round heaps and lines of them anywhere on the Earth."""

from __future__ import annotations

import numpy as np

from geo_offers.domain.place import LngLat, Shop
from tests.builders import a_shop

_M_PER_DEGREE = 111_195.0


def shops_at(at: np.ndarray, *, first: int = 0, **over: object) -> list[Shop]:
    """A shop at each (lng, lat); longitudes may pass 180."""
    return [
        a_shop(
            f"node/{first + number}",
            **{"name": f"Shop {first + number}", "names": {}, "address": None, "brand": None} | over,
            at=LngLat((lng + 180) % 360 - 180, lat),
        )
        for number, (lng, lat) in enumerate(at.tolist())
    ]


def a_heap(
    lng: float, lat: float, *, count: int = 60, spread_m: float = 80.0, seed: int = 1, **over: object
) -> list[Shop]:
    """Shops around a point, normally distributed."""
    metres = np.random.default_rng(seed).normal(0, spread_m, (count, 2))
    return shops_at(_around(lng, lat, metres), **over)


def a_line(lng: float, lat: float, *, count: int = 60, length_m: float = 600.0, **over: object) -> list[Shop]:
    """Shops along a line to the east."""
    metres = np.column_stack([np.linspace(-length_m / 2, length_m / 2, count), np.zeros(count)])
    return shops_at(_around(lng, lat, metres), **over)


def _around(lng: float, lat: float, metres: np.ndarray) -> np.ndarray:
    lats = lat + metres[:, 1] / _M_PER_DEGREE
    return np.column_stack([lng + metres[:, 0] / (_M_PER_DEGREE * np.cos(np.radians(lats))), lats])
