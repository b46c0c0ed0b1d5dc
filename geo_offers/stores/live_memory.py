"""Live state in this process: what may be lost, and is a hint until the durable store decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from geo_offers.domain.offer import Spent


@dataclass(slots=True)
class _Used:
    claims: int = 0
    redemptions: int = 0
    budget_minor: int = 0
    by_visitor: Counter[str] = field(default_factory=Counter)


class MemoryUsage:
    """Usage (see ports.Usage) of this process alone."""

    def __init__(self) -> None:
        self._used: dict[str, _Used] = {}

    async def counts(self, visitor_key: str | None, promotion_ids: Sequence[str]) -> Mapping[str, Spent]:
        if not self._used:
            return {}
        found = ((promotion_id, self._used.get(promotion_id)) for promotion_id in promotion_ids)
        return {
            promotion_id: Spent(
                used.claims,
                used.redemptions,
                used.budget_minor,
                used.by_visitor[visitor_key] if visitor_key is not None else 0,
            )
            for promotion_id, used in found
            if used is not None
        }

    async def note_claim(self, promotion_id: str, visitor_key: str) -> None:
        used = self._used.setdefault(promotion_id, _Used())
        used.claims += 1
        used.by_visitor[visitor_key] += 1

    async def note_redemption(self, promotion_id: str, amount_minor: int) -> None:
        used = self._used.setdefault(promotion_id, _Used())
        used.redemptions += 1
        used.budget_minor += amount_minor
