"""A SQLite file before it is a store: made, recognised, brought to this program's version."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores import migrate
from geo_offers.stores.sqlite_engine import IMMEDIATE, engine_of, our_errors, use_wal

#: How long a unit waits for another process to finish writing; merging a million shops takes some 20 s.
BUSY_S = 60.0


def make_ready(path: Path, *, busy_s: float = BUSY_S) -> str:
    """Make the file when it is not there; the version of its tables, which is this program's.

    Raises SchemaOutdated when it is another, StoreUnavailable when the file is not ours or out of reach.
    """
    newest = migrate.newest_version()
    with _opened(path, busy_s) as connection:
        with connection.begin():
            found = _version_of_ours(connection, path)
            if found is None:
                migrate.upgrade(connection)
            elif found != newest:
                raise migrate.schema_outdated(found)
        use_wal(connection)
    return newest


def bring_up_to_date(path: Path, *, busy_s: float = BUSY_S) -> tuple[str | None, str]:
    """Make the file, or bring its tables to this program's version; the version before and after.

    All or nothing, and safe when several processes do it at once.
    """
    with _opened(path, busy_s) as connection:
        with connection.begin():
            found = _version_of_ours(connection, path)
            migrate.upgrade(connection)
        use_wal(connection)
    return found, migrate.newest_version()


def secret_beside(path: Path) -> bytes:
    """The secret that belongs to a database, 32 bytes; made when it is not there yet, for its owner alone to read.

    It is in a file of its own, so that a copy of the database does not give away whose the hashed ids are.
    Of several processes at once one makes it. Raises StoreUnavailable.
    """
    kept = path.with_name(path.name + ".secret")
    try:
        if not kept.exists():
            handle, new = tempfile.mkstemp(dir=path.parent, prefix=kept.name)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(new, kept)  # unlike a rename, it never replaces one that is there
            Path(new).unlink()
        return bytes.fromhex(kept.read_text())
    except OSError as error:
        raise StoreUnavailable(f"the secret {kept} cannot be read or made: {error.strerror}") from error
    except ValueError as error:
        raise StoreUnavailable(
            f"the secret {kept} is damaged: restore it, or set GEO_OFFERS_SECRET"
        ) from error


@contextmanager
def _opened(path: Path, busy_s: float) -> Iterator[Connection]:
    """A connection whose transactions wait for other writers: one process at a time looks and makes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"the folder of the database {path} cannot be made: {error.strerror}"
        ) from error
    engine = engine_of(path, busy_s=busy_s)
    try:
        with our_errors(path), engine.connect().execution_options(**IMMEDIATE) as connection:
            yield connection
    finally:
        engine.dispose()


def _version_of_ours(connection: Connection, path: Path) -> str | None:
    found = migrate.version_of(connection)
    if found is None and connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
        # What `downgrade` to nothing leaves is ours still.
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
        if list(tables) != ["alembic_version"]:
            raise StoreUnavailable(f"the database {path} belongs to another program: name another file")
    return found
