"""A merchant's promotions and how they were, in SQLite and PostgreSQL: functions on a connection that is bound to him."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, insert, or_, select

from geo_offers.domain.errors import InvalidInput, PromotionNotFound, Taken
from geo_offers.domain.fence import DistrictFence
from geo_offers.domain.promotion import Promotion, Status
from geo_offers.domain.promotion_document import document_of
from geo_offers.stores import durable_promotions
from geo_offers.stores.account_ports import Tagged, Version
from geo_offers.stores.account_tables import promotion_versions
from geo_offers.stores.durable_owned import chunks, live_shop_ids, lock_merchant, require_tag, tag_of
from geo_offers.stores.durable_sql import append_changes, tell
from geo_offers.stores.promotion_rows import promotion_of_row
from geo_offers.stores.tables import districts, promotions
from geo_offers.stores.tenancy import across_tenants

_LIVE = promotions.c.retired_at.is_(None)
#: Whole promotions at once in memory; one may have 160 kB of fence.
_PROMOTIONS_A_CHUNK = 250
_encode_document = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    fingerprint: int
    is_live: bool
    shop_ids: frozenset[str]
    district_id: str | None


@dataclass(frozen=True, slots=True)
class _Row:
    """A promotion that comes, what it replaces, and how a fault names it: a pointer, "" where there is but one."""

    pointer: str
    promotion: Promotion
    before: _Known | None


# -- reading


def list_promotions(
    connection: Connection, merchant_id: str, after: str | None, limit: int, status: Status | None
) -> list[Tagged[Promotion]]:
    """His live promotions by id, those after an id."""
    query = select(promotions).where(promotions.c.merchant_id == merchant_id, _LIVE)
    if after is not None:
        query = query.where(promotions.c.id > after)
    if status is not None:
        query = query.where(promotions.c.status == status)
    rows = connection.execute(query.order_by(promotions.c.id).limit(limit))
    return [Tagged(promotion_of_row(row), tag_of(row.fingerprint)) for row in rows]


def get_promotion(connection: Connection, merchant_id: str, promotion_id: str) -> Tagged[Promotion]:
    """One of his live promotions. Raises PromotionNotFound."""
    his = (promotions.c.merchant_id == merchant_id, promotions.c.id == promotion_id)
    row = connection.execute(select(promotions).where(*his, _LIVE)).one_or_none()
    if row is None:
        raise _not_found(promotion_id)
    return Tagged(promotion_of_row(row), tag_of(row.fingerprint))


def list_versions(connection: Connection, merchant_id: str, promotion_id: str) -> list[Version]:
    """How one of his live promotions has been, oldest first. Raises PromotionNotFound."""
    his = (promotions.c.merchant_id == merchant_id, promotions.c.id == promotion_id)
    if connection.execute(select(promotions.c.id).where(*his, _LIVE)).one_or_none() is None:
        raise _not_found(promotion_id)
    columns = promotion_versions.c
    query = select(columns.number, columns.document, columns.changed_at, columns.key_id)
    query = query.where(columns.merchant_id == merchant_id, columns.promotion_id == promotion_id)
    return [Version(*row) for row in connection.execute(query.order_by(columns.number))]


def _known(connection: Connection, merchant_id: str, which: ColumnElement[bool]) -> list[_Known]:
    """What is there of his promotions, retired ones among them; nobody else changes them meanwhile."""
    columns = promotions.c
    query = select(
        columns.id, columns.fingerprint, columns.retired_at, columns.shop_ids, columns.fence_district_id
    ).where(columns.merchant_id == merchant_id, which)
    rows = connection.execute(query.order_by(columns.id).with_for_update(key_share=True))
    return [
        _Known(
            row.id, row.fingerprint, row.retired_at is None, frozenset(row.shop_ids), row.fence_district_id
        )
        for row in rows
    ]


# -- writing


def put_promotion(
    connection: Connection,
    merchant_id: str,
    promotion: Promotion,
    *,
    new: bool,
    expected: str | None,
    key_id: str | None,
    at: datetime,
) -> Tagged[Promotion]:
    """A new promotion of his, or a change of one. Raises as MerchantStore.put_promotion says."""
    lock_merchant(connection, merchant_id)
    known_as = promotion.external_id or promotion.id
    alike = or_(promotions.c.id == promotion.id, promotions.c.known_as == known_as)
    found = {one.id: one for one in _known(connection, merchant_id, alike)}
    before = found.pop(promotion.id, None)
    is_live = before is not None and before.is_live
    if not new and not is_live:
        raise _not_found(promotion.id)
    if before is not None and not new:
        require_tag(f"promotion {promotion.id}", expected, tag_of(before.fingerprint))
    if found or (new and is_live):
        raise _taken(promotion, "/external_id" if found else "/id")
    written, tag = _write(connection, merchant_id, [_Row("", promotion, before)], key_id, at)
    revision = append_changes(connection, [("promotion", one) for one in written], at) if written else 0
    return Tagged(promotion, tag, revision)


def import_promotions(
    connection: Connection, merchant_id: str, given: Sequence[Promotion], key_id: str | None, at: datetime
) -> int:
    """New promotions of his and changes together; the revision. A fault names its row by `/promotions/{place}`."""
    lock_merchant(connection, merchant_id)
    names = [promotion.external_id or promotion.id for promotion in given]
    ids = _ids_of(connection, merchant_id, names)
    kept = [
        replace(one, id=ids[name]) if ids.get(name, one.id) != one.id else one
        for one, name in zip(given, names, strict=True)
    ]
    known = {
        one.id: one
        for some in chunks([promotion.id for promotion in kept])
        for one in _known(connection, merchant_id, promotions.c.id.in_(some))
    }
    rows = [_Row(f"/promotions/{place}", one, known.get(one.id)) for place, one in enumerate(kept)]
    _require_each_once(rows)
    written, _ = _write(connection, merchant_id, rows, key_id, at)
    return tell(connection, "promotion", written, at)


def _ids_of(connection: Connection, merchant_id: str, names: Sequence[str]) -> dict[str, str]:
    """The ids of those of his promotions that are known by one of these names."""
    query = select(promotions.c.known_as, promotions.c.id).where(promotions.c.merchant_id == merchant_id)
    return {
        row.known_as: row.id
        for some in chunks(names)
        for row in connection.execute(query.where(promotions.c.known_as.in_(some)))
    }


def _require_each_once(rows: Sequence[_Row]) -> None:
    seen: dict[str, str] = {}
    for row in rows:
        for name in {row.promotion.id, row.promotion.external_id or row.promotion.id}:
            first = seen.setdefault(name, row.pointer)
            if first != row.pointer:
                raise InvalidInput(f"promotion {name} is in {first} already", pointer=row.pointer)


def _write(
    connection: Connection, merchant_id: str, rows: Sequence[_Row], key_id: str | None, at: datetime
) -> tuple[list[str], str]:
    """Write those of these promotions that differ, each as one more version; their ids, and the tag of the last."""
    values = durable_promotions.promotion_values([row.promotion for row in rows], at)
    changed = [
        (row, value)
        for row, value in zip(rows, values, strict=True)
        if row.before is None or not row.before.is_live or row.before.fingerprint != value["fingerprint"]
    ]
    tag = tag_of(values[-1]["fingerprint"]) if values else ""
    if not changed:
        return [], tag
    coming = [row for row, _ in changed]
    _require_free_ids(connection, coming)
    _require_districts(connection, coming)
    _require_own_shops(connection, merchant_id, coming)
    numbers = _note_before(connection, merchant_id, coming)
    upsert = durable_promotions.promotion_upsert(
        connection.dialect.name, only=promotions.c.merchant_id == merchant_id
    )
    written = connection.execute(upsert.returning(promotions.c.id), [value for _, value in changed])
    ids = set(written.scalars())
    for row in coming:
        if row.promotion.id not in ids:
            raise _taken(row.promotion, row.pointer or "/id")
    versions = [
        _version(merchant_id, one.promotion, numbers.get(one.promotion.id, 0) + 1, at, key_id)
        for one in coming
    ]
    connection.execute(insert(promotion_versions), versions)
    return sorted(ids), tag


def _require_free_ids(connection: Connection, rows: Sequence[_Row]) -> None:
    """Raise Taken when a new one has the id of somebody else's."""
    new = {row.promotion.id: row for row in rows if row.before is None}
    for some in chunks(list(new)):
        there = across_tenants(
            select(promotions.c.id).where(promotions.c.id.in_(some)),
            because="an id has one promotion, whoever's it is, and the fault has a row",
        )
        for promotion_id in connection.execute(there).scalars():
            raise _taken(new[promotion_id].promotion, new[promotion_id].pointer or "/id")


def _require_districts(connection: Connection, rows: Sequence[_Row]) -> None:
    """Raise InvalidInput when one names a district that is not known; what it named before it may go on naming."""
    named = {
        row.promotion.fence.district_id: row.pointer
        for row in reversed(rows)
        if isinstance(row.promotion.fence, DistrictFence)
        and (row.before is None or row.before.district_id != row.promotion.fence.district_id)
    }
    known: set[str] = set()
    for some in chunks(list(named)):
        known.update(connection.execute(select(districts.c.id).where(districts.c.id.in_(some))).scalars())
    for district_id, pointer in reversed(named.items()):
        if district_id not in known:
            raise InvalidInput(f"district {district_id} is not known", pointer=f"{pointer}/fence/district_id")


def _require_own_shops(connection: Connection, merchant_id: str, rows: Sequence[_Row]) -> None:
    """Raise InvalidInput when one newly names a shop that is not a live one of his.

    What it named before it may go on naming: it must not become wrong because a shop closes.
    """
    newly = {
        (row.pointer, place): shop_id
        for row in rows
        for place, shop_id in enumerate(row.promotion.shop_ids)
        if row.before is None or shop_id not in row.before.shop_ids
    }
    his = live_shop_ids(connection, merchant_id, sorted(set(newly.values())))
    for (pointer, place), shop_id in newly.items():
        if shop_id not in his:
            raise InvalidInput(f"{shop_id} is not one of your shops", pointer=f"{pointer}/shop_ids/{place}")


# -- how they were


def _note_before(connection: Connection, merchant_id: str, rows: Sequence[_Row]) -> dict[str, int]:
    """The numbers of the newest versions; where the newest is not what a promotion is, that is noted first.

    So it is for one that came by import, or was changed by one since.
    """
    there = [row.before.id for row in rows if row.before is not None]
    numbers: dict[str, int] = {}
    for start in range(0, len(there), _PROMOTIONS_A_CHUNK):
        some = there[start : start + _PROMOTIONS_A_CHUNK]
        newest = _newest(connection, merchant_id, some)
        query = select(promotions).where(promotions.c.merchant_id == merchant_id, promotions.c.id.in_(some))
        unseen = []
        for row in connection.execute(query):
            number, document = newest.get(row.id, (0, ""))
            before = promotion_of_row(row)
            if row.retired_at is None and _document(before) != document:
                number += 1
                unseen.append(_version(merchant_id, before, number, row.updated_at, None))
            numbers[row.id] = number
        if unseen:
            connection.execute(insert(promotion_versions), unseen)
    return numbers


def _newest(
    connection: Connection, merchant_id: str, promotion_ids: Sequence[str]
) -> Mapping[str, tuple[int, str]]:
    columns = promotion_versions.c
    his = (columns.merchant_id == merchant_id, columns.promotion_id.in_(promotion_ids))
    last = select(columns.promotion_id, func.max(columns.number).label("number")).where(*his)
    newest = last.group_by(columns.promotion_id).subquery()
    query = select(columns.promotion_id, columns.number, columns.document).where(
        *his, columns.promotion_id == newest.c.promotion_id, columns.number == newest.c.number
    )
    return {row.promotion_id: (row.number, row.document) for row in connection.execute(query)}


def _version(
    merchant_id: str, promotion: Promotion, number: int, at: datetime, key_id: str | None
) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id,
        "promotion_id": promotion.id,
        "number": number,
        "document": _document(promotion),
        "changed_at": at,
        "key_id": key_id,
    }


def _document(promotion: Promotion) -> str:
    return _encode_document(document_of(promotion)).decode()


def _taken(promotion: Promotion, pointer: str) -> Taken:
    known_as = promotion.external_id or promotion.id
    return Taken(f"there is a promotion {promotion.id}, or one known as {known_as}, already", pointer=pointer)


def _not_found(promotion_id: str) -> PromotionNotFound:
    return PromotionNotFound(f"there is no promotion {promotion_id}")
