"""Units on PostgreSQL for tests: what is written once for both engines is held to the same promises on both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from sqlalchemy.exc import IntegrityError

from geo_offers.domain.errors import Conflict
from geo_offers.stores import migrate, tenancy


class PostgisUnits:
    """Each unit in a transaction of its own, several at a time."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    async def read(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self.write(function, *args, **kwargs)

    async def write(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(function, *args, **kwargs)
        except IntegrityError as error:
            raise Conflict(str(error)) from error


@asynccontextmanager
async def postgis_units(url: str) -> AsyncIterator[PostgisUnits]:
    """Units on this database, which gets our tables."""
    import_module("geo_offers.stores.postgis_types")  # before the first CREATE TABLE
    asyncio_engines = import_module("sqlalchemy.ext.asyncio")
    engine = asyncio_engines.create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:", 1))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate.upgrade)
        tenancy.guard(engine.sync_engine)
        yield PostgisUnits(engine)
    finally:
        await engine.dispose()
