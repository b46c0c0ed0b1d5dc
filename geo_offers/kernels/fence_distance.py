"""How far is a point from the border of a polygon whose edges are straight in lng/lat, and where is it nearest?

An edge is first taken as the straight line through the Earth between its ends, which strays from the real edge by
no more than its sag; edges that this proves to be too far are passed over, the others are searched along their
length.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from geo_offers.kernels.distance import LEAST_RADIUS_M, WGS84_A, WGS84_F

_E2 = WGS84_F * (2 - WGS84_F)
_GOLDEN = 0.6180339887498949
#: Halvings of the golden section: 0.618^64 of an edge is below a nanometre on any.
_STEPS = 64


@njit(cache=True, inline="always")
def ecef_of(lng, lat):
    """A point of the ellipsoid in Earth-centred metres; as `distance.to_ecef`, for one."""
    across = math.cos(math.radians(lat))
    up = math.sin(math.radians(lat))
    normal = WGS84_A / math.sqrt(1.0 - _E2 * up * up)
    return (
        normal * across * math.cos(math.radians(lng)),
        normal * across * math.sin(math.radians(lng)),
        normal * (1.0 - _E2) * up,
    )


@njit(cache=True, inline="always")
def _chord2_along(edge, t, px, py, pz):
    x, y, z = ecef_of(edge[0] + t * (edge[2] - edge[0]), edge[1] + t * (edge[3] - edge[1]))
    return (x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2


@njit(cache=True)
def _nearest_along(edge, px, py, pz):
    """Where an edge is nearest: (t from 0 to 1, squared chord). Along an edge the distance falls, then rises."""
    low, high = 0.0, 1.0
    a = high - _GOLDEN * (high - low)
    b = low + _GOLDEN * (high - low)
    at_a = _chord2_along(edge, a, px, py, pz)
    at_b = _chord2_along(edge, b, px, py, pz)
    for _ in range(_STEPS):
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - _GOLDEN * (high - low)
            at_a = _chord2_along(edge, a, px, py, pz)
        else:
            low, a, at_a = a, b, at_b
            b = low + _GOLDEN * (high - low)
            at_b = _chord2_along(edge, b, px, py, pz)
    best = 0.5 * (low + high)
    best2 = _chord2_along(edge, best, px, py, pz)
    for end in (0.0, 1.0):
        at_end = _chord2_along(edge, end, px, py, pz)
        if at_end <= best2:
            best, best2 = end, at_end
    return best, best2


@njit(cache=True, inline="always")
def _to_segment(ax, ay, az, bx, by, bz, px, py, pz):
    """The distance from p to the straight line between a and b."""
    ux, uy, uz = bx - ax, by - ay, bz - az
    length2 = ux * ux + uy * uy + uz * uz
    t = 0.0
    if length2 > 0.0:
        t = ((px - ax) * ux + (py - ay) * uy + (pz - az) * uz) / length2
        t = min(1.0, max(0.0, t))
    return math.sqrt((ax + t * ux - px) ** 2 + (ay + t * uy - py) ** 2 + (az + t * uz - pz) ** 2)


@njit(cache=True)
def _sag(edge):
    """How far an edge may stray from the straight line between its ends, metres.

    It curves with the Earth and, away from the equator, sideways: L^2 / 8R for each; this is twice that.
    """
    steepest = max(abs(edge[1]), abs(edge[3]))
    sideways = math.tan(math.radians(min(steepest, 89.9999)))
    # An edge along a parallel is longer than the chord between its ends: its length is at most this.
    flattest = math.cos(math.radians(min(abs(edge[1]), abs(edge[3]))))
    east = math.radians(abs(edge[2] - edge[0])) * WGS84_A * flattest
    north = math.radians(abs(edge[3] - edge[1])) * WGS84_A
    return (east * east + north * north) * (1.0 + sideways) / (4.0 * LEAST_RADIUS_M)


@njit(cache=True)
def _bracket(edge, px, py, pz):
    """The distance to the straight line between an edge's ends, and the edge's sag."""
    ax, ay, az = ecef_of(edge[0], edge[1])
    bx, by, bz = ecef_of(edge[2], edge[3])
    return _to_segment(ax, ay, az, bx, by, bz, px, py, pz), _sag(edge)


@njit(cache=True)
def edge_lines(edges, out):
    """What `border_between` needs of each edge, made once.

    edges  float64[e, 4], x1, y1, x2, y2 in degrees
    out    float64[e, 7], both ends in Earth-centred metres and the sag; written in place
    """
    for e in range(len(edges)):
        out[e, 0], out[e, 1], out[e, 2] = ecef_of(edges[e, 0], edges[e, 1])
        out[e, 3], out[e, 4], out[e, 5] = ecef_of(edges[e, 2], edges[e, 3])
        out[e, 6] = _sag(edges[e])


@njit(cache=True)
def border_between(lines, first, stop, px, py, pz):
    """Bounds of the chord to the nearest of some edges: (at least, at most), metres.

    lines  as `edge_lines` made them
    """
    least = np.inf
    most = np.inf
    for e in range(first, stop):
        line = _to_segment(
            lines[e, 0], lines[e, 1], lines[e, 2], lines[e, 3], lines[e, 4], lines[e, 5], px, py, pz
        )
        least = min(least, line - lines[e, 6])
        most = min(most, line + lines[e, 6])
    return max(least, 0.0), most


@njit(cache=True)
def nearest_on_border(edges, first, stop, lng, lat):
    """The nearest point of some edges: (lng, lat, chord in metres); chord is infinite when there is no edge.

    edges        float64[e, 4], x1, y1, x2, y2 in degrees
    first, stop  which edges
    """
    px, py, pz = ecef_of(lng, lat)
    reach = np.inf
    for e in range(first, stop):
        line, sag = _bracket(edges[e], px, py, pz)
        reach = min(reach, line + sag)
    best2 = np.inf
    best_lng, best_lat = lng, lat
    for e in range(first, stop):
        line, sag = _bracket(edges[e], px, py, pz)
        if line - sag > reach or (line - sag > 0.0 and (line - sag) ** 2 > best2):
            continue
        t, d2 = _nearest_along(edges[e], px, py, pz)
        if d2 < best2:
            best2 = d2
            best_lng = edges[e, 0] + t * (edges[e, 2] - edges[e, 0])
            best_lat = edges[e, 1] + t * (edges[e, 3] - edges[e, 1])
    return best_lng, best_lat, math.sqrt(best2)
