"""Discovery of districts over a store: its shops in, discovered districts out, ids kept from the run before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from geo_offers.districts.discovered import DiscoveredDistrict
from geo_offers.districts.discovery import discover
from geo_offers.districts.parameters import Parameters
from geo_offers.domain.named_place import NamedPlace
from geo_offers.domain.place import Shop
from geo_offers.stores.ports import CatalogStore, ImportCounts

DATASET = "discovered"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, and what it changed in the store."""

    shops: int
    districts: Sequence[DiscoveredDistrict]
    counts: ImportCounts


async def discover_districts(
    store: CatalogStore, *, places: Sequence[NamedPlace] = (), parameters: Parameters | None = None
) -> Discovery:
    """Find the districts of all shops in the store and keep them in place of those found before."""
    shops: list[Shop] = []
    async with store.reading() as reading:
        async for chunk in reading.shops():
            shops.extend(chunk)
        before = [district for district in await reading.districts() if district.kind == "discovered"]
    found = await asyncio.to_thread(
        discover, shops, places=places, parameters=parameters or Parameters(), previous=before
    )
    counts = await store.import_districts([one.to_district() for one in found], dataset=DATASET, replace=True)
    return Discovery(len(shops), found, counts)
