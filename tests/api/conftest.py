"""The HTTP service on a fresh embedded store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from api.app import create_app
from geo_offers.bootstrap import Services, open_store
from geo_offers.domain.account import Role
from geo_offers.domain.place import District, Shop
from geo_offers.domain.promotion import Promotion
from geo_offers.settings import Settings
from tests.builders import a_merchant


class Serving(Protocol):
    def __call__(
        self,
        shops: Sequence[Shop] = (),
        districts: Sequence[District] = (),
        promotions: Sequence[Promotion] = (),
        **chosen: Any,
    ) -> AbstractAsyncContextManager[httpx.AsyncClient]: ...


def settings_at(folder: Path, **chosen: Any) -> Settings:
    """A store in this folder; reads are open unless chosen otherwise."""
    return Settings(database_url=f"sqlite:///{folder / 'store.sqlite3'}", **{"open_reads": True} | chosen)


async def key_for(client: httpx.AsyncClient, role: Role, account: str | None = None) -> dict[str, str]:
    """The headers of a new key; for role merchant `account` is the id of a merchant that is there."""
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    issued = await services.key_desk.create(role, account or role.value)
    return {"Authorization": f"Bearer {issued.secret}"}


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    """Opens a client of a service that knows these shops, districts and promotions.

    chosen  settings that are not the usual ones: `open_reads=False` for a service that wants keys for reads, too
    """

    @asynccontextmanager
    async def serve(
        shops: Sequence[Shop] = (),
        districts: Sequence[District] = (),
        promotions: Sequence[Promotion] = (),
        **chosen: Any,
    ) -> AsyncIterator[httpx.AsyncClient]:
        settings = settings_at(tmp_path, **chosen)
        store = await open_store(settings)
        await store.import_shops(shops, dataset="test")
        await store.import_districts(districts, dataset="test")
        if promotions:
            await store.import_promotions(promotions, [a_merchant()], dataset="test")
        await store.close()
        app = create_app(settings)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            client.app = app  # type: ignore[attr-defined]
            yield client

    return serve
