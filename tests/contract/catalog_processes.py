"""Clauses: several processes at one store, and one that dies."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from geo_offers.stores.ports import CatalogStore
from tests.builders import a_shop, some_shops
from tests.contract.asking import opened, shops_of, steps_of

ROOT = Path(__file__).parents[2]


async def started(url: str, deed: str, number: int) -> Process:
    """Another process that is ready for its deed; it begins when a line is written to it."""
    command = [sys.executable, "-m", "tests.contract.other_process", url, deed, str(number)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    assert await said(process) == "ready"
    return process


async def said(process: Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), timeout=60)).decode().strip()


async def go(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    await process.stdin.drain()


class ProcessClauses:
    async def test_two_processes_make_the_store_and_write_at_once(self, url: str):
        processes = await asyncio.gather(*(started(url, "put", number) for number in (0, 25)))
        await asyncio.gather(*(go(process) for process in processes))
        assert await asyncio.gather(*(said(process) for process in processes)) == ["done", "done"]
        assert [await process.wait() for process in processes] == [0, 0]
        async with opened(url) as store:
            assert [step.revision for step in await steps_of(store)] == list(range(1, 51))
            ids = {shop.id for shop in some_shops(50)}
            assert {shop.id for shop in await shops_of(store)} == ids

    @pytest.mark.parametrize("where", ["while_rows_come", "before_the_commit"])
    async def test_a_process_killed_in_an_import_leaves_the_old_state(
        self, store: CatalogStore, url: str, where: str
    ):
        await store.import_shops([a_shop()], dataset="town")
        process = await started(url, f"import_and_hang_{where}", 100)
        await go(process)
        assert await said(process) == "hanging"
        assert await shops_of(store) == [a_shop()]
        process.kill()
        await process.wait()
        assert await shops_of(store) == [a_shop()]
        assert await store.put_shops([a_shop("node/2")]) == 2
        async with opened(url) as again:
            assert len(await shops_of(again)) == 2
