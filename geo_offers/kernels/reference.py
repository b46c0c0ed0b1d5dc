"""The same names as the compiled loops, in plain Python, made to be read; tests compare the two."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

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
    points: Sequence[Sequence[float]], ranks: Sequence[int], here: Sequence[float], low: float, high: float, k: int
) -> list[int]:
    """The k points with the shortest chords from low to high, by chord, then rank."""
    chords = [chord_m(point, here) for point in points]
    inside = [slot for slot, chord in enumerate(chords) if low <= chord <= high]
    return sorted(inside, key=lambda slot: (chords[slot], ranks[slot]))[:k]


def within(points: Iterable[Sequence[float]], here: Sequence[float], low: float, high: float) -> list[int]:
    """All points whose chord is from low to high."""
    return [slot for slot, point in enumerate(points) if low <= chord_m(point, here) <= high]


def doubtful(points: Sequence[Sequence[float]], slots: Sequence[int], chords: Sequence[float], sure_chord: float) -> bool:
    """Whether chords leave the order of these slots, or that the radius holds them, unproven (up to 200 km)."""
    if any(chord > sure_chord for chord in chords):
        return True
    pairs = zip(slots, slots[1:], chords, chords[1:], strict=False)
    return any(
        far - near <= SLACK_M + GAP_PER_CUBIC_M * far**3 and tuple(points[a]) != tuple(points[b])
        for a, b, near, far in pairs
    )
