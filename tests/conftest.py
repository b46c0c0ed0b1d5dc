"""Fixtures that several folders of tests need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.servers import PostgisServer, postgis_server

# A failure prints what repeats it; a busy machine is no failure.
settings.register_profile("geo-offers", deadline=None, print_blob=True)
settings.load_profile("geo-offers")


@pytest.fixture(scope="session")
def postgis() -> Iterator[PostgisServer]:
    """PostgreSQL with PostGIS for this run."""
    with postgis_server() as server:
        yield server


@pytest.fixture
def postgis_url(postgis: PostgisServer) -> Iterator[str]:
    """The URL, postgresql://…, of a fresh database with PostGIS and no tables of ours."""
    with postgis.fresh_database() as url:
        yield url
