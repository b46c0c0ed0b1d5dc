"""The catalog that this process answers from, and the follower that keeps it fresh."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog

from geo_offers.domain.errors import RevisionNotReached, StoreUnavailable
from geo_offers.index.snapshot import CatalogSnapshot, SnapshotBuilder
from geo_offers.stores.ports import CatalogStore, Change, Nudges

#: More changes than this at once are not applied one by one.
_MOST_STEPS = 1_000
_LOOK_AGAIN_S = 0.005

log = structlog.get_logger(__name__)


async def load_snapshot(store: CatalogStore) -> CatalogSnapshot:
    """The catalog as it is now, read at one revision. The event loop goes on, a slice at a time."""
    builder = SnapshotBuilder()
    async with store.reading() as reading:
        async for rows in reading.shop_rows():
            await asyncio.to_thread(builder.add, rows)
        districts = await reading.districts()
        promotions = [row async for rows in reading.promotion_rows() for row in rows]
        return await asyncio.to_thread(builder.build, reading.revision, districts, promotions)


async def advanced_snapshot(store: CatalogStore, current: CatalogSnapshot) -> CatalogSnapshot:
    """The catalog as it is now, from the one before where only promotions changed, and not too many of them."""
    async with store.reading() as reading:
        # Asked for after the reading has begun: so all its changes are among these, however busy writers are.
        changes = await store.changes_since(current.revision, limit=_MOST_STEPS)
        ids = _promotions_alone(changes, until=reading.revision)
        if ids and len(changes) < _MOST_STEPS and not current.promotions.crowded:
            rows = await reading.promotion_rows_of(sorted(ids))
            return await asyncio.to_thread(current.with_promotions, reading.revision, rows, ids)
    return await load_snapshot(store)


def _promotions_alone(changes: Sequence[Change], *, until: int) -> set[str]:
    """The promotions that changed up to a revision; none when anything else did, or the revision is not reached."""
    steps = [change for change in changes if change.revision <= until]
    if not steps or steps[-1].revision != until:
        return set()
    ids = {change.id for change in steps if change.kind == "promotion" and change.id}
    return ids if all(change.kind == "promotion" and change.id for change in steps) else set()


class Catalog:
    """Holds the current snapshot: one attribute, replaced as a whole.

    A request reads `current` once and finishes on what it read.
    """

    def __init__(self, snapshot: CatalogSnapshot, nudges: Nudges) -> None:
        self.current = snapshot
        self._nudges = nudges

    async def at_least(self, revision: int, *, within_s: float) -> None:
        """Wait until this revision is served. Raises RevisionNotReached when it is not in time."""
        try:
            async with asyncio.timeout(within_s):
                while self.current.revision < revision:
                    self._nudges.hear("catalog")
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            raise RevisionNotReached(
                f"revision {revision} is not here yet, {self.current.revision} is; ask again"
            ) from None

    async def call_for_newer(self) -> None:
        """Say that there is a newer revision, so that every process looks at once."""
        await self._nudges.nudge("catalog")


class CatalogFollower:
    """Sees to it that `catalog.current` is never older than the store by more than a poll and a load.

    With a nudge it is not even the poll. For a process that has the catalog's nudges to itself.
    Whatever goes wrong the last snapshot stays, `behind` says why, and the follower goes on trying.
    """

    def __init__(self, catalog: Catalog, store: CatalogStore, nudges: Nudges, *, poll_s: float = 1.0) -> None:
        self._catalog = catalog
        self._store = store
        self._nudges = nudges
        self._poll_s = poll_s
        self.behind: str | None = None

    async def advance(self) -> bool:
        """Take the newest revision if it is another; whether it was. Raises StoreUnavailable."""
        if await self._store.revision() == self._catalog.current.revision:
            return False
        started = time.perf_counter()
        snapshot = await advanced_snapshot(self._store, self._catalog.current)
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
            await self._nudges.wait({"catalog"}, within_s=self._poll_s)
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
