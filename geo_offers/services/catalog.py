"""The catalog that this process answers from, and the follower that keeps it fresh."""

from __future__ import annotations

import asyncio
import time

import structlog

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.index.snapshot import CatalogSnapshot, SnapshotBuilder
from geo_offers.stores.ports import CatalogStore

log = structlog.get_logger(__name__)


async def load_snapshot(store: CatalogStore) -> CatalogSnapshot:
    """The catalog as it is now, read at one revision. The event loop goes on, a slice at a time."""
    builder = SnapshotBuilder()
    async with store.reading() as reading:
        async for rows in reading.shop_rows():
            await asyncio.to_thread(builder.add, rows)
        districts = await reading.districts()
        return await asyncio.to_thread(builder.build, reading.revision, districts)


class Catalog:
    """Holds the current snapshot: one attribute, replaced as a whole.

    A request reads `current` once and finishes on what it read.
    """

    def __init__(self, snapshot: CatalogSnapshot) -> None:
        self.current = snapshot


class CatalogFollower:
    """Sees to it that `catalog.current` is never older than the store by more than a poll and a load.

    Whatever goes wrong the last snapshot stays, `behind` says why, and the follower goes on trying.
    """

    def __init__(self, catalog: Catalog, store: CatalogStore, *, poll_s: float = 1.0) -> None:
        self._catalog = catalog
        self._store = store
        self._poll_s = poll_s
        self.behind: str | None = None

    async def advance(self) -> bool:
        """Take the newest revision if it is another; whether it was. Raises StoreUnavailable."""
        if await self._store.revision() == self._catalog.current.revision:
            return False
        started = time.perf_counter()
        snapshot = await load_snapshot(self._store)
        self._catalog.current = snapshot
        took_ms = round((time.perf_counter() - started) * 1_000, 1)
        log.info("catalog_advanced", revision=snapshot.revision, shops=len(snapshot.shops), took_ms=took_ms)
        if snapshot.quarantined:
            log.warning(
                "catalog_quarantined", count=len(snapshot.quarantined), first=snapshot.quarantined[:10]
            )
        return True

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                await self.advance()
                self.behind = None
            except StoreUnavailable as error:
                self._fall_behind(str(error))
            except Exception as error:  # noqa: BLE001  # a follower that ends goes stale for ever, and nobody knows
                self._fall_behind(f"{type(error).__name__}: {error}")

    def _fall_behind(self, reason: str) -> None:
        if reason != self.behind:
            log.warning("catalog_behind", revision=self._catalog.current.revision, reason=reason)
        self.behind = reason
