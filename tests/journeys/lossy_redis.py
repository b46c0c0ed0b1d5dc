"""A way to Redis on which nudges get lost: everything passes, but of what is published only a part arrives."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PUBLISHED = b"*3\r\n$7\r\nmessage\r\n"


@dataclass
class Lost:
    """How much was published to subscribers, and how much of it they never got."""

    published: int = 0
    lost: int = 0


@asynccontextmanager
async def lossy(redis_socket: Path, way: Path, *, share: float, rng: random.Random) -> AsyncIterator[Lost]:
    """Opens a socket at `way` that leads to Redis and loses this share of what is published."""
    counted, open_ways = Lost(), set[asyncio.StreamWriter]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, drops: bool) -> None:
        while chunk := await reader.read(65_536):
            if drops and chunk.startswith(_PUBLISHED):
                counted.published += 1
                if rng.random() < share:
                    counted.lost += 1
                    continue
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(redis_socket)
        open_ways.update((writer, back))
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(carry(reader, back, drops=False), carry(there, writer, drops=True))

    server = await asyncio.start_unix_server(connect, way)
    try:
        yield counted
    finally:
        server.close()
        for writer in open_ways:
            writer.close()
