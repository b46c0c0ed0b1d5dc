"""Rates of callers, counted by several processes together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores.live_redis import rate_key
from geo_offers.stores.ports import Taken
from geo_offers.stores.rate_memory import MemoryRateLimits
from geo_offers.stores.redis_link import Call, RedisLink, Script

_EVERY_S = 0.1


class RedisRates:
    """RateLimits (see ports.RateLimits) that processes share through Redis.

    - A request is decided here, at once. What was taken is told ten times a second, and what all have taken heard.
    - So a burst may be passed by what the other processes allow within such a tenth of a second; what was too
      much is paid back before more is allowed.
    - While Redis is away, or when it has forgotten, each process counts for itself.

    clock_s  the clock whose times `take` is given

    For one event loop.
    """

    def __init__(self, link: RedisLink, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._link = link
        self._clock_s = clock_s
        self._script = Script.named("share_rate")
        self._here = MemoryRateLimits()
        # By bucket: how many were taken since the last exchange, and in how many seconds one comes back.
        self._untold: dict[str, tuple[int, float]] = {}

    def take(self, key: str, *, per_minute: int, burst: int, now_s: float) -> Taken:
        taken = self._here.take(key, per_minute=per_minute, burst=burst, now_s=now_s)
        if taken.allowed:
            count, step_s = self._untold.get(key, (0, 60.0 / per_minute))
            self._untold[key] = (count + 1, step_s)
        return taken

    async def run(self) -> None:
        """Exchange until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.exchange()

    async def exchange(self) -> None:
        """Tell what was taken here since the last time, and hear what all have."""
        told, self._untold = self._untold, {}
        if not told:
            return
        calls = [Call(rate_key(bucket), (count, step_s)) for bucket, (count, step_s) in told.items()]
        try:
            waits = await self._link.run("rates", self._script, calls)
        except StoreUnavailable:
            return
        now_s = self._clock_s()
        for bucket, waiting in zip(told, waits, strict=True):
            count, step_s = self._untold.get(bucket, (0, 0.0))
            self._here.fill_until(bucket, now_s + float(waiting) + count * step_s, now_s=now_s)
