"""PostgreSQL, Redis, a worker, the disk or the clock fail under a running service: what goes on, and what is left."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from geo_offers.bootstrap import Services, running
from geo_offers.domain.errors import NotEligible
from geo_offers.domain.promotion import Limits
from geo_offers.services.coupons import ClaimQuery
from geo_offers.settings import Settings
from tests.api.commerce import AT, a_live_promotion, a_market
from tests.api.conftest import Serving, serving  # noqa: F401
from tests.builders import a_merchant
from tests.contract.commerce_asking import once
from tests.journeys.books import books_of
from tests.journeys.faulty_server import WORKERS, Asking, FaultyServer, becomes, faulty_server, killed
from tests.journeys.reckoning import stores_at
from tests.redis_server import redis_server
from tests.servers import restartable_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """One for all, which each test leaves well."""
    folder = tmp_path_factory.mktemp("faulty")
    with (
        restartable_server() as postgres,
        redis_server() as redis,
        postgres.server.fresh_database() as url,
        faulty_server(postgres, redis, url, folder) as one,
    ):
        yield one


def require_offer(asking: Asking) -> None:
    """Whoever asked for offers was told of ours."""
    ours = asking.server.promotion_id
    assert {answer.status_code for answer in asking.reads} == {200}
    assert all([one["promotion_id"] for one in answer.json()["items"]] == [ours] for answer in asking.reads)


async def require_kept(asking: Asking) -> None:
    """Every coupon that was answered is in the store, and the books agree."""
    async with stores_at(asking.server.env["GEO_OFFERS_DATABASE_URL"]) as stores:
        books = await books_of(stores, asking.server.promotion_id)
    assert asking.codes <= books.codes
    await asyncio.to_thread(asking.server.require_verified)


async def test_with_postgresql_killed_reads_go_on_and_writes_say_503_until_it_is_back(server: FaultyServer):
    workers = server.pids()
    async with server.asked() as asking, asking.meanwhile():
        await asking.more(asking.writes, 201)
        await asyncio.to_thread(server.postgres.kill)
        await asking.more(asking.writes, 503)
        await asking.more(asking.reads, 200, 50)
        await becomes_behind(asking)
        await asyncio.to_thread(server.postgres.start)
        await asking.more(asking.writes, 201, 20)
    assert {answer.status_code for answer in asking.writes} == {201, 503}
    refused = [answer for answer in asking.writes if answer.status_code == 503]
    for answer in refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.headers["retry-after"], answer.json()["code"]) == ("1", "store_unavailable")
    assert (asking.cut_off, server.pids()) == (0, workers)
    require_offer(asking)
    await require_kept(asking)


async def becomes_behind(asking: Asking) -> None:
    while not (ready := await asking.ready())["behind"]:
        assert ready["status"] == "ready"


async def test_with_redis_killed_all_goes_on_and_readyz_says_so(server: FaultyServer):
    server.redis.require_own()
    async with server.asked() as asking, asking.meanwhile():
        await asking.more(asking.writes, 201)
        server.redis.kill()
        while not (await asking.ready())["redis"]:
            pass
        await asking.more(asking.writes, 201, 20)
        await asking.more(asking.reads, 200, 50)
        await asyncio.to_thread(server.redis.start)
        well = 0
        while well < 4 * WORKERS:
            well = well + 1 if (await asking.ready())["redis"] == {} else 0
    assert {answer.status_code for answer in asking.writes} == {201}
    assert asking.cut_off == 0
    require_offer(asking)
    await require_kept(asking)


async def test_a_worker_killed_under_load_is_replaced_and_nobody_is_told_anything_wrong(server: FaultyServer):
    before = server.pids()
    victim = min(before)
    async with server.asked() as asking, asking.meanwhile():
        await asking.more(asking.writes, 201)
        killed(victim)
        await asking.more(asking.reads, 200, 50)
        await becomes(lambda: len(server.pids() - {victim}) == WORKERS)
        while f"geo_offers_workers {WORKERS}.0" not in await asking.metrics():
            pass  # it loads its snapshot
        await asking.more(asking.writes, 201, 20)
    assert {answer.status_code for answer in asking.writes} == {201}
    assert (len(server.pids()), server.pids() & before) == (WORKERS, before - {victim})
    require_offer(asking)
    await require_kept(asking)


async def test_slow_clients_hold_nobody_up(server: FaultyServer):
    host, port = server.url.removeprefix("http://").split(":")
    slow = [await asyncio.open_connection(host, int(port)) for _ in range(16)]
    for _, writer in slow:
        writer.write(b"POST /v1/coupons HTTP/1.1\r\nHost: slow\r\nContent-Length: 100000\r\n\r\n{")
        await writer.drain()
    async with server.asked() as asking:
        started = time.monotonic()
        async with asking.meanwhile():
            await asking.more(asking.reads, 200, 100)
            await asking.more(asking.writes, 201, 10)
        assert time.monotonic() - started < 15
    for _, writer in slow:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    require_offer(asking)
    assert {answer.status_code for answer in asking.writes} == {201}


@pytest.fixture(params=["sqlite", "postgis"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'town.sqlite3'}"
    return str(request.getfixturevalue("postgis_url"))


async def test_a_clock_that_steps_by_an_hour_loses_and_doubles_nothing(any_url: str):
    noon = datetime.now(UTC).replace(microsecond=0)
    clock = [noon]
    promotion = a_live_promotion(
        limits=Limits(max_claims=3), ends_at=noon + timedelta(minutes=30), shop_ids=()
    )

    async def claim(services: Services, visitor: str) -> bytes:
        asked = ClaimQuery(
            promotion_id=promotion.id,
            account="app",
            visitor_id=visitor,
            at=AT,
            accuracy_m=5.0,
            fix_at=clock[0],
        )
        return (await services.coupons.claim(asked, once=once(visitor))).body

    async with running(Settings(database_url=any_url, secret="lakeside"), now=lambda: clock[0]) as services:
        await services.store.import_promotions([promotion], [a_merchant()], dataset="town")
        first = await claim(services, "anna")
        clock[0] = noon - timedelta(hours=1)
        second = await claim(services, "berta")
        assert await claim(services, "anna") == first
        clock[0] = noon + timedelta(hours=1)
        with pytest.raises(NotEligible, match="has ended"):
            await claim(services, "clara")
        assert (await claim(services, "anna"), await claim(services, "berta")) == (first, second)
        clock[0] = noon
        third = await claim(services, "clara")
        with pytest.raises(NotEligible, match="has reached its limit"):
            await claim(services, "dora")
        assert len({first, second, third}) == 3
        assert await services.commerce.verify() == []


def _greatest_in(folder: Path) -> int:
    """Bytes of the greatest file."""
    return max(path.stat().st_size for path in folder.iterdir())


async def test_on_a_full_disk_writes_say_503_and_nothing_is_half_written(serving: Serving, tmp_path: Path):  # noqa: F811
    promotion = a_live_promotion()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with a_market(serving, promotion) as market:
        greatest = _greatest_in(tmp_path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (greatest + 100_000, hard))
        try:
            answers = [await market.claim(promotion, f"visitor-{number}") for number in range(200)]
            offers = await market.client.get("/v1/offers", params={"lng": AT.lng, "lat": AT.lat})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        given = [answer for answer in answers if answer.status_code == 201]
        refused = answers[len(given) :]
        assert given
        assert {(one.status_code, one.json()["code"], one.headers["retry-after"]) for one in refused} == {
            (503, "store_unavailable", "1")
        }
        assert "disk" in refused[0].json()["detail"]
        assert [one["promotion_id"] for one in offers.json()["items"]] == [promotion.id]
        (counted,) = await market.services.commerce.counted_since(0)
        assert counted.claims == len(given)
        assert await market.verified()
        assert (await market.claim(promotion, "after")).status_code == 201
        (counted,) = await market.services.commerce.counted_since(0)
        assert counted.claims == len(given) + 1
