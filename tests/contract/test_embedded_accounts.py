"""The account store keeps every promise on SQLite, and of several processes one makes the first key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo_offers.stores.durable_sqlite import SqliteStore
from geo_offers.stores.sql_accounts import SqlAccounts
from geo_offers.stores.units import Units
from tests.contract.account_asking import a_key, digest
from tests.contract.account_suite import AccountSuite


class TestEmbeddedAccounts(AccountSuite):
    @pytest.fixture
    async def units(self, tmp_path: Path) -> AsyncIterator[Units]:
        store = await SqliteStore.open(tmp_path / "town.sqlite3")
        try:
            yield store.units
        finally:
            await store.close()


async def test_of_several_stores_on_one_file_one_makes_the_first_key(tmp_path: Path):
    stores = [await SqliteStore.open(tmp_path / "town.sqlite3") for _ in range(4)]
    try:
        accounts = [SqlAccounts(store.units, lambda: datetime.now(UTC)) for store in stores]
        tries = [one.create_first_key(a_key(str(n)), digest(str(n))) for n, one in enumerate(accounts)]
        assert sorted(await asyncio.gather(*tries)) == [False, False, False, True]
    finally:
        for store in stores:
            await store.close()
