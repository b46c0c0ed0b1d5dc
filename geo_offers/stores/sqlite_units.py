"""One SQLite file as units of work: one thread that writes, a few that read, one for each import."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores import durable_sql
from geo_offers.stores.sqlite_engine import IMMEDIATE, engine_of, our_errors

_P = ParamSpec("_P")
_T = TypeVar("_T")
_READERS = 4
_IMPORTERS = 4


class SqliteUnits:
    """Units (see units.Units) on one SQLite file.

    Several processes may share the file: each writing unit begins IMMEDIATE and waits up to `busy_s` for its
    turn. A caller that is cancelled stops waiting; the unit it asked for ends by itself.
    """

    def __init__(self, path: Path, *, version: str, busy_s: float) -> None:
        self.path = path
        self.version = version
        self.engine: Engine = engine_of(path, busy_s=busy_s)
        self.writer = ThreadPoolExecutor(1, "geo-offers-writes")
        self.importers = ThreadPoolExecutor(_IMPORTERS, "geo-offers-imports")
        self._writing: Engine = self.engine.execution_options(**IMMEDIATE)
        self._readers = ThreadPoolExecutor(_READERS, "geo-offers-reads")
        self.closed = False

    async def read(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        return await self.hop(self._readers, lambda: self._unit(self.engine, function, *args, **kwargs))

    async def write(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        return await self.hop(self.writer, lambda: self._unit(self._writing, function, *args, **kwargs))

    async def hop(self, threads: Executor, function: Callable[[], _T]) -> _T:
        """Run in one of these threads. Raises StoreUnavailable when all is closed."""
        if self.closed:
            raise StoreUnavailable(f"the store {self.path} is closed")
        return await asyncio.get_running_loop().run_in_executor(threads, function)

    async def in_reader(self, function: Callable[[], _T]) -> _T:
        """Run in a thread that reads."""
        return await self.hop(self._readers, function)

    async def close(self) -> None:
        """Let go of the file; units under way end first."""
        if self.closed:
            return
        self.closed = True
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        for threads in (self.importers, self.writer, self._readers):  # an import ends in the writer's thread
            threads.shutdown()
        self.engine.dispose()

    def _unit(
        self,
        engine: Engine,
        function: Callable[Concatenate[Connection, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        with our_errors(self.path), engine.begin() as connection:
            durable_sql.require_version(connection, self.version)
            return function(connection, *args, **kwargs)
