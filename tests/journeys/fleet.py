"""Several servers on one store: started side by side, killed one by one, and asked by a client that goes on to the next."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.journeys.test_serve_journey import PROGRAM

#: A client asks so many processes in turn before it gives up.
_MOST_TRIES = 60
_CONNECTIONS = httpx.Limits(max_connections=None, max_keepalive_connections=None)


class Fleet:
    """Servers by place; a place keeps its number, its server may be another later."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env = env
        self._folder = folder
        self._servers: dict[int, subprocess.Popen[str]] = {}
        self.urls: dict[int, str] = {}

    def start(self, *places: int) -> None:
        """Servers at these places, side by side; returns when all answer."""
        for place in places:
            self._servers[place] = self._started(place)
        for place in places:
            self.urls[place] = self._url_of(place)

    def kill(self, place: int) -> None:
        """SIGKILL: no time for anything."""
        del self.urls[place]
        server = self._servers.pop(place)
        server.kill()
        server.communicate()

    def _started(self, place: int) -> subprocess.Popen[str]:
        with self._errors(place).open("a") as errors:
            return subprocess.Popen(
                [PROGRAM, "serve", "--port", "0"], env=self._env, stdout=subprocess.PIPE, stderr=errors, text=True
            )  # fmt: skip

    def _url_of(self, place: int) -> str:
        out = self._servers[place].stdout
        assert out is not None
        told = out.readline()
        assert told.startswith("Answering on http://"), self._errors(place).read_text()
        return told.split()[2]

    def _errors(self, place: int) -> Path:
        return self._folder / f"server-{place}.txt"


@contextmanager
def fleet_of(count: int, env: Mapping[str, str], folder: Path) -> Iterator[Fleet]:
    """So many servers that answer."""
    fleet = Fleet(env, folder)
    try:
        fleet.start(*range(count))
        yield fleet
    finally:
        for place in list(fleet._servers):
            fleet.urls.setdefault(place, "")
            fleet.kill(place)


@dataclass(frozen=True, slots=True)
class Post:
    """A write as a client sends it, and sends it again: to any server, with the same key."""

    key: str
    path: str
    body: Mapping[str, Any]
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", "Idempotency-Key": self.key}


@dataclass
class Client:
    """Asks a fleet: when a server goes, the next one, until one answers."""

    fleet: Fleet
    http: httpx.AsyncClient = field(
        default_factory=lambda: httpx.AsyncClient(limits=_CONNECTIONS, timeout=60, verify=False)
    )
    answered: list[tuple[Post, httpx.Response]] = field(default_factory=list)
    #: How often a server went while it was asked.
    cut_off: int = 0

    async def post(self, post: Post, place: int) -> httpx.Response:
        """The answer of the server at this place, or of one after it."""
        for turn in range(_MOST_TRIES):
            places = sorted(self.fleet.urls)
            url = self.fleet.urls[places[(place + turn) % len(places)]]
            try:
                answer = await self.http.post(f"{url}{post.path}", json=post.body, headers=post.headers)
            except httpx.TransportError:
                self.cut_off += 1
                continue
            self.answered.append((post, answer))
            return answer
        raise AssertionError(f"nobody answers {post.path} with {post.key}")

    async def posted(self, post: Post, *places: int) -> list[httpx.Response]:
        """The answers of several servers that are asked the same at once."""
        return await asyncio.gather(*(self.post(post, place) for place in places))

    def successes(self, path: str) -> list[httpx.Response]:
        """Of what was sent to paths with this end, one for each key."""
        done = {
            post.key: answer
            for post, answer in self.answered
            if post.path.endswith(path) and answer.is_success
        }
        return list(done.values())
