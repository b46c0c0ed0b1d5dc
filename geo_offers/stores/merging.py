"""The merge of an import: staged rows into their table, exact counts, and what followers must look at again.

The staged rows lie in a temporary table of the same connection, one row a source key. How they get there is
the adapter's affair; from there on both dialects do the same few statements, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    and_,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from geo_offers.domain.errors import InvalidInput
from geo_offers.stores import durable_promotions
from geo_offers.stores.durable_sql import SINGLE_STEPS, tell
from geo_offers.stores.ports import ChangedKind, ImportCounts
from geo_offers.stores.promotion_rows import IncomingPromotion
from geo_offers.stores.rows import IncomingDistrict, IncomingShop
from geo_offers.stores.tables import districts, promotions, shops

_SOURCE = ("source_provider", "source_id")


@dataclass(frozen=True, slots=True)
class Staging:
    """Where the rows of one import wait.

    table     the table they are for
    key       the two columns by which a row is known again
    incoming  temporary: the columns that a source decides; `key` is its key
    changing  temporary: ids of stored rows that will change
    """

    kind: ChangedKind
    table: Table
    key: tuple[str, str]
    incoming: Table
    changing: Table

    def create(self, connection: Connection) -> None:
        self.incoming.create(connection)
        self.changing.create(connection)


def staging_of_shops() -> Staging:
    return _staging("shop", shops, _SOURCE, IncomingShop._fields)


def staging_of_districts() -> Staging:
    return _staging("district", districts, _SOURCE, IncomingDistrict._fields)


def staging_of_promotions() -> Staging:
    return _staging("promotion", promotions, ("merchant_id", "known_as"), IncomingPromotion._fields)


def _staging(kind: ChangedKind, table: Table, key: tuple[str, str], fields: Sequence[str]) -> Staging:
    passing = MetaData()
    columns = [Column(name, table.c[name].type, primary_key=name in key) for name in fields]
    incoming = Table(f"incoming_{table.name}", passing, *columns, prefixes=["TEMPORARY"])
    changing = Table(
        f"changing_{table.name}",
        passing,
        *(Column(name, table.c[name].type, primary_key=name == "id") for name in ("id", *key)),
        prefixes=["TEMPORARY"],
    )
    return Staging(kind, table, key, incoming, changing)


def merge(
    connection: Connection,
    staging: Staging,
    *,
    dataset: str,
    replace: bool,
    at: datetime,
    told_too: Sequence[str] = (),
) -> ImportCounts:
    """Bring what is staged into its table and append to the feed; call it in a writing transaction.

    told_too  ids of stored rows that look different although they do not change

    Up to 1,000 changed rows become one step each, in the order of their ids; more become one step "all".
    """
    if staging.table is promotions:
        durable_promotions.require_known(connection, staging.incoming)
    staged = _count(connection, staging.incoming)
    changing, revived = _find_changing(connection, staging, dataset)
    touched = _some_ids(connection, select(staging.changing.c.id))
    touched_or_new = touched + _some_ids(connection, _unknown(staging, staging.incoming.c.id))
    new = 0
    if len(touched_or_new) > len(touched):
        new = _insert_unknown(connection, staging, dataset, at)
    if changing:
        _update_changing(connection, staging, dataset, at)
    vanished = _some_ids(connection, _vanished(staging, dataset)) if replace else []
    retired = _retire_vanished(connection, staging, dataset, at) if vanished else 0
    if staging.table is districts:
        _require_parents(connection)
    tell(connection, staging.kind, {*touched_or_new, *vanished, *told_too}, at)
    return ImportCounts(
        added=new + revived,
        updated=changing - revived,
        unchanged=staged - new - changing,
        retired=retired,
    )


def _same_row(staging: Staging, one: Table, other: Table) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in staging.key))


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _some_ids(connection: Connection, ids: Select[Any]) -> list[str]:
    """At most one more than can be told singly: enough to know which way to tell."""
    return list(connection.execute(ids.limit(SINGLE_STEPS + 1)).scalars())


def _find_changing(connection: Connection, staging: Staging, dataset: str) -> tuple[int, int]:
    """Note the stored rows that differ from what came; how many, and how many of them were retired."""
    stored, incoming = staging.table.c, staging.incoming.c
    differs = or_(
        stored.fingerprint != incoming.fingerprint,
        stored.dataset.is_distinct_from(dataset),
        stored.retired_at.is_not(None),
    )
    same = _same_row(staging, staging.table, staging.incoming)
    found = select(stored.id, *(stored[name] for name in staging.key)).where(same, differs)
    connection.execute(insert(staging.changing).from_select(["id", *staging.key], found))
    retired = select(func.count()).where(stored.id == staging.changing.c.id, stored.retired_at.is_not(None))
    return _count(connection, staging.changing), connection.execute(retired).scalar_one()


def _unknown(staging: Staging, *columns: ColumnElement[Any]) -> Select[Any]:
    same = _same_row(staging, staging.table, staging.incoming)
    known = exists().where(same).correlate(staging.incoming)
    return select(*columns).select_from(staging.incoming).where(~known)


def _insert_unknown(connection: Connection, staging: Staging, dataset: str, at: datetime) -> int:
    incoming, stored = staging.incoming.c, staging.table.c
    rows = _unknown(staging, *incoming, literal(dataset), literal(at, stored.updated_at.type))
    if staging.table is shops:
        rows = rows.order_by(
            incoming.cell, incoming.id
        )  # so that reading by cell walks the file, not jumps in it
    names = [*incoming.keys(), "dataset", "updated_at"]
    return connection.execute(insert(staging.table).from_select(names, rows)).rowcount


def _update_changing(connection: Connection, staging: Staging, dataset: str, at: datetime) -> None:
    stored, changing = staging.table.c, staging.changing.c
    values = {column.name: column for column in staging.incoming.columns if column.name != "id"}
    same = _same_row(staging, staging.changing, staging.incoming)
    change = update(staging.table).where(stored.id == changing.id, same)
    connection.execute(change.values(values | {"dataset": dataset, "updated_at": at, "retired_at": null()}))


def _vanished(staging: Staging, dataset: str) -> Select[Any]:
    stored = staging.table.c
    same = _same_row(staging, staging.table, staging.incoming)
    came = exists().where(same).correlate(staging.table)
    return select(stored.id).where(stored.dataset == dataset, stored.retired_at.is_(None), ~came)


def _retire_vanished(connection: Connection, staging: Staging, dataset: str, at: datetime) -> int:
    gone = update(staging.table).where(staging.table.c.id.in_(_vanished(staging, dataset)))
    return connection.execute(gone.values(retired_at=at, updated_at=at)).rowcount


def _require_parents(connection: Connection) -> None:
    parent = districts.alias("parent")
    orphan = select(districts.c.id, districts.c.parent_id).where(
        districts.c.parent_id.is_not(None), ~exists().where(parent.c.id == districts.c.parent_id)
    )
    found = connection.execute(orphan.order_by(districts.c.id).limit(1)).one_or_none()
    if found is not None:
        raise InvalidInput(f"district {found.id} has the parent {found.parent_id}, which is not known")
