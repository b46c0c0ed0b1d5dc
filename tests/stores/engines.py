"""One transaction on either dialect, for tests that look below the port."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection

from geo_offers.stores.sqlite_engine import engine_of

InTransaction = Callable[[Connection], None]


def on_sqlite(path: Path, function: InTransaction) -> None:
    """Run a function in a transaction on this file, and commit."""
    engine = engine_of(path, busy_s=1)
    try:
        with engine.begin() as connection:
            function(connection)
    finally:
        engine.dispose()


async def on_postgis(url: str, function: InTransaction) -> None:
    """Run a function in a transaction on this database, and commit."""
    import_module("geo_offers.stores.postgis_types")  # before the first CREATE TABLE
    asyncio_engines = import_module("sqlalchemy.ext.asyncio")  # wants greenlet, of the extra `server`
    engine = asyncio_engines.create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:", 1))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(function)
    finally:
        await engine.dispose()
