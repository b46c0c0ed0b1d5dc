"""A new store on either dialect, for tests that look below the port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from geo_offers.stores import migrate
from tests.stores.engines import InTransaction, on_postgis, on_sqlite


@pytest.fixture(params=["sqlite", "postgis"])
def with_tables(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[InTransaction], None]:
    """Runs a function in a transaction on a new store."""

    def and_tables(function: InTransaction) -> InTransaction:
        def run(connection: Connection) -> None:
            migrate.upgrade(connection)
            function(connection)

        return run

    if request.param == "sqlite":
        return lambda function: on_sqlite(tmp_path / "town.sqlite3", and_tables(function))
    url = request.getfixturevalue("postgis_url")
    return lambda function: asyncio.run(on_postgis(url, and_tables(function)))
