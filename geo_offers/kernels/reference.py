"""The same names as the compiled loops, in plain Python, made to be read; tests compare the two."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from geo_offers.kernels.distance import GAP_PER_CUBIC_M, SLACK_M, WGS84_A, WGS84_F

Point = tuple[float, float, float]


def to_ecef(lng: float, lat: float) -> Point:
    """A point of the ellipsoid in Earth-centred metres."""
    e2 = WGS84_F * (2 - WGS84_F)
    normal = WGS84_A / math.sqrt(1 - e2 * math.sin(math.radians(lat)) ** 2)
    across = normal * math.cos(math.radians(lat))
    return (
        across * math.cos(math.radians(lng)),
        across * math.sin(math.radians(lng)),
        normal * (1 - e2) * math.sin(math.radians(lat)),
    )


def chord_m(a: Sequence[float], b: Sequence[float]) -> float:
    """The straight line between two points."""
    return math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)


def nearest(
    points: Sequence[Sequence[float]],
    ranks: Sequence[int],
    here: Sequence[float],
    low: float,
    high: float,
    k: int,
) -> list[int]:
    """The k points with the shortest chords from low to high, by chord, then rank."""
    chords = [chord_m(point, here) for point in points]
    inside = [slot for slot, chord in enumerate(chords) if low <= chord <= high]
    return sorted(inside, key=lambda slot: (chords[slot], ranks[slot]))[:k]


def within(points: Iterable[Sequence[float]], here: Sequence[float], low: float, high: float) -> list[int]:
    """All points whose chord is from low to high."""
    return [slot for slot, point in enumerate(points) if low <= chord_m(point, here) <= high]


def doubtful(
    points: Sequence[Sequence[float]],
    slots: Sequence[int],
    chords: Sequence[float],
    sure_chord: float,
    *,
    full: bool,
) -> bool:
    """Whether chords leave the order of these slots, or that the radius holds them, unproven (up to 200 km).

    `full`: there may be more behind the last one.
    """
    if any(chord > sure_chord for chord in chords):
        return True
    close = [far - near <= SLACK_M + GAP_PER_CUBIC_M * far**3 for near, far in pairwise(chords)]
    apart = [tuple(points[a]) != tuple(points[b]) for a, b in pairwise(slots)]
    return any(c and a for c, a in zip(close, apart, strict=True)) or (full and close[-1])
