"""What the account store is made of keeps every promise on PostgreSQL too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import Connection, text

from geo_offers.stores.units import Units
from tests.contract.account_suite import AccountSuite
from tests.servers import PostgisServer
from tests.stores.postgis_units import postgis_units


def as_if_new(connection: Connection) -> None:
    """A database a test would take most of a minute for all of them."""
    connection.execute(text("TRUNCATE merchants, shops, api_keys, catalog_changes, kept_answers CASCADE"))
    connection.execute(text("UPDATE catalog_revision SET revision = 0"))
    connection.execute(text("UPDATE key_version SET version = 0"))


@pytest.fixture(scope="module")
def url(postgis: PostgisServer) -> Iterator[str]:
    with postgis.fresh_database() as url:
        yield url


class TestPostgisAccounts(AccountSuite):
    @pytest.fixture
    async def units(self, url: str) -> AsyncIterator[Units]:
        async with postgis_units(url) as units:
            await units.write(as_if_new)
            yield units
