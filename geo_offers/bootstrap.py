"""Where every adapter is chosen, once; the only file that names one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
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
from geo_offers.stores.live_memory import MemoryUsage, NoAnswers
from geo_offers.stores.nudge_memory import MemoryNudges
from geo_offers.stores.ports import AnswerHints, CatalogStore, LiveState, Nudges, RateLimits
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
    from geo_offers.stores.postgis_engine import PostgisAddress

_SQLITE = "sqlite:///"
_KEPT_SECRET = re.compile("[0-9a-f]{64}")
_SERVER = ("postgresql:", "postgresql+asyncpg:")


@dataclass(frozen=True, slots=True)
class Live:
    """What may be lost: in this process, or in Redis for several.

    state  how Redis does; None without it
    runs   what goes on for as long as the process runs
    """

    nudges: Nudges
    rates: RateLimits
    answers: AnswerHints
    state: LiveState | None
    runs: Sequence[Callable[[], Awaitable[None]]]
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """What a running process offers to its doors."""

    store: CatalogStore
    accounts: AccountStore
    commerce: CommerceStore
    keys: KeyRing
    key_desk: KeyDesk
    live: Live
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

    require_secret(settings)
    stores = await open_stores(settings, now=now)
    store = stores.catalog
    secret = await asyncio.to_thread(_secret, settings)
    live = open_live(settings, secret)
    nudges = live.nudges
    keys = KeyRing(stores.accounts, now, nudges)
    await keys.refresh()
    catalog = Catalog(await load_snapshot(store), nudges)
    follower = CatalogFollower(catalog, store, nudges)
    usage = MemoryUsage(stores.commerce)
    await usage.advance()
    return Services(
        store,
        stores.accounts,
        stores.commerce,
        keys,
        KeyDesk(stores.accounts, now, keys),
        live,
        catalog,
        follower,
        FindShops(catalog, now),
        Zones(catalog, now),
        DistrictOffers(catalog, usage, now),
        MatchOffers(catalog, usage, now, secret),
        WriteAnswers(catalog, usage, now),
        Coupons(stores.commerce, catalog, usage, nudges, now, secret),
        Redemptions(stores.commerce, usage, nudges, now),
        UsageFollower(usage, nudges),
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
        followers = (services.follower.run, services.keys.run, services.usage_follower.run)
        following = [asyncio.ensure_future(run()) for run in (*followers, *services.live.runs)]
        try:
            yield services
        finally:
            for one in following:
                one.cancel()
            await asyncio.gather(*following, return_exceptions=True)
    finally:
        await services.live.close()
        await services.store.close()


def open_live(settings: Settings, secret: bytes) -> Live:
    """Live state as the settings have it; Redis need not be there. Raises InvalidInput for a URL that cannot be."""
    if settings.redis_url is None:
        return Live(MemoryNudges(), MemoryRateLimits(), NoAnswers(), None, (), _nothing)
    try:
        from geo_offers.stores.live_redis import RedisNudges
        from geo_offers.stores.redis_answers import RedisAnswers
        from geo_offers.stores.redis_link import RedisLink
        from geo_offers.stores.redis_rates import RedisRates
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"Redis needs what is not installed ({error.name}): install geo-offers[server]",
            pointer="GEO_OFFERS_REDIS_URL",
        ) from error
    link = RedisLink(settings.redis_url)
    nudges, rates = RedisNudges(link), RedisRates(link)
    answers = RedisAnswers(link, store=secret + settings.database_url.encode())
    return Live(nudges, rates, answers, link, (nudges.run, rates.run, answers.run), link.close)


async def _nothing() -> None:
    """Nothing is to be closed."""


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
    if _is_on_server(settings):
        with _server_extra():
            from geo_offers.stores.durable_postgis import PostgisStore
        on_server = await PostgisStore.open(_postgis_address(settings), now=now)
        return Stores(on_server, SqlAccounts(on_server.units, now), SqlCommerce(on_server.units))
    store = await SqliteStore.open(_sqlite_path(settings.database_url))
    return Stores(store, SqlAccounts(store.units, now), SqlCommerce(store.units))


async def promotions_of_merchants(settings: Settings, stores: Stores) -> MerchantPromotions:
    """What merchants do with their promotions, on the catalog as it is now; nobody follows it. Takes a second."""
    with kernel_cache(settings):
        from geo_offers.services.catalog import Catalog, load_snapshot
        from geo_offers.services.promotions import MerchantPromotions
    return MerchantPromotions(stores.accounts, Catalog(await load_snapshot(stores.catalog), MemoryNudges()))


@asynccontextmanager
async def open_key_desk(
    settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[KeyDesk]:
    """The desk for keys alone, without the catalog. Raises what `open_stores` raises."""
    stores = await open_stores(settings, now=now)
    try:
        yield KeyDesk(stores.accounts, now, KeyRing(stores.accounts, now, MemoryNudges()))
    finally:
        await stores.catalog.close()


def require_secret(settings: Settings) -> None:
    """Raise InvalidInput when visitors' keys could differ between the workers of one store."""
    if _is_on_server(settings) and not settings.secret:
        raise InvalidInput(
            "a store on PostgreSQL needs GEO_OFFERS_SECRET, the same for every worker: any 32 random characters",
            pointer="GEO_OFFERS_SECRET",
        )


def _secret(settings: Settings) -> bytes:
    """What visitors' ids are hashed with: the operator's secret, else one that is kept beside the database."""
    chosen = _as_kept(settings.secret) if settings.secret else None
    return hashlib.blake2b(chosen or sqlite_files.secret_beside(_sqlite_path(settings.database_url))).digest()


def _as_kept(secret: str) -> bytes:
    """The bytes of a secret; 64 hexadecimal digits are what stands in the file beside a database, and mean the same."""
    return bytes.fromhex(secret) if _KEPT_SECRET.fullmatch(secret) else secret.encode()


async def migrate_store(settings: Settings) -> tuple[str | None, str]:
    """Bring the store's tables to this program's version; the version before (None when new) and after."""
    if _is_on_server(settings):
        with _server_extra():
            from geo_offers.stores import postgis_tables
        return await asyncio.to_thread(postgis_tables.bring_up_to_date, _postgis_address(settings))
    return await asyncio.to_thread(sqlite_files.bring_up_to_date, _sqlite_path(settings.database_url))


def _is_on_server(settings: Settings) -> bool:
    return settings.database_url.startswith(_SERVER)


@contextmanager
def _server_extra() -> Iterator[None]:
    """For imports that need what is installed for the server profile only. Raises InvalidInput without it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"PostgreSQL needs {error.name}, which is not installed: pip install 'geo-offers[server]'",
            pointer="GEO_OFFERS_DATABASE_URL",
        ) from error


def _postgis_address(settings: Settings) -> PostgisAddress:
    from geo_offers.stores.postgis_engine import PostgisAddress, PostgisLimits

    limits = PostgisLimits(
        pool=settings.postgis_pool,
        pool_timeout_s=settings.postgis_pool_timeout_s,
        statement_timeout_s=settings.postgis_statement_timeout_s,
        lock_timeout_s=settings.postgis_lock_timeout_s,
        idle_timeout_s=settings.postgis_idle_timeout_s,
    )
    return PostgisAddress(settings.database_url, limits)


def _sqlite_path(url: str) -> Path:
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:" or "?" in path:
        raise InvalidInput(
            "the database URL is not of the form sqlite:////path/to/file", pointer="GEO_OFFERS_DATABASE_URL"
        )
    return Path(path).expanduser()
