"""The faults of one of our errors as problem documents and previews list them."""

from __future__ import annotations

from typing import Any

import shapely

from geo_offers.domain import errors


def faults_of(error: errors.GeoOffersError) -> list[dict[str, Any]]:
    """Pointer, code and detail of each; of a polygon its reason, place and proposal, of an import the row. Maybe none."""
    if isinstance(error, errors.RowsFaulty):
        return [row._asdict() for row in error.rows]
    pointer = getattr(error, "pointer", None)
    return [fault_of(error, pointer)] if pointer else []


def fault_of(error: errors.GeoOffersError, pointer: str) -> dict[str, Any]:
    """One fault, which is at this pointer."""
    fault: dict[str, Any] = {"pointer": pointer, "code": error.code, "detail": str(error)}
    if isinstance(error, errors.PolygonInvalid):
        fault["reason"] = error.reason.value
        if error.at is not None:
            fault["at"] = {"lng": error.at.lng, "lat": error.at.lat}
        if error.repaired is not None:
            fault["repaired"] = shapely.geometry.mapping(error.repaired)
    return fault
