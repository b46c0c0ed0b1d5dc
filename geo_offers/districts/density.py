"""The density of shops on H3 cells, smoothed in metres, and the density that mere chance would reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo_offers.index.cells import average_spacing_m, cells_at, centres_of, disk_of, neighbours_of
from geo_offers.kernels.distance import ecef

# Steps from cell to cell may be shorter than the average by this, and run aslant by cos 30.
_SHORTEST_STEP = 0.72 * 3**0.5 / 2
_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Points:
    """Where n shops are.

    cells  int64[n], of the resolution that everything stands on
    at     float64[n, 3], earth-centred metres: distances need no care at poles or the antimeridian
    """

    cells: NDArray[np.int64]
    at: NDArray[np.float64]

    @classmethod
    def of(cls, lngs: NDArray[np.float64], lats: NDArray[np.float64], resolution: int) -> Points:
        return cls(cells_at(lngs, lats, resolution), ecef(lngs, lats))

    def only(self, kept: NDArray[np.bool_]) -> Points:
        """The points that are kept."""
        return Points(self.cells[kept], self.at[kept])


@dataclass(frozen=True, slots=True)
class Surface:
    """Shops per square metre on n cells: every cell whose centre a shop reaches, and every shop's own.

    cells  int64[n], ascending
    level  float64[n], shops per square metre
    """

    cells: NDArray[np.int64]
    level: NDArray[np.float64]

    def rows_of(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of cells, -1 for cells that are not in the surface."""
        if not len(self.cells):
            return np.full(cells.shape, -1)
        rows = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        return np.where(self.cells[rows] == cells, rows, -1)

    def at(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """The levels of cells, 0 outside of the surface."""
        rows = self.rows_of(cells)
        return np.where(rows >= 0, np.append(self.level, 0.0)[rows], 0.0)

    def within(self, cells: NDArray[np.int64]) -> Surface:
        """The surface on some of its cells."""
        kept = np.isin(self.cells, cells)
        return Surface(self.cells[kept], self.level[kept])

    def above(self, level: float, *, margin: int) -> Surface:
        """The cells that reach a level, and `margin` rings of cells around them, which have level 0."""
        high = self.level >= level
        cells = self.cells[high]
        for _ in range(margin):
            cells = np.union1d(cells, neighbours_of(cells))
        part = Surface(self.cells[high], self.level[high])
        return Surface(cells, part.at(cells))

    def beside(self) -> NDArray[np.int64]:
        """The rows of each cell's neighbours, int64[n, 6]; -1 where the surface ends."""
        return self.rows_of(neighbours_of(self.cells))


def smooth(points: Points, *, resolution: int, reach_m: float) -> Surface:
    """The kernel density of the points.

    Kernel: 3 / (pi r^2) (1 - d^2 / r^2)^2 up to d = r, with d from the shop itself to the centre of the cell
    (Silverman, Density Estimation for Statistics and Data Analysis, 1986, eq. 4.5).
    """
    steps = math.ceil(reach_m / (average_spacing_m(resolution) * _SHORTEST_STEP))
    own, first_to_last = np.unique(points.cells, return_inverse=True)
    disks = [disk_of(cell, steps) for cell in own.tolist()]
    if not disks:
        return Surface(np.empty(0, np.int64), np.empty(0))
    cells, flat = np.unique(np.concatenate(disks), return_inverse=True)
    sizes = np.array([len(disk) for disk in disks])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    centres = ecef(*centres_of(cells))
    level = np.zeros(len(cells))
    # In slices, for a million shops need not be a hundred million pairs at once.
    for part in np.array_split(np.arange(len(first_to_last)), max(1, len(first_to_last) // 20_000)):
        disk = first_to_last[part]
        point = np.repeat(part, sizes[disk])
        within = np.arange(len(point)) - np.repeat(np.cumsum(sizes[disk]) - sizes[disk], sizes[disk])
        row = flat[np.repeat(starts[disk], sizes[disk]) + within]
        squared = ((points.at[point] - centres[row]) ** 2).sum(axis=1) / reach_m**2
        level += np.bincount(row, np.maximum(0.0, 1 - squared) ** 2, len(cells))
    kept = (level > 0) | np.isin(cells, own)
    return Surface(cells[kept], level[kept] * 3 / (math.pi * reach_m**2))


def doubt_of(reach_m: float, deviations: float) -> float:
    """What the roots of two densities must differ by to be `deviations` standard deviations apart.

    The root of a Poisson density has variance 1/4 of the integral of the squared kernel, whatever the density.
    """
    return deviations / 2 * math.sqrt(9 / (5 * math.pi)) / reach_m


def dense_from(
    surface: Surface, points: Points, *, cell_m2: float, reach_m: float, significance: float
) -> float:
    """The density from which a place is dense in this city: what stray shops alone would hardly reach.

    Stray shops are a Poisson field of rate b, so the density has mean b and variance b times the integral of
    the squared kernel, 9 / (5 pi r^2); dense is `significance` standard deviations above b. b is what is left
    when the dense is taken away, over and over until nothing changes, as astronomers find the background of a
    sky (sigma clipping). Never less than the density three shops at one point have.
    """
    shop_rows = surface.rows_of(points.cells)
    threshold = math.inf
    for _ in range(_ROUNDS):
        stray = int((surface.level[shop_rows] < threshold).sum())
        area_m2 = cell_m2 * max(1, int((surface.level < threshold).sum()))
        rate = stray / area_m2
        lower = rate + significance * math.sqrt(rate * 9 / (5 * math.pi)) / reach_m
        if lower >= threshold:
            break
        threshold = lower
    return max(threshold, 9 / (math.pi * reach_m**2))
