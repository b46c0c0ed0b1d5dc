"""A store on a disk with promotions of one merchant, the keys to it, and whether its counters are right after a run."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from geo_offers.bootstrap import Stores, open_key_desk, open_stores
from geo_offers.domain.account import Caller, Role
from geo_offers.domain.fence import CircleFence
from geo_offers.domain.place import LngLat, Shop, Source, shop_id_of
from geo_offers.domain.promotion import Limits, Merchant, PercentOff, Promotion, Status
from geo_offers.domain.promotion_document import merchant_id_of, promotion_id_of
from geo_offers.domain.schedule import Schedule
from geo_offers.settings import Settings
from scripts.benches.report import Case, Report

AT = LngLat(120.1541, 31.1981)
CURRENCY = "CNY"
PROMOTIONS = 1_000
_NOT_DISKS = ("tmpfs", "ramfs", "devtmpfs")
_MERCHANT = Merchant(merchant_id_of("Lakeside Noodles"), "Lakeside Noodles")
_SOURCE = Source("merchant", f"{_MERCHANT.id}:lakeside-1", "proprietary")
_SHOP = Shop(
    id=shop_id_of(_SOURCE.provider, _SOURCE.id),
    name="Lakeside Noodles",
    category="food.restaurant",
    at=AT,
    time_zone="Asia/Shanghai",
    country="CN",
    source=_SOURCE,
)
#: All of them count, none is ever reached.
_LIMITS = Limits(
    max_claims=10**8, max_redemptions=10**8, max_per_visitor=5, budget_minor=10**12, currency=CURRENCY
)


@dataclass(frozen=True, slots=True)
class Town:
    """A filled store, the keys of an app and of a till, and who the till is.

    promotion_ids   the first is the hot one
    """

    settings: Settings
    app: str
    till: str
    promotion_ids: tuple[str, ...]
    shop_id: str
    caller: Caller

    def promotions_of_run(self, *, hot: bool) -> tuple[str, ...]:
        """The promotions of a run: the hot one or all others."""
        return self.promotion_ids[:1] if hot else self.promotion_ids[1:]


@dataclass(frozen=True, slots=True)
class Sums:
    """Claims and redemptions of all promotions, as the counters say."""

    claims: int
    redemptions: int

    def less(self, other: Sums) -> Sums:
        return Sums(self.claims - other.claims, self.redemptions - other.redemptions)


NOTHING = Sums(0, 0)


@contextmanager
def folder_on_disk() -> Iterator[tuple[Path, str]]:
    """A folder for the block that is not in memory, and the file system that it is on."""
    places = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()]
    kinds = [_file_system_of(place) for place in places]
    place, kind = next(
        ((place, kind) for place, kind in zip(places, kinds, strict=True) if kind not in _NOT_DISKS),
        (places[-1], kinds[-1]),
    )
    with tempfile.TemporaryDirectory(prefix="geo-offers-bench-", dir=place) as folder:
        yield Path(folder), kind


async def filled_town(database_url: str, *, redis_url: str | None = None) -> Town:
    """A new store at this URL: 20 % off inside of circles, one hot promotion and 1,000 others."""
    settings = Settings(database_url=database_url, redis_url=redis_url, secret="bench", log_level="warning")
    promotions = [_promotion(number) for number in range(PROMOTIONS + 1)]
    stores = await open_stores(settings)
    try:
        await stores.catalog.import_shops([_SHOP], dataset="bench")
        await stores.catalog.import_promotions(promotions, [_MERCHANT], dataset="bench")
    finally:
        await stores.catalog.close()
    async with open_key_desk(settings) as desk:
        app = await desk.create(Role.APP, "bench")
        till = await desk.create(Role.MERCHANT, _MERCHANT.id)
    caller = Caller(till.key.id, Role.MERCHANT, _MERCHANT.id)
    return Town(settings, app.secret, till.secret, tuple(one.id for one in promotions), _SHOP.id, caller)


async def sums_of(stores: Stores) -> Sums:
    """What is counted now."""
    rows = await stores.commerce.counted_since(0, limit=10 * PROMOTIONS)
    return Sums(sum(row.claims for row in rows), sum(row.redemptions for row in rows))


async def settled_sums_of(stores: Stores) -> Sums:
    """What is counted once nothing is under way any more: a load that ends leaves its last requests behind."""
    before, now = None, await sums_of(stores)
    while now != before:
        await asyncio.sleep(0.5)
        before, now = now, await sums_of(stores)
    return now


async def add_proof(
    report: Report, name: str, stores: Stores, before: Sums, answered: Sums, *, unheard: Sums = NOTHING
) -> None:
    """Whether the ledger bears out all counters, and whether they are what was answered.

    unheard  so many may have been done whose answer nobody waited for
    """
    disagreements = await stores.commerce.verify()
    counted = (await settled_sums_of(stores)).less(before)
    more = counted.less(answered)
    met = (
        not disagreements
        and 0 <= more.claims <= unheard.claims
        and 0 <= more.redemptions <= unheard.redemptions
    )
    value = (
        f"verify: {len(disagreements)} disagreements; {counted.claims:,} claims and {counted.redemptions:,} "
        f"redemptions counted, {answered.claims:,} and {answered.redemptions:,} answered"
    )
    target = "none; counted is answered"
    if unheard != NOTHING:
        target += f" or under way at the end (<= {unheard.claims} and {unheard.redemptions})"
    report.add(Case(f"{name}: counters", value=value, target=target, met=met))


def _promotion(number: int) -> Promotion:
    external_id = f"bench-{number}"
    now = datetime.now(UTC).replace(microsecond=0)
    return Promotion(
        id=promotion_id_of(_MERCHANT.id, external_id),
        merchant_id=_MERCHANT.id,
        external_id=external_id,
        title=f"20 % off noodles ({number})",
        benefit=PercentOff(2_000),
        fence=CircleFence(AT, 300.0),
        shop_ids=(_SHOP.id,),
        schedule=Schedule(now - timedelta(days=1), now + timedelta(days=1), None, "Asia/Shanghai"),
        status=Status.ACTIVE,
        limits=_LIMITS,
    )


def _file_system_of(path: Path) -> str:
    """The kind of the file system of a folder, such as ext4."""
    path = path.resolve()
    mounted = [one for one in psutil.disk_partitions(all=True) if path.is_relative_to(one.mountpoint)]
    return str(max(mounted, key=lambda one: len(one.mountpoint)).fstype) if mounted else "unknown"
