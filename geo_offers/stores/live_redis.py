"""Every key that is kept in Redis, and the nudges that go through it; nothing there is the truth.

Each key has a hash tag, so that Redis Cluster knows its slot, and an end (TTL); no command is for two keys.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
from collections.abc import Set
from contextlib import suppress
from datetime import timedelta
from typing import get_args

from redis.asyncio import Redis

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores.nudge_memory import MemoryNudges
from geo_offers.stores.ports import Topic
from geo_offers.stores.redis_link import RedisLink

_NUDGES = "geo_offers:{nudges}"
EVENTS = "geo_offers:{events}"
#: Events that nobody reads go when nothing was appended for so long.
EVENTS_KEPT_FOR = timedelta(hours=48)
#: Less than the store's 24 hours by more than any clocks differ.
ANSWERS_KEPT_FOR = timedelta(hours=23)

_TOPICS: frozenset[Topic] = frozenset(get_args(Topic))
_REST_S = 0.01
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0


def rate_key(bucket: str) -> str:
    """The key of a bucket of a rate; who it is cannot be read from it. It ends when the bucket is full."""
    return f"geo_offers:rate:{{{_digest(bucket.encode(), b'')}}}"


def answer_key(account: str, key: str, *, salt: bytes) -> str:
    """The key of the answer to a write; those of another salt (at most 64 bytes) are other keys."""
    # Neither may hold the byte between them.
    named = b"\0".join((account.encode(), key.encode()))
    return f"geo_offers:answer:{{{_digest(named, salt)}}}"


def _digest(text: bytes, salt: bytes) -> str:
    return hashlib.blake2b(text, key=salt, digest_size=16).hexdigest()


class RedisNudges:
    """Nudges (see ports.Nudges) between processes, over a channel that all subscribe to.

    - A nudge is heard in this process at once, and told to the others by `run`: the first at once, many as one
      every 10 ms. Without Redis only this process hears.
    - Lost connections are made again after 0.05 to 2 seconds; then all topics are heard, since any may have been
      missed.

    For one event loop.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._here = MemoryNudges()
        self._me = secrets.token_hex(8)
        self._untold: set[Topic] = set()
        self._some_untold = asyncio.Event()

    async def nudge(self, topic: Topic) -> None:
        self._here.hear(topic)
        self._untold.add(topic)
        self._some_untold.set()

    def hear(self, topic: Topic) -> None:
        self._here.hear(topic)

    async def wait(self, topics: Set[Topic], *, within_s: float) -> Set[Topic]:
        return await self._here.wait(topics, within_s=within_s)

    async def run(self) -> None:
        """Tell and hear until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._tell())
            both.create_task(self._listen())

    async def _tell(self) -> None:
        while True:
            await self._some_untold.wait()
            self._some_untold.clear()
            topics, self._untold = self._untold, set()
            words = f"{self._me} {' '.join(sorted(topics))}"

            async def publish(client: Redis, words: str = words) -> int:
                return int(await client.publish(_NUDGES, words))

            with suppress(StoreUnavailable):  # lost, then: the others poll
                await self._link.ask("publish", publish)
            await asyncio.sleep(_REST_S)

    async def _listen(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            with suppress(StoreUnavailable):
                async for message in self._link.messages(_NUDGES):
                    pause_s = _FIRST_PAUSE_S
                    self._take(message)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _take(self, message: bytes | None) -> None:
        if message is None:
            for topic in _TOPICS:
                self._here.hear(topic)
            return
        teller, *topics = message.decode(errors="replace").split()
        for topic in _TOPICS.intersection(topics) if teller != self._me else ():
            self._here.hear(topic)
