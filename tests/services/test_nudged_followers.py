"""What one process writes the others see at once by a nudge, and after a poll when it is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from geo_offers.bootstrap import Services
from geo_offers.domain.account import Role
from geo_offers.domain.errors import Unauthorized
from geo_offers.settings import Settings
from tests.builders import a_shop
from tests.redis_server import RedisServer, redis_server


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        server.client.flushall()
        yield server


@asynccontextmanager
async def worker(folder: Path, redis_url: str | None) -> AsyncIterator[httpx.AsyncClient]:
    """A process of several on the store of this folder."""
    settings = Settings(database_url=f"sqlite:///{folder / 'store.sqlite3'}", secret="s", redis_url=redis_url)
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        client.app = app  # type: ignore[attr-defined]
        yield client


def services_of(client: httpx.AsyncClient) -> Services:
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    return services


def lets_in(services: Services, header: str) -> bool:
    with suppress(Unauthorized):
        services.keys.caller_of(header)
        return True
    return False


async def seconds_until(services: Services, header: str, *, lets: bool) -> float:
    started = time.perf_counter()
    async with asyncio.timeout(10):
        while lets_in(services, header) is not lets:  # noqa: ASYNC110  # it is asked as requests ask
            await asyncio.sleep(0.001)
    return time.perf_counter() - started


@pytest.mark.parametrize("nudged", [True, False])
async def test_a_key_that_is_revoked_elsewhere_is_refused_in_a_tenth_of_a_second_with_a_nudge_at_once(
    tmp_path: Path, server: RedisServer, nudged: bool
):
    url = server.url if nudged else None
    async with AsyncExitStack() as workers:
        one, two = [services_of(await workers.enter_async_context(worker(tmp_path, url))) for _ in range(2)]
        took_s = []
        for turn in range(10):
            issued = await one.key_desk.create(Role.APP, f"app-{turn}")
            header = f"Bearer {issued.secret}"
            await seconds_until(two, header, lets=True)
            await one.key_desk.revoke(issued.key.id)
            took_s.append(await seconds_until(two, header, lets=False))
    took_s.sort()
    assert took_s[5] < (0.05 if nudged else 0.15), took_s


async def test_redis_goes_and_comes_and_only_speed_is_lost(tmp_path: Path, server: RedisServer):
    server.require_own()
    async with worker(tmp_path, server.url) as client:
        admin = await services_of(client).key_desk.create(Role.ADMIN, "admin")
        write = {"Authorization": f"Bearer {admin.secret}", "Idempotency-Key": "merchant-1"}

        async def ready() -> dict[str, object]:
            answer = await client.get("/readyz")
            assert answer.status_code == 200
            told: dict[str, object] = answer.json()
            return told

        async def post() -> httpx.Response:
            return await client.post("/v1/merchants", json={"name": "Lakeside"}, headers=write)

        made = await post()
        assert made.status_code == 201
        await services_of(client).live.answers.write()  # type: ignore[attr-defined]
        reads = server.client.info("stats")["keyspace_hits"]
        assert (again := await post()).headers["Idempotent-Replayed"] == "true"
        assert again.content == made.content
        assert server.client.info("stats")["keyspace_hits"] > reads, "it came from Redis"
        server.client.flushall()
        assert (await post()).content == made.content
        assert (await client.post("/v1/merchants", json={"name": "X"}, headers=write)).status_code == 422

        server.kill()
        async with asyncio.timeout(10):
            # An app in this process may answer without ever letting others run.
            while "subscribe" not in (told := await ready())["redis"]:  # type: ignore[operator]  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (told["keys_behind"], told["usage_behind"]) == (None, None)
        assert (await post()).content == made.content
        await services_of(client).store.put_shops([a_shop()])
        await services_of(client).catalog.at_least(1, within_s=5)
        metrics = (await client.get("/metrics")).text
        assert 'geo_offers_redis_away{subject="subscribe"} 1.0' in metrics
        assert "geo_offers_keys_behind 0.0" in metrics

        server.start()
        async with asyncio.timeout(20):
            while (await ready())["redis"]:
                assert (await post()).content == made.content
                await services_of(client).live.nudges.nudge("usage")
                await asyncio.sleep(0.02)
        assert 'geo_offers_redis_away{subject="subscribe"} 0.0' in (await client.get("/metrics")).text
