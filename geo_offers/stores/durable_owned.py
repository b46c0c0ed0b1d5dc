"""A merchant and his shops in SQLite and PostgreSQL: functions on a connection that is bound to him (see `tenancy`).

Every function names the merchant, and every query says that it is for him. Writes lock his row first, so that
those of one merchant come one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, insert, or_, select, tuple_

from geo_offers.domain.errors import (
    Conflict,
    InvalidInput,
    MerchantNotFound,
    PreconditionFailed,
    ShopNotFound,
    Taken,
)
from geo_offers.domain.place import Shop, ShopRow
from geo_offers.domain.promotion import Merchant
from geo_offers.stores import durable_promotions, durable_sql
from geo_offers.stores.account_ports import Tagged
from geo_offers.stores.account_tables import shop_owners
from geo_offers.stores.durable_sql import LIVE_SHOPS, ROWS_A_CHUNK, UPSERTS, append_changes, tell
from geo_offers.stores.rows import fingerprint_of, shop_of
from geo_offers.stores.tables import merchants, shops
from geo_offers.stores.tenancy import across_tenants


class _Known(NamedTuple):
    fingerprint: int
    is_live: bool


def tag_of(fingerprint: int) -> str:
    """The ETag of content with this fingerprint."""
    return format(fingerprint & 0xFFFF_FFFF_FFFF_FFFF, "016x")


def merchant_tag(merchant: Merchant) -> str:
    """The ETag of a merchant."""
    return tag_of(fingerprint_of((merchant.name,)))


def require_tag(what: str, expected: str | None, found: str) -> None:
    """Raise PreconditionFailed unless anything goes or the tag is the expected one."""
    if expected is not None and expected != found:
        raise PreconditionFailed(f"{what} was changed meanwhile: read it again")


# -- the merchant


def get_merchant(connection: Connection, merchant_id: str) -> Merchant:
    """The merchant. Raises MerchantNotFound."""
    return _merchant(connection, merchant_id, select(merchants.c.name))


def lock_merchant(connection: Connection, merchant_id: str) -> Merchant:
    """The same, and until the transaction ends no other one writes for him."""
    return _merchant(connection, merchant_id, select(merchants.c.name).with_for_update(key_share=True))


def _merchant(connection: Connection, merchant_id: str, names: Select[Any]) -> Merchant:
    name = connection.execute(names.where(merchants.c.id == merchant_id)).scalar_one_or_none()
    if name is None:
        raise MerchantNotFound(f"there is no merchant {merchant_id}")
    return Merchant(merchant_id, name)


def rename(
    connection: Connection, merchant_id: str, merchant: Merchant, expected: str | None, at: datetime
) -> Tagged[Merchant]:
    """Another name for the merchant; his live promotions are told."""
    before = lock_merchant(connection, merchant_id)
    require_tag(f"merchant {merchant_id}", expected, merchant_tag(before))
    if before == merchant:
        return Tagged(merchant, merchant_tag(merchant))
    touched = durable_promotions.rename_merchant(connection, merchant, at)
    return Tagged(merchant, merchant_tag(merchant), tell(connection, "promotion", touched, at))


# -- reading shops


def list_shops(connection: Connection, merchant_id: str, after: str | None, limit: int) -> list[Shop]:
    """His live shops by id, those after an id."""
    query = _his_live_shops(merchant_id).order_by(shop_owners.c.shop_id).limit(limit)
    if after is not None:
        query = query.where(shop_owners.c.shop_id > after)
    return [_tagged_shop(row).value for row in connection.execute(query)]


def get_shop(connection: Connection, merchant_id: str, shop_id: str) -> Tagged[Shop]:
    """One of his live shops. Raises ShopNotFound."""
    query = _his_live_shops(merchant_id).where(shops.c.id == shop_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _not_found(shop_id)
    return _tagged_shop(row)


def live_shop_ids(connection: Connection, merchant_id: str, shop_ids: Sequence[str]) -> set[str]:
    """Those of these shops that are his and live."""
    known = _known(connection, merchant_id, shop_ids)
    return {shop_id for shop_id, one in known.items() if one.is_live}


def _his_live_shops(merchant_id: str) -> Select[Any]:
    query = LIVE_SHOPS.add_columns(shops.c.fingerprint).join_from(shops, shop_owners)
    return query.where(shop_owners.c.merchant_id == merchant_id)


def _tagged_shop(row: Any) -> Tagged[Shop]:
    *columns, fingerprint = row
    return Tagged(shop_of(ShopRow._make(columns)), tag_of(fingerprint))


def _his(merchant_id: str) -> ColumnElement[bool]:
    return shops.c.id.in_(select(shop_owners.c.shop_id).where(shop_owners.c.merchant_id == merchant_id))


def _known(connection: Connection, merchant_id: str, shop_ids: Sequence[str]) -> dict[str, _Known]:
    """What is there of these shops as his, retired ones among them; nobody else changes them meanwhile."""
    query = select(shops.c.id, shops.c.fingerprint, shops.c.retired_at).where(_his(merchant_id))
    query = query.order_by(shops.c.id).with_for_update(key_share=True)
    return {
        row.id: _Known(row.fingerprint, row.retired_at is None)
        for some in chunks(shop_ids)
        for row in connection.execute(query.where(shops.c.id.in_(some)))
    }


# -- writing shops


def own_shops(connection: Connection, merchant_id: str, shop_ids: Sequence[str]) -> None:
    """Make live shops his that are nobody's or his. Raises ShopNotFound, Conflict."""
    lock_merchant(connection, merchant_id)
    wanted = sorted(set(shop_ids))
    for some in chunks(wanted):
        live = select(shops.c.id).where(shops.c.id.in_(some), shops.c.retired_at.is_(None))
        there = across_tenants(live, because="shops that an operator gives away are nobody's until then")
        missing = set(some).difference(connection.execute(there).scalars())
        if missing:
            raise _not_found(min(missing))
        given = UPSERTS[connection.dialect.name](shop_owners).on_conflict_do_nothing()
        connection.execute(given, [{"shop_id": one, "merchant_id": merchant_id} for one in some])
    another = set(wanted) - live_shop_ids(connection, merchant_id, wanted)
    if another:
        raise Conflict(f"shop {min(another)} is another merchant's")


def put_shop(
    connection: Connection, merchant_id: str, shop: Shop, *, new: bool, expected: str | None, at: datetime
) -> Tagged[Shop]:
    """A new shop of his, or a change of one. Raises Taken, ShopNotFound, PreconditionFailed.

    A retired one of his is as if it were not there, and a new one with its id takes its place.
    """
    lock_merchant(connection, merchant_id)
    known = _known(connection, merchant_id, [shop.id])
    before = known.get(shop.id)
    is_live = before is not None and before.is_live
    if new and is_live:
        raise _taken(shop, None)
    if not new and not is_live:
        raise _not_found(shop.id)
    if before is not None and not new:
        require_tag(f"shop {shop.id}", expected, tag_of(before.fingerprint))
    written, tag = _write(connection, merchant_id, {"": shop}, known, at)
    revision = append_changes(connection, [("shop", one) for one in written], at) if written else 0
    return Tagged(shop, tag, revision)


def import_shops(connection: Connection, merchant_id: str, given: Sequence[Shop], at: datetime) -> int:
    """New shops of his and changes together; the revision. A fault names its row by `/shops/{place}`."""
    lock_merchant(connection, merchant_id)
    rows = {f"/shops/{place}": shop for place, shop in enumerate(given)}
    _require_each_once(rows)
    known = _known(connection, merchant_id, [shop.id for shop in given])
    written, _ = _write(connection, merchant_id, rows, known, at)
    return tell(connection, "shop", written, at)


def retire_shop(
    connection: Connection, merchant_id: str, shop_id: str, expected: str | None, at: datetime
) -> int:
    """Take one of his shops out; the revision. It stays his. Raises ShopNotFound, PreconditionFailed."""
    lock_merchant(connection, merchant_id)
    before = _known(connection, merchant_id, [shop_id]).get(shop_id)
    if before is not None and before.is_live:
        require_tag(f"shop {shop_id}", expected, tag_of(before.fingerprint))
    return durable_sql.retire_shop(connection, shop_id, at, only=_his(merchant_id))


def _write(
    connection: Connection,
    merchant_id: str,
    rows: Mapping[str, Shop],
    known: Mapping[str, _Known],
    at: datetime,
) -> tuple[list[str], str]:
    """Write those of these shops that differ; their ids, and the tag of the last given.

    rows  by the pointer that names one in a fault; "" where there is but one
    """
    values = durable_sql.shop_values(list(rows.values()), at)
    changed = [
        (pointer, shop, value)
        for (pointer, shop), value in zip(rows.items(), values, strict=True)
        if known.get(shop.id) != _Known(value["fingerprint"], True)
    ]
    tag = tag_of(values[-1]["fingerprint"]) if values else ""
    if not changed:
        return [], tag
    _require_free(connection, {pointer: shop for pointer, shop, _ in changed}, known)
    upsert = durable_sql.shop_upsert(connection.dialect.name, only=_his(merchant_id))
    written = connection.execute(upsert.returning(shops.c.id), [value for *_, value in changed])
    ids = set(written.scalars())
    for pointer, shop, _ in changed:
        if shop.id not in ids:
            raise _taken(shop, pointer or None)
    owned = [{"shop_id": one, "merchant_id": merchant_id} for one in sorted(ids - known.keys())]
    if owned:
        connection.execute(insert(shop_owners), owned)
    return sorted(ids), tag


def _require_free(connection: Connection, rows: Mapping[str, Shop], known: Mapping[str, _Known]) -> None:
    """Raise Taken when a shop that is not his has the id of one of these, or one of another id has its source."""
    source = tuple_(shops.c.source_provider, shops.c.source_id)
    by_source = {(shop.source.provider, shop.source.id): (pointer, shop) for pointer, shop in rows.items()}
    new = {shop.id: (pointer, shop) for pointer, shop in rows.items() if shop.id not in known}
    for some in chunks(list(by_source)):
        ids = [shop.id for _, shop in map(by_source.__getitem__, some) if shop.id in new]
        query = select(shops.c.source_provider, shops.c.source_id, shops.c.id)
        there = across_tenants(
            query.where(or_(source.in_(some), shops.c.id.in_(ids))),
            because="an id and a source have one shop, whoever's it is, and the fault has a row",
        )
        for provider, source_id, shop_id in connection.execute(there):
            found = new.get(shop_id) or by_source.get((provider, source_id))
            if found is not None and (shop_id in new or found[1].id != shop_id):
                raise _taken(found[1], found[0] or None)


def _require_each_once(rows: Mapping[str, Shop]) -> None:
    seen: dict[str, str] = {}
    for pointer, shop in rows.items():
        first = seen.setdefault(shop.id, pointer)
        if first != pointer:
            raise InvalidInput(f"shop {shop.id} is in {first} already", pointer=pointer)


def chunks(items: Sequence[Any]) -> list[Sequence[Any]]:
    """These items, so many together as one statement takes."""
    return [items[start : start + ROWS_A_CHUNK] for start in range(0, len(items), ROWS_A_CHUNK)]


def _taken(shop: Shop, pointer: str | None) -> Taken:
    return Taken(f"there is a shop {shop.id}, or one of its source, already", pointer=pointer)


def _not_found(shop_id: str) -> ShopNotFound:
    return ShopNotFound(f"there is no shop {shop_id}")
