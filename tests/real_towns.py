"""Real shops for tests, read once a session."""

from __future__ import annotations

import gzip
import json
from functools import cache

import numpy as np

from geo_offers.domain.place import Shop
from geodata.osm import read_osm
from geodata.report import ReadReport
from tests.shared_data import shared


@cache
def helsinki_shops() -> tuple[Shop, ...]:
    return tuple(read_osm(shared("osm/helsinki_centre.osm.pbf"), ReadReport()))


@cache
def tokyo_places() -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of Tokyo's points."""
    with gzip.open(shared("poi/tokyo_osm_poi_2014.geojson.gz"), "rt", encoding="utf-8") as lines:
        features = json.load(lines)["features"]
    at = np.array([feature["geometry"]["coordinates"] for feature in features], np.float64)
    return at[:, 0].copy(), at[:, 1].copy()
