"""PostgreSQL killed, cut off, slow or crowded: the store says so, nothing is half written, and it goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.util import await_only

from geo_offers.bootstrap import build, migrate_store, open_store
from geo_offers.domain.errors import Conflict, InvalidInput, StoreUnavailable
from geo_offers.settings import Settings
from geo_offers.stores import durable_sql
from geo_offers.stores.durable_postgis import PostgisStore
from geo_offers.stores.ports import CatalogStore
from geo_offers.stores.postgis_engine import PostgisAddress, PostgisLimits
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.tables import shops
from tests.builders import a_shop, some_shops
from tests.contract.asking import execute_behind_its_back, shops_of
from tests.contract.commerce_asking import NOW, a_claim, an_offer, fill, once
from tests.servers import PostgisServer, RestartableServer, restartable_server
from tests.stores.postgis_units import PostgisUnits, postgis_units

QUICK = PostgisLimits(
    pool=2, pool_timeout_s=0.2, statement_timeout_s=0.2, lock_timeout_s=0.1, idle_timeout_s=5
)
CUT_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


@pytest.fixture(scope="module")
def crashing() -> Iterator[RestartableServer]:
    """A server of this module's own, to be killed."""
    with restartable_server() as server:
        yield server


@pytest.fixture
def crashing_url(crashing: RestartableServer) -> Iterator[str]:
    with crashing.server.fresh_database() as url:
        yield url


@pytest.fixture
async def units(postgis_url: str) -> AsyncIterator[PostgisUnits]:
    async with postgis_units(postgis_url, QUICK) as units:
        yield units


def put_then(connection: Connection, statement: str) -> None:
    """Write something, then do that."""
    durable_sql.put_shops(connection, [a_shop()], NOW)
    connection.execute(text(statement))


def cut_connections(url: str) -> None:
    """In the middle of a unit: the server lets go of everybody in this database."""
    await_only(execute_behind_its_back(url, CUT_OTHERS))


async def shops_in(units: PostgisUnits) -> int:
    return await units.read(
        lambda connection: connection.execute(select(func.count(shops.c.id))).scalar_one()
    )


async def test_a_killed_server_is_told_and_the_store_goes_on_when_it_is_back(
    crashing: RestartableServer, crashing_url: str
):
    store: CatalogStore = await open_store(Settings(database_url=crashing_url))
    await store.put_shops(some_shops(3))
    crashing.kill()
    asked: list[Callable[[], Awaitable[object]]] = [
        store.revision,
        lambda: store.put_shops(some_shops(9)),
        lambda: shops_of(store),
        lambda: store.import_shops(some_shops(9), dataset="town"),
        lambda: open_store(Settings(database_url=crashing_url)),
    ]
    for ask in asked:
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await ask()
    crashing.start()
    assert await store.revision() == 3
    assert len(await shops_of(store)) == 3
    assert await store.put_shops(some_shops(1, first=3)) == 4
    assert (await store.import_shops(some_shops(5, first=3), dataset="town")).added == 4
    await store.close()


async def test_what_was_answered_before_a_kill_is_kept_and_nothing_is_half_written(
    crashing: RestartableServer, crashing_url: str
):
    answered: list[int] = []
    enough = asyncio.Event()

    async with postgis_units(crashing_url) as units:

        async def write(first: int) -> None:
            with suppress(StoreUnavailable):
                for number in range(first, first + 2_000):
                    await units.write(durable_sql.put_shops, some_shops(2, first=2 * number), NOW)
                    answered.append(number)
                    if len(answered) == 20:
                        enough.set()

        writing = [asyncio.create_task(write(first)) for first in (0, 10_000, 20_000)]
        await enough.wait()
        await asyncio.to_thread(crashing.kill)
        await asyncio.gather(*writing)
        crashing.start()
        kept = await units.read(lambda connection: set(connection.execute(select(shops.c.id)).scalars()))
        revision = await units.read(durable_sql.revision_of)
    assert {shop.id for number in answered for shop in some_shops(2, first=2 * number)} <= kept
    assert len(kept) == revision
    assert revision - 2 * len(answered) in (0, 2, 4, 6)  # a commit of each whose answer was cut off


async def test_a_connection_cut_in_a_unit_is_made_again_and_the_unit_done_once(
    units: PostgisUnits, postgis_url: str
):
    tries: list[int] = []

    def put(connection: Connection) -> int:
        revision = durable_sql.put_shops(connection, [a_shop()], NOW)
        tries.append(revision)
        if len(tries) == 1:
            cut_connections(postgis_url)
            connection.execute(text("SELECT 1"))
        return revision

    assert await units.write(put) == 1
    assert tries == [1, 1]
    assert await units.read(durable_sql.revision_of) == 1


async def test_a_connection_that_is_always_cut_is_told_and_nothing_was_written(
    units: PostgisUnits, postgis_url: str
):
    def put(connection: Connection) -> None:
        durable_sql.put_shops(connection, [a_shop()], NOW)
        cut_connections(postgis_url)
        connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable, match=r"cut|shutting down"):
        await units.write(put)
    assert await shops_in(units) == 0
    assert await units.write(durable_sql.put_shops, [a_shop()], NOW) == 1


async def test_connections_cut_while_nobody_asks_are_not_noticed(units: PostgisUnits, postgis_url: str):
    await asyncio.gather(*(units.read(durable_sql.revision_of) for _ in range(2)))
    await execute_behind_its_back(postgis_url, CUT_OTHERS)
    assert await units.write(durable_sql.put_shops, [a_shop()], NOW) == 1
    assert await units.read(durable_sql.revision_of) == 1


async def test_a_pool_in_use_is_waited_for_and_then_told(units: PostgisUnits):
    go_on = asyncio.Event()
    taken = [asyncio.Event() for _ in range(QUICK.pool)]

    def hold(_: Connection, mine: asyncio.Event) -> None:
        mine.set()
        await_only(go_on.wait())

    holding = [asyncio.create_task(units.write(hold, mine)) for mine in taken]
    await asyncio.gather(*(mine.wait() for mine in taken))
    with pytest.raises(StoreUnavailable, match="no connection became free"):
        await units.write(durable_sql.put_shops, [a_shop()], NOW)
    go_on.set()
    await asyncio.gather(*holding)
    assert await units.write(durable_sql.put_shops, [a_shop()], NOW) == 1


async def test_a_statement_that_takes_too_long_is_ended_and_its_unit_undone(units: PostgisUnits):
    with pytest.raises(StoreUnavailable, match="took too long"):
        await units.write(put_then, "SELECT pg_sleep(5)")
    assert await shops_in(units) == 0
    assert await units.write(durable_sql.put_shops, [a_shop()], NOW) == 1


async def test_rows_that_another_holds_are_waited_for_and_then_told(units: PostgisUnits):
    held, go_on = asyncio.Event(), asyncio.Event()

    def hold(connection: Connection) -> None:
        durable_sql.append_changes(connection, [("all", None)], NOW)
        held.set()
        await_only(go_on.wait())

    holding = asyncio.create_task(units.write(hold))
    await held.wait()
    with pytest.raises(StoreUnavailable, match="kept rows locked"):
        await units.write(durable_sql.put_shops, [a_shop()], NOW)
    go_on.set()
    await holding
    assert await shops_in(units) == 0


async def test_units_that_wait_for_each_other_are_both_done(units: PostgisUnits):
    both = [asyncio.Event(), asyncio.Event()]
    ours = [a_shop("node/1"), a_shop("node/2")]
    await units.write(durable_sql.put_shops, ours, NOW)

    def cross(connection: Connection, first: int) -> None:
        for place in (first, 1 - first):
            name = f"renamed by {first}"
            connection.execute(shops.update().where(shops.c.id == ours[place].id).values(name=name))
            both[first].set()
            await_only(both[1 - first].wait())

    patient = PostgisLimits(pool=2)
    async with postgis_units(units.address.url, patient) as waiting:
        await asyncio.gather(waiting.write(cross, 0), waiting.write(cross, 1))
    names = await units.read(lambda connection: set(connection.execute(select(shops.c.name)).scalars()))
    assert len(names) == 1


async def test_a_unit_that_only_reads_cannot_write(units: PostgisUnits):
    with pytest.raises(StoreUnavailable, match="read-only"):
        await units.read(durable_sql.put_shops, [a_shop()], NOW)
    assert await shops_in(units) == 0


async def test_a_unit_that_reads_sees_one_state(units: PostgisUnits):
    def twice(connection: Connection) -> list[int]:
        before = durable_sql.revision_of(connection)
        await_only(units.write(durable_sql.put_shops, [a_shop()], NOW))
        return [before, durable_sql.revision_of(connection)]

    assert await units.read(twice) == [0, 0]
    assert await units.read(durable_sql.revision_of) == 1


async def test_a_caller_who_is_cancelled_has_written_nothing_and_the_pool_is_whole(units: PostgisUnits):
    for _ in range(2 * QUICK.pool):
        writing = asyncio.create_task(units.write(put_then, "SELECT pg_sleep(0.1)"))
        await asyncio.wait({writing}, timeout=0.05)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    assert await shops_in(units) == 0
    assert await units.write(durable_sql.put_shops, [a_shop()], NOW) == 1


async def test_two_imports_of_the_same_shops_at_once_come_one_after_the_other(postgis_url: str):
    store = await PostgisStore.open(PostgisAddress(postgis_url))
    one, two = await asyncio.gather(
        *(store.import_shops(some_shops(2_000), dataset="town", replace=True) for _ in range(2))
    )
    assert sorted((one.added, two.added)) == [0, 2_000]
    assert sorted((one.unchanged, two.unchanged)) == [0, 2_000]
    await store.close()


async def test_a_key_is_answered_once_whatever_was_cut(units: PostgisUnits, postgis_url: str):
    commerce, offer = SqlCommerce(units), an_offer(max_claims=5)
    await fill(units, offer)
    asked = a_claim(offer)
    for _ in range(3):
        cutting = asyncio.create_task(execute_behind_its_back(postgis_url, CUT_OTHERS))
        with suppress(StoreUnavailable):
            await commerce.claim(replace(asked), once=once("the same"))
        await cutting
    kept = await commerce.claim(replace(asked), once=once("the same"))
    assert kept.body == asked.code.encode()
    (counted,) = await commerce.counted_since(0)
    assert counted.claims == 1
    assert await commerce.verify() == []


async def test_what_is_wrong_with_an_address_is_one_sentence_without_a_password(postgis_url: str):
    missing = urlsplit(postgis_url)._replace(path="/missing").geturl()
    with pytest.raises(StoreUnavailable, match=r"database missing at .* is not there: create it") as refused:
        await migrate_store(Settings(database_url=missing))
    assert str(urlsplit(missing).password) not in str(refused.value)
    with pytest.raises(StoreUnavailable, match=r"town at 127.0.0.1:1 cannot be reached") as refused:
        await migrate_store(Settings(database_url="postgresql://me:s3cret@127.0.0.1:1/town"))
    assert "s3cret" not in str(refused.value)


async def test_a_database_without_postgis_is_refused_with_the_way_out(
    postgis: PostgisServer, postgis_url: str
):
    await execute_behind_its_back(postgis.as_superuser(postgis_url), "DROP EXTENSION postgis")
    with pytest.raises(StoreUnavailable, match="run CREATE EXTENSION postgis"):
        await open_store(Settings(database_url=postgis_url))


async def test_workers_on_postgresql_need_one_secret(postgis_url: str):
    with pytest.raises(InvalidInput, match="GEO_OFFERS_SECRET, the same for every worker") as refused:
        await build(Settings(database_url=postgis_url))
    assert refused.value.pointer == "GEO_OFFERS_SECRET"


async def test_a_row_that_breaks_a_rule_is_a_conflict(units: PostgisUnits):
    with pytest.raises(Conflict):
        await units.write(put_then, "INSERT INTO merchants VALUES ('m', 'M', now()), ('m', 'M', now())")
    assert await shops_in(units) == 0
