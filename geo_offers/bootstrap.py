"""Where every adapter is chosen, once; the only file that names one."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from geo_offers.domain.errors import InvalidInput, KernelCacheUnavailable
from geo_offers.domain.place import LngLat
from geo_offers.services.key_desk import KeyDesk
from geo_offers.services.keys import KeyRing
from geo_offers.settings import Settings
from geo_offers.stores import sqlite_files
from geo_offers.stores.account_ports import AccountStore
from geo_offers.stores.commerce_ports import CommerceStore
from geo_offers.stores.durable_sqlite import SqliteStore
from geo_offers.stores.live_memory import MemoryUsage
from geo_offers.stores.ports import CatalogStore, RateLimits
from geo_offers.stores.rate_memory import MemoryRateLimits
from geo_offers.stores.sql_accounts import SqlAccounts
from geo_offers.stores.sql_commerce import SqlCommerce
from geodata.zones import country_of_zone, zone_at

if TYPE_CHECKING:
    from geo_offers.services.catalog import Catalog, CatalogFollower
    from geo_offers.services.coupons import Coupons
    from geo_offers.services.district_offers import DistrictOffers
    from geo_offers.services.find_shops import FindShops
    from geo_offers.services.match_offers import MatchOffers
    from geo_offers.services.merchant_shops import MerchantShops
    from geo_offers.services.previews import Previews
    from geo_offers.services.promotions import MerchantPromotions
    from geo_offers.services.redemptions import Redemptions
    from geo_offers.services.usage import UsageFollower
    from geo_offers.services.write_answers import WriteAnswers
    from geo_offers.services.zones import Zones

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Services:
    """What a running process offers to its doors."""

    store: CatalogStore
    accounts: AccountStore
    commerce: CommerceStore
    keys: KeyRing
    key_desk: KeyDesk
    rates: RateLimits
    catalog: Catalog
    follower: CatalogFollower
    find_shops: FindShops
    zones: Zones
    district_offers: DistrictOffers
    match_offers: MatchOffers
    write_answers: WriteAnswers
    coupons: Coupons
    redemptions: Redemptions
    usage_follower: UsageFollower
    merchant_shops: MerchantShops
    promotions: MerchantPromotions
    previews: Previews


def _zone_at(at: LngLat) -> tuple[str, str | None]:
    """The time zone and the country of a place."""
    zone = zone_at(at)
    return zone, country_of_zone(zone)


def utc_now() -> datetime:
    """The clock of a running process; tests bring their own."""
    return datetime.now(UTC)


async def build(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> Services:
    """Everything wired, with the catalog loaded. Raises what `open_store` and `kernel_cache` raise."""
    with kernel_cache(settings):
        # Here and not above: compiled kernels cost a second and 150 MB, which an import of shops does not need.
        from geo_offers.services.catalog import Catalog, CatalogFollower, load_snapshot
        from geo_offers.services.coupons import Coupons
        from geo_offers.services.district_offers import DistrictOffers
        from geo_offers.services.find_shops import FindShops
        from geo_offers.services.match_offers import MatchOffers
        from geo_offers.services.merchant_shops import MerchantShops
        from geo_offers.services.previews import Previews
        from geo_offers.services.promotions import MerchantPromotions
        from geo_offers.services.redemptions import Redemptions
        from geo_offers.services.usage import UsageFollower
        from geo_offers.services.write_answers import WriteAnswers
    from geo_offers.services.zones import Zones

    stores = await open_stores(settings, now=now)
    store = stores.catalog
    keys = KeyRing(stores.accounts, now)
    await keys.refresh()
    catalog = Catalog(await load_snapshot(store))
    follower = CatalogFollower(catalog, store)
    secret = await asyncio.to_thread(_secret, settings)
    usage = MemoryUsage(stores.commerce)
    await usage.advance()
    return Services(
        store,
        stores.accounts,
        stores.commerce,
        keys,
        KeyDesk(stores.accounts, now, keys),
        MemoryRateLimits(),
        catalog,
        follower,
        FindShops(catalog, now),
        Zones(catalog, now),
        DistrictOffers(catalog, usage, now),
        MatchOffers(catalog, usage, now, secret),
        WriteAnswers(catalog, usage, now),
        Coupons(stores.commerce, catalog, usage, now, secret),
        Redemptions(stores.commerce, usage, now),
        UsageFollower(usage),
        MerchantShops(stores.accounts, catalog, _zone_at),
        MerchantPromotions(stores.accounts, catalog),
        Previews(catalog, now),
    )


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
        await services.write_answers.warm_up()
        followers = (services.follower, services.keys, services.usage_follower)
        following = [asyncio.create_task(one.run()) for one in followers]
        try:
            yield services
        finally:
            for one in following:
                one.cancel()
            await asyncio.gather(*following, return_exceptions=True)
    finally:
        await services.store.close()


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept for good, by subject; all end with the catalog's."""

    catalog: CatalogStore
    accounts: AccountStore
    commerce: CommerceStore


async def open_store(settings: Settings) -> CatalogStore:
    """The catalog alone (see `open_stores`)."""
    return (await open_stores(settings)).catalog


async def open_stores(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> Stores:
    """The stores behind `database_url`, ready to use; embedded ones are made when they are not there.

    Raises InvalidInput for a URL that names no store of ours, StoreUnavailable when it cannot be had and
    SchemaOutdated when its tables are of another version.
    """
    store = await SqliteStore.open(_sqlite_path(settings.database_url))
    return Stores(store, SqlAccounts(store.units, now), SqlCommerce(store.units))


async def promotions_of_merchants(settings: Settings, stores: Stores) -> MerchantPromotions:
    """What merchants do with their promotions, on the catalog as it is now; nobody follows it. Takes a second."""
    with kernel_cache(settings):
        from geo_offers.services.catalog import Catalog, load_snapshot
        from geo_offers.services.promotions import MerchantPromotions
    return MerchantPromotions(stores.accounts, Catalog(await load_snapshot(stores.catalog)))


@asynccontextmanager
async def open_key_desk(
    settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[KeyDesk]:
    """The desk for keys alone, without the catalog. Raises what `open_stores` raises."""
    stores = await open_stores(settings, now=now)
    try:
        yield KeyDesk(stores.accounts, now, KeyRing(stores.accounts, now))
    finally:
        await stores.catalog.close()


def _secret(settings: Settings) -> bytes:
    """What visitors' ids are hashed with: the operator's secret, else one that is kept beside the database."""
    chosen = settings.secret.encode() if settings.secret else None
    return hashlib.blake2b(chosen or sqlite_files.secret_beside(_sqlite_path(settings.database_url))).digest()


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
