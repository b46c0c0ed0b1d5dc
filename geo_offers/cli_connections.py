"""A bare connection to the database behind a URL, for commands that look below the stores, whatever its tables."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from geo_offers.domain.errors import InvalidInput, StoreUnavailable
from geo_offers.stores import sqlite_engine, sqlite_files

_T = TypeVar("_T")
_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql:", "postgresql+asyncpg:")


def is_server(url: str) -> bool:
    """Whether the URL is of a PostgreSQL server."""
    return url.startswith(_POSTGRESQL)


def sqlite_path(url: str) -> Path:
    """The file of a sqlite:/// URL. Raises InvalidInput for another."""
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:" or "?" in path:
        raise InvalidInput(f"the database URL {url} is not of the form sqlite:////path/to/file")
    return Path(path).expanduser()


def in_transaction(url: str, function: Callable[[Connection], _T], *, writes: bool) -> _T:
    """Run a function in one transaction, which is committed after it; nothing of ours is required to be there.

    Raises StoreUnavailable when the database cannot be had, InvalidInput for a URL that is none of ours.
    """
    if is_server(url):
        return asyncio.run(_on_server(url, function))
    return on_file(sqlite_path(url), function, writes=writes)


def on_file(path: Path, function: Callable[[Connection], _T], *, writes: bool) -> _T:
    """`in_transaction` on a SQLite file; one that does not write is not made when it is not there."""
    if not writes and not path.exists():
        raise StoreUnavailable(f"the database {path} is not there")
    engine = sqlite_engine.engine_of(path, busy_s=sqlite_files.BUSY_S)
    options = sqlite_engine.IMMEDIATE if writes else {}
    try:
        with (
            sqlite_engine.our_errors(path),
            engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            return function(connection)
    finally:
        engine.dispose()


async def _on_server(url: str, function: Callable[[Connection], _T]) -> _T:
    # Here and not above: the embedded store needs no driver of a server.
    try:
        from geo_offers.stores import postgis_engine
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"{error.name} is not installed, and PostgreSQL needs it: pip install 'geo-offers[server]'"
        ) from error

    address = postgis_engine.PostgisAddress(url)
    engine = address.apart()
    try:
        with postgis_engine.our_errors(address.where):
            async with engine.begin() as connection:
                return await connection.run_sync(function)
    finally:
        await engine.dispose()
