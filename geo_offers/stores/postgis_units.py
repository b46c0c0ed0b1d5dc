"""One database on a PostgreSQL server as units of work: each in a transaction and on a pooled connection of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.stores import durable_sql
from geo_offers.stores.postgis_engine import FAULTS, Fault, FaultKind, PostgisAddress, fault_of

_P = ParamSpec("_P")
_T = TypeVar("_T")
#: How often a unit is done again at most, by what undid it.
_AGAIN = {
    FaultKind.CUT: 1,
    FaultKind.CONTENDED: 8,
    FaultKind.STALE: 2,
    FaultKind.TAKEN: 1,
    FaultKind.OTHER: 0,
}
_PAUSE_S = 0.005


@dataclass(slots=True)
class _Attempt:
    """How far a transaction came."""

    is_committing: bool = False


class PostgisUnits:
    """Units (see units.Units) on one database.

    read    REPEATABLE READ, READ ONLY: one state for all its statements
    write   READ COMMITTED with the locks that the functions take

    A unit that was undone by the server is done again: once when the connection was cut before its commit or
    a key was taken meanwhile, up to eight times when two waited for each other. When the connection is cut in
    a commit nobody knows whether that was kept: it raises StoreUnavailable, and an idempotency key tells.
    Functions run in the event loop, which goes on while they wait for the server. A caller that is cancelled
    undoes his unit.
    """

    def __init__(self, address: PostgisAddress, *, version: str) -> None:
        self.address = address
        self.version = version
        self.closed = False
        self._engine: AsyncEngine = address.pooled()
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._under_way = 0
        self._all_done = asyncio.Event()

    async def read(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        return await self._done(self._reading, lambda connection: function(connection, *args, **kwargs))

    async def write(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        return await self._done(self._engine, lambda connection: function(connection, *args, **kwargs))

    async def close(self) -> None:
        """Let go of the server; units under way end first."""
        if self.closed:
            return
        self.closed = True
        if self._under_way:
            await self._all_done.wait()
        await self._engine.dispose()

    def require_open(self) -> None:
        """Raise StoreUnavailable when all is closed."""
        if self.closed:
            raise StoreUnavailable(f"the store {self.address.where} is closed")

    async def _done(self, engine: AsyncEngine, unit: Callable[[Connection], _T]) -> _T:
        self.require_open()
        self._under_way += 1
        try:
            return await self._until_done(engine, unit)
        finally:
            self._under_way -= 1
            if self.closed and not self._under_way:
                self._all_done.set()

    async def _until_done(self, engine: AsyncEngine, unit: Callable[[Connection], _T]) -> _T:
        undone: list[FaultKind] = []
        while True:
            attempt = _Attempt()
            try:
                return await self._transaction(engine, unit, attempt)
            except FAULTS as error:
                fault = fault_of(error, self.address.where)
                unknown = fault.kind is FaultKind.CUT and attempt.is_committing and engine is self._engine
                if unknown:
                    raise self._commit_unknown() from error
                if not self._is_tried_again(fault, undone):
                    if fault.ours is None:
                        raise
                    raise fault.ours from error
            undone.append(fault.kind)
            # Those that waited for each other must not meet again at once.
            await asyncio.sleep(random.uniform(0, _PAUSE_S * 2 ** min(len(undone), 5)))

    def _is_tried_again(self, fault: Fault, undone: list[FaultKind]) -> bool:
        return undone.count(fault.kind) < _AGAIN[fault.kind]

    def _commit_unknown(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"the connection to the database {self.address.where} was cut in a commit: ask with the same"
            " idempotency key again, which tells whether it was kept"
        )

    async def _transaction(
        self, engine: AsyncEngine, unit: Callable[[Connection], _T], attempt: _Attempt
    ) -> _T:
        async with engine.connect() as connection:
            answer: Any = await connection.run_sync(self._unit_on_our_tables, unit)
            attempt.is_committing = True
            await connection.commit()
            return answer  # type: ignore[no-any-return]

    def _unit_on_our_tables(self, connection: Connection, unit: Callable[[Connection], _T]) -> _T:
        durable_sql.require_version(connection, self.version)
        return unit(connection)
