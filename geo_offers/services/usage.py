"""What promotions have used: followed from the commerce store, and turned into bits for the match."""

from __future__ import annotations

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
import structlog
from numpy.typing import NDArray

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.index.promotions import PromotionIndex
from geo_offers.matching.eligibility import spending_against
from geo_offers.stores.ports import Nudges, Usage

log = structlog.get_logger(__name__)


class FollowedUsage(Protocol):
    """Usage that reads what changed when told to."""

    async def advance(self) -> int:
        """Read the counters that changed; how many did. Raises StoreUnavailable, and then knows what it knew."""


class UsageFollower:
    """Sees to it that usage is never older than the store by more than a poll; with nudges, than a rest.

    rest_s  between two looks at least, however many are redeemed meanwhile
    Whatever goes wrong, what is known stays, `behind` says why, and the follower goes on trying.
    """

    def __init__(
        self, usage: FollowedUsage, nudges: Nudges, *, poll_s: float = 1.0, rest_s: float = 0.1
    ) -> None:
        self._usage = usage
        self._nudges = nudges
        self._poll_s = poll_s
        self._rest_s = rest_s
        self.behind: str | None = None

    async def advance(self) -> int:
        """Read the counters that changed now. Raises StoreUnavailable."""
        return await self._usage.advance()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await asyncio.sleep(self._rest_s)
            await self._nudges.wait({"usage"}, within_s=self._poll_s)
            try:
                await self._usage.advance()
                self.behind = None
            except StoreUnavailable as error:
                self._fall_behind(str(error))
            except Exception as error:  # noqa: BLE001  # a follower that ends goes stale for ever, and nobody knows
                self._fall_behind(f"{type(error).__name__}: {error}")

    def _fall_behind(self, reason: str) -> None:
        if reason != self.behind:
            log.warning("usage_behind", reason=reason)
        self.behind = reason


class _Reached:
    """The bits of one index as of a version, and how many slots have any."""

    __slots__ = ("bits", "count", "version")

    def __init__(self, slots: int) -> None:
        self.version = 0
        self.bits = np.zeros(slots, np.uint16)
        self.count = 0


class SpentOut:
    """Which promotions have reached a limit in all, whoever asks: worked out again only for those that changed.

    Limits of one visitor and of periods are not here.
    """

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._known: WeakKeyDictionary[PromotionIndex, _Reached] = WeakKeyDictionary()

    def bits_of(self, index: PromotionIndex) -> NDArray[np.uint16] | None:
        """Bits of the reached limits by slot (see index.live.BIT), uint16[n]; None when none is reached."""
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = _Reached(len(index))
        if known.version != self._usage.version:
            self._bring_up_to_date(index, known)
        return known.bits if known.count else None

    def holds(self, index: PromotionIndex, slot: int) -> bool:
        """Whether this promotion has reached a limit."""
        bits = self.bits_of(index)
        return bits is not None and bool(bits[slot])

    def _bring_up_to_date(self, index: PromotionIndex, known: _Reached) -> None:
        version, changed = self._usage.version, self._usage.changed_since(known.version)
        slots = np.array(index.slots_of(sorted(changed)), np.int32)
        if len(slots):
            known.bits[slots] = spending_against(index, slots, changed)
            known.count = int(np.count_nonzero(known.bits))
        known.version = version
