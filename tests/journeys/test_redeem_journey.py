"""Coupons under many hands, with servers and processes killed at any moment: limits hold, nothing answered is lost."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from geo_offers.domain.promotion import Limits
from tests.journeys.fleet import Client
from tests.journeys.reckoning import (
    require_reasons,
    require_what_was_answered,
    require_what_was_said,
    same,
    stores_at,
    watched,
)
from tests.journeys.spenders import spenders_at
from tests.journeys.spending import CURRENCY
from tests.journeys.spending_town import Town, town_on

CLIENTS = 64
SERVERS = 3
KILLED_PROCESSES = 50
KILLED_SERVERS = 4
TIGHT = Limits(max_claims=100, max_redemptions=30, budget_minor=10_000, currency=CURRENCY)
#: Reached and left again and again, for what was redeemed is rolled back.
WIDE = Limits(max_redemptions=100, budget_minor=25_000, currency=CURRENCY)
#: So that there is always something to be had.
NONE = Limits(currency=CURRENCY)


@pytest.fixture(scope="module", params=["sqlite", "postgis"])
def store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty store."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('store') / 'town.sqlite3'}"
        return
    with request.getfixturevalue("postgis").fresh_database() as url:
        yield url


@pytest.fixture(scope="module")
def whole_town(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town_on(store_url, tmp_path_factory.mktemp("town"), servers=SERVERS) as town:
        yield town


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Chance; a failing test prints the seed, which GEO_OFFERS_TEST_SEED sets."""
    seed = int(os.environ.get("GEO_OFFERS_TEST_SEED") or random.randrange(2**32))
    tell(f"{request.node.name}: GEO_OFFERS_TEST_SEED={seed}")
    return random.Random(seed)


def tell(text: str) -> None:
    """Say it beside the test: seen with `pytest -s`, and when it fails."""
    sys.stdout.write(f"{text}\n")


async def by_many(work: Callable[[int], Awaitable[None]], count: int = CLIENTS) -> None:
    """The same work by so many clients at once."""
    await asyncio.gather(*(work(number) for number in range(count)))


async def require_same_again(client: Client, rng: random.Random) -> None:
    """Every success is answered again by any server, byte for byte."""
    rest = list({post.key: (post, answer) for post, answer in client.answered if answer.is_success}.values())

    async def ask_again(_: int) -> None:
        while rest:
            post, answer = rest.pop()
            again = await client.post(post, rng.randrange(SERVERS))
            replayed = again.status_code, again.content, again.headers.get("idempotent-replayed")
            assert replayed == (answer.status_code, answer.content, "true"), post

    await by_many(ask_again)


async def test_64_clients_of_3_servers_never_exceed_a_limit(whole_town: Town, rng: random.Random):
    town = whole_town.with_promotions(TIGHT)
    client = Client(town.fleet)

    async def visitor(number: int) -> None:
        for turn in range(2):
            same(await client.posted(town.claim(f"{number}-{turn}"), *rng.sample(range(SERVERS), 2)))

    async def till(number: int) -> None:
        for turn in range(3):  # each coupon is at two tills at once, and each till asks two servers
            code = codes[(number // 2 + turn * CLIENTS // 2) % len(codes)]
            redeem = town.redeem(f"{number}-{turn}", code, 100 * rng.randint(5, 40))
            answer = same(await client.posted(redeem, *rng.sample(range(SERVERS), 2)))
            if answer.is_success and rng.random() < 0.5:
                roll_back = town.roll_back(answer.json()["id"])
                same(await client.posted(roll_back, *rng.sample(range(SERVERS), 2)))

    async def last_till(number: int) -> None:
        for code in codes[number::CLIENTS]:  # a share of nothing fits into what is left of any budget
            await client.post(town.redeem(f"last-{code}", code, 0), number)

    async with watched(town, TIGHT) as stores:
        await by_many(visitor)
        codes = [answer.json()["code"] for answer in client.successes("/v1/coupons")]
        assert len(codes) == 100
        await by_many(till)
        await by_many(last_till)
        books = await require_what_was_answered(town, client, stores)
        assert (books.in_rows.claims, books.in_rows.redemptions) == (100, 30)
        reasons = require_reasons(client, TIGHT)
        assert reasons.keys() >= {"limit_reached", "already_redeemed"}
        await require_same_again(client, rng)
        assert await require_what_was_answered(town, client, stores) == books
    await asyncio.to_thread(town.require_verified)
    tell(f"{len(client.answered)} answers, {books.in_rows}, refused: {dict(reasons)}")


def test_processes_killed_50_times_lose_nothing_and_spend_nothing_twice(
    whole_town: Town, rng: random.Random, tmp_path: Path
):
    limits = [TIGHT, WIDE, NONE]
    town = whole_town.with_promotions(*limits)
    with spenders_at(town.url, town.market, tmp_path / "said", rng) as spenders:
        for place in range(SERVERS):
            spenders.start(place)
        for _ in range(KILLED_PROCESSES):
            place = rng.randrange(SERVERS)
            spenders.kill(place)
            spenders.start(place)
        for place in range(SERVERS):
            spenders.kill(place)
    said, errors = spenders.said(), (tmp_path / "said" / "errors.txt").read_text()
    assert (set(spenders.ended), errors) == ({-9}, "")
    cut_off = len(said.open)
    asyncio.run(require_what_was_said(town.url, town.market, said, limits))
    town.require_verified()
    reasons = Counter(one.code for one in said.refused.values())
    tell(
        f"{len(spenders.ended)} killed, {len(said.answered)} answered, {cut_off} cut off, refused: {reasons}"
    )


async def test_servers_killed_under_load_lose_nothing_that_they_answered(
    whole_town: Town, rng: random.Random
):
    town = whole_town.with_promotions(WIDE)
    client = Client(town.fleet)
    enough = asyncio.Event()
    codes: list[str] = []
    standing: list[str] = []

    async def visitor(number: int) -> None:
        turn = 0
        while not enough.is_set():
            turn += 1
            claimed = await client.post(town.claim(f"{number}-{turn}"), rng.randrange(SERVERS))
            if claimed.is_success:
                codes.append(claimed.json()["code"])
            redeem = town.redeem(f"{number}-{turn}", rng.choice(codes[-40:]), 100 * rng.randint(0, 30))
            redeemed = await client.post(redeem, rng.randrange(SERVERS))
            if redeemed.is_success:
                standing.append(redeemed.json()["id"])
            if len(standing) > rng.randrange(120):  # the limit is reached, and left again
                roll_back = town.roll_back(standing.pop(rng.randrange(len(standing))))
                await client.post(roll_back, rng.randrange(SERVERS))

    async def killer() -> None:
        for _ in range(KILLED_SERVERS):
            wanted = len(client.answered) + rng.randint(20, 100)
            while len(client.answered) < wanted:  # noqa: ASYNC110  # any moment is as good
                await asyncio.sleep(rng.uniform(0, 0.01))
            place = rng.randrange(SERVERS)
            await asyncio.to_thread(town.fleet.kill, place)
            await asyncio.to_thread(town.fleet.start, place)
        enough.set()

    await asyncio.gather(killer(), by_many(visitor, 16))
    async with stores_at(town.url) as stores:
        books, before = await require_what_was_answered(town, client, stores), None
        while books != before:  # what a killed server had sent to the database may still end there
            await asyncio.sleep(0.5)
            before, books = books, await require_what_was_answered(town, client, stores)
        books.in_rows.require_within(WIDE)
        reasons = require_reasons(client, WIDE)
        await require_same_again(client, rng)
        assert await require_what_was_answered(town, client, stores) == books
    await asyncio.to_thread(town.require_verified)
    assert client.cut_off > 0
    tell(f"{client.cut_off} cut off, {len(client.answered)} answers, {books.in_rows}, refused: {reasons}")
