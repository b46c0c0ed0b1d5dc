"""Column types that mean the same on SQLite and on PostgreSQL with PostGIS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def key_text() -> TypeEngine[str]:
    """Text that is compared and ordered by code point, whatever the locale of the database."""
    return Text().with_variant(Text(collation="C"), "postgresql")


def counting_key() -> TypeEngine[int]:
    """A 64-bit key; on SQLite the row's own number, which needs no second index."""
    return BigInteger().with_variant(Integer(), "sqlite")


def json_object() -> TypeEngine[Any]:
    """A JSON object, binary where the database has that."""
    return JSON().with_variant(JSONB(), "postgresql")


class UtcMilliseconds(TypeDecorator[datetime]):
    """An aware time, kept in UTC to the millisecond (what is finer is cut off); naive times raise ValueError.

    On PostgreSQL `timestamptz(3)`, on SQLite the milliseconds since 1970 as an integer.
    """

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True, precision=3))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | int | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no time zone")
        milliseconds = (value - _EPOCH) // _MILLISECOND
        return _EPOCH + milliseconds * _MILLISECOND if dialect.name == "postgresql" else milliseconds

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value if value is None else value.astimezone(UTC)
        return _EPOCH + int(value) * _MILLISECOND


class EpochMilliseconds(FunctionElement[int]):
    """A column of UtcMilliseconds as the whole milliseconds since 1970."""

    type = BigInteger()
    inherit_cache = True


@compiles(EpochMilliseconds, "sqlite")
def _as_it_is(element: EpochMilliseconds, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(EpochMilliseconds, "postgresql")
def _from_timestamp(element: EpochMilliseconds, compiler: Any, **options: Any) -> str:
    return f"(extract(epoch FROM {compiler.process(element.clauses, **options)}) * 1000)::bigint"


class GeometryWkb(TypeDecorator[bytes]):
    """A geometry in WGS 84 that is plain well-known binary to the program.

    A PostGIS `geometry(<shape>, 4326)` on PostgreSQL, the same bytes as a blob on SQLite. On PostgreSQL import
    `postgis_types` before the first CREATE TABLE: GeoAlchemy2 fails when it is hooked in half way through one.
    """

    impl = LargeBinary
    cache_ok = True
    # Read off the column by GeoAlchemy2's listeners: no index of its own making, no AddGeometryColumn.
    spatial_index = False
    use_typmod = None

    def __init__(self, shape: str = "GEOMETRY") -> None:
        super().__init__()
        self.shape = shape

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        if dialect is None:  # GeoAlchemy2's listeners ask so
            return LargeBinary()
        if dialect.name == "postgresql":
            # Not at the top: GeoAlchemy2 hooks itself into every engine; the embedded store needs none.
            from geo_offers.stores.postgis_types import WkbGeometry

            return dialect.type_descriptor(WkbGeometry(self.shape))
        return dialect.type_descriptor(LargeBinary())

    def process_result_value(self, value: Any, _dialect: Dialect) -> bytes | None:
        return None if value is None else bytes(value)
