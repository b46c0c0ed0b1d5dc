"""Units that wait for the same SQLite file, done in one transaction: one write to the disk for all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Engine

from geo_offers.domain.errors import Conflict
from geo_offers.stores import durable_sql
from geo_offers.stores.sqlite_engine import our_errors


class Waiting(NamedTuple):
    """A unit of work, and where its answer or its error goes."""

    answer: Future[Any]
    unit: Callable[[Connection], Any]


class _Outcome:
    """What came of a block: its value, or whatever error ended it."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        self.error = error
        return error is not None

    def tell(self, answer: Future[Any]) -> None:
        if self.error is None:
            answer.set_result(self.value)
        else:
            answer.set_exception(self.error)


class Together:
    """Does units on one file, several in one transaction; none is answered before the commit.

    - A unit that raises is undone alone.
    - When there is no commit all of them raise why. When it is refused for what one of them wrote (a key of
      another table that is checked at the end), each is done again in a transaction of its own.
    """

    def __init__(self, engine: Engine, path: Path, version: str) -> None:
        self._engine = engine
        self._path = path
        self._version = version

    def do(self, waiting: Sequence[Waiting]) -> None:
        """Do the units whose callers still wait, and answer every one. Raises nothing."""
        taken = [one for one in waiting if one.answer.set_running_or_notify_cancel()]
        if len(taken) == 1:
            self._alone(taken[0])
        elif taken:
            self._together(taken)

    def _alone(self, one: Waiting) -> None:
        outcome = _Outcome()
        with outcome, self._transaction() as connection:
            outcome.value = one.unit(connection)
        outcome.tell(one.answer)

    def _together(self, taken: Sequence[Waiting]) -> None:
        whole, outcomes = _Outcome(), [_Outcome() for _ in taken]
        with whole, self._transaction() as connection:
            for one, outcome in zip(taken, outcomes, strict=True):
                with outcome, our_errors(self._path), connection.begin_nested():
                    outcome.value = one.unit(connection)
                # After a full disk SQLite has undone everything; a savepoint would begin something new.
                if outcome.error is not None and not _is_open(connection):
                    raise outcome.error
        if isinstance(whole.error, Conflict):
            for one in taken:
                self._alone(one)
            return
        for one, outcome in zip(taken, outcomes, strict=True):
            (outcome if whole.error is None else whole).tell(one.answer)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with our_errors(self._path), self._engine.begin() as connection:
            durable_sql.require_version(connection, self._version)
            yield connection


def _is_open(connection: Connection) -> bool:
    return cast(sqlite3.Connection, connection.connection.dbapi_connection).in_transaction
