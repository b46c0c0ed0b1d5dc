"""Units on PostgreSQL for tests that look below the ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from geo_offers.stores.durable_postgis import PostgisStore
from geo_offers.stores.postgis_engine import PostgisAddress, PostgisLimits
from geo_offers.stores.postgis_units import PostgisUnits


@asynccontextmanager
async def postgis_units(url: str, limits: PostgisLimits = PostgisLimits()) -> AsyncIterator[PostgisUnits]:  # noqa: B008
    """Units on this database, which gets our tables."""
    store = await PostgisStore.open(PostgisAddress(url, limits))
    try:
        yield store.units
    finally:
        await store.close()
