"""Nudges within one process."""

from __future__ import annotations

import asyncio
from collections.abc import Set

from geo_offers.stores.ports import Topic

_Ear = tuple[Set[Topic], "asyncio.Future[Topic]"]


class MemoryNudges:
    """Nudges (see ports.Nudges) that stay in this process. For one event loop."""

    def __init__(self) -> None:
        self._unheard: set[Topic] = set()
        self._waiting: list[_Ear] = []

    async def nudge(self, topic: Topic) -> None:
        self.hear(topic)

    def hear(self, topic: Topic) -> None:
        ears = [ear for topics, ear in self._waiting if topic in topics and not ear.done()]
        for ear in ears:
            ear.set_result(topic)
        if not ears:
            self._unheard.add(topic)

    async def wait(self, topics: Set[Topic], *, within_s: float) -> Set[Topic]:
        heard = self._unheard & topics
        if heard:
            self._unheard -= heard
            return heard
        waiting: _Ear = (topics, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(within_s):
                return {await waiting[1]}
        except TimeoutError:
            return set()
        finally:
            self._waiting.remove(waiting)
