"""Moving a whole store from one engine to the other: every row of every table, and the proof that all is there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Double, Select, Table, delete, func, insert, select

from geo_offers.domain.errors import Conflict
from geo_offers.stores import account_tables, commerce_tables, migrate
from geo_offers.stores.durable_sql import require_version
from geo_offers.stores.tables import catalog_revision, metadata

_ROWS_A_CHUNK = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_encode = msgspec.json.Encoder(order="sorted").encode

#: Counters of one row, which a migration makes: empty means as they were made.
_COUNTERS = (
    (catalog_revision, catalog_revision.c.revision),
    (account_tables.key_version, account_tables.key_version.c.version),
)
#: A mark that means something on one engine only (see durable_ledger.ChangeMark): numbered anew, in its order.
_MARK = commerce_tables.usage_totals.c.step
TABLES: Sequence[Table] = metadata.sorted_tables


class Digest(NamedTuple):
    """What a table holds: how many rows, and a checksum in which their order does not matter.

    The checksum is the sum, modulo 2^128, of each row's BLAKE2b. A row is its values as JSON: times in
    milliseconds since 1970, geometries and other bytes in base 64, numbers as they read back exactly.
    """

    rows: int = 0
    checksum: int = 0

    def plus(self, rows: Sequence[bytes]) -> Digest:
        more = sum(int.from_bytes(hashlib.blake2b(row, digest_size=16).digest()) for row in rows)
        return Digest(self.rows + len(rows), (self.checksum + more) % 2**128)

    def __str__(self) -> str:
        return f"{self.checksum:032x}"


class Moved(NamedTuple):
    """One table that is on the other side now."""

    table: str
    digest: Digest


def begin(source: Connection) -> int:
    """Let all that this transaction reads be of one moment; how many rows there are. Before anything else in it.

    Raises SchemaOutdated when the tables are not of this program's version.
    """
    if source.dialect.name == "postgresql":
        source.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    if migrate.version_of(source) != migrate.newest_version():
        raise migrate.schema_outdated(migrate.version_of(source))
    return sum(source.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES)


def move(source: Connection, target: Connection, *, on_rows: Callable[[int], None]) -> Sequence[Moved]:
    """Copy every table into an empty store, read all of it back and compare; the tables as they are now.

    source   where `begin` was called
    The target's tables are made when there are none. The caller commits; on an error he does not. `on_rows`
    is told how many rows more were copied. Raises SchemaOutdated when a store's tables are not of this
    program's version, Conflict when the target has rows or holds something else in the end.
    """
    if migrate.version_of(target) is None:
        migrate.upgrade(target)
    require_version(target, migrate.newest_version())
    _require_empty(target)
    for counter, _ in _COUNTERS:
        target.execute(delete(counter))
    copied = [Moved(table.name, _copy(source, target, table, on_rows)) for table in TABLES]
    for table, moved in zip(TABLES, copied, strict=True):
        found = digest_of(target, table)
        if found != moved.digest:
            raise Conflict(
                f"the copy of {table.name} is not the same: {moved.digest.rows:,} rows with the checksum"
                f" {moved.digest} became {found.rows:,} with {found}; nothing was kept"
            )
    if target.dialect.name == "postgresql":
        _go_on_counting(target)
    return copied


def digest_of(connection: Connection, table: Table) -> Digest:
    """What a table holds as this transaction sees it."""
    digest = Digest()
    for rows in _chunks(connection, select(table)):
        digest = digest.plus([_canonical(table, row) for row in rows])
    return digest


def _require_empty(target: Connection) -> None:
    made = {table for table, _ in _COUNTERS}
    used = [table.name for table, number in _COUNTERS if target.execute(select(number)).scalar() != 0]
    used += [
        table.name
        for table in TABLES
        if table not in made and target.execute(select(table).limit(1)).first() is not None
    ]
    if used:
        raise Conflict(f"the target is not empty, it has rows in {', '.join(used)}: name an empty one")


def _copy(source: Connection, target: Connection, table: Table, on_rows: Callable[[int], None]) -> Digest:
    digest, statement = Digest(), insert(table)
    query = select(table)
    if table is _MARK.table:
        query = query.order_by(_MARK, *table.primary_key.columns)
    for rows in _chunks(source, query):
        taken = [dict(row) for row in rows]
        if table is _MARK.table:
            for place, row in enumerate(taken, start=digest.rows + 1):
                row[_MARK.name] = place
        target.execute(statement, taken)
        digest = digest.plus([_canonical(table, row) for row in rows])
        on_rows(len(rows))
    return digest


def _chunks(connection: Connection, query: Select[Any]) -> Iterator[Sequence[Any]]:
    """The rows of a query as mappings, in bounded memory."""
    rows = connection.execute(query.execution_options(yield_per=_ROWS_A_CHUNK))
    yield from rows.mappings().partitions()


def _canonical(table: Table, row: Any) -> bytes:
    """The bytes of one row that are the same on both engines."""
    return _encode(
        [
            float(row[column.name])
            if isinstance(column.type, Double) and row[column.name] is not None
            else _plain(row[column.name])
            for column in table.columns
            if column is not _MARK
        ]
    )


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return (value - _EPOCH) // _MILLISECOND
        case float():  # in JSON, where 1.0 may have become 1
            return int(value) if value.is_integer() else value
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
    return value


def _go_on_counting(target: Connection) -> None:
    """Let the ledger's next step come after those that were copied."""
    step = commerce_tables.ledger.c.step
    last = target.execute(select(func.max(step))).scalar()
    if last is not None:
        target.execute(select(func.setval(func.pg_get_serial_sequence("ledger", "step"), last)))
