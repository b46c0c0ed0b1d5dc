"""An import into PostgreSQL: rows are copied into a temporary table of a connection of its own, then merged."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from geo_offers.domain.errors import StoreUnavailable
from geo_offers.domain.promotion import Merchant
from geo_offers.stores import durable_promotions, durable_sql, merging
from geo_offers.stores.column_types import UtcMilliseconds
from geo_offers.stores.merging import Staging
from geo_offers.stores.ports import ImportCounts
from geo_offers.stores.postgis_engine import FAULTS, WGS84, FaultKind, PostgisAddress, fault_of, our_errors

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
#: Of merges that waited for each other; the rows wait on.
_MOST_MERGES = 4
_HAS_SRID = 0x2000_0000
#: A sort or a hash of the merge may take so much memory of the server's.
_WORK_MEM = "SET LOCAL work_mem = '64MB'"
_SCHEMA_OF_GEOMETRY = (
    "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
    " WHERE e.extname = 'postgis'"
)


@dataclass(frozen=True, slots=True)
class PostgisImport:
    """One import, in a thread and an event loop of its own, so that reading its rows holds up nobody.

    While rows come nothing is locked; the merge keeps others from writing to the one table that it is for.
    When `stop` is set it ends with StoreUnavailable and leaves nothing.
    `merchants` are those whose promotions come.
    """

    address: PostgisAddress
    version: str
    staging: Staging
    dataset: str
    replace: bool
    now: Callable[[], datetime]
    stop: threading.Event
    merchants: Sequence[Merchant] = ()

    def run(
        self, chunks: Iterator[Sequence[tuple[object, ...]]], on_rows: Callable[[int], None] | None
    ) -> ImportCounts:
        """All of it, all or nothing. What `chunks` raises passes as it is."""
        return asyncio.run(self._run(chunks, on_rows))

    async def _run(
        self, chunks: Iterator[Sequence[tuple[object, ...]]], on_rows: Callable[[int], None] | None
    ) -> ImportCounts:
        engine = self.address.apart()
        try:
            with our_errors(self.address.where):
                connection = await engine.connect()
            try:
                await self._stage(connection, chunks, on_rows)
                return await self._merge(connection)
            finally:
                await connection.close()  # its temporary tables end with it
        finally:
            await engine.dispose()

    async def _stage(
        self,
        connection: AsyncConnection,
        chunks: Iterator[Sequence[tuple[object, ...]]],
        on_rows: Callable[[int], None] | None,
    ) -> None:
        """Let the rows wait, in the order in which they come."""
        incoming = self.staging.incoming
        with our_errors(self.address.where):
            await connection.run_sync(self._prepare)
            await connection.commit()
            copied: Any = (await connection.get_raw_connection()).driver_connection
            schema = await copied.fetchval(_SCHEMA_OF_GEOMETRY)
            await copied.set_type_codec(
                "geometry", schema=schema, encoder=_extended, decoder=bytes, format="binary"
            )
        columns = incoming.columns.keys()
        times = [place for place, one in enumerate(incoming.columns) if isinstance(one.type, UtcMilliseconds)]
        taken = 0
        for chunk in chunks:
            self._go_on_unless_stopped()
            records = [_with_times(row, times) for row in chunk] if times else chunk
            with our_errors(self.address.where):
                await copied.copy_records_to_table(incoming.name, records=records, columns=columns)
            taken += len(chunk)
            if on_rows is not None:
                on_rows(taken)

    def _prepare(self, connection: Connection) -> None:
        durable_sql.require_version(connection, self.version)
        self.staging.create(connection)
        name = self.staging.incoming.name
        # A key would end the import at the second row of one source; the last one counts.
        arrived = "ADD COLUMN arrived bigint GENERATED ALWAYS AS IDENTITY"
        connection.execute(text(f"ALTER TABLE {name} DROP CONSTRAINT {name}_pkey, {arrived}"))

    async def _merge(self, connection: AsyncConnection) -> ImportCounts:
        """Bring what waits into the tables, all or nothing."""
        with our_errors(self.address.where):
            for _ in range(_MOST_MERGES - 1):
                try:
                    return await self._merge_once(connection)
                except FAULTS as error:
                    if fault_of(error, self.address.where).kind is not FaultKind.CONTENDED:
                        raise
                    await connection.rollback()
            return await self._merge_once(connection)

    async def _merge_once(self, connection: AsyncConnection) -> ImportCounts:
        counts = await connection.run_sync(self._merged)
        self._go_on_unless_stopped()
        await connection.commit()
        return counts

    def _merged(self, connection: Connection) -> ImportCounts:
        durable_sql.require_version(connection, self.version)
        connection.execute(text(_WORK_MEM))
        self._keep_the_last_of_each(connection)
        # Others go on reading; who would write to it waits, so that what is looked up here stays so.
        connection.execute(text(f"LOCK TABLE {self.staging.table.name} IN SHARE ROW EXCLUSIVE MODE"))
        at = self.now()
        renamed = durable_promotions.name_merchants(connection, self.merchants, at)
        return merging.merge(
            connection,
            self.staging,
            dataset=self.dataset,
            replace=self.replace,
            at=at,
            told_too=renamed,
        )

    def _keep_the_last_of_each(self, connection: Connection) -> None:
        name, key = self.staging.incoming.name, ", ".join(self.staging.key)
        nth = f"row_number() OVER (PARTITION BY {key} ORDER BY arrived DESC)"
        older = f"SELECT arrived FROM (SELECT arrived, {nth} AS nth FROM {name}) AS numbered WHERE nth > 1"
        connection.execute(text(f"DELETE FROM {name} WHERE arrived IN ({older})"))
        # With the key and its statistics no plan of the merge, however bad, reads all of these rows for each.
        connection.execute(text(f"ALTER TABLE {name} ADD PRIMARY KEY ({key})"))
        connection.execute(text(f"ANALYZE {name}"))

    def _go_on_unless_stopped(self) -> None:
        if self.stop.is_set():
            raise StoreUnavailable(f"the import into {self.address.where} was stopped; nothing was changed")


def _extended(wkb: bytes) -> bytes:
    """Little-endian WKB in two dimensions as PostGIS takes it, with its reference system."""
    kind = int.from_bytes(wkb[1:5], "little") | _HAS_SRID
    return wkb[:1] + kind.to_bytes(4, "little") + WGS84.to_bytes(4, "little") + wkb[5:]


def _with_times(row: tuple[Any, ...], places: Sequence[int]) -> list[Any]:
    values = list(row)
    for place in places:
        values[place] = _EPOCH + values[place] * _MILLISECOND
    return values
