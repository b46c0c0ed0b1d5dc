"""From metres around the sample town's centre to longitude and latitude."""

from __future__ import annotations

from geo_offers.domain.place import LngLat
from geodata.town.plane import Point, Ring

CENTRE = LngLat(120.15, 31.2)
"""Open water of Lake Tai: nobody can take the town for a real place."""

# On the WGS 84 ellipsoid at the centre's latitude; as numbers, so that no cosine is taken.
_METRES_PER_DEGREE_LNG = 95_304.357
_METRES_PER_DEGREE_LAT = 110_872.908
_DECIMALS = 7


def to_lng_lat(at: Point) -> LngLat:
    """The position of a point, to seven decimals (about 1 cm)."""
    return LngLat(
        round(CENTRE.lng + at[0] / _METRES_PER_DEGREE_LNG, _DECIMALS),
        round(CENTRE.lat + at[1] / _METRES_PER_DEGREE_LAT, _DECIMALS),
    )


def closed_ring(ring: Ring) -> tuple[LngLat, ...]:
    """The positions of a ring, the first one repeated at the end, as GeoJSON writes it."""
    positions = tuple(to_lng_lat(at) for at in ring)
    return (*positions, positions[0])
