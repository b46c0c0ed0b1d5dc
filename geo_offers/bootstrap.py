"""Where every adapter is chosen, once; the only file that names one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from geo_offers.domain.errors import InvalidInput, KernelCacheUnavailable
from geo_offers.settings import Settings
from geo_offers.stores import sqlite_files
from geo_offers.stores.durable_sqlite import SqliteStore
from geo_offers.stores.live_memory import MemoryUsage
from geo_offers.stores.ports import CatalogStore

if TYPE_CHECKING:
    from geo_offers.services.catalog import Catalog, CatalogFollower
    from geo_offers.services.find_shops import FindShops
    from geo_offers.services.match_offers import MatchOffers
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
    match_offers: MatchOffers


def utc_now() -> datetime:
    """The clock of a running process; tests bring their own."""
    return datetime.now(UTC)


async def build(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> Services:
    """Everything wired, with the catalog loaded. Raises what `open_store` and `kernel_cache` raise."""
    with kernel_cache(settings):
        # Here and not above: compiled kernels cost a second and 150 MB, which an import of shops does not need.
        from geo_offers.services.catalog import Catalog, CatalogFollower, load_snapshot
        from geo_offers.services.find_shops import FindShops
        from geo_offers.services.match_offers import MatchOffers
    from geo_offers.services.zones import Zones

    store = await open_store(settings)
    catalog = Catalog(await load_snapshot(store))
    follower = CatalogFollower(catalog, store)
    # Without a secret of the operator's visitors are known only as long as this process lives.
    secret = settings.secret.encode() if settings.secret else secrets.token_bytes(32)
    matching = MatchOffers(catalog, MemoryUsage(), now, hashlib.blake2b(secret).digest())
    return Services(store, catalog, follower, FindShops(catalog, now), Zones(catalog, now), matching)


@contextmanager
def kernel_cache(settings: Settings) -> Iterator[None]:
    """Where compiled kernels are kept, for the block that first imports them: numba looks only then.

    Raises KernelCacheUnavailable when numba finds no folder that it may write.
    """
    if settings.numba_cache_dir is not None:
        os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.numba_cache_dir))
    try:
        yield
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        raise KernelCacheUnavailable(
            "there is no folder in which compiled kernels can be kept;"
            " name one that can be written with GEO_OFFERS_NUMBA_CACHE_DIR"
        ) from error


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
