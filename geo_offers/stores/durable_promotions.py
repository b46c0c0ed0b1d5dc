"""Promotions and merchants in SQLite and PostGIS: functions on a connection, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    exists,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)

from geo_offers.domain.errors import InvalidInput, PromotionNotFound
from geo_offers.domain.promotion import Merchant, Promotion, PromotionRow
from geo_offers.stores.column_types import EpochMilliseconds
from geo_offers.stores.durable_sql import (
    ROWS_A_CHUNK,
    SINGLE_STEPS,
    UPSERTS,
    append_changes,
    revision_of,
    tell,
)
from geo_offers.stores.promotion_rows import (
    IncomingPromotion,
    incoming_promotions,
    promotion_of_row,
    promotion_row_of,
)
from geo_offers.stores.tables import districts, merchants, promotions, shops

_JSON_COLUMNS = ("title_i18n", "benefit", "shop_ids", "segments", "per_period")
_COLUMNS: Mapping[str, ColumnElement[Any]] = {
    **{name: promotions.c[name] for name in PromotionRow._fields if name in promotions.c},
    **{f"{name}_json": cast(promotions.c[name], Text) for name in _JSON_COLUMNS},
    # Few promotions have any: None costs no memory.
    "per_period_json": func.nullif(cast(promotions.c.per_period, Text), literal_column("'{}'")),
    "merchant_name": merchants.c.name,
    "fence_wkb": promotions.c.fence_geom,
    "starts_at_ms": EpochMilliseconds(promotions.c.starts_at),
    "ends_at_ms": EpochMilliseconds(promotions.c.ends_at),
}
_LIVE = promotions.c.retired_at.is_(None)


def _promotion_rows() -> Select[Any]:
    columns = [_COLUMNS[name].label(name) for name in PromotionRow._fields]
    query = select(*columns).join_from(promotions, merchants)
    # Written out, so that the query has no parameters and a driver can run its text.
    return query.where(_LIVE, promotions.c.status != literal_column("'draft'")).order_by(promotions.c.id)


#: The query behind `promotion_rows`; its rows are for `promotion_row_of`.
PROMOTION_ROWS = _promotion_rows()
#: The query behind `promotions`; its rows are for `promotion_of_row`.
LIVE_PROMOTIONS = select(promotions).where(_LIVE).order_by(promotions.c.id)


def promotion_rows_of(connection: Connection, ids: Sequence[str]) -> list[PromotionRow]:
    """The rows of these promotions that are live and no drafts, ordered by id."""
    wanted = sorted(set(ids))
    found: list[PromotionRow] = []
    for some in _chunks(wanted):
        query = PROMOTION_ROWS.where(promotions.c.id.in_(some))
        found.extend(promotion_row_of(tuple(row)) for row in connection.execute(query))
    return found


def all_merchants(connection: Connection) -> list[Merchant]:
    """Every merchant, ordered by id."""
    query = select(merchants.c.id, merchants.c.name).order_by(merchants.c.id)
    return [Merchant(*row) for row in connection.execute(query)]


def get_promotion(connection: Connection, promotion_id: str) -> Promotion:
    """A live promotion. Raises PromotionNotFound."""
    row = connection.execute(LIVE_PROMOTIONS.where(promotions.c.id == promotion_id)).one_or_none()
    if row is None:
        raise _not_found(promotion_id)
    return promotion_of_row(row)


def put_promotion(connection: Connection, promotion: Promotion, at: datetime) -> int:
    """Insert or update by id as one step; the newest revision. Raises InvalidInput as `require_known` does."""
    connection.execute(promotion_upsert(connection.dialect.name), promotion_values([promotion], at))
    require_known(connection, promotions, promotions.c.id == promotion.id)
    return append_changes(connection, [("promotion", promotion.id)], at)


def promotion_upsert(dialect: str, *, only: ColumnElement[bool] | None = None) -> Any:
    """The statement that inserts or updates promotions by id; of those that are there `only` some."""
    upsert = UPSERTS[dialect](promotions)
    names = (*IncomingPromotion._fields[1:], "updated_at", "retired_at")
    changed = {name: upsert.excluded[name] for name in names}
    return upsert.on_conflict_do_update(index_elements=[promotions.c.id], set_=changed, where=only)


def promotion_values(given: Sequence[Promotion], at: datetime) -> list[dict[str, Any]]:
    """The rows of live promotions that `promotion_upsert` takes, in their order."""
    return [
        row._asdict()
        | {name: msgspec.json.decode(getattr(row, name)) for name in _JSON_COLUMNS}
        | {name: getattr(promotion.schedule, name) for name in ("starts_at", "ends_at")}
        | {"updated_at": at, "retired_at": None}
        for row, promotion in zip(incoming_promotions(given), given, strict=True)
    ]


def retire_promotion(connection: Connection, promotion_id: str, at: datetime) -> int:
    """Take a live promotion out; the newest revision. Raises PromotionNotFound."""
    retired = update(promotions).where(promotions.c.id == promotion_id, _LIVE)
    if connection.execute(retired.values(retired_at=at, updated_at=at)).rowcount == 0:
        raise _not_found(promotion_id)
    return append_changes(connection, [("promotion", promotion_id)], at)


def put_merchants(connection: Connection, given: Sequence[Merchant], at: datetime) -> int:
    """Insert or rename by id and tell the promotions of those renamed; the newest revision."""
    renamed = name_merchants(connection, given, at)
    return tell(connection, "promotion", renamed, at) if renamed else revision_of(connection)


def name_merchants(connection: Connection, given: Sequence[Merchant], at: datetime) -> list[str]:
    """Insert or rename merchants; ids of promotions that have another merchant's name now.

    Of these at most one more than can be told singly, which is enough to know how to tell them.
    """
    by_id = {merchant.id: merchant.name for merchant in given}
    known = dict(_known_names(connection, list(by_id)))
    new = [{"id": one, "name": name, "updated_at": at} for one, name in by_id.items() if one not in known]
    if new:
        connection.execute(insert(merchants), new)
    renamed = [one for one, name in known.items() if by_id[one] != name]
    touched: list[str] = []
    for one in renamed:
        left = SINGLE_STEPS + 1 - len(touched)
        touched.extend(rename_merchant(connection, Merchant(one, by_id[one]), at, at_most=left))
    return touched


def rename_merchant(
    connection: Connection, merchant: Merchant, at: datetime, *, at_most: int = SINGLE_STEPS + 1
) -> list[str]:
    """Rename a merchant that is there; ids of his live promotions, of which at most so many are looked up."""
    named = update(merchants).where(merchants.c.id == merchant.id)
    connection.execute(named.values(name=merchant.name, updated_at=at))
    theirs = select(promotions.c.id).where(promotions.c.merchant_id == merchant.id, _LIVE)
    return list(connection.execute(theirs.limit(at_most)).scalars())


def _known_names(connection: Connection, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    for some in _chunks(ids):
        query = select(merchants.c.id, merchants.c.name).where(merchants.c.id.in_(some))
        yield from (tuple(row) for row in connection.execute(query))


def require_known(connection: Connection, rows: FromClause, which: ColumnElement[bool] | None = None) -> None:
    """Raise InvalidInput, naming the promotion, when one names a merchant, district or shop that is not there.

    rows   the promotions, or a table with their columns; `which` of them, else all

    Retired shops and districts are there: a promotion must not become wrong because a shop closes.
    """
    wanted = true() if which is None else which
    merchant, district = rows.c.merchant_id, rows.c.fence_district_id
    named = _shops_named_in(connection.dialect.name, rows)
    strangers = (
        ("merchant", "/merchant", merchant, rows, ~exists().where(merchants.c.id == merchant)),
        (
            "district",
            "/fence/district_id",
            district,
            rows,
            and_(district.is_not(None), ~exists().where(districts.c.id == district)),
        ),
        (
            "shop",
            "/shop_ids",
            named.c.value,
            rows.join(named, true()),
            ~exists().where(shops.c.id == named.c.value),
        ),
    )
    for what, pointer, stranger, source, is_strange in strangers:
        query = select(rows.c.known_as, stranger).select_from(source).where(wanted, is_strange)
        found = connection.execute(query.order_by(rows.c.known_as, stranger).limit(1)).one_or_none()
        if found is not None:
            raise InvalidInput(
                f"promotion {found[0]} names the {what} {found[1]}, which is not known", pointer=pointer
            )


def _shops_named_in(dialect: str, rows: FromClause) -> Any:
    """A table of one column, `value`, that joined to rows has every id in their shop_ids."""
    unfold = func.json_each if dialect == "sqlite" else func.jsonb_array_elements_text
    return unfold(rows.c.shop_ids).table_valued("value", name="named")


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + ROWS_A_CHUNK] for start in range(0, len(ids), ROWS_A_CHUNK))


def _not_found(promotion_id: str) -> PromotionNotFound:
    return PromotionNotFound(f"there is no promotion {promotion_id}")
