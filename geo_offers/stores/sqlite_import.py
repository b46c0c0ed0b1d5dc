"""An import into SQLite: rows wait in a temporary table of a connection of their own, then are merged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.domain.promotion import Merchant
from geo_offers.stores import durable_promotions, durable_sql, merging
from geo_offers.stores.merging import Staging
from geo_offers.stores.ports import ImportCounts
from geo_offers.stores.sqlite_engine import IMMEDIATE, our_errors, prepare_for_import


@dataclass(frozen=True, slots=True)
class SqliteImport:
    """One import, in the thread of its own that reads its rows; only the merge takes the writer's turn.

    The temporary table lies in a file that SQLite deletes, so that memory does not grow and the store's own
    file is not locked while rows come. When `stop` is set it ends with StoreUnavailable and leaves nothing.
    `merchants` are those whose promotions come.
    """

    engine: Engine
    path: Path
    version: str
    staging: Staging
    dataset: str
    replace: bool
    now: Callable[[], datetime]
    stop: threading.Event
    merchants: Sequence[Merchant] = ()

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection whose caches and temporary tables end with it."""
        with our_errors(self.path):
            connection = self.engine.connect()
        with connection:
            connection.detach()
            yield connection

    def stage(
        self,
        connection: Connection,
        chunks: Iterator[Sequence[tuple[object, ...]]],
        on_rows: Callable[[int], None] | None,
    ) -> None:
        """Let the rows wait; of two with one source key the last. What `chunks` raises passes as it is."""
        with our_errors(self.path):
            prepare_for_import(connection)
            with connection.begin():
                durable_sql.require_version(connection, self.version)
                self.staging.create(connection)
        columns = self.staging.incoming.columns.keys()
        statement = (
            f"INSERT OR REPLACE INTO {self.staging.incoming.name} ({', '.join(columns)})"
            f" VALUES ({', '.join('?' * len(columns))})"
        )
        taken = 0
        for chunk in chunks:
            self._go_on_unless_stopped()
            with our_errors(self.path), connection.begin():
                connection.exec_driver_sql(statement, list(chunk))
            taken += len(chunk)
            if on_rows is not None:
                on_rows(taken)

    def merge(self, connection: Connection) -> ImportCounts:
        """Bring what waits into the tables, all or nothing; in the writer's thread."""
        with our_errors(self.path), connection.execution_options(**IMMEDIATE).begin():
            durable_sql.require_version(connection, self.version)
            at = self.now()
            renamed = durable_promotions.name_merchants(connection, self.merchants, at)
            counts = merging.merge(
                connection,
                self.staging,
                dataset=self.dataset,
                replace=self.replace,
                at=at,
                told_too=renamed,
            )
            self._go_on_unless_stopped()
            return counts

    def _go_on_unless_stopped(self) -> None:
        if self.stop.is_set():
            raise StoreUnavailable(f"the import into {self.path} was stopped; nothing was changed")
