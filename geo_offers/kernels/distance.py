"""Straight lines through the Earth: chords between points, and what they prove about geodesics.

A geodesic of length s on the ellipsoid and the chord c between its ends obey

    2 R sin(s / 2R) >= c   with R the greatest radius of curvature, and <= with the least,

because the ellipsoid rolls freely inside a ball of its greatest radius of curvature and a ball of the least rolls
freely inside it (Blaschke, Kreis und Kugel, 1916); Sturm's comparison of (c^2)'' along the geodesic gives the rest.
So chords alone decide nearly every order of distances, with no singular place on the Earth: poles and the
antimeridian are points like any other. The gap between the two bounds is 2.1e-17 c^3 metres: 0.02 micrometres at
1 km, 2 cm at 100 km.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

WGS84_A = 6_378_137.0
WGS84_F = 1 / 298.257223563
_B = WGS84_A * (1 - WGS84_F)
_E2 = WGS84_F * (2 - WGS84_F)
LEAST_RADIUS_M = _B * _B / WGS84_A
GREATEST_RADIUS_M = WGS84_A * WGS84_A / _B

#: Rounding of coordinates and chords (5e-9 m) and of the geodesic library (1.5e-8 m), with room.
SLACK_M = 1e-7
#: (1/LEAST^2 - 1/GREATEST^2) / 24 is 2.08e-17; the rest covers the higher terms up to CHORD_DECIDES_M.
GAP_PER_CUBIC_M = 2.2e-17
#: Beyond this chord no order is taken from chords.
CHORD_DECIDES_M = 200_000.0


@njit(cache=True, inline="always")
def chord_gap_m(chord_m):
    """How far two chords near this length must differ before their order is the geodesics' order, in metres."""
    return SLACK_M + GAP_PER_CUBIC_M * chord_m * chord_m * chord_m


@njit(cache=True)
def to_ecef(lngs, lats, out):
    """Earth-centred coordinates of points on the ellipsoid.

    lngs, lats  float64[n], degrees
    out         float64[n, 3], metres; written in place
    """
    for i in range(len(lngs)):
        lng = math.radians(lngs[i])
        lat = math.radians(lats[i])
        normal = WGS84_A / math.sqrt(1.0 - _E2 * math.sin(lat) ** 2)
        out[i, 0] = normal * math.cos(lat) * math.cos(lng)
        out[i, 1] = normal * math.cos(lat) * math.sin(lng)
        out[i, 2] = normal * (1.0 - _E2) * math.sin(lat)


def ecef(lngs: NDArray[np.float64], lats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Earth-centred coordinates of n points, float64[n, 3], metres."""
    out = np.empty((len(lngs), 3))
    to_ecef(lngs, lats, out)
    return out


def greatest_chord_m(geodesic_m: float) -> float:
    """The longest that the chord of a geodesic of this length can be; rounded up."""
    return _chord(geodesic_m, GREATEST_RADIUS_M) + SLACK_M


def least_chord_m(geodesic_m: float) -> float:
    """The shortest that the chord of a geodesic of this length can be; rounded down, below 0 for none."""
    return _chord(geodesic_m, LEAST_RADIUS_M) - SLACK_M


def greatest_geodesic_m(chord_m: float) -> float:
    """The longest that the geodesic over this chord can be; rounded up."""
    if chord_m >= 2 * LEAST_RADIUS_M:
        return math.pi * WGS84_A
    return 2 * LEAST_RADIUS_M * math.asin(chord_m / (2 * LEAST_RADIUS_M)) + SLACK_M


def _chord(arc_m: float, radius_m: float) -> float:
    if arc_m >= math.pi * radius_m:
        return 2 * radius_m
    return 2 * radius_m * math.sin(arc_m / (2 * radius_m))


def surely_within_chord_m(radius_m: float) -> float:
    """Points up to this chord are within the radius beyond doubt; negative when none is."""
    return least_chord_m(radius_m - SLACK_M)


def likely_geodesics_m(chords: NDArray[np.float64]) -> NDArray[np.float64]:
    """The geodesics over chords, within half of `chord_gap_m` up to CHORD_DECIDES_M; infinity stays."""
    return chords + chords**3 / (24.0 * LEAST_RADIUS_M * GREATEST_RADIUS_M)
