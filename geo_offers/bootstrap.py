"""Where every adapter is chosen, once; the only file that names one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from geo_offers.domain.errors import InvalidInput
from geo_offers.settings import Settings
from geo_offers.stores import sqlite_files
from geo_offers.stores.durable_sqlite import SqliteStore
from geo_offers.stores.ports import CatalogStore

if TYPE_CHECKING:
    from geo_offers.services.catalog import Catalog, CatalogFollower
    from geo_offers.services.find_shops import FindShops
    from geo_offers.services.zones import Zones

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Services:
    """What a running process offers to its doors."""

    store: CatalogStore
    catalog: Catalog
    follower: CatalogFollower
    find_shops: FindShops
    zones: Zones


def utc_now() -> datetime:
    """The clock of a running process; tests bring their own."""
    return datetime.now(UTC)


async def build(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> Services:
    """Everything wired, with the catalog loaded. Raises what `open_store` raises."""
    _choose_kernel_cache(settings)
    # Here and not above: compiled kernels cost a second and 150 MB, which an import of shops does not need.
    from geo_offers.services.catalog import Catalog, CatalogFollower, load_snapshot
    from geo_offers.services.find_shops import FindShops
    from geo_offers.services.zones import Zones

    store = await open_store(settings)
    catalog = Catalog(await load_snapshot(store))
    follower = CatalogFollower(catalog, store)
    return Services(store, catalog, follower, FindShops(catalog, now), Zones(catalog, now))


def _choose_kernel_cache(settings: Settings) -> None:
    """Tell numba where to keep compiled kernels; it looks when it is first imported."""
    if settings.numba_cache_dir is not None:
        os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.numba_cache_dir))


@asynccontextmanager
async def running(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> AsyncIterator[Services]:
    """Services that follow the store for as long as the context is open."""
    services = await build(settings, now=now)
    try:
        services.find_shops.warm_up()
        following = asyncio.create_task(services.follower.run())
        try:
            yield services
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
    finally:
        await services.store.close()


async def open_store(settings: Settings) -> CatalogStore:
    """The store behind `database_url`, ready to use; an embedded one is made when it is not there.

    Raises InvalidInput for a URL that names no store of ours, StoreUnavailable when it cannot be had and
    SchemaOutdated when its tables are of another version.
    """
    return await SqliteStore.open(_sqlite_path(settings.database_url))


async def migrate_store(settings: Settings) -> tuple[str | None, str]:
    """Bring the store's tables to this program's version; the version before (None when new) and after."""
    return await asyncio.to_thread(sqlite_files.bring_up_to_date, _sqlite_path(settings.database_url))


def _sqlite_path(url: str) -> Path:
    pointer = "GEO_OFFERS_DATABASE_URL"
    if url.startswith("postgresql"):
        raise InvalidInput(
            "the server profile (PostgreSQL) is not part of this version yet: use a sqlite:/// URL",
            pointer=pointer,
        )
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:" or "?" in path:
        raise InvalidInput("the database URL is not of the form sqlite:////path/to/file", pointer=pointer)
    return Path(path).expanduser()
