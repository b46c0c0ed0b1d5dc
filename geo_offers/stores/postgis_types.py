"""The PostGIS geometry that takes and gives plain well-known binary; imported only for PostgreSQL."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import func

WGS84 = 4326


class WkbGeometry(Geometry):
    """`geometry(<shape>, 4326)` without GeoAlchemy2's own index, elements and text forms."""

    from_text = "ST_GeomFromWKB"
    as_binary = "ST_AsBinary"
    cache_ok = True

    def __init__(self, shape: str = "GEOMETRY") -> None:
        super().__init__(geometry_type=shape, srid=WGS84, spatial_index=False)

    def bind_expression(self, bindvalue: Any) -> Any:
        return func.ST_GeomFromWKB(bindvalue, WGS84, type_=self)

    def bind_processor(self, _dialect: Any) -> None:
        return None

    def result_processor(self, _dialect: Any, _coltype: Any) -> None:
        return None
