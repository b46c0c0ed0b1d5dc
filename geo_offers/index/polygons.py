"""Many polygons as packed columns: which of their owners hold a point, exactly, borders inside and holes outside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.place import LngLat
from geo_offers.index.geodesic import geodesic_m
from geo_offers.kernels import box_tree, containment, fence_distance

Polygonal = shapely.Polygon | shapely.MultiPolygon


class PolygonIndex:
    """Owners 0 to n - 1, each with one polygonal shape in lng/lat; edges are straight lines in lng/lat.

    The shapes must be valid; a shape that crosses the antimeridian must be split there.
    """

    def __init__(self, shapes: Sequence[Polygonal] | NDArray[np.object_]) -> None:
        parts, owners = shapely.get_parts(np.asarray(shapes, object), return_index=True)
        edges, edge_starts = packed_edges(parts)
        self._edges = edges
        # An owner's parts stand together, and so do their edges.
        self._owner_edges = edge_starts[np.searchsorted(owners, np.arange(len(shapes) + 1))]
        slicing, slab_starts = containment.count_slabs(edges, edge_starts)
        slab_edges, slab_edge_starts = containment.fill_slabs(edges, edge_starts, slicing, slab_starts)
        boxes = shapely.bounds(parts).reshape(-1, 4)
        rows = box_tree.tiled_order(boxes)
        self._packed = containment.packed(
            box_tree.pack(boxes[rows]),
            rows,
            (slicing, slab_starts, slab_edges, slab_edge_starts),
            owners,
            len(shapes),
        )

    @property
    def nbytes(self) -> int:
        """Memory of the packed columns."""
        return sum(array.nbytes for array in (*self._packed, self._edges, self._owner_edges))

    def holding(self, at: LngLat) -> NDArray[np.int32]:
        """The owners whose shape holds a point, ascending."""
        owners: NDArray[np.int32] = containment.owners_at(*self._packed, float(at.lng), float(at.lat))
        return owners

    def nearest_on_border(self, owner: int, at: LngLat) -> LngLat:
        """The point of an owner's border that is nearest to a point, wherever that is."""
        first, stop = self._owner_edges[owner : owner + 2]
        lng, lat, _ = fence_distance.nearest_on_border(self._edges, first, stop, float(at.lng), float(at.lat))
        return LngLat(lng, lat)

    def distance_m(self, owner: int, at: LngLat) -> float:
        """The geodesic distance to an owner's shape; 0 inside."""
        if owner in self.holding(at):
            return 0.0
        return geodesic_m(at, self.nearest_on_border(owner, at))

    def holding_many(
        self, lngs: NDArray[np.float64], lats: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The same for m points: (starts int64[m + 1], owners int32[k]), the owners of point i from starts[i] on."""
        starts = np.empty(len(lngs) + 1, np.int64)
        out = np.empty(2 * len(lngs) + 16, np.int32)
        while True:
            total = containment.owners_at_many(*self._packed, lngs, lats, starts, out)
            if total <= len(out):
                return starts, out[:total].copy()
            out = np.empty(total, np.int32)


def packed_edges(parts: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All edges of polygons, ring after ring: float64[e, 4] and where each polygon's begin, int64[p + 1]."""
    rings, polygon_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    joined = ring_of_point[1:] == ring_of_point[:-1]
    edges = np.hstack([points[:-1], points[1:]])[joined] if len(points) else np.empty((0, 4))
    polygon_of_edge = polygon_of_ring[ring_of_point[:-1][joined]] if len(points) else np.empty(0, np.int64)
    return np.ascontiguousarray(edges), np.searchsorted(polygon_of_edge, np.arange(len(parts) + 1))
