"""The event log on a stream of Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores.live_redis import EVENTS, EVENTS_KEPT_FOR
from geo_offers.stores.ports import LoggedEvent
from geo_offers.stores.redis_link import Call, RedisLink, Script

_MOST = 5_000_000
_TTL_MS = int(EVENTS_KEPT_FOR.total_seconds() * 1_000)


class RedisEventLog:
    """EventLog (see ports.EventLog) on one stream, in one slot of a cluster.

    What Redis loses (killed without a file to append to, emptied) is lost; what is appended afterwards is read
    behind every earlier offset, as long as the server's clock goes on.

    most  events that may wait to be trimmed; 5 million of 200 bytes are about 1.5 GB
    """

    def __init__(self, link: RedisLink, *, most: int = _MOST) -> None:
        self._link = link
        self._most = most
        self._script = Script.named("append_events")

    async def append(self, bodies: Sequence[bytes]) -> None:
        if not bodies:
            return
        call = Call(EVENTS, (self._most, _TTL_MS, *bodies))
        (held,) = await self._link.run("events", self._script, [call])
        if held < 0:
            raise StoreUnavailable(f"the event log is full: {self._most:,} events are not rolled up yet")

    async def read_after(self, offset: str | None, *, limit: int) -> Sequence[LoggedEvent]:
        begin = "-" if offset is None else f"({offset}"

        async def command(client: Redis) -> Any:
            return await client.xrange(EVENTS, min=begin, max="+", count=limit)

        found = await self._link.ask("events", command)
        return [LoggedEvent(identity.decode(), fields[b"event"]) for identity, fields in found]

    async def trim(self, until: str) -> int:
        moment, _, number = until.partition("-")
        first_left = f"{moment}-{int(number) + 1}"

        async def command(client: Redis) -> int:
            return int(await client.xtrim(EVENTS, minid=first_left, approximate=False))

        return await self._link.ask("events", command)
