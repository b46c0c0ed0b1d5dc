"""The server profile: PostGIS that waits for the disk, Redis, several workers; reads beside the embedded profile."""

from __future__ import annotations

import asyncio
import os
import time

import asyncpg
import numpy as np
import pytest
import uvicorn

from geo_offers.bootstrap import running
from scripts.benches._postgis import on_postgis
from scripts.benches._redeem_http import measure_http
from scripts.benches._redeem_town import filled_town, folder_on_disk
from scripts.benches._server_reads import measure_reads
from scripts.benches._server_workers import measure_workers
from scripts.benches.redeem import measure_services
from scripts.benches.report import Case, Report
from tests.redis_server import redis_server
from tests.servers import PostgisServer, durable_server

#: Redemptions a second: of one promotion, and of a thousand.
_LEAST = {True: 500, False: 1_000}


def run(report: Report, *, quick: bool) -> None:
    report.note(
        f"load of the machine when it began: {os.getloadavg()[0]:.1f}; quote only what began below 0.3"
    )
    with folder_on_disk() as (folder, file_system):
        folder.chmod(0o755)  # the server's own user passes through it
        try:
            with durable_server(folder) as server, redis_server() as redis:
                _note(report, server, file_system)
                with server.fresh_database() as url:
                    commits = measure_commits(report, url, count=200 if quick else 2_000)
                    # In the event loop that `geo-offers serve` takes.
                    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
                        runner.run(measure_redemptions(report, url, redis.url, commits, quick=quick))
                measure_reads(report, server, redis.url, folder, quick=quick)
                measure_workers(report, server, redis.url, quick=quick)
        except pytest.skip.Exception as why:
            report.note(f"nothing is measured: {why}")


def measure_commits(report: Report, url: str, *, count: int) -> float:
    """What PostgreSQL gives who writes one row a commit, one after the other; commits a second."""

    async def write(connection: asyncpg.Connection) -> np.ndarray:
        await connection.execute("CREATE TABLE plain (code text PRIMARY KEY, visitor text)")
        insert = await connection.prepare("INSERT INTO plain VALUES ($1, $2)")
        took = np.empty(count)
        for number in range(count):
            started = time.perf_counter()
            await insert.fetch(f"{number:012}", f"visitor-{number}")
            took[number] = time.perf_counter() - started
        await connection.execute("DROP TABLE plain")
        return took

    took = on_postgis(url, write) * 1e6
    rate = count / float(took.sum()) * 1e6
    name = "plain PostgreSQL: one row a commit, one by one"
    report.add(Case(name, float(np.median(took)), float(np.percentile(took, 99)), rate))
    return rate


async def measure_redemptions(
    report: Report, url: str, redis_url: str, commits: float, *, quick: bool
) -> None:
    """Claims and redemptions through the services of one process, and over HTTP with one worker."""
    town = await filled_town(url, redis_url=redis_url)
    async with running(town.settings) as services:
        for hot in (True, False):
            count = 1_280 if quick else 6_400
            await measure_services(
                report, town, services, commits, hot=hot, count=count, least_rate=_LEAST[hot]
            )
    await measure_http(report, town, quick=quick)


def _note(report: Report, server: PostgisServer, file_system: str) -> None:
    async def settings(connection: asyncpg.Connection) -> str:
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        return ", ".join([f"{name} {await connection.fetchval(f'SHOW {name}')}" for name in names])

    report.note(f"PostgreSQL on {file_system}: {on_postgis(server.url, settings)}")
