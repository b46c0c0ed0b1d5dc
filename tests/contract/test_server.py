"""The adapters on PostGIS keep every promise, by a role that row security binds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection
from sqlalchemy.util import await_only

from geo_offers.bootstrap import migrate_store
from geo_offers.domain.errors import NotEligible
from geo_offers.domain.promotion import Limits, PeriodLimits, Promotion, Status
from geo_offers.settings import Settings
from geo_offers.stores import durable_claims
from geo_offers.stores.migrate import newest_version
from geo_offers.stores.promotion_shelf import PromotionShelf
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.tables import metadata
from geo_offers.stores.units import Units
from tests.contract import catalog_model, commerce_model
from tests.contract.account_suite import AccountSuite
from tests.contract.asking import execute_behind_its_back, opened, shops_of, steps_of
from tests.contract.catalog_suite import CatalogSuite
from tests.contract.commerce_asking import a_claim, an_offer, claimed, fill, once, put, tally
from tests.contract.commerce_suite import CommerceSuite
from tests.servers import PostgisServer
from tests.stores.postgis_units import postgis_units


@pytest.fixture(scope="module")
def with_tables(postgis: PostgisServer) -> Iterator[str]:
    """The URL of a database with our tables."""
    with postgis.fresh_database() as url:
        asyncio.run(migrate_store(Settings(database_url=url)))
        yield url


async def emptied(url: str) -> None:
    """Take all rows out: some 10 ms, where a new database takes 200."""
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    counters = {"catalog_revision": "revision", "key_version": "version"}
    deletes = "; ".join(f"DELETE FROM {name}" for name in tables if name not in counters)
    resets = "; ".join(f"UPDATE {name} SET {column} = 0" for name, column in counters.items())
    version = f"UPDATE alembic_version SET version_num = '{newest_version()}'"
    guard = "ALTER TABLE ledger {} TRIGGER USER"
    statements = (guard.format("DISABLE"), deletes, guard.format("ENABLE"), resets, version)
    await execute_behind_its_back(url, "; ".join(statements))


@pytest.fixture
async def empty(with_tables: str) -> str:
    await emptied(with_tables)
    return with_tables


class TestServer(CatalogSuite):
    @pytest.fixture
    def url(self, empty: str) -> str:
        return empty

    async def test_two_processes_make_the_store_and_write_at_once(self, postgis_url: str):
        await super().test_two_processes_make_the_store_and_write_at_once(postgis_url)


class TestServerAccounts(AccountSuite):
    @pytest.fixture
    async def units(self, empty: str) -> AsyncIterator[Units]:
        async with postgis_units(empty) as units:
            yield units


async def test_two_processes_on_an_empty_database_make_its_tables_once(postgis_url: str):
    settings = Settings(database_url=postgis_url)
    found = sorted(await asyncio.gather(*(migrate_store(settings) for _ in range(2))), key=str)
    newest = found[0][1]
    assert found == [(newest, newest), (None, newest)]


class TestServerCommerce(CommerceSuite):
    @pytest.fixture
    async def units(self, empty: str) -> AsyncIterator[Units]:
        async with postgis_units(empty) as units:
            yield units

    async def test_what_an_open_transaction_counts_is_told_when_it_has_ended(
        self, empty: str, units: Units, commerce: SqlCommerce
    ):
        slow, quick = an_offer("slow"), an_offer("quick")
        await fill(units, slow, quick)
        counted, go_on = asyncio.Event(), asyncio.Event()

        async with postgis_units(empty) as other:
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
        self, empty: str, units: Units, commerce: SqlCommerce
    ):
        offer = an_offer()
        await fill(units, offer)
        counted, go_on = asyncio.Event(), asyncio.Event()
        async with postgis_units(empty) as other:
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


# -- the same random commands


@given(catalog_model.COMMANDS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_commands_are_answered_alike_by_both_engines(
    with_tables: str, commands: list[catalog_model.Command]
):
    async def compare(*urls: str) -> None:
        await emptied(with_tables)
        async with opened(urls[0]) as one, opened(urls[1]) as other:
            for command in commands:
                assert await catalog_model.play(one, command) == await catalog_model.play(other, command)
                assert await shops_of(one) == await shops_of(other)
            assert await steps_of(one) == await steps_of(other)

    with TemporaryDirectory() as folder:
        asyncio.run(compare(with_tables, f"sqlite:///{folder}/town.sqlite3"))


@given(commerce_model.LIMITS, commerce_model.COMMANDS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_claims_and_redemptions_are_answered_as_lists_of_what_happened_would(
    with_tables: str, limits: Limits, commands: list[commerce_model.Command]
):
    async def compare() -> None:
        await emptied(with_tables)
        async with postgis_units(with_tables) as units:
            await commerce_model.commerce_agrees_with_the_model(units, limits, commands)

    asyncio.run(compare())
