"""The command that loads the sample town: its places as an operator brings them, its promotions as its merchants do."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from geo_offers.bootstrap import Stores, promotions_of_merchants
from geo_offers.cli_import import into_stores
from geo_offers.cli_summary import print_counts
from geo_offers.domain.account import Caller, Role
from geo_offers.domain.promotion import Promotion, Status
from geo_offers.domain.promotion_steps import Step
from geo_offers.services.importing import Imported, Rows
from geo_offers.settings import Settings
from geo_offers.stores.once import Once
from geo_offers.stores.ports import CatalogStore, ImportCounts
from geodata.sample_town import SampleTown, is_of_a_sample_town, sample_town

if TYPE_CHECKING:
    from geo_offers.services.promotions import MerchantPromotions

DATASET = "sample-town"


def load_sample_town(settings: Settings, *, seed: int) -> None:
    """Load the sample town of this seed in place of the one before, and print what that did.

    A promotion that is there keeps its status, and one that has ended stays as it is.
    """
    town = sample_town(seed)

    async def load(stores: Stores) -> dict[str, ImportCounts]:
        store = stores.catalog
        districts = await store.import_districts(town.districts, dataset=DATASET, replace=True)
        shops = await store.import_shops(town.shops, dataset=DATASET, replace=True)
        there, others = await _promotions_there(store, town)
        await asyncio.gather(*map(store.retire_promotion, others))
        await store.put_merchants(town.merchants)
        await _give_shops(stores, town)
        counts = Imported()
        coming = _coming(town, there, counts)
        if coming:
            promotions = await promotions_of_merchants(settings, stores)
            # Together, as merchants come: what waits for the store shares one write to the disk.
            await asyncio.gather(*(_take(promotions, one, his, counts) for one, his in coming.items()))
        took = ImportCounts(counts.added, counts.updated, counts.unchanged, len(others))
        return {"shops": shops, "districts": districts, "promotions": took}

    print_counts(into_stores(settings, load))


async def _promotions_there(
    store: CatalogStore, town: SampleTown
) -> tuple[dict[str, Promotion], Sequence[str]]:
    """The promotions of this town that are in the store, by id, and the ids of those of another sample town."""
    ours = {promotion.id for promotion in town.promotions}
    async with store.reading() as reading:
        found = {
            one.id: one async for some in reading.promotions() for one in some if is_of_a_sample_town(one)
        }
    there = {one: found[one] for one in found.keys() & ours}
    return there, sorted(found.keys() - ours)


async def _give_shops(stores: Stores, town: SampleTown) -> None:
    """The shops in which a merchant gives something are his."""
    shops_of: defaultdict[str, set[str]] = defaultdict(set)
    for promotion in town.promotions:
        shops_of[promotion.merchant_id].update(promotion.shop_ids)
    giving = (stores.accounts.of_merchant(one).own_shops(sorted(his)) for one, his in shops_of.items())
    await asyncio.gather(*giving)


def _coming(
    town: SampleTown, there: Mapping[str, Promotion], counts: Imported
) -> Mapping[str, Sequence[Promotion]]:
    """By merchant, the promotions that are new or another; counts those that stay as they are."""
    by_merchant: defaultdict[str, list[Promotion]] = defaultdict(list)
    for promotion in town.promotions:
        before = there.get(promotion.id)
        wanted = promotion if before is None else replace(promotion, status=before.status)
        if wanted == before or (wanted is not promotion and wanted.status is Status.ENDED):
            counts.note(is_new=False, is_same=True)
        else:
            by_merchant[promotion.merchant_id].append(wanted)
    return by_merchant


async def _take(
    promotions: MerchantPromotions, merchant_id: str, coming: Sequence[Promotion], counts: Imported
) -> None:
    """Import a merchant's as `POST /v1/promotions/import` does; one that is over was live before."""
    caller = Caller("", Role.MERCHANT, merchant_id)
    over = [promotion for promotion in coming if promotion.status is Status.ENDED]
    begun = [replace(one, status=Status.ACTIVE) if one in over else one for one in coming]
    rows = Rows(begun, [promotion.external_id or "" for promotion in begun])
    await promotions.take_rows(caller, rows, counts, once=_unasked(merchant_id))
    for promotion in over:
        await promotions.take_step(caller, promotion.id, Step.END, expected=None, once=_unasked(merchant_id))


def _unasked(merchant_id: str) -> Once[Any]:
    """A write that nobody waits for the answer of."""
    return Once(merchant_id, None, b"", lambda _: b"")
