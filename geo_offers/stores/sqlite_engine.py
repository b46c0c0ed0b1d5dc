"""SQLite through SQLAlchemy: how a connection is set up, how a transaction begins, what its errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from geo_offers.domain.errors import Conflict, GeoOffersError, StoreUnavailable
from geo_offers.stores import tenancy
from geo_offers.stores.migrate import schema_outdated

#: How a unit that will write begins: it waits for its turn now, for a read that becomes a write cannot.
IMMEDIATE = {"begin": "BEGIN IMMEDIATE"}
#: Memory that one import may use for pages: of the file, and of the rows that wait.
_IMPORT_CACHE_KIB = 96 * 1024

_WORDS = {
    "SQLITE_BUSY": "is busy: another process has kept it locked for too long",
    "SQLITE_LOCKED": "is busy: another connection has it locked",
    "SQLITE_FULL": "cannot grow: the disk is full",
    "SQLITE_READONLY": "cannot be written: the file or its folder is read-only",
    "SQLITE_CANTOPEN": "cannot be opened: is its folder there, and may we write in it?",
    "SQLITE_PERM": "cannot be opened: permission denied",
    "SQLITE_CORRUPT": "is damaged: restore it from a backup",
    "SQLITE_NOTADB": "is not a SQLite database: name another file",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
    "SQLITE_PROTOCOL": "is busy: its lock could not be had",
    "SQLITE_NOMEM": "could not be used: out of memory",
    "SQLITE_INTERRUPT": "was interrupted",
}


def engine_of(path: Path, *, busy_s: float) -> Engine:
    """An engine on this file; a connection waits up to `busy_s` for another writer. Opens nothing yet.

    On every connection foreign keys hold, commits survive a loss of power, and transactions begin when we
    say so and not when the driver thinks so. Statements in a merchant's unit are guarded: see `tenancy`.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": busy_s, "isolation_level": None},
        pool_size=4,
        max_overflow=-1,
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    tenancy.guard(engine)
    return engine


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 67108864")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def use_wal(connection: Connection) -> None:
    """Let readers and a writer work at the same time, from now on and for every process."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute("PRAGMA journal_mode = WAL")


def prepare_for_import(connection: Connection) -> None:
    """Bounded but larger caches, and the rows that wait in a file of their own and not in memory."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute("PRAGMA temp_store = FILE")
    driver.cursor().execute(f"PRAGMA main.cache_size = -{_IMPORT_CACHE_KIB}")
    driver.cursor().execute(f"PRAGMA temp.cache_size = -{_IMPORT_CACHE_KIB}")


@contextmanager
def our_errors(path: Path) -> Iterator[None]:
    """Turns what the driver raises inside into our errors; what is not the store's fault passes as it is."""
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        translated = _translated(path, error.orig)
        if translated is None:
            raise
        raise translated from error
    except sqlite3.Error as error:
        translated = _translated(path, error)
        if translated is None:
            raise
        raise translated from error


def _translated(path: Path, error: sqlite3.Error) -> GeoOffersError | None:
    name: Any = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_CONSTRAINT"):
        return Conflict(f"the store already has a row in the way: {error}")
    if str(error).startswith(("no such table: alembic_version", "no such column")):
        return schema_outdated(None)
    for known, words in _WORDS.items():
        if name == known or name.startswith(f"{known}_"):
            return StoreUnavailable(f"the database {path} {words}")
    return None
