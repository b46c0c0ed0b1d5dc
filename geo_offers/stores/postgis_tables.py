"""A database before it is a store: looked at, its tables made or brought to this program's version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, text

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores import migrate
from geo_offers.stores.postgis_engine import PostgisAddress, our_errors

T = TypeVar("T")
#: The number of our advisory lock.
_LOCK = int.from_bytes(b"offers")
_IN_ONE_TURN = text("SELECT pg_advisory_xact_lock(:lock)")
_HAS_POSTGIS = text("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgis')")


def make_ready(address: PostgisAddress) -> str:
    """Make the tables where there are none; their version, which is this program's. In a thread of its own.

    Of several programs at once one makes them. Raises SchemaOutdated when they are of another version,
    StoreUnavailable when the server cannot be had or has no PostGIS.
    """

    def unit(connection: Connection) -> str:
        newest = migrate.newest_version()
        found = migrate.version_of(connection)
        if found is None:
            migrate.upgrade(connection)
        elif found != newest:
            raise migrate.schema_outdated(found)
        return newest

    return asyncio.run(_in_turn(address, unit))


def bring_up_to_date(address: PostgisAddress) -> tuple[str | None, str]:
    """Make the tables, or bring them to this program's version; the version before and after.

    All or nothing, and safe when several processes do it at once. In a thread of its own.
    """

    def unit(connection: Connection) -> tuple[str | None, str]:
        found = migrate.version_of(connection)
        migrate.upgrade(connection)
        return found, migrate.newest_version()

    return asyncio.run(_in_turn(address, unit))


async def _in_turn(address: PostgisAddress, unit: Callable[[Connection], T]) -> T:
    """One program at a time, in one transaction."""

    def in_turn(connection: Connection) -> T:
        connection.execute(_IN_ONE_TURN, {"lock": _LOCK})
        if not connection.execute(_HAS_POSTGIS).scalar_one():
            raise StoreUnavailable(
                f"the database {address.where} has no PostGIS yet: run CREATE EXTENSION postgis; in it,"
                " as a superuser"
            )
        return unit(connection)

    engine = address.apart()
    try:
        with our_errors(address.where):
            async with engine.begin() as connection:
                return await connection.run_sync(in_turn)
    finally:
        await engine.dispose()
