"""What SQLite and PostGIS share: functions on a synchronous connection, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from geo_offers.domain.errors import DistrictNotFound, ShopNotFound
from geo_offers.domain.place import District, Shop, ShopRow
from geo_offers.stores.migrate import schema_outdated
from geo_offers.stores.ports import Change, ChangedKind
from geo_offers.stores.rows import IncomingShop, district_of, incoming_shops, shop_of
from geo_offers.stores.tables import catalog_changes, catalog_revision, districts, shops

#: Rows that one import may change and still be told one by one; more is one step of kind "all".
SINGLE_STEPS = 1_000
ROWS_A_CHUNK = 5_000

UPSERTS: Mapping[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def require_version(connection: Connection, wanted: str) -> None:
    """Raise SchemaOutdated unless the tables are of this version, the driver's error where there are none."""
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if found != wanted:
        raise schema_outdated(found)


# -- the feed


def revision_of(connection: Connection) -> int:
    """The newest revision in this transaction's view."""
    return int(connection.execute(select(catalog_revision.c.revision)).scalar_one())


def changes_since(connection: Connection, revision: int, limit: int) -> list[Change]:
    """Changes after `revision`, oldest first."""
    columns = catalog_changes.c
    query = select(columns.revision, columns.kind, columns.entity_id)
    query = query.where(columns.revision > revision).order_by(columns.revision).limit(limit)
    return [Change(*row) for row in connection.execute(query)]


def append_changes(
    connection: Connection, steps: Sequence[tuple[ChangedKind, str | None]], at: datetime
) -> int:
    """Take the next revisions for these steps, one each; the newest of them.

    The last thing to do in a transaction: from here to the commit no other writer can get a revision,
    so that revisions become visible in their order.
    """
    bump = update(catalog_revision).values(revision=catalog_revision.c.revision + len(steps))
    newest = int(connection.execute(bump.returning(catalog_revision.c.revision)).scalar_one())
    first = newest - len(steps) + 1
    rows = [
        {"revision": first + place, "kind": kind, "entity_id": entity_id, "changed_at": at}
        for place, (kind, entity_id) in enumerate(steps)
    ]
    if rows:
        connection.execute(insert(catalog_changes), rows)
    return newest


def tell(connection: Connection, kind: ChangedKind, ids: Collection[str], at: datetime) -> int:
    """Append one step an id, in their order, or one step "all" when there are too many; the newest revision."""
    if len(ids) > SINGLE_STEPS:
        return append_changes(connection, [("all", None)], at)
    if not ids:
        return revision_of(connection)
    return append_changes(connection, [(kind, one) for one in sorted(ids)], at)


# -- reading


def _live_shop_rows() -> Select[Any]:
    columns = [
        cast(shops.c.names, Text).label(name) if name == "names_json" else shops.c[name]
        for name in ShopRow._fields
    ]
    return select(*columns).where(shops.c.retired_at.is_(None))


#: Live shops with the columns of ShopRow.
LIVE_SHOPS = _live_shop_rows()
#: The query behind `shop_rows`: the same in the order of cell, then id.
LIVE_SHOP_ROWS = LIVE_SHOPS.order_by(shops.c.cell, shops.c.id)
_LIVE_SHOP = LIVE_SHOPS.where(shops.c.id == bindparam("shop_id"))


def live_districts(connection: Connection) -> list[District]:
    """Every live district, ordered by id."""
    query = select(districts).where(districts.c.retired_at.is_(None)).order_by(districts.c.id)
    return [district_of(row) for row in connection.execute(query)]


def get_shop(connection: Connection, shop_id: str) -> Shop:
    """A live shop. Raises ShopNotFound."""
    row = connection.execute(_LIVE_SHOP, {"shop_id": shop_id}).one_or_none()
    if row is None:
        raise ShopNotFound(f"there is no shop {shop_id}")
    return shop_of(ShopRow._make(row))


def get_district(connection: Connection, district_id: str) -> District:
    """A live district. Raises DistrictNotFound."""
    query = select(districts).where(districts.c.id == district_id, districts.c.retired_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise DistrictNotFound(f"there is no district {district_id}")
    return district_of(row)


# -- writing


def put_shops(connection: Connection, given: Sequence[Shop], at: datetime) -> int:
    """Insert or update by id, one step each; the newest revision. A shop given twice counts as its last."""
    by_id = {shop.id: shop for shop in given}
    if not by_id:
        return revision_of(connection)
    connection.execute(shop_upsert(connection.dialect.name), shop_values(list(by_id.values()), at))
    return append_changes(connection, [("shop", shop_id) for shop_id in by_id], at)


def shop_upsert(dialect: str, *, only: ColumnElement[bool] | None = None) -> Any:
    """The statement that inserts or updates shops by id; of those that are there `only` some."""
    upsert = UPSERTS[dialect](shops)
    changed = {
        name: upsert.excluded[name] for name in (*IncomingShop._fields[1:], "updated_at", "retired_at")
    }
    return upsert.on_conflict_do_update(index_elements=[shops.c.id], set_=changed, where=only)


def shop_values(given: Sequence[Shop], at: datetime) -> list[dict[str, Any]]:
    """The rows of live shops that `shop_upsert` takes, in their order."""
    return [
        dict(row._asdict(), names=dict(shop.names), updated_at=at, retired_at=None)
        for row, shop in zip(incoming_shops(given), given, strict=True)
    ]


def retire_shop(
    connection: Connection, shop_id: str, at: datetime, *, only: ColumnElement[bool] | None = None
) -> int:
    """Take a live shop out, if it is one of `only` these; the newest revision. Raises ShopNotFound."""
    retired = update(shops).where(shops.c.id == shop_id, shops.c.retired_at.is_(None))
    if only is not None:
        retired = retired.where(only)
    if connection.execute(retired.values(retired_at=at, updated_at=at)).rowcount == 0:
        raise ShopNotFound(f"there is no shop {shop_id}")
    return append_changes(connection, [("shop", shop_id)], at)
