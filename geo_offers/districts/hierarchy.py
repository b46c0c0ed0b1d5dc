"""Quarters of a city and streets inside of each: which cells belong together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo_offers.districts.density import Points, Surface, dense_from, doubt_of, smooth
from geo_offers.districts.parameters import Parameters
from geo_offers.districts.regions import Rows, closed, filled, groups, hills, pieces
from geo_offers.index.cells import average_area_m2, average_spacing_m

# A street that has more of its quarter's shops than this is the quarter itself.
_MOST_OF_QUARTER = 0.6
_HIGHEST_CONTRAST = 8.0
_STEEPER = 1.4
_FINER = 0.75


@dataclass(frozen=True, slots=True)
class Patch:
    """A connected set of cells, ascending, and the numbers of the points in them, ascending."""

    cells: NDArray[np.int64]
    members: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Cells with their neighbours and how many points stand in each; cells of level 0 are only margin."""

    surface: Surface
    beside: Rows
    shops: NDArray[np.int64]

    @classmethod
    def of(cls, surface: Surface, points: Points) -> _Ground:
        rows = surface.rows_of(points.cells)
        return cls(surface, surface.beside(), np.bincount(rows[rows >= 0], minlength=len(surface.cells)))


def quarters(points: Points, parameters: Parameters) -> list[Patch]:
    """The quarters, the most shops first; no cell is in two."""
    resolution = parameters.resolution
    surface = smooth(points, resolution=resolution, reach_m=parameters.reach_m)
    threshold = dense_from(
        surface,
        points,
        cell_m2=average_area_m2(resolution),
        reach_m=parameters.reach_m,
        significance=parameters.significance,
    )
    steps = _steps(parameters.gap_m, resolution)
    ground = _Ground.of(surface.above(threshold, margin=steps + 2), points)
    whole = np.flatnonzero(ground.surface.level > 0)
    found = list(_parted(ground, whole, points, parameters, reach_m=parameters.parting_reach_m))
    return _patches(ground, found, points, parameters.fewest_shops)


def streets(quarter: Patch, points: Points, parameters: Parameters) -> list[Patch]:
    """The dense cores and lines of a quarter, the most shops first; none when the quarter has no such contrast.

    One that holds most of the quarter's shops is the quarter itself: then the contrast rises, for that one.
    """
    if len(quarter.members) < 2 * parameters.fewest_in_street:
        return []
    inside = points.only(np.isin(np.arange(len(points.cells)), quarter.members))
    surface = smooth(inside, resolution=parameters.resolution, reach_m=parameters.street_reach_m)
    usual = float(np.median(surface.at(np.unique(inside.cells))))
    most = _MOST_OF_QUARTER * len(quarter.members)
    found: list[Patch] = []
    waiting = [(quarter.cells, parameters.street_contrast)]
    while waiting:
        cells, contrast = waiting.pop()
        for patch in _cores(surface.within(cells), contrast * usual, points, parameters):
            if len(patch.members) <= most:
                found.append(patch)
            elif contrast < _HIGHEST_CONTRAST:
                waiting.append((patch.cells, contrast * _STEEPER))
    return sorted(found, key=_most_shops_first)


def _cores(surface: Surface, level: float, points: Points, parameters: Parameters) -> list[Patch]:
    ground = _Ground.of(surface.above(level, margin=3), points)
    parts = hills(
        ground.surface.level,
        ground.beside,
        ground.shops,
        prominence=parameters.street_prominence,
        doubt=0.0,
        fewest=parameters.fewest_in_street,
    )
    found = [_outlined(ground, rows, steps=1, most=1) for _, rows in groups(parts)]
    return _patches(ground, found, points, parameters.fewest_in_street)


def _parted(
    ground: _Ground, rows: Rows, points: Points, parameters: Parameters, *, reach_m: float
) -> Iterator[Rows]:
    """The rows as hills of a density of this reach, outlined; one too large is parted again by a finer density."""
    steps = _steps(parameters.gap_m, parameters.resolution)
    most = parameters.largest_ha * 10_000 / average_area_m2(parameters.resolution)
    near = points.only(np.isin(points.cells, ground.surface.cells[rows]))
    level = np.zeros(len(ground.shops))
    calm = smooth(near, resolution=parameters.resolution, reach_m=reach_m)
    level[rows] = calm.at(ground.surface.cells[rows])
    parts = hills(
        level,
        ground.beside,
        ground.shops,
        prominence=parameters.prominence,
        doubt=doubt_of(reach_m, parameters.certainty),
        fewest=parameters.fewest_shops,
    )
    for _, hill in groups(parts):
        if ground.shops[hill].sum() < parameters.fewest_shops:
            continue
        outlined = _outlined(ground, hill, steps=steps, most=3 * steps * steps)
        if len(outlined) <= most or reach_m * _FINER < parameters.street_reach_m:
            yield outlined
        else:
            yield from _parted(ground, hill, points, parameters, reach_m=reach_m * _FINER)


def _outlined(ground: _Ground, rows: Rows, *, steps: int, most: int) -> Rows:
    """The cells among these rows that shops stand in or between, and the pin-holes they enclose."""
    near = rows
    for _ in range(steps + 1):
        near = np.unique(np.append(near, ground.beside[near]))
    near = near[near >= 0]
    beside = np.searchsorted(near, ground.beside[near])
    beside[~np.isin(ground.beside[near], near)] = -1
    inside = np.isin(near, rows)
    kept = closed(beside, inside & (ground.shops[near] > 0), steps=steps) & inside
    holes = filled(beside, kept, most=most) & ~kept
    return near[kept | holes & (inside | (ground.surface.level[near] <= 0))]


def _patches(ground: _Ground, found: list[Rows], points: Points, fewest: int) -> list[Patch]:
    """The connected pieces that have shops enough, the most shops first."""
    label = np.full(len(ground.shops), -1)
    for number, rows in enumerate(found):
        label[rows] = number
    piece = pieces(ground.beside, label)
    rows_of_points = ground.surface.rows_of(points.cells)
    piece_of_point = np.append(piece, -1)[rows_of_points]
    members = dict(groups(piece_of_point))
    patches = [
        Patch(ground.surface.cells[rows], members[number])
        for number, rows in groups(piece)
        if len(members.get(number, ())) >= fewest
    ]
    return sorted(patches, key=_most_shops_first)


def _most_shops_first(patch: Patch) -> tuple[int, int]:
    return -len(patch.members), int(patch.cells[0])


def _steps(gap_m: float, resolution: int) -> int:
    return math.ceil(gap_m / (2 * average_spacing_m(resolution)))
