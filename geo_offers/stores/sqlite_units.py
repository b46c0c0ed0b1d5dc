"""One SQLite file as units of work: one thread that writes for all who wait, a few that read, one for each import."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores import durable_sql
from geo_offers.stores.sqlite_engine import IMMEDIATE, engine_of, our_errors
from geo_offers.stores.sqlite_together import Together, Waiting

_P = ParamSpec("_P")
_T = TypeVar("_T")
_READERS = 4
_IMPORTERS = 4
#: Units that one transaction takes at most: another process waits so long for its turn.
_TOGETHER = 64


class SqliteUnits:
    """Units (see units.Units) on one SQLite file.

    Several processes may share the file: a writing transaction begins IMMEDIATE and waits up to `busy_s` for its
    turn. Units that wait when it begins share it, and the one write to the disk that makes it last; each is
    undone alone when it raises. All are answered after the commit, also with their errors, for an error too may
    rest on what another unit wrote. A caller that is cancelled stops waiting; the unit it asked for ends by itself.
    """

    def __init__(self, path: Path, *, version: str, busy_s: float) -> None:
        self.path = path
        self.version = version
        self.engine: Engine = engine_of(path, busy_s=busy_s)
        self.writer = ThreadPoolExecutor(1, "geo-offers-writes")
        self.importers = ThreadPoolExecutor(_IMPORTERS, "geo-offers-imports")
        self._together = Together(self.engine.execution_options(**IMMEDIATE), path, version)
        self._readers = ThreadPoolExecutor(_READERS, "geo-offers-reads")
        self._waiting: deque[Waiting] = deque()
        self.closed = False

    async def read(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        return await self.hop(self._readers, lambda: self._read(function, *args, **kwargs))

    async def write(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        answer: Future[_T] = Future()
        waiting = Waiting(answer, lambda connection: function(connection, *args, **kwargs))
        self._require_open()
        self._waiting.append(waiting)
        self.writer.submit(self._write_for_those_who_wait)
        return await asyncio.wrap_future(answer)

    async def hop(self, threads: Executor, function: Callable[[], _T]) -> _T:
        """Run in one of these threads. Raises StoreUnavailable when all is closed."""
        self._require_open()
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

    def _require_open(self) -> None:
        if self.closed:
            raise StoreUnavailable(f"the store {self.path} is closed")

    def _write_for_those_who_wait(self) -> None:
        """In the writer's thread, once for every unit: those that an earlier call took are gone by now."""
        some = range(min(len(self._waiting), _TOGETHER))  # others only add meanwhile
        self._together.do([self._waiting.popleft() for _ in some])

    def _read(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        with our_errors(self.path), self.engine.begin() as connection:
            durable_sql.require_version(connection, self.version)
            return function(connection, *args, **kwargs)
