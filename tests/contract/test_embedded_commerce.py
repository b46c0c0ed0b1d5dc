"""The embedded store keeps every promise about coupons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from geo_offers.domain.promotion import Limits
from geo_offers.stores.durable_sqlite import SqliteStore
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.units import Units
from tests.contract.commerce_asking import (
    a_claim,
    a_redeem,
    an_offer,
    counts_of,
    fill,
    once,
    tally,
)
from tests.contract.commerce_model import COMMANDS, LIMITS, Command, commerce_agrees_with_the_model
from tests.contract.commerce_suite import CommerceSuite


class TestEmbeddedCommerce(CommerceSuite):
    @pytest.fixture
    async def units(self, tmp_path: Path) -> AsyncIterator[Units]:
        store = await SqliteStore.open(tmp_path / "town.sqlite3")
        yield store.units
        await store.close()


@given(LIMITS, COMMANDS)
@settings(max_examples=40)
def test_random_commands_are_answered_as_lists_of_what_happened_would(
    limits: Limits, commands: list[Command]
):
    async def compare(folder: str) -> None:
        store = await SqliteStore.open(Path(folder) / "town.sqlite3")
        try:
            await commerce_agrees_with_the_model(store.units, limits, commands)
        finally:
            await store.close()

    with TemporaryDirectory() as folder:
        asyncio.run(compare(folder))


async def test_three_stores_on_one_file_never_exceed_the_limits_together(tmp_path: Path):
    stores = [await SqliteStore.open(tmp_path / "town.sqlite3") for _ in range(3)]
    offer = an_offer(max_claims=20, max_redemptions=9, budget_minor=1_700, currency="EUR")
    await fill(stores[0].units, offer)
    shops = [SqlCommerce(store.units) for store in stores]

    async def visitor(number: int) -> list[object]:
        commerce, outcomes = shops[number % 3], []
        for turn in range(3):
            asked = a_claim(offer, visitor_key=f"v{number}")
            claim = commerce.claim(asked, once=once(f"claim {number} {turn}"))
            outcomes += await asyncio.gather(claim, return_exceptions=True)
            if not isinstance(outcomes[-1], BaseException):
                redeem = shops[turn].redeem(a_redeem(asked.code), once=once(f"redeem {number} {turn}"))
                outcomes += await asyncio.gather(redeem, return_exceptions=True)
        return outcomes

    outcomes = await asyncio.gather(*(visitor(number) for number in range(32)))
    counted = tally([outcome for one in outcomes for outcome in one])
    claims, redemptions, budget = await counts_of(shops[0], offer)
    assert redemptions == 8  # 200 of 1700 each
    assert budget == 1_600
    assert claims <= 20
    assert counted.pop("ok") == claims + redemptions
    assert set(counted) <= {"limit_reached", "budget_spent"}
    assert await shops[1].verify() == []
    for store in stores:
        await store.close()
