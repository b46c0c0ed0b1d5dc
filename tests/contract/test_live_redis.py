"""Live state on Redis keeps every promise, also when Redis goes, hangs or forgets, and fits a cluster."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.crc import key_slot

from geo_offers.domain.errors import InvalidInput, StoreUnavailable
from geo_offers.stores import redis_link
from geo_offers.stores.live_redis import EVENTS, RedisNudges, answer_key, rate_key
from geo_offers.stores.once import Kept
from geo_offers.stores.ports import EventLog, Nudges, RateLimits
from geo_offers.stores.redis_answers import RedisAnswers
from geo_offers.stores.redis_events import RedisEventLog
from geo_offers.stores.redis_link import RedisLink
from geo_offers.stores.redis_rates import RedisRates
from tests.contract.live_suite import (
    AnswerClauses,
    EventClauses,
    Hinted,
    NudgeClauses,
    RateClauses,
    a_bucket,
    a_once,
    heard,
)
from tests.redis_server import RedisServer, redis_in_cluster_mode, redis_server

DAY_MS = 24 * 3_600_000


@pytest.fixture(scope="module")
def one_server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def server(one_server: RedisServer) -> RedisServer:
    one_server.client.flushall()
    return one_server


@pytest.fixture
async def link(server: RedisServer) -> AsyncIterator[RedisLink]:
    async with linked(server) as link:
        yield link


@asynccontextmanager
async def linked(server: RedisServer) -> AsyncIterator[RedisLink]:
    link = RedisLink(server.url)
    yield link
    await link.close()


@asynccontextmanager
async def nudged(server: RedisServer) -> AsyncIterator[tuple[RedisNudges, RedisLink]]:
    """Nudges as a process has them, which hear by now."""
    async with linked(server) as link:
        nudges = RedisNudges(link)
        running = asyncio.create_task(nudges.run())
        try:
            async with asyncio.timeout(10):
                while not await nudges.wait({"catalog"}, within_s=1):
                    pass
            await heard(nudges)
            yield nudges, link
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # it is another process that makes it true
            await asyncio.sleep(0.005)


class TestRedisNudges(NudgeClauses):
    @pytest.fixture
    async def nudges(self, server: RedisServer) -> AsyncIterator[Nudges]:
        async with nudged(server) as (nudges, _):
            yield nudges

    async def test_other_processes_hear_and_the_teller_hears_itself_once(self, server: RedisServer):
        async with AsyncExitStack() as all_of_them:
            one, two, three = [(await all_of_them.enter_async_context(nudged(server)))[0] for _ in range(3)]
            started = time.perf_counter()
            await one.nudge("keys")
            for other in (two, three):
                assert await other.wait({"keys"}, within_s=10) == {"keys"}
            assert time.perf_counter() - started < 1
            assert await heard(one) == {"keys"}
            assert await one.wait({"keys"}, within_s=0.05) == set()
            one.hear("usage")
            assert await two.wait({"usage"}, within_s=0.05) == set(), "that was for this process alone"

    async def test_a_thousand_nudges_are_told_as_a_few(self, server: RedisServer):
        async with nudged(server) as (one, _), nudged(server) as (two, _):
            before = server.client.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"]
            for _ in range(1_000):
                await one.nudge("usage")
                await asyncio.sleep(0)
            assert await two.wait({"usage"}, within_s=10) == {"usage"}
            calls = server.client.info("commandstats")["cmdstat_publish"]["calls"] - before
            assert calls <= 100

    async def test_killed_and_started_again_it_is_heard_again_and_whoever_missed_one_looks(
        self, server: RedisServer
    ):
        server.require_own()
        async with nudged(server) as (one, of_one), nudged(server) as (two, of_two):
            server.kill()
            await until(lambda: "subscribe" in of_two.away)
            await one.nudge("keys")
            assert await one.wait({"keys"}, within_s=10) == {"keys"}, "this process hears itself"
            await until(lambda: {"publish", "subscribe"} <= of_one.away.keys())
            assert await heard(two) == set()
            server.start()
            assert await two.wait({"keys"}, within_s=10) == {"keys"}, "it may have missed one"
            await until(lambda: "subscribe" not in of_one.away)
            assert "subscribe" not in of_two.away
            await heard(one), await heard(two)
            async with asyncio.timeout(10):  # the first ones may fall into the rest after a failure
                while not await two.wait({"usage"}, within_s=0.1):
                    await one.nudge("usage")
            assert of_one.away == {}
            assert of_one.failures["subscribe"] >= 1

    async def test_rubbish_on_the_channel_is_not_heard(self, server: RedisServer):
        async with nudged(server) as (nudges, link):
            for rubbish in (b"x", b"\xff\xfe x", b"me nothing catalogs", b"me keys"):
                server.client.publish("geo_offers:{nudges}", rubbish)
            assert await nudges.wait({"keys"}, within_s=10) == {"keys"}
            assert await heard(nudges) == set()
            assert link.away == {}


class TestRedisRates(RateClauses):
    @pytest.fixture
    def rates(self, link: RedisLink) -> RateLimits:
        return RedisRates(link, clock_s=lambda: 100.0)

    async def test_processes_share_one_rate_and_what_was_too_much_is_paid_back(self, link: RedisLink):
        workers = [RedisRates(link, clock_s=lambda: 1_000.0) for _ in range(3)]
        bucket = a_bucket()
        took = [one.take(bucket, per_minute=60, burst=10, now_s=1_000.0) for one in workers * 20]
        assert sum(taken.allowed for taken in took) == 30, "each gave a burst before it heard of the others"
        for one in workers:
            await one.exchange()
        last = workers[-1].take(bucket, per_minute=60, burst=10, now_s=1_000.0)
        assert not last.allowed
        assert last.reset_s == pytest.approx(30, abs=1), "the burst of ten is whole when all 30 are back"
        assert last.retry_after_s == pytest.approx(21, abs=1)

    async def test_what_one_took_another_hears_of_with_its_next_request(self, link: RedisLink):
        one, two = (RedisRates(link, clock_s=lambda: 50.0) for _ in range(2))
        bucket = a_bucket()
        for _ in range(9):
            assert one.take(bucket, per_minute=1, burst=10, now_s=50.0).allowed
        await one.exchange()
        assert two.take(bucket, per_minute=1, burst=10, now_s=50.0).remaining == 9
        await two.exchange()
        assert not two.take(bucket, per_minute=1, burst=10, now_s=50.0).allowed

    async def test_a_redis_that_forgets_leaves_each_process_its_own_count(
        self, server: RedisServer, link: RedisLink
    ):
        rates, bucket = RedisRates(link, clock_s=lambda: 50.0), a_bucket()
        assert rates.take(bucket, per_minute=1, burst=2, now_s=50.0).allowed
        await rates.exchange()
        server.client.flushall()
        server.client.script_flush()
        assert rates.take(bucket, per_minute=1, burst=2, now_s=50.0).allowed
        await rates.exchange()
        assert not rates.take(bucket, per_minute=1, burst=2, now_s=50.0).allowed
        assert link.failures == {"rates": 0}

    async def test_while_redis_is_away_each_process_counts_for_itself(self, server: RedisServer):
        server.require_own()
        async with linked(server) as link:
            rates, bucket = RedisRates(link, clock_s=lambda: 50.0), a_bucket()
            server.kill()
            for _ in range(2):
                assert rates.take(bucket, per_minute=1, burst=2, now_s=50.0).allowed
                await rates.exchange()
            assert not rates.take(bucket, per_minute=1, burst=2, now_s=50.0).allowed
            assert link.away.keys() == {"rates"}
            server.start()
            assert server.client.dbsize() == 0
            another = a_bucket()
            async with asyncio.timeout(10):
                while link.away:
                    rates.take(another, per_minute=60, burst=60, now_s=50.0)
                    await rates.exchange()
                    await asyncio.sleep(0.01)
            assert server.client.dbsize() == 1, "what was taken meanwhile is not told later"


class TestRedisAnswers(AnswerClauses):
    @pytest.fixture
    def hinted(self, link: RedisLink) -> Hinted:
        answers = RedisAnswers(link, store=b"town")
        return Hinted(answers, answers.write, always=True)

    async def test_another_process_of_the_same_store_finds_it_and_another_store_does_not(
        self, link: RedisLink
    ):
        one, two, other = (RedisAnswers(link, store=store) for store in (b"town", b"town", b"village"))
        one.note(a_once(), Kept(b"answer", "done"))
        await one.write()
        assert await two.find(a_once()) == Kept(b"answer", None)
        assert await other.find(a_once()) is None

    async def test_it_goes_before_the_store_forgets_it(self, server: RedisServer, link: RedisLink):
        answers = RedisAnswers(link, store=b"town")
        answers.note(a_once(), Kept(b"answer", "done"))
        await answers.write()
        (key,) = server.client.keys()
        assert 0 < server.client.pttl(key) < DAY_MS

    async def test_a_great_answer_is_the_stores_alone(self, server: RedisServer, link: RedisLink):
        answers = RedisAnswers(link, store=b"town")
        answers.note(a_once(), Kept(bytes(16_385), "done"))
        await answers.write()
        assert server.client.dbsize() == 0

    async def test_a_redis_that_forgets_or_goes_is_a_miss(self, server: RedisServer):
        server.require_own()
        async with linked(server) as link:
            answers = RedisAnswers(link, store=b"town")
            answers.note(a_once(), Kept(b"answer", "done"))
            await answers.write()
            server.client.flushall()
            assert await answers.find(a_once()) is None
            server.kill()
            assert await answers.find(a_once()) is None
            answers.note(a_once(), Kept(b"answer", "done"))
            await answers.write()
            assert link.away.keys() == {"answers"}
            server.start()
            async with asyncio.timeout(10):
                while link.away:
                    assert await answers.find(a_once()) is None

    async def test_behind_a_redis_that_hangs_nobody_queues(self, server: RedisServer):
        server.require_own()
        async with linked(server) as link:
            answers = RedisAnswers(link, store=b"town")
            await answers.find(a_once())
            with server.hanging():
                started = time.perf_counter()
                await asyncio.gather(*(answers.find(a_once()) for _ in range(20)))
                assert time.perf_counter() - started < 2, "half a second on a quiet machine"
                started = time.perf_counter()
                for _ in range(100):
                    assert await answers.find(a_once()) is None
                assert time.perf_counter() - started < 2, "most of them ask nobody"
            async with asyncio.timeout(10):
                while link.away:
                    await answers.find(a_once())


class TestRedisEvents(EventClauses):
    @pytest.fixture
    def events(self, link: RedisLink) -> EventLog:
        return RedisEventLog(link)

    async def test_a_full_log_refuses_and_drops_nothing(self, link: RedisLink):
        events = RedisEventLog(link, most=3)
        await events.append([b"1", b"2"])
        with pytest.raises(StoreUnavailable, match="full"):
            await events.append([b"3", b"4"])
        await events.append([b"3"])
        held = await events.read_after(None, limit=10)
        assert [event.body for event in held] == [b"1", b"2", b"3"]
        assert link.away == {}

    async def test_after_everything_was_lost_what_comes_is_read_behind_every_earlier_offset(
        self, server: RedisServer, link: RedisLink
    ):
        events = RedisEventLog(link)
        await events.append([b"1"])
        (before,) = await events.read_after(None, limit=10)
        server.client.flushall()
        server.client.script_flush()
        await asyncio.sleep(0.002)  # offsets are of the server's milliseconds
        await events.append([b"2"])
        assert [event.body for event in await events.read_after(before.offset, limit=10)] == [b"2"]

    async def test_a_log_that_is_away_says_so(self, server: RedisServer):
        server.require_own()
        async with linked(server) as link:
            events = RedisEventLog(link)
            server.kill()
            try:
                for _ in range(2):
                    with pytest.raises(StoreUnavailable):
                        await events.append([b"1"])
            finally:
                server.start()


async def test_what_is_wrong_is_logged_when_it_changes(server: RedisServer, monkeypatch: pytest.MonkeyPatch):
    server.require_own()
    said: list[str] = []

    class Log:
        def warning(self, event: str, **_: object) -> None:
            said.append(event)

        info = warning

    monkeypatch.setattr(redis_link, "log", Log())
    now = [0.0]
    link = RedisLink(server.url, clock_s=lambda: now[0])
    answers = RedisAnswers(link, store=b"town")
    await answers.find(a_once())
    server.kill()
    for _ in range(3):
        await answers.find(a_once())
        now[0] += 1
    server.start()
    await answers.find(a_once())
    await link.close()
    assert said == ["redis_away", "redis_back"]
    assert link.failures == {"answers": 3}


def test_a_url_that_cannot_be_is_refused():
    with pytest.raises(InvalidInput, match="Redis URL"):
        RedisLink("http://redis")


async def test_in_a_cluster_every_key_has_one_slot_and_an_end():
    """A server in cluster mode refuses what is for two slots, also inside a script."""
    with redis_in_cluster_mode() as server:
        async with linked(server) as link:
            rates, answers, events = RedisRates(link), RedisAnswers(link, store=b"town"), RedisEventLog(link)
            buckets = [a_bucket() for _ in range(20)]
            for number, bucket in enumerate(buckets):
                assert rates.take(bucket, per_minute=1, burst=9, now_s=0.0).allowed
                answers.note(a_once(f"k{number}"), Kept(b"answer", "done"))
            await rates.exchange()
            await answers.write()
            await events.append([b"1", b"2"])
            (first, _) = await events.read_after(None, limit=10)
            assert await events.trim(first.offset) == 1
            assert await answers.find(a_once("k3")) == Kept(b"answer", None)
            assert link.failures == {"rates": 0, "answers": 0, "events": 0}
        keys = sorted(server.client.keys())
        assert len(keys) == 41
        for key in keys:
            assert re.fullmatch(rb"geo_offers:[^{}]*\{[^{}]+\}", key)
            assert server.client.pttl(key) > 0
        assert len({key_slot(key) for key in keys}) > 30, "they are spread over the cluster"


def test_keys_do_not_meet_and_do_not_say_whose_they_are():
    assert rate_key("203.0.113.7") != rate_key("203.0.113.8")
    assert "203.0" not in rate_key("203.0.113.7")
    assert answer_key("app:a", "b c", salt=b"s") != answer_key("app:a b", "c", salt=b"s")
    assert EVENTS.startswith("geo_offers:")


@pytest.mark.parametrize("path", sorted((Path(redis_link.__file__).parent / "lua").glob("*.lua")), ids=str)
def test_a_script_names_no_key_but_the_one_that_it_is_given(path: Path):
    keys = re.findall(r"redis\.call\('(\w+)'(?:, ([^,)]+))?", path.read_text())
    assert {key for command, key in keys if command != "TIME"} == {"KEYS[1]"}
