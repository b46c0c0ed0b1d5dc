"""The follower keeps the catalog fresh, whatever happens to the store meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from geo_offers.bootstrap import build
from geo_offers.domain.errors import StoreUnavailable
from geo_offers.services.catalog import Catalog, CatalogFollower
from geo_offers.settings import Settings
from geo_offers.stores.nudge_memory import MemoryNudges
from geo_offers.stores.ports import CatalogStore
from tests.builders import a_shop


class Unwell:
    """A store that fails some times before it gets well; everything else is the store's own."""

    def __init__(self, store: CatalogStore, faults: list[Exception]) -> None:
        self._store = store
        self._faults = faults

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def revision(self) -> int:
        if self._faults:
            raise self._faults.pop(0)
        return await self._store.revision()


async def test_whatever_goes_wrong_it_goes_on_and_says_why(tmp_path: Path) -> None:
    services = await build(Settings(database_url=f"sqlite:///{tmp_path / 'store.sqlite3'}"))
    await services.store.put_shops([a_shop()])
    faults: list[Exception] = [StoreUnavailable("the disk is away"), KeyError("a surprise")]
    nudges = MemoryNudges()
    catalog = Catalog(services.catalog.current, nudges)
    follower = CatalogFollower(catalog, Unwell(services.store, faults), nudges, poll_s=0)  # type: ignore[arg-type]
    following = asyncio.create_task(follower.run())
    said = set()
    async with asyncio.timeout(20):
        while catalog.current.revision == 0 or follower.behind:
            said.add(follower.behind)
            await asyncio.sleep(0)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    await services.store.close()
    assert said - {None} == {"the disk is away", "KeyError: 'a surprise'"}
    assert catalog.current.revision == 1
    assert len(catalog.current.shops) == 1
