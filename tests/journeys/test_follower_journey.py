"""Three servers on one store, four writers, nudges that get lost: every server ends with the same promotions."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.merchants import SOMEWHERE, a_document
from tests.journeys.fleet import Fleet, fleet_of
from tests.journeys.lossy_redis import lossy
from tests.journeys.test_keys_journey import becomes, told
from tests.journeys.test_serve_journey import environment
from tests.redis_server import RedisServer, redis_server

SERVERS = 3
WRITERS = 4
PUBLISHES = 300
LOST = 0.5
#: A writer thinks so long between two promotions, seconds; with it the town is written to for half a minute at most.
THINKS_S = 0.05
_ONE_STEP = 0.01


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        server.require_own()
        yield server


@pytest.fixture(params=["sqlite", "postgis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "postgis":
        url: str = request.getfixturevalue("postgis_url")
        return url
    return f"sqlite:///{tmp_path / 'town.sqlite3'}"


@dataclass
class Watch:
    """When each server began to serve which revision; seconds of one clock."""

    fleet: Fleet
    app: dict[str, str]
    seen: dict[int, list[tuple[int, float]]] = field(default_factory=dict)

    async def look(self, place: int, http: httpx.AsyncClient) -> None:
        """Ask one server until cancelled."""
        seen = self.seen.setdefault(place, [])
        while True:
            answer = await offers(http, self.fleet.urls[place], SOMEWHERE, self.app)
            revision = int(answer.headers["X-Catalog-Revision"])
            if not seen or seen[-1][0] != revision:
                seen.append((revision, time.perf_counter()))
            await asyncio.sleep(0.005)

    async def reached(self, revision: int) -> None:
        """Ends when every server serves this revision."""
        async with asyncio.timeout(20):
            while not all(seen and seen[-1][0] >= revision for seen in self.seen.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def served_at_s(self, place: int, revision: int) -> float:
        """When a server was first seen with this revision or a later one."""
        return next(at_s for one, at_s in self.seen[place] if one >= revision)


@dataclass(frozen=True, slots=True)
class Published:
    """A promotion that was answered with 201."""

    id: str
    at: tuple[float, float]
    revision: int
    answered_s: float


async def offers(
    http: httpx.AsyncClient, url: str, at: tuple[float, float], app: dict[str, str]
) -> httpx.Response:
    asked = {"lng": at[0], "lat": at[1], "radius_m": 100, "limit": 5}
    answer = await http.get(f"{url}/v1/offers", params=asked, headers=app)
    assert answer.status_code == 200, answer.text
    return answer


async def publish_all(
    fleet: Fleet, http: httpx.AsyncClient, tills: list[dict[str, str]], rng: random.Random
) -> list[Published]:
    """So many promotions by so many writers, each at a place of its own, through any server."""
    done: list[Published] = []

    async def writer(number: int) -> None:
        for turn in range(PUBLISHES // WRITERS):
            at = (
                round(SOMEWHERE[0] + (turn + 1) * _ONE_STEP, 4),
                round(SOMEWHERE[1] + (number + 1) * _ONE_STEP, 4),
            )
            document = a_document(
                fence={"type": "circle", "center": list(at), "radius_m": 50}, status="active"
            )
            url = fleet.urls[rng.randrange(SERVERS)]
            made = await http.post(f"{url}/v1/promotions", json=document, headers=tills[number])
            assert made.status_code == 201, made.text
            revision = int(made.headers["X-Catalog-Revision"])
            done.append(Published(made.json()["id"], at, revision, time.perf_counter()))
            await asyncio.sleep(THINKS_S * rng.random() * 2)

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))
    return done


async def test_whatever_nudges_are_lost_every_server_ends_at_the_last_revision_with_all_promotions(
    store_url: str, redis: RedisServer, tmp_path: Path
):
    seed = int(os.environ.get("GEO_OFFERS_TEST_SEED") or random.randrange(2**32))
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="geo-offers-way-") as short:
        way = Path(short) / "way"
        chosen = {
            "DATABASE_URL": store_url, "REDIS_URL": f"unix://{way}", "SECRET": "lakeside", "LOG_LEVEL": "error",
            "RATE_APP": "0", "RATE_MERCHANT": "0",
        }  # fmt: skip
        env = environment(tmp_path, **{f"GEO_OFFERS_{name}": text for name, text in chosen.items()})
        admin = await asyncio.to_thread(secret, env, "admin")
        app = await asyncio.to_thread(secret, env, "app", "--account", "lakeside")
        socket = Path(redis.url.removeprefix("unix://"))
        async with lossy(socket, way, share=LOST, rng=rng) as counted, httpx.AsyncClient(timeout=30) as http:
            opening = fleet_of(SERVERS, env, tmp_path)
            fleet = await asyncio.to_thread(opening.__enter__)
            try:
                tills = [await till(fleet, env, admin, number) for number in range(WRITERS)]
                await follow(fleet, http, bearer(app), tills, rng, f"seed {seed}")
            finally:
                await asyncio.to_thread(opening.__exit__, None, None, None)
        assert counted.lost > 0, "or the journey is too easy"
        say(f"{counted.lost} of {counted.published} messages of nudges were lost")


async def follow(
    fleet: Fleet,
    http: httpx.AsyncClient,
    app: dict[str, str],
    tills: list[dict[str, str]],
    rng: random.Random,
    seed: str,
) -> None:
    watch = Watch(fleet, app)
    looking = [asyncio.create_task(watch.look(place, http)) for place in fleet.urls]
    started = time.perf_counter()
    published = await publish_all(fleet, http, tills, rng)
    took_s = time.perf_counter() - started
    last = max(one.revision for one in published)
    await watch.reached(last)
    for one in looking:
        one.cancel()
    await asyncio.gather(*looking, return_exceptions=True)

    lags_s = sorted(
        max(watch.served_at_s(place, one.revision) for place in fleet.urls) - one.answered_s
        for one in published
    )
    p50, p99 = (lags_s[int(len(lags_s) * share)] for share in (0.5, 0.99))
    say(f"{len(published)} publishes in {took_s:.1f} s; 201 to matchable in every server:"
        f" p50 {p50 * 1_000:.0f} ms, p99 {p99 * 1_000:.0f} ms, most {lags_s[-1] * 1_000:.0f} ms ({seed})")  # fmt: skip

    for place, url in fleet.urls.items():
        ready = (await http.get(f"{url}/readyz")).json()
        assert (ready["catalog_revision"], ready["behind"]) == (last, None), place
    wanted = {one.id for one in published}
    assert len(wanted) == PUBLISHES
    served = [await matchable(http, url, published, app) for url in fleet.urls.values()]
    assert all(one.keys() == wanted for one in served), "no id is missing"
    assert served[0] == served[1] == served[2], seed
    assert p99 < 3, "a second on a quiet machine"


async def matchable(
    http: httpx.AsyncClient, url: str, published: list[Published], app: dict[str, str]
) -> dict[str, Any]:
    """What one server offers where the promotions are, by id."""
    found: dict[str, Any] = {}
    for one in published:
        answer = await offers(http, url, one.at, app)
        found |= {offer["promotion_id"]: offer for offer in answer.json()["items"]}
    return found


async def till(fleet: Fleet, env: dict[str, str], admin: str, number: int) -> dict[str, str]:
    """The headers of a new merchant's key, which every server knows."""

    def make() -> str:
        body = {"name": f"Merchant {number}"}
        made = httpx.post(f"{fleet.urls[0]}/v1/merchants", json=body, headers=bearer(admin), timeout=30)
        assert made.status_code == 201, made.text
        key = secret(env, "merchant", "--merchant", made.json()["id"])
        assert all(becomes(url, key, 200) for url in fleet.urls.values())
        return key

    return bearer(await asyncio.to_thread(make))


def secret(env: dict[str, str], *words: str) -> str:
    """A new key of a role."""
    made = told("keys", "create", "--role", *words, env=env)
    assert made.exit_code == 0, made.output
    return str(made.stdout.strip())


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def say(text: str) -> None:
    """Beside the test: seen with `pytest -s`, and when it fails."""
    sys.stdout.write(f"{text}\n")
