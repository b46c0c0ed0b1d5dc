"""The ceiling: plain ASGI that answers every request with the same JSON of a given size."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

SIZE_VARIABLE = "BENCH_HELLO_BYTES"


class Hello:
    """As little as an answer of this size can cost on this server."""

    def __init__(self, size: int) -> None:
        body = b'"%b"' % (b"x" * max(0, size - 2))
        headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
            (b"x-catalog-revision", b"1"),
            (b"vary", b"Accept-Language"),
        ]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}
        self._body = {"type": "http.response.body", "body": body}

    async def __call__(
        self, scope: dict[str, Any], _receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        if scope["type"] == "http":
            await send(self._start)
            await send(self._body)


def create_app() -> Hello:
    return Hello(int(os.environ[SIZE_VARIABLE]))
