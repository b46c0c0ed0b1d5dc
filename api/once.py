"""Writes that are asked for more than once: Idempotency-Key, and answers kept and replayed byte for byte."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends, Header, Request
from pydantic import WithJsonSchema
from starlette.responses import Response

from geo_offers.domain.account import Caller
from geo_offers.domain.errors import KeyMalformed, StillRunning, TooManyRequests
from geo_offers.stores.once import Kept, Once

T = TypeVar("T")

#: Where a request's scope keeps the SHA-256 of a body that was read as a stream.
BODY_DIGEST = "geo_offers.body_digest"
_MOST_RUNNING = 10_000
_VISIBLE = r"[\x21-\x7e]{1,200}"
_is_key = re.compile(_VISIBLE).fullmatch
_Key = Annotated[
    str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[!-~]{1,200}$"})
]
_OPTIONAL = "With it the write is done once: the same again within 24 hours gets the first answer again."
_REQUIRED = "The write is done once: the same again within 24 hours gets the first answer again."


class _Answer(msgspec.Struct, array_like=True, frozen=True):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Answer).decode


class RunningKeys:
    """The keys that this process works on right now; `most` bounds them."""

    def __init__(self, most: int = _MOST_RUNNING) -> None:
        self._most = most
        self._held: set[tuple[str, str]] = set()

    @property
    def count(self) -> int:
        """How many keys are held."""
        return len(self._held)

    @contextmanager
    def held(self, account: str, key: str | None) -> Iterator[None]:
        """Hold a key while a block runs. Raises StillRunning, TooManyRequests."""
        if key is None:
            yield
            return
        mine = (account, key)
        if mine in self._held:
            raise StillRunning(
                "a request with this Idempotency-Key is still running; ask again when it is done"
            )
        if len(self._held) >= self._most:
            raise TooManyRequests("too many writes are running; ask again in a second", retry_after_s=1.0)
        self._held.add(mine)
        try:
            yield
        finally:
            self._held.discard(mine)


class Write:
    """One write as it was asked for: what makes it the same as another one, and how its answer is kept."""

    def __init__(self, request: Request, key: str | None) -> None:
        self._request = request
        self._key = key

    async def answered(
        self,
        caller: Caller,
        work: Callable[[Once[T]], Awaitable[Kept[T]]],
        answer: Callable[[T], Response],
    ) -> Response:
        """The answer to a write, or, when its key was used before, the first answer to that.

        work    does the write with this `Once`
        answer  makes the answer of what was written, whole; runs in the store's transaction: quick, no I/O

        An answer that is an error is never kept: nothing was written, and the same may be asked again.
        Raises StillRunning, KeyReused (another request had this key) and what `work` raises.
        """
        # An app may be called as a merchant is: their keys are told apart by the role.
        account = f"{caller.role}:{caller.account}"
        once: Once[T] = Once(account, self._key, await self._asked(), lambda value: _encoded(answer(value)))
        with self._request.app.state.running_keys.held(account, self._key):
            hints = self._request.app.state.services.live.answers
            kept = await hints.find(once)
            if kept is None:
                kept = await work(once)
                hints.note(once, kept)
        return _decoded(kept.body, replayed=kept.value is None)

    async def _asked(self) -> bytes:
        """Digest of what was asked: method, path, query and body."""
        scope = self._request.scope
        body_digest = scope.get(BODY_DIGEST) or hashlib.sha256(await self._request.body()).digest()
        said = _encode((scope["method"], scope["path"], scope["query_string"], body_digest))
        return hashlib.sha256(said).digest()


def _encoded(response: Response) -> bytes:
    return _encode(_Answer(response.status_code, response.raw_headers, bytes(response.body)))


def _decoded(kept: bytes, *, replayed: bool) -> Response:
    answer = _decode(kept)
    response = Response(status_code=answer.status)
    response.body = answer.body
    response.raw_headers = list(answer.headers)
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _checked(request: Request, key: str | None) -> str | None:
    if key is not None and (len(request.headers.getlist("idempotency-key")) > 1 or not _is_key(key)):
        raise KeyMalformed("an Idempotency-Key is given once, as 1 to 200 visible ASCII characters")
    return key


def _write(
    request: Request,
    idempotency_key: Annotated[_Key | None, Header(alias="Idempotency-Key", description=_OPTIONAL)] = None,
) -> Write:
    return Write(request, _checked(request, idempotency_key))


def _keyed_write(
    request: Request,
    idempotency_key: Annotated[_Key, Header(alias="Idempotency-Key", description=_REQUIRED)],
) -> Write:
    return Write(request, _checked(request, idempotency_key))


#: A write that may have an Idempotency-Key.
WriteOf = Annotated[Write, Depends(_write)]
#: A write that must have one: without it 422 idempotency_key_missing.
KeyedWriteOf = Annotated[Write, Depends(_keyed_write)]
