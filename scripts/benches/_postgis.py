"""PostGIS as a peer: the private server of the tests, tuned as an operator would for reads, asked through asyncpg."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import asyncpg
import pytest

from scripts.benches.report import Report
from tests.servers import postgis_server

_T = TypeVar("_T")
Work = Callable[[asyncpg.Connection], Awaitable[_T]]


@contextmanager
def fresh_postgis(report: Report) -> Iterator[str | None]:
    """The URL of an empty database with PostGIS; None, and a word in the report, where there is none."""
    try:
        with postgis_server() as server, server.fresh_database() as url:
            report.note(f"PostGIS: {asyncio.run(_on(url, _version))}")
            yield url
    except pytest.skip.Exception as why:
        report.note(f"PostGIS is not measured: {why}")
        yield None


async def _version(connection: asyncpg.Connection) -> str:
    return str(
        await connection.fetchval(
            "SELECT 'PostgreSQL ' || current_setting('server_version') || ', ' || postgis_full_version()"
        )
    )


async def _on(url: str, work: Work[_T]) -> _T:
    connection = await asyncpg.connect(url, timeout=60, command_timeout=1_800)
    try:
        await connection.execute(
            "SET work_mem = '256MB'; SET max_parallel_workers_per_gather = 0; SET jit = off"
        )
        return await work(connection)
    finally:
        await connection.close()


def on_postgis(url: str, work: Work[_T]) -> _T:
    """Run some work on one connection; one core, as ours."""
    return asyncio.run(_on(url, work))
