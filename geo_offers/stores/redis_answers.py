"""Answers to writes with a key, at hand in Redis: a hint of what the durable store keeps."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, TypeVar

from redis.asyncio import Redis

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores.live_redis import ANSWERS_KEPT_FOR, answer_key
from geo_offers.stores.once import Kept, Once, key_reused
from geo_offers.stores.redis_link import RedisLink

T = TypeVar("T")
_EVERY_S = 0.05
#: Greater answers are the store's alone, bytes.
_GREATEST = 16_384
#: Answers that wait to be written; more than these are the store's alone.
_MOST_WAITING = 4_096
_TTL_MS = int(ANSWERS_KEPT_FOR.total_seconds() * 1_000)


class RedisAnswers:
    """AnswerHints (see ports.AnswerHints) in Redis.

    - Only what the store has just answered is written, within 50 ms, and kept for 23 hours.
    - Without Redis, or when it has forgotten, nothing is found.

    store  names the durable store, secretly: answers of one never come to another that uses the same Redis
    """

    def __init__(self, link: RedisLink, *, store: bytes) -> None:
        self._link = link
        self._salt = hashlib.blake2b(store, digest_size=32).digest()
        self._waiting: dict[str, bytes] = {}

    async def find(self, once: Once[T]) -> Kept[T] | None:
        if once.key is None:
            return None
        key = answer_key(once.account, once.key, salt=self._salt)

        async def command(client: Redis) -> bytes | None:
            value: Any = await client.get(key)
            return bytes(value) if value is not None else None

        try:
            found = await self._link.ask("answers", command)
        except StoreUnavailable:
            return None
        if found is None:
            return None
        asked, body = _read(found)
        if asked != once.asked:
            raise key_reused(once.key)
        return Kept(body, None)

    def note(self, once: Once[Any], kept: Kept[Any]) -> None:
        if once.key is None or kept.value is None or len(kept.body) > _GREATEST:
            return  # one that was kept before is of unknown age
        if len(self._waiting) < _MOST_WAITING:
            key = answer_key(once.account, once.key, salt=self._salt)
            self._waiting[key] = _written(once.asked, kept.body)

    async def run(self) -> None:
        """Write what is noted until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.write()

    async def write(self) -> None:
        """Write what was noted since the last time; without Redis it is forgotten."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        commands = [("SET", key, value, "PX", _TTL_MS) for key, value in waiting.items()]
        try:
            await self._link.pipe("answers", commands)
        except StoreUnavailable:
            return


def _written(asked: bytes, body: bytes) -> bytes:
    return bytes([len(asked)]) + asked + body


def _read(value: bytes) -> tuple[bytes, bytes]:
    """What was asked, and the answer."""
    end = 1 + value[0]
    return value[1:end], value[end:]
