"""The way to Redis: every command goes through here, and every failure of it ends here as one of ours."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionBroken
from redis.exceptions import NoScriptError, RedisError

from geo_offers.domain.errors import InvalidInput, StoreUnavailable

T = TypeVar("T")
#: What Redis is asked for; each has a state of its own, since each may fail alone.
Subject = Literal["answers", "events", "publish", "rates", "subscribe"]

_TIMEOUT_S = 0.5
#: After a failure nobody asks for so long; then one does, and the others go on without.
_PAUSE_S = 0.5
#: A subscription that is silent for so long is asked whether it is there.
_SILENCE_S = 2.0
_CONNECTIONS = 64
#: Commands in one round trip: 16 microseconds each, in which this process does nothing else.
_AT_ONCE = 128
#: RedisError is the client's own; the others come through from the socket and the URL's host.
_FAULTS = (RedisError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Script:
    """A script that Redis runs; each call of it is for one key."""

    text: str
    sha1: str

    @classmethod
    def named(cls, name: str) -> Script:
        """The script of a file in `lua`."""
        text = (files("geo_offers.stores") / "lua" / f"{name}.lua").read_text()
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script: its key, and its arguments."""

    key: str
    arguments: Sequence[str | bytes | int | float]


@dataclass(slots=True)
class _State:
    """How one subject does; `why` is None when it does well."""

    why: str | None = None
    failures: int = 0
    ask_at_s: float = 0.0


class RedisLink:
    """Commands for one Redis that may be away, be slow or have forgotten everything.

    - A command takes half a second at most. While Redis is away only one call in half a second finds that out,
      the others are told at once; so callers never queue behind a dead server.
    - What is wrong is logged when it changes, not at every call, and counted.
    - Nothing is sent twice: what raised may have been done.

    For one event loop; connects when first asked. Raises InvalidInput for a URL that cannot be.
    """

    def __init__(self, url: str, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=_TIMEOUT_S,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
        except ValueError as error:
            raise InvalidInput(
                f"the Redis URL cannot be read: {error}", pointer="GEO_OFFERS_REDIS_URL"
            ) from error
        self._client: Redis = Redis.from_pool(pool)
        self._clock_s = clock_s
        self._states: dict[Subject, _State] = {}

    @property
    def away(self) -> Mapping[str, str]:
        """What goes without Redis at the moment, and why, by subject."""
        return {subject: state.why for subject, state in self._states.items() if state.why is not None}

    @property
    def failures(self) -> Mapping[str, int]:
        """How often Redis failed, by subject."""
        return {subject: state.failures for subject, state in self._states.items()}

    async def ask(self, subject: Subject, command: Callable[[Redis], Awaitable[T]]) -> T:
        """The answer to one command. Raises StoreUnavailable."""
        state = self._state(subject)
        if state.why is not None:
            now_s = self._clock_s()
            if now_s < state.ask_at_s:
                raise StoreUnavailable(f"Redis is away: {state.why}")
            state.ask_at_s = now_s + _PAUSE_S
        try:
            answer = await command(self._client)
        except _FAULTS as error:
            _end_if_cancelled()
            raise self._failed(subject, error) from error
        _end_if_cancelled()
        self._did_well(subject)
        return answer

    async def run(self, subject: Subject, script: Script, calls: Sequence[Call]) -> list[Any]:
        """What a script answers to each of these calls, in few round trips. Raises StoreUnavailable.

        The calls do not belong together: some may be done, others not.
        """

        async def command(client: Redis) -> list[Any]:
            answers = await _piped(
                client, [("EVALSHA", script.sha1, 1, call.key, *call.arguments) for call in calls]
            )
            unknown = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if unknown:  # Redis began anew: the text once more, which it then knows
                texts = [("EVAL", script.text, 1, calls[one].key, *calls[one].arguments) for one in unknown]
                for place, answer in zip(unknown, await _piped(client, texts), strict=True):
                    answers[place] = answer
            return _sound(answers)

        return await self.ask(subject, command)

    async def pipe(self, subject: Subject, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers to commands that do not belong together, in few round trips. Raises StoreUnavailable."""

        async def command(client: Redis) -> list[Any]:
            return _sound(await _piped(client, commands))

        return await self.ask(subject, command)

    async def messages(self, channel: str) -> AsyncIterator[bytes | None]:
        """What is published on a channel: None when it begins, then each message.

        Raises StoreUnavailable when the connection is lost; what was published meanwhile does not come again.
        """
        subscription: Any = self._client.pubsub()
        try:
            await subscription.subscribe(channel)
            asked = False
            while True:
                message = await subscription.get_message(timeout=_SILENCE_S)
                if message is None:
                    if asked:
                        raise ConnectionBroken("the subscription does not answer")
                    await subscription.ping()
                    asked = True
                    continue
                asked = False
                if message["type"] == "subscribe":
                    self._did_well("subscribe")
                    yield None
                elif message["type"] == "message":
                    yield message["data"]
        except _FAULTS as error:
            _end_if_cancelled()
            raise self._failed("subscribe", error) from error
        finally:
            with suppress(*_FAULTS):
                await subscription.aclose()

    async def close(self) -> None:
        """Let go of the connections."""
        with suppress(*_FAULTS):
            await self._client.aclose()

    def _state(self, subject: Subject) -> _State:
        return self._states.setdefault(subject, _State())

    def _failed(self, subject: Subject, error: Exception) -> StoreUnavailable:
        state = self._state(subject)
        why = str(error) or type(error).__name__
        if state.why is None:
            log.warning("redis_away", subject=subject, reason=why)
        state.why = why
        state.failures += 1
        state.ask_at_s = self._clock_s() + _PAUSE_S
        return StoreUnavailable(f"Redis is away: {why}")

    def _did_well(self, subject: Subject) -> None:
        state = self._state(subject)
        if state.why is not None:
            log.info("redis_back", subject=subject, failures=state.failures)
        state.why = None


def _end_if_cancelled() -> None:
    """Raises CancelledError where the client kept it to itself, as it may while it connects."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _piped(client: Redis, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """The answers to these commands, refusals among them."""
    answers: list[Any] = []
    for start in range(0, len(commands), _AT_ONCE):
        async with client.pipeline(transaction=False) as pipeline:
            for words in commands[start : start + _AT_ONCE]:
                pipeline.execute_command(*words)
            answers += await pipeline.execute(raise_on_error=False)
    return answers


def _sound(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
