"""From the two shifted Chinese coordinate systems to WGS 84, and back; nothing else is converted here."""

from __future__ import annotations

from enum import StrEnum
from math import atan2, cos, hypot, pi, radians, sin, sqrt
from typing import assert_never

# The Krasovsky 1940 ellipsoid, on which the published GCJ-02 shift is computed.
_SEMI_MAJOR_M = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
_CHINA_WEST, _CHINA_EAST, _CHINA_SOUTH, _CHINA_NORTH = 72.004, 137.8347, 0.8293, 55.8271
_BD_LNG, _BD_LAT = 0.0065, 0.006
_BD_TURN = pi * 3000 / 180
_STILL_DEGREES = 1e-9  # 0.1 mm
_MOST_STEPS = 30


class Crs(StrEnum):
    """Coordinate systems that a file may be in: ours, Amap's and Tencent's, Baidu's."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


def to_wgs84(lng: float, lat: float, crs: Crs) -> tuple[float, float]:
    """(lng, lat) in WGS 84, degrees, of a point given in `crs`."""
    match crs:
        case Crs.WGS84:
            return lng, lat
        case Crs.GCJ02:
            return wgs84_of_gcj02(lng, lat)
        case Crs.BD09:
            return wgs84_of_gcj02(*gcj02_of_bd09(lng, lat))
        case _:
            assert_never(crs)


def gcj02_of_wgs84(lng: float, lat: float) -> tuple[float, float]:
    """The shifted point; outside the rectangle that the published algorithm calls China, the point itself."""
    if not _in_china(lng, lat):
        return lng, lat
    shift_lng, shift_lat = _shift(lng, lat)
    return lng + shift_lng, lat + shift_lat


def wgs84_of_gcj02(lng: float, lat: float) -> tuple[float, float]:
    """The point that gcj02_of_wgs84 shifts here, to better than 1 mm; outside China the point itself.

    The shift has no closed inverse. It changes by less than a hundredth from one place to the next
    kilometre, so guessing "point minus shift at the last guess" closes in by two digits a step.
    """
    if not _in_china(lng, lat):
        return lng, lat
    guess_lng, guess_lat = lng, lat
    for _ in range(_MOST_STEPS):
        shift_lng, shift_lat = _shift(guess_lng, guess_lat)
        moved = max(abs(lng - shift_lng - guess_lng), abs(lat - shift_lat - guess_lat))
        guess_lng, guess_lat = lng - shift_lng, lat - shift_lat
        if moved < _STILL_DEGREES:
            break
    return guess_lng, guess_lat


def bd09_of_gcj02(lng: float, lat: float) -> tuple[float, float]:
    """Baidu's second shift on top of GCJ-02."""
    radius = hypot(lng, lat) + 0.00002 * sin(lat * _BD_TURN)
    angle = atan2(lat, lng) + 0.000003 * cos(lng * _BD_TURN)
    return radius * cos(angle) + _BD_LNG, radius * sin(angle) + _BD_LAT


def gcj02_of_bd09(lng: float, lat: float) -> tuple[float, float]:
    """The point that bd09_of_gcj02 shifts here, to better than 1 mm, found as in wgs84_of_gcj02."""
    guess_lng, guess_lat = lng - _BD_LNG, lat - _BD_LAT
    for _ in range(_MOST_STEPS):
        there_lng, there_lat = bd09_of_gcj02(guess_lng, guess_lat)
        off_lng, off_lat = lng - there_lng, lat - there_lat
        guess_lng, guess_lat = guess_lng + off_lng, guess_lat + off_lat
        if max(abs(off_lng), abs(off_lat)) < _STILL_DEGREES:
            break
    return guess_lng, guess_lat


def _in_china(lng: float, lat: float) -> bool:
    return _CHINA_WEST <= lng <= _CHINA_EAST and _CHINA_SOUTH <= lat <= _CHINA_NORTH


def _shift(lng: float, lat: float) -> tuple[float, float]:
    """(lng, lat) in degrees by which GCJ-02 moves a WGS 84 point in China: 100 to 700 m."""
    x, y = lng - 105.0, lat - 35.0
    root = 0.1 * sqrt(abs(x))
    shared = (20 * sin(6 * pi * x) + 20 * sin(2 * pi * x)) * 2 / 3
    north_m = (
        -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 2 * root
        + shared
        + (20 * sin(pi * y) + 40 * sin(pi * y / 3)) * 2 / 3
        + (160 * sin(pi * y / 12) + 320 * sin(pi * y / 30)) * 2 / 3
    )  # fmt: skip
    east_m = (
        300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + root
        + shared
        + (20 * sin(pi * x) + 40 * sin(pi * x / 3)) * 2 / 3
        + (150 * sin(pi * x / 12) + 300 * sin(pi * x / 30)) * 2 / 3
    )  # fmt: skip
    phi = radians(lat)
    flat = 1 - _ECCENTRICITY_SQUARED * sin(phi) ** 2
    meridian_radius_m = _SEMI_MAJOR_M * (1 - _ECCENTRICITY_SQUARED) / (flat * sqrt(flat))
    parallel_radius_m = _SEMI_MAJOR_M / sqrt(flat) * cos(phi)
    return east_m / (parallel_radius_m * pi / 180), north_m / (meridian_radius_m * pi / 180)
