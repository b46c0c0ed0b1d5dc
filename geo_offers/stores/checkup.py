"""Questions about the health of a database, whatever its tables: plain functions on a connection, for `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.exc import DBAPIError

from geo_offers.stores import account_tables, commerce_tables, migrate
from geo_offers.stores.tables import metadata

#: Tested with these; older ones may lack what we ask for.
_OLDEST_POSTGRESQL = 130_000
_OLDEST_POSTGIS = (3, 1)
_OLDEST_SQLITE = (3, 35, 0)  # RETURNING
#: Naming them makes `metadata` whole.
_WITH = (account_tables, commerce_tables)
_SKEW_NOTED_S = 1.0
_SKEW_REFUSED_S = 30.0
_CLOSED = text(
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relname IN :names AND c.relkind = 'r' AND NOT ("
    " has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')"
    " AND (c.relname = 'ledger' OR has_table_privilege(c.oid, 'UPDATE')))"
).bindparams(bindparam("names", expanding=True))


class Grade(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


class Finding(NamedTuple):
    """One line of a checkup. way_out: what to do about it; nothing when all is well."""

    grade: Grade
    subject: str
    said: str
    way_out: str = ""


def examined(connection: Connection, now: Callable[[], datetime]) -> Sequence[Finding]:
    """All that a database can be asked; changes nothing that stays."""
    if connection.dialect.name == "postgresql":
        return [
            _server(connection),
            _postgis(connection),
            _migrations(connection),
            _role(connection),
            _writing(connection, "CREATE TEMPORARY TABLE geo_offers_checkup (one integer) ON COMMIT DROP"),
            _tables(connection),
            _clock(connection, now),
        ]
    return [
        _library(connection),
        _migrations(connection),
        _writing(connection, "CREATE TEMPORARY TABLE geo_offers_checkup (one integer)"),
    ]


def _server(connection: Connection) -> Finding:
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    said = f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar_one()}"
    if number < _OLDEST_POSTGRESQL:
        return Finding(Grade.FAILURE, "server", said, "PostgreSQL 13 or newer is needed: upgrade it")
    return Finding(Grade.OK, "server", said)


def _postgis(connection: Connection) -> Finding:
    asked = "SELECT extversion FROM pg_extension WHERE extname = 'postgis'"
    found = connection.exec_driver_sql(asked).scalar()
    if found is None:
        way_out = "run CREATE EXTENSION postgis in this database, as a superuser"
        return Finding(Grade.FAILURE, "postgis", "the extension is not there", way_out)
    if tuple(int(part) for part in found.split(".")[:2]) < _OLDEST_POSTGIS:
        return Finding(Grade.FAILURE, "postgis", f"PostGIS {found}", "PostGIS 3.1 or newer is needed")
    return Finding(Grade.OK, "postgis", f"PostGIS {found}")


def _migrations(connection: Connection) -> Finding:
    found, newest = migrate.version_of(connection), migrate.newest_version()
    if found != newest:
        told = str(migrate.schema_outdated(found))
        said, _, way_out = told.rpartition(": ")
        return Finding(Grade.FAILURE, "migrations", said, way_out)
    return Finding(Grade.OK, "migrations", f"the tables are of version {found}, the newest")


def _role(connection: Connection) -> Finding:
    asked = (
        "SELECT rolname, rolsuper OR rolbypassrls, current_setting('transaction_read_only') = 'on'"
        " FROM pg_roles WHERE rolname = current_user"
    )
    name, beyond, read_only = connection.exec_driver_sql(asked).one()
    if read_only:
        return Finding(Grade.FAILURE, "role", f"{name} may only read here", "name the primary, not a replica")
    if beyond:
        way_out = "connect as a role of its own that owns the database and is no superuser"
        return Finding(Grade.WARNING, "role", f"row-level security does not bind {name}", way_out)
    return Finding(Grade.OK, "role", f"{name}, bound by row-level security")


def _writing(connection: Connection, statement: str) -> Finding:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement)
            connection.exec_driver_sql("INSERT INTO geo_offers_checkup VALUES (1)")
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("DROP TABLE geo_offers_checkup")
    except DBAPIError as error:
        way_out = "imports need temporary tables: GRANT TEMPORARY ON DATABASE … TO our role"
        return Finding(Grade.FAILURE, "temporary tables", str(error.orig).splitlines()[0], way_out)
    return Finding(Grade.OK, "temporary tables", "can be made and written")


def _tables(connection: Connection) -> Finding:
    closed = connection.execute(_CLOSED, {"names": [table.name for table in metadata.sorted_tables]})
    names = sorted(closed.scalars())
    if names:
        way_out = "GRANT ALL ON ALL TABLES and ALL SEQUENCES IN SCHEMA … TO our role"
        return Finding(Grade.FAILURE, "tables", f"we may not write {', '.join(names)}", way_out)
    asked = "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
    if not connection.exec_driver_sql(asked).scalar_one():
        way_out = "well so, but then `geo-offers migrate` needs another role"
        return Finding(Grade.WARNING, "tables", "can be written, not made", way_out)
    return Finding(Grade.OK, "tables", "can be written and made")


def _clock(connection: Connection, now: Callable[[], datetime]) -> Finding:
    """The server's clock against ours, as seen half way through the question."""
    before = now()
    theirs: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    after = now()
    skew_s = (theirs.astimezone(UTC) - (before + (after - before) / 2)).total_seconds()
    said = f"the database is {abs(skew_s):.3f} s {'ahead of' if skew_s > 0 else 'behind'} this machine"
    if abs(skew_s) < _SKEW_NOTED_S:
        return Finding(Grade.OK, "clock", said)
    grade = Grade.FAILURE if abs(skew_s) >= _SKEW_REFUSED_S else Grade.WARNING
    return Finding(grade, "clock", said, "let NTP set both: promotions begin and end by these clocks")


def _library(connection: Connection) -> Finding:
    version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
    if tuple(map(int, version.split("."))) < _OLDEST_SQLITE:
        return Finding(
            Grade.FAILURE, "sqlite", f"SQLite {version}", "3.35 or newer is needed: a newer Python"
        )
    journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if journal != "wal":
        way_out = "put the file on a local disk, and open it once with `geo-offers migrate`"
        return Finding(Grade.WARNING, "sqlite", f"SQLite {version}, journal {journal}", way_out)
    return Finding(Grade.OK, "sqlite", f"SQLite {version}, write-ahead log")
