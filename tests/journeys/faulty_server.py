"""Two workers on a PostgreSQL and a Redis that are killed under them, and people who ask all the while."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.api.merchants import SOMEWHERE, a_document
from tests.journeys.test_keys_journey import told
from tests.journeys.test_serve_journey import PROGRAM, environment
from tests.redis_server import RedisServer
from tests.servers import RestartableServer

WORKERS = 2
PATIENCE_S = 30.0
_OFFERS = {"lng": SOMEWHERE[0], "lat": SOMEWHERE[1]}
#: A connection of its own for each request, so that any worker may have it.
_FRESH = httpx.Limits(max_keepalive_connections=0)


@dataclass
class FaultyServer:
    """The server, what it stands on, and one promotion: 20 % off inside a circle, without a limit."""

    process: subprocess.Popen[str]
    url: str
    env: dict[str, str]
    postgres: RestartableServer
    redis: RedisServer
    app: str
    till: str
    promotion_id: str = ""

    def pids(self) -> set[int]:
        """The workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        words = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
        return {pid for pid, command in words.items() if "spawn_main" in command}

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Asking]:
        async with httpx.AsyncClient(
            base_url=self.url, limits=_FRESH, timeout=PATIENCE_S, verify=False
        ) as http:
            yield Asking(self, http)

    def require_verified(self) -> None:
        """`geo-offers verify` finds nothing."""
        verified = told("verify", env=self.env)
        assert (verified.exit_code, verified.stdout.splitlines()[-1]) == (0, "All agree."), verified.output


@dataclass
class Asking:
    """Answers as they came; a connection that was cut is no answer."""

    server: FaultyServer
    http: httpx.AsyncClient
    reads: list[httpx.Response] = field(default_factory=list)
    writes: list[httpx.Response] = field(default_factory=list)
    cut_off: int = 0
    _asked: int = 0

    @property
    def codes(self) -> set[str]:
        """Of the coupons that were given."""
        return {answer.json()["code"] for answer in self.writes if answer.status_code == 201}

    async def offers(self) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.server.app}"}
        return await self.http.get("/v1/offers", params=_OFFERS, headers=headers)

    async def claim(self) -> httpx.Response:
        self._asked += 1
        name = f"{id(self)}-{self._asked}"
        body = {
            "promotion_id": self.server.promotion_id,
            "visitor_id": name,
            **_OFFERS,
            "accuracy_m": 5,
            "fix_at": datetime.now(UTC).isoformat(),
        }
        headers = {"Authorization": f"Bearer {self.server.app}", "Idempotency-Key": name}
        return await self.http.post("/v1/coupons", json=body, headers=headers)

    async def ready(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.http.get("/readyz")).json()
        return answer

    async def metrics(self) -> str:
        return (await self.http.get("/metrics")).text

    @asynccontextmanager
    async def meanwhile(self, readers: int = 4, writers: int = 4) -> AsyncIterator[None]:
        """So many ask, one after the other, for as long as the block runs."""
        done = asyncio.Event()

        async def ask(how: Callable[[], Any], answers: list[httpx.Response]) -> None:
            while not done.is_set():
                try:
                    answers.append(await how())
                except httpx.TransportError:
                    self.cut_off += 1

        asking = [asyncio.create_task(ask(self.offers, self.reads)) for _ in range(readers)]
        asking += [asyncio.create_task(ask(self.claim, self.writes)) for _ in range(writers)]
        try:
            yield
        finally:
            done.set()
            await asyncio.gather(*asking)

    async def more(self, answers: list[httpx.Response], status: int, count: int = 5) -> None:
        """Wait until so many more answers came with this status."""
        before = sum(one.status_code == status for one in answers)
        await becomes(lambda: sum(one.status_code == status for one in answers) >= before + count)


async def becomes(true: Callable[[], bool]) -> None:
    """Wait until it is so; fails after our patience."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it does not become so"
        await asyncio.sleep(0.02)  # other processes are at it


@contextmanager
def faulty_server(
    postgres: RestartableServer, redis: RedisServer, url: str, folder: Path
) -> Iterator[FaultyServer]:
    """A server with two workers and its promotion."""
    chosen = {
        "GEO_OFFERS_DATABASE_URL": url, "GEO_OFFERS_REDIS_URL": redis.url, "GEO_OFFERS_SECRET": "lakeside",
        "GEO_OFFERS_LOG_LEVEL": "warning", "GEO_OFFERS_RATE_APP": "0", "TMPDIR": str(folder),
    }  # fmt: skip
    env = environment(folder, **chosen)
    admin, app = _secret(env, "admin"), _secret(env, "app", "--account", "lakeside")
    command = [PROGRAM, "serve", "--port", "0", "--workers", str(WORKERS)]
    with (folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("Answering on http://"), (folder / "errors.txt").read_text()
        at = said.split()[2]
        merchant = _made(f"{at}/v1/merchants", {"name": "Lakeside Noodles"}, admin)["id"]
        till = _secret(env, "merchant", "--merchant", merchant)
        server = FaultyServer(process, at, env, postgres, redis, app, till)
        asyncio.run(_with_promotion(server))
        yield server
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()


async def _with_promotion(server: FaultyServer) -> None:
    async with server.asked() as asking:
        headers = {"Authorization": f"Bearer {server.till}"}
        body = a_document(status="active")
        made = await asking.http.post("/v1/promotions", json=body, headers=headers)
        while made.status_code == 401:  # the key is a tenth of a second old
            made = await asking.http.post("/v1/promotions", json=body, headers=headers)
        assert made.status_code == 201, made.text
        server.promotion_id = made.json()["id"]
        seen = 0
        while seen < 5 * WORKERS:  # by any worker
            seen = seen + 1 if (await asking.offers()).json().get("items") else 0


def _secret(env: dict[str, str], *words: str) -> str:
    made = told("keys", "create", "--role", *words, env=env)
    assert made.exit_code == 0, made.output
    return str(made.stdout.strip())


def _made(url: str, body: dict[str, Any], secret: str) -> dict[str, Any]:
    made = httpx.post(url, json=body, headers={"Authorization": f"Bearer {secret}"}, timeout=PATIENCE_S)
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


def killed(pid: int) -> None:
    """SIGKILL."""
    os.kill(pid, 9)
