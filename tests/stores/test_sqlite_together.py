"""Units that share a transaction are each as if they had one of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from geo_offers.domain.errors import Conflict
from geo_offers.stores.durable_sqlite import SqliteStore
from geo_offers.stores.sqlite_units import SqliteUnits

NOTE = text("INSERT INTO merchants (id, name, updated_at) VALUES (:id, 'Name', 0)")


def note(connection: Connection, merchant_id: str) -> str:
    connection.execute(NOTE, {"id": merchant_id})
    return merchant_id


def note_and_fail(connection: Connection, merchant_id: str) -> str:
    note(connection, merchant_id)
    raise InterruptedError(merchant_id)


def break_a_key_at_the_end(connection: Connection, merchant_id: str) -> str:
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    connection.execute(text("INSERT INTO shop_owners VALUES ('no shop', 'no merchant')"))
    return note(connection, merchant_id)


def lose_the_transaction(connection: Connection, merchant_id: str) -> str:
    note(connection, merchant_id)
    connection.exec_driver_sql("ROLLBACK")
    raise InterruptedError(merchant_id)


def noted(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT id FROM merchants ORDER BY id")).scalars())


@pytest.fixture
async def units(tmp_path: Path) -> AsyncIterator[SqliteUnits]:
    store = await SqliteStore.open(tmp_path / "town.sqlite3")
    yield store.units
    await store.close()


@asynccontextmanager
async def waiting(units: SqliteUnits) -> AsyncIterator[list[int]]:
    """What is asked inside waits until the block ends; then the number of commits since comes into the list."""
    begun, go_on, commits = threading.Event(), threading.Event(), []

    def hold(_connection: Connection) -> None:
        begun.set()
        go_on.wait(30)

    first = asyncio.ensure_future(units.write(hold))
    await asyncio.to_thread(begun.wait, 30)
    event.listen(units.engine, "commit", lambda _: commits.append(1))
    yield commits
    await asyncio.sleep(0)  # the tasks made in the block ask now
    go_on.set()
    await first


async def test_units_that_wait_share_one_commit(units: SqliteUnits):
    async with waiting(units) as commits:
        asked = [asyncio.ensure_future(units.write(note, f"m{number}")) for number in range(20)]
    assert await asyncio.gather(*asked) == [f"m{number}" for number in range(20)]
    assert len(commits) == 2  # that of the one they waited for, and theirs
    assert len(await units.read(noted)) == 20


async def test_a_unit_that_raises_is_undone_alone(units: SqliteUnits):
    async with waiting(units):
        asked = [
            asyncio.ensure_future(units.write(deed, name))
            for deed, name in ((note, "a"), (note_and_fail, "b"), (note, "c"), (note, "a"), (note, "d"))
        ]
    one, two, three, four, five = await asyncio.gather(*asked, return_exceptions=True)
    assert (one, three, five) == ("a", "c", "d")
    assert isinstance(two, InterruptedError)
    assert isinstance(four, Conflict)
    assert await units.read(noted) == ["a", "c", "d"]


async def test_what_only_the_commit_refuses_is_refused_to_him_who_wrote_it(units: SqliteUnits):
    async with waiting(units):
        asked = [
            asyncio.ensure_future(units.write(deed, name))
            for deed, name in ((note, "a"), (break_a_key_at_the_end, "b"), (note, "c"))
        ]
    one, two, three = await asyncio.gather(*asked, return_exceptions=True)
    assert (one, three) == ("a", "c")
    assert isinstance(two, Conflict)
    assert await units.read(noted) == ["a", "c"]


async def test_when_the_transaction_is_lost_nobody_is_told_that_it_was_done(units: SqliteUnits):
    async with waiting(units):
        asked = [
            asyncio.ensure_future(units.write(deed, name))
            for deed, name in ((note, "a"), (lose_the_transaction, "b"), (note, "c"))
        ]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, BaseException) for one in outcomes)
    assert await units.read(noted) == []
    assert await units.write(note, "d") == "d"


async def test_who_is_cancelled_before_his_turn_gets_none(units: SqliteUnits):
    async with waiting(units):
        gone, stays = (asyncio.ensure_future(units.write(note, name)) for name in ("a", "b"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
    assert await stays == "b"
    assert gone.cancelled()
    assert await units.read(noted) == ["b"]


async def test_more_than_one_transaction_takes_are_all_done(units: SqliteUnits):
    async with waiting(units) as commits:
        asked = [asyncio.ensure_future(units.write(note, f"m{number}")) for number in range(130)]
    await asyncio.gather(*asked)
    assert len(commits) == 4
    assert len(await units.read(noted)) == 130
