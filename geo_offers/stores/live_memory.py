"""Live state in this process: what may be lost, and is a hint until the durable store decides."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from geo_offers.domain.offer import Spent
from geo_offers.stores.commerce_ports import CommerceStore, Counted
from geo_offers.stores.once import Kept, Once

T = TypeVar("T")

_PAGE = 10_000
_VISITORS = 4_096
_IDS_OF_A_VISITOR = 2_000
#: How long what a visitor has claimed is believed.
VISITOR_TTL_S = 2.0


@dataclass(frozen=True, slots=True)
class _More:
    """What this process has seen since the counters were last read."""

    claims: int = 0
    redemptions: int = 0
    budget_minor: int = 0

    def added(self, other: _More) -> _More:
        return _More(
            self.claims + other.claims,
            self.redemptions + other.redemptions,
            self.budget_minor + other.budget_minor,
        )


_NO_MORE = _More()


@dataclass(slots=True)
class _Known:
    """What is known of one visitor.

    used       his claims of the promotions that were asked about
    returning  whether he ever claimed; None when not asked
    """

    until_s: float
    returning: bool | None = None
    used: dict[str, int] = field(default_factory=dict)


class MemoryUsage:
    """Usage (see ports.Usage) in the memory of one process, fed from a commerce store.

    - Totals: what `advance` read, and what was noted here since. A note stands until a reading that began after
      it, so none is missed; one that falls into a reading may count twice until the next.
    - Visitors are asked for when they come, and believed for two seconds or until they claim here. At most
      4,096 of them are known.
    - Periods are not counted here: only the store knows those.

    For one event loop.
    """

    def __init__(self, commerce: CommerceStore, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._commerce = commerce
        self._clock_s = clock_s
        self._read: dict[str, Counted] = {}
        self._step = 0
        self._noted: dict[str, _More] = {}
        self._visitors: OrderedDict[str, _Known] = OrderedDict()
        # By the version of their last change, oldest first.
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._version = 0

    @property
    def is_empty(self) -> bool:
        return not self._changed

    @property
    def version(self) -> int:
        return self._version

    def changed_since(self, version: int) -> Mapping[str, Spent]:
        changed = {}
        for promotion_id in reversed(self._changed):
            if self._changed[promotion_id] <= version:
                break
            changed[promotion_id] = self._total(promotion_id)
        return changed

    async def counts(self, visitor_key: str | None, promotion_ids: Sequence[str]) -> Mapping[str, Spent]:
        used = [promotion_id for promotion_id in promotion_ids if promotion_id in self._changed]
        if not used:
            return {}
        totals = {promotion_id: self._total(promotion_id) for promotion_id in used}
        if not visitor_key:
            return totals
        claimed = [promotion_id for promotion_id, spent in totals.items() if spent.claims]
        by_visitor = await self._claims_of(visitor_key, claimed)
        for promotion_id, times in by_visitor.items():
            spent = totals[promotion_id]
            totals[promotion_id] = Spent(spent.claims, spent.redemptions, spent.budget_minor, times)
        return totals

    async def has_claimed(self, visitor_key: str) -> bool:
        if self.is_empty:
            return False
        known = self._known(visitor_key)
        if known.returning is None:
            known.returning = await self._commerce.has_claimed(visitor_key)
        return known.returning

    async def note_claim(self, promotion_id: str, visitor_key: str) -> None:
        self._note(promotion_id, _More(claims=1))
        self._visitors.pop(visitor_key, None)

    async def note_redemption(self, promotion_id: str, amount_minor: int) -> None:
        self._note(promotion_id, _More(redemptions=1, budget_minor=amount_minor))

    async def note_rollback(self, promotion_id: str, amount_minor: int) -> None:
        self._note(promotion_id, _More(redemptions=-1, budget_minor=-amount_minor))

    async def advance(self) -> int:
        """Read the counters that changed; how many did. Raises StoreUnavailable, and then knows what it knew."""
        before, self._noted = self._noted, {}
        read: dict[str, Counted] | None = None
        try:
            read = await self._read_since(self._step)
        finally:
            if read is None:
                for promotion_id, more in before.items():
                    self._noted[promotion_id] = more.added(self._noted.get(promotion_id, _NO_MORE))
        self._read.update(read)
        self._step = max((row.step for row in read.values()), default=self._step)
        self._touch({*before, *read})
        return len(read)

    async def _read_since(self, step: int) -> dict[str, Counted]:
        read: dict[str, Counted] = {}
        limit = _PAGE
        while True:
            rows = await self._commerce.counted_since(step, limit=limit)
            read.update((row.promotion_id, row) for row in rows)
            if len(rows) < limit:
                return read
            # Several may have one step: those of the last are read again, and a page that ends where it began grows.
            if rows[-1].step - 1 > step:
                step = rows[-1].step - 1
            else:
                limit *= 2

    def _note(self, promotion_id: str, more: _More) -> None:
        self._noted[promotion_id] = self._noted.get(promotion_id, _NO_MORE).added(more)
        self._touch({promotion_id})

    def _touch(self, promotion_ids: set[str]) -> None:
        if promotion_ids:
            self._version += 1
        for promotion_id in promotion_ids:
            self._changed[promotion_id] = self._version
            self._changed.move_to_end(promotion_id)

    def _total(self, promotion_id: str) -> Spent:
        read = self._read.get(promotion_id)
        noted = self._noted.get(promotion_id, _NO_MORE)
        if read is None:
            return Spent(noted.claims, noted.redemptions, noted.budget_minor)
        return Spent(
            read.claims + noted.claims,
            read.redemptions + noted.redemptions,
            read.budget_minor + noted.budget_minor,
        )

    async def _claims_of(self, visitor_key: str, promotion_ids: Sequence[str]) -> Mapping[str, int]:
        """How often a visitor has claimed each of these; those that he has not left out."""
        known = self._known(visitor_key)
        asked = [promotion_id for promotion_id in promotion_ids if promotion_id not in known.used]
        if asked:
            if len(known.used) + len(asked) > _IDS_OF_A_VISITOR:
                self._visitors.pop(visitor_key, None)
                known = _Known(self._clock_s())
                asked = list(promotion_ids)
            used = await self._commerce.used_by(visitor_key, asked)
            known.used.update((promotion_id, used.get(promotion_id, 0)) for promotion_id in asked)
        return {one: known.used[one] for one in promotion_ids if known.used[one]}

    def _known(self, visitor_key: str) -> _Known:
        """What is known of a visitor, not older than it may be.

        A claim drops the entry, so an answer that was on its way meanwhile is written into none that is found again.
        """
        now_s = self._clock_s()
        while self._visitors:
            oldest = next(iter(self._visitors.values()))
            if oldest.until_s > now_s and len(self._visitors) < _VISITORS:
                break
            self._visitors.popitem(last=False)
        known = self._visitors.get(visitor_key)
        if known is None:
            known = self._visitors[visitor_key] = _Known(now_s + VISITOR_TTL_S)
        return known


class NoAnswers:
    """AnswerHints (see ports.AnswerHints) that never has one: where the durable store is as near as any hint."""

    async def find(self, once: Once[T]) -> Kept[T] | None:  # noqa: ARG002  # the port names it
        return None

    def note(self, once: Once[Any], kept: Kept[Any]) -> None:
        pass
