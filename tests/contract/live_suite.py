"""All clauses of live state: nudges, rates, hints of answers and the event log, for each adapter to inherit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from geo_offers.domain.errors import KeyReused
from geo_offers.stores.once import Kept, Once
from geo_offers.stores.ports import AnswerHints, EventLog, Nudges, RateLimits, Topic

ALL: set[Topic] = {"catalog", "usage", "keys"}


def a_once(key: str | None = "k1", *, account: str = "app:lakeside", asked: bytes = b"question") -> Once[Any]:
    return Once(account, key, asked, lambda _: b"")


def a_bucket() -> str:
    return f"key_{uuid4().hex}"


async def heard(nudges: Nudges, *topics: Topic) -> set[Topic]:
    """What is heard of these topics (of all when none is named) without waiting."""
    said: set[Topic] = set()
    while new := await nudges.wait(set(topics) or ALL, within_s=0):
        said |= new
    return said


class NudgeClauses:
    @pytest.fixture
    def nudges(self) -> Nudges:
        raise NotImplementedError("an adapter's class makes it")

    async def test_who_waits_hears_at_once(self, nudges: Nudges):
        waiting = asyncio.create_task(nudges.wait({"catalog"}, within_s=60))
        await asyncio.sleep(0)
        await nudges.nudge("catalog")
        assert await waiting == {"catalog"}
        assert await heard(nudges) == set()

    async def test_what_comes_while_nobody_waits_is_heard_by_the_next(self, nudges: Nudges):
        await nudges.nudge("usage")
        await nudges.nudge("usage")
        assert await nudges.wait(ALL, within_s=60) == {"usage"}
        assert await heard(nudges) == set(), "many are heard as one"

    async def test_a_topic_is_heard_by_its_follower_alone(self, nudges: Nudges):
        keys = asyncio.create_task(nudges.wait({"keys"}, within_s=60))
        both = asyncio.create_task(nudges.wait({"catalog", "usage"}, within_s=60))
        await asyncio.sleep(0)
        await nudges.nudge("usage")
        assert await both == {"usage"}
        assert not keys.done()
        nudges.hear("keys")
        assert await keys == {"keys"}

    async def test_silence_ends_a_wait_with_nothing(self, nudges: Nudges):
        assert await nudges.wait(ALL, within_s=0.01) == set()
        await nudges.nudge("keys")
        assert await nudges.wait({"catalog"}, within_s=0.01) == set()
        assert await heard(nudges) == {"keys"}

    async def test_a_wait_that_was_given_up_takes_nothing_with_it(self, nudges: Nudges):
        waiting = asyncio.create_task(nudges.wait({"keys"}, within_s=60))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await nudges.nudge("keys")
        assert await heard(nudges) == {"keys"}


class RateClauses:
    @pytest.fixture
    def rates(self) -> RateLimits:
        raise NotImplementedError("an adapter's class makes it")

    def test_a_burst_is_there_and_then_one_at_a_time(self, rates: RateLimits):
        bucket = a_bucket()
        took = [rates.take(bucket, per_minute=60, burst=3, now_s=100.0 + half / 2) for half in range(10)]
        assert [taken.allowed for taken in took] == [True] * 5 + [False, True, False, True, False]

    def test_a_refusal_takes_nothing_and_says_when(self, rates: RateLimits):
        bucket = a_bucket()
        assert rates.take(bucket, per_minute=60, burst=1, now_s=100.0).remaining == 0
        for _ in range(5):
            refused = rates.take(bucket, per_minute=60, burst=1, now_s=100.25)
            assert (refused.allowed, refused.retry_after_s) == (False, 0.75)
        assert rates.take(bucket, per_minute=60, burst=1, now_s=101.0).allowed

    def test_buckets_do_not_meet(self, rates: RateLimits):
        first, second = a_bucket(), a_bucket()
        assert rates.take(first, per_minute=1, burst=1, now_s=0.0).allowed
        assert rates.take(second, per_minute=1, burst=1, now_s=0.0).allowed


@dataclass
class Hinted:
    """Hints, what brings them to rest, and accounts of this test alone."""

    hints: AnswerHints
    settle: Callable[[], Awaitable[None]]
    always: bool
    account: str = field(default_factory=lambda: f"app:{uuid4().hex}")

    def once(self, key: str | None = "k1", *, asked: bytes = b"question", account: str = "") -> Once[Any]:
        return a_once(key, account=account or self.account, asked=asked)

    async def answered(self, once: Once[Any], body: bytes, value: object = "done") -> None:
        self.hints.note(once, Kept(body, value))
        await self.settle()


class AnswerClauses:
    @pytest.fixture
    def hinted(self) -> Hinted:
        raise NotImplementedError("an adapter's class makes it")

    async def test_a_hit_is_the_bytes_that_the_store_gave(self, hinted: Hinted):
        body = bytes(range(256))
        assert await hinted.hints.find(hinted.once()) is None
        await hinted.answered(hinted.once(), body)
        found = await hinted.hints.find(hinted.once())
        assert found == (Kept(body, None) if hinted.always else None)

    async def test_an_answer_to_another_question_is_never_given(self, hinted: Hinted):
        await hinted.answered(hinted.once(), b"answer")
        if hinted.always:
            with pytest.raises(KeyReused):
                await hinted.hints.find(hinted.once(asked=b"another question"))
        else:
            assert await hinted.hints.find(hinted.once(asked=b"another question")) is None

    async def test_other_accounts_other_keys_and_writes_without_a_key_find_nothing(self, hinted: Hinted):
        await hinted.answered(hinted.once(), b"answer")
        await hinted.answered(hinted.once(None), b"answer")
        for other in (hinted.once(account=f"{hinted.account} k1"), hinted.once("k2"), hinted.once(None)):
            assert await hinted.hints.find(other) is None

    async def test_what_the_store_gave_again_is_not_noted(self, hinted: Hinted):
        await hinted.answered(hinted.once(), b"answer of yesterday", value=None)
        assert await hinted.hints.find(hinted.once()) is None


class EventClauses:
    @pytest.fixture
    def events(self) -> EventLog:
        raise NotImplementedError("an adapter's class makes it, empty")

    async def test_an_empty_log_has_nothing(self, events: EventLog):
        assert await events.read_after(None, limit=10) == []
        await events.append([])
        assert await events.read_after(None, limit=10) == []

    async def test_events_are_read_in_the_order_of_the_log_a_page_at_a_time(self, events: EventLog):
        await events.append([b"1", b"2", b"3"])
        await events.append([b"4"])
        first = await events.read_after(None, limit=2)
        second = await events.read_after(first[-1].offset, limit=10)
        assert [event.body for event in (*first, *second)] == [b"1", b"2", b"3", b"4"]
        assert await events.read_after(second[-1].offset, limit=10) == []
        assert len({event.offset for event in (*first, *second)}) == 4

    async def test_the_same_reading_gives_the_same(self, events: EventLog):
        await events.append([bytes([number]) for number in range(50)])
        (begin, *_) = await events.read_after(None, limit=1)
        assert await events.read_after(begin.offset, limit=20) == await events.read_after(
            begin.offset, limit=20
        )

    async def test_what_an_append_has_answered_is_read_whoever_else_writes(self, events: EventLog):
        seen: list[bytes] = []

        async def writer(number: int) -> None:
            for turn in range(20):
                body = b"%d %d" % (number, turn)
                await events.append([body, body + b"'"])
                assert body in [event.body for event in await events.read_after(None, limit=1_000)]

        async def reader() -> None:
            offset = None
            while len(seen) < 160:
                for event in await events.read_after(offset, limit=7):
                    seen.append(event.body)
                    offset = event.offset

        async with asyncio.timeout(20):
            await asyncio.gather(reader(), *(writer(number) for number in range(4)))
        whole = [event.body for event in await events.read_after(None, limit=1_000)]
        assert seen == whole, "who reads on meanwhile misses none, and none comes late"
        for number in range(4):
            own = [body for body in whole if body.startswith(b"%d " % number)]
            assert own == [b"%d %d" % (number, turn) + end for turn in range(20) for end in (b"", b"'")]
        places = [whole.index(body) for body in whole if not body.endswith(b"'")]
        assert all(whole[place + 1] == whole[place] + b"'" for place in places), "a batch stays together"

    async def test_trimmed_events_are_gone_and_the_others_stay(self, events: EventLog):
        await events.append([b"1", b"2", b"3"])
        one, two, three = await events.read_after(None, limit=10)
        assert await events.trim(two.offset) == 2
        assert await events.read_after(None, limit=10) == [three]
        assert await events.read_after(one.offset, limit=10) == [three]
        assert await events.trim(two.offset) == 0

    async def test_bodies_are_any_bytes(self, events: EventLog):
        bodies = [b"", bytes(range(256)), "湖滨".encode()]
        await events.append(bodies)
        assert [event.body for event in await events.read_after(None, limit=10)] == bodies
