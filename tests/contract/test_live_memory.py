"""Live state in one process keeps every promise."""

from __future__ import annotations

import pytest

from geo_offers.stores.live_memory import NoAnswers
from geo_offers.stores.nudge_memory import MemoryNudges
from geo_offers.stores.ports import Nudges, RateLimits
from geo_offers.stores.rate_memory import MemoryRateLimits
from tests.contract.live_suite import AnswerClauses, Hinted, NudgeClauses, RateClauses


class TestMemoryNudges(NudgeClauses):
    @pytest.fixture
    def nudges(self) -> Nudges:
        return MemoryNudges()


class TestMemoryRates(RateClauses):
    @pytest.fixture
    def rates(self) -> RateLimits:
        return MemoryRateLimits()


class TestNoAnswers(AnswerClauses):
    @pytest.fixture
    def hinted(self) -> Hinted:
        async def settle() -> None:
            pass

        return Hinted(NoAnswers(), settle, always=False)
