"""Coupons and redemptions keep every promise on PostgreSQL too: the same functions, with rows locked as they go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.util import await_only

from geo_offers.domain.errors import NotEligible
from geo_offers.domain.promotion import PeriodLimits, Promotion, Status
from geo_offers.stores import durable_claims
from geo_offers.stores.promotion_shelf import PromotionShelf
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.units import Units
from tests.contract.commerce_asking import a_claim, an_offer, claimed, fill, once, put, tally
from tests.contract.commerce_suite import CommerceSuite
from tests.servers import PostgisServer
from tests.stores.postgis_units import postgis_units

EVERY = "merchants, shops, catalog_changes, kept_answers, ledger, usage_totals, usage_periods, usage_visitors"


def as_if_new(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
    connection.execute(text(f"TRUNCATE {EVERY} CASCADE"))
    connection.execute(text("ALTER TABLE ledger ENABLE TRIGGER USER"))


@pytest.fixture(scope="module")
def url(postgis: PostgisServer) -> Iterator[str]:
    with postgis.fresh_database() as url:
        yield url


class TestPostgisCommerce(CommerceSuite):
    @pytest.fixture
    async def units(self, url: str) -> AsyncIterator[Units]:
        async with postgis_units(url) as units:
            await units.write(as_if_new)
            yield units

    async def test_what_an_open_transaction_counts_is_told_when_it_has_ended(
        self, url: str, units: Units, commerce: SqlCommerce
    ):
        slow, quick = an_offer("slow"), an_offer("quick")
        await fill(units, slow, quick)
        counted, go_on = asyncio.Event(), asyncio.Event()

        async with postgis_units(url) as other:
            slowly = asyncio.create_task(other.write(_claim_and_wait, slow, counted, go_on))
            await counted.wait()
            await claimed(commerce, quick)
            (first,) = await commerce.counted_since(0)
            assert first.promotion_id == quick.id
            go_on.set()
            await slowly
            told = {one.promotion_id for one in await commerce.counted_since(first.step)}
            assert told == {slow.id, quick.id}
            last = max(one.step for one in await commerce.counted_since(0))
            assert await commerce.counted_since(last) == []

    async def test_a_pause_waits_for_claims_that_found_it_active(
        self, url: str, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer()
        await fill(units, offer)
        counted, go_on = asyncio.Event(), asyncio.Event()
        async with postgis_units(url) as other:
            slowly = asyncio.create_task(other.write(_claim_and_wait, offer, counted, go_on))
            await counted.wait()
            pausing = asyncio.create_task(put(units, replace(offer, status=Status.PAUSED)))
            done, _ = await asyncio.wait({pausing}, timeout=0.2)
            assert not done
            go_on.set()
            await asyncio.gather(slowly, pausing)
        with pytest.raises(NotEligible, match="paused"):
            await claimed(commerce, offer)

    async def test_claims_of_several_promotions_and_visitors_never_wait_for_each_other_in_a_ring(
        self, units: Units, commerce: SqlCommerce
    ):
        offers = [
            an_offer(f"p-{number}", max_claims=5, per_period=PeriodLimits("month", max_per_visitor=2))
            for number in range(3)
        ]
        await fill(units, *offers)
        asked = [a_claim(offers[n % 3], visitor_key=f"v{n % 4}") for n in range(60)]
        outcomes = await asyncio.gather(
            *(commerce.claim(one, once=once(f"k{n}")) for n, one in enumerate(asked)), return_exceptions=True
        )
        assert tally(outcomes)["ok"] == 15
        assert await commerce.verify() == []


def _claim_and_wait(
    connection: Connection, offer: Promotion, counted: asyncio.Event, go_on: asyncio.Event
) -> None:
    """A claim whose transaction stays open until it is let go."""
    durable_claims.claim(connection, a_claim(offer, visitor_key="slow"), PromotionShelf())
    counted.set()
    await_only(go_on.wait())
