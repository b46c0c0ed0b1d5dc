"""Counters against limits, in SQLite and PostgreSQL: each is counted by a statement that holds its limit.

No row changed is a limit reached. Rows are locked in one order by everybody: a promotion's totals first, then
its period, then its visitor's; so nobody waits for one who waits for him.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    literal,
    select,
    update,
)

from geo_offers.domain.offer import NOTHING_SPENT, Spent
from geo_offers.domain.promotion import Limits
from geo_offers.stores.column_types import UtcMilliseconds
from geo_offers.stores.commerce_tables import (
    ALL_TIME,
    coupons,
    pool_codes,
    usage_periods,
    usage_totals,
    usage_visitors,
)
from geo_offers.stores.durable_ledger import ChangeMark
from geo_offers.stores.durable_sql import ROWS_A_CHUNK, UPSERTS

_NO_LIMIT = 2**63 - 1
_PROMOTION: BindParameter[str] = bindparam("of_promotion", type_=Text())
_VISITOR: BindParameter[str] = bindparam("of_visitor", type_=Text())
_START = bindparam("of_period", type_=UtcMilliseconds())
_MOST = bindparam("most", type_=BigInteger())
_AMOUNT = bindparam("amount", type_=BigInteger())


class Used(NamedTuple):
    """What was used before a claim. pooled: whether the promotion has a pool of codes, empty or not."""

    spent: Spent
    returning: bool
    pooled: bool


def _one_more_of(table: Table, counter: Column[int], **row: Any) -> dict[str, Any]:
    """By dialect: insert a row with one of `counter`, or count one more while that is below :most."""
    others = {
        column.name: 0 for column in table.columns if column.name in ("claims", "redemptions", "budget_minor")
    }
    keys = [column.name for column in table.primary_key]

    def statement(insert: Callable[[Table], Any]) -> Any:
        adding = insert(table).values(**others | {counter.name: 1} | row)
        changed = {counter.name: counter + 1} | {
            name: adding.excluded[name] for name in row if name not in keys
        }
        counted = adding.on_conflict_do_update(index_elements=keys, set_=changed, where=counter < _MOST)
        return counted.returning(counter)

    return {dialect: statement(insert) for dialect, insert in UPSERTS.items()}


_CLAIM = _one_more_of(usage_totals, usage_totals.c.claims, promotion_id=_PROMOTION, step=ChangeMark())
_CLAIM_IN_PERIOD = _one_more_of(
    usage_periods, usage_periods.c.claims, promotion_id=_PROMOTION, period_start=_START
)
_REDEMPTION_IN_PERIOD = _one_more_of(
    usage_periods, usage_periods.c.redemptions, promotion_id=_PROMOTION, period_start=_START
)
_CLAIM_OF_VISITOR = _one_more_of(
    usage_visitors,
    usage_visitors.c.claims,
    visitor_key=_VISITOR,
    promotion_id=_PROMOTION,
    period_start=_START,
)
_TOTALS = update(usage_totals).where(usage_totals.c.promotion_id == _PROMOTION)
_REDEMPTION = (
    _TOTALS.where(
        usage_totals.c.redemptions < _MOST,
        usage_totals.c.budget_minor + _AMOUNT <= bindparam("budget", type_=BigInteger()),
    )
    .values(
        redemptions=usage_totals.c.redemptions + 1,
        budget_minor=usage_totals.c.budget_minor + _AMOUNT,
        step=ChangeMark(),
    )
    .returning(usage_totals.c.redemptions)
)
_LOCK_TOTALS = (
    select(usage_totals.c.promotion_id)
    .where(usage_totals.c.promotion_id == _PROMOTION)
    .with_for_update(key_share=True)
)
_UNREDEMPTION = _TOTALS.values(
    redemptions=usage_totals.c.redemptions - 1,
    budget_minor=usage_totals.c.budget_minor - _AMOUNT,
    step=ChangeMark(),
)
_UNREDEMPTION_IN_PERIOD = (
    update(usage_periods)
    .where(usage_periods.c.promotion_id == _PROMOTION, usage_periods.c.period_start == _START)
    .values(redemptions=usage_periods.c.redemptions - 1)
)


def _used_query() -> Any:
    """One row, whatever is there of the counters."""
    one = select(literal(1).label("one")).subquery("one")
    in_all, in_period = usage_visitors.alias("in_all"), usage_visitors.alias("in_period")

    def of_visitor(table: Any, start: Any) -> Any:
        of_both = and_(table.c.visitor_key == _VISITOR, table.c.promotion_id == _PROMOTION)
        return and_(of_both, table.c.period_start == start)

    period = and_(usage_periods.c.promotion_id == _PROMOTION, usage_periods.c.period_start == _START)
    source = one.outerjoin(usage_totals, usage_totals.c.promotion_id == _PROMOTION)
    source = source.outerjoin(usage_periods, period)
    source = source.outerjoin(in_all, of_visitor(in_all, literal(ALL_TIME, UtcMilliseconds())))
    source = source.outerjoin(in_period, of_visitor(in_period, _START))
    return select(
        usage_totals.c.claims,
        usage_totals.c.redemptions,
        usage_totals.c.budget_minor,
        in_all.c.claims.label("by_visitor"),
        usage_periods.c.claims.label("claims_in_period"),
        usage_periods.c.redemptions.label("redemptions_in_period"),
        in_period.c.claims.label("by_visitor_in_period"),
        exists().where(coupons.c.visitor_key == _VISITOR).label("has_claimed"),
        exists().where(pool_codes.c.promotion_id == _PROMOTION).label("pooled"),
    ).select_from(source)


_USED = _used_query()


def used_before(
    connection: Connection,
    promotion_id: str,
    visitor_key: str,
    period_start: datetime | None,
    *,
    without: Spent = NOTHING_SPENT,
) -> Used:
    """What a promotion and a visitor of his have used; without a period nothing is of the period.

    without  what this transaction has counted itself, which is to be undone
    """
    which = {"of_promotion": promotion_id, "of_visitor": visitor_key, "of_period": period_start}
    row = connection.execute(_USED, which).one()
    counts = ((count or 0) - ours for count, ours in zip(row[:-2], astuple(without), strict=True))
    return Used(Spent(*counts), bool(row.has_claimed), bool(row.pooled))


def count_claim(
    connection: Connection, promotion_id: str, visitor_key: str, limits: Limits, start: datetime | None
) -> Spent | None:
    """Count a claim everywhere; None when there was room for it everywhere.

    Else what it has counted before it came to the limit: the transaction is to be undone.
    """
    promotion: dict[str, object] = {"of_promotion": promotion_id}
    visitor = promotion | {"of_visitor": visitor_key}
    period = limits.per_period
    steps = [("claims", _CLAIM, promotion, limits.max_claims)]
    if period is not None:
        in_period = promotion | {"of_period": start}
        steps.append(("claims_in_period", _CLAIM_IN_PERIOD, in_period, period.max_claims))
    in_all = visitor | {"of_period": ALL_TIME}
    steps.append(("by_visitor", _CLAIM_OF_VISITOR, in_all, limits.max_per_visitor))
    if period is not None:
        in_period = visitor | {"of_period": start}
        steps.append(("by_visitor_in_period", _CLAIM_OF_VISITOR, in_period, period.max_per_visitor))
    counted: dict[str, int] = {}
    for name, statement, row, limit in steps:
        if not _finds_a_row(connection, statement[connection.dialect.name], row | {"most": _most(limit)}):
            return Spent(**counted)
        counted[name] = 1
    return None


def count_redemption(
    connection: Connection, promotion_id: str, amount_minor: int, limits: Limits, start: datetime | None
) -> Spent | None:
    """Count a redemption everywhere; as `count_claim` says."""
    row: dict[str, object] = {
        "of_promotion": promotion_id,
        "most": _most(limits.max_redemptions),
        "amount": amount_minor,
        "budget": _most(limits.budget_minor),
    }
    if not _finds_a_row(connection, _REDEMPTION, row):
        # PostgreSQL locks no row that has no room: a roll-back may have made some since. Now it cannot.
        connection.execute(_LOCK_TOTALS, {"of_promotion": promotion_id})
        if not _finds_a_row(connection, _REDEMPTION, row):
            return NOTHING_SPENT
    period = limits.per_period
    if period is None:
        return None
    row = {"of_promotion": promotion_id, "of_period": start, "most": _most(period.max_redemptions)}
    if not _finds_a_row(connection, _REDEMPTION_IN_PERIOD[connection.dialect.name], row):
        return Spent(redemptions=1, budget_minor=amount_minor)
    return None


def uncount_redemption(
    connection: Connection, promotion_id: str, amount_minor: int, start: datetime | None
) -> None:
    """Take a redemption out of every counter that it was counted in."""
    connection.execute(_UNREDEMPTION, {"of_promotion": promotion_id, "amount": amount_minor})
    if start is not None:
        connection.execute(_UNREDEMPTION_IN_PERIOD, {"of_promotion": promotion_id, "of_period": start})


def claims_by(connection: Connection, visitor_key: str, promotion_ids: Sequence[str]) -> Mapping[str, int]:
    """How often a visitor has claimed each of these in all; those unused left out."""
    found: dict[str, int] = {}
    query = select(usage_visitors.c.promotion_id, usage_visitors.c.claims).where(
        usage_visitors.c.visitor_key == visitor_key, usage_visitors.c.period_start == ALL_TIME
    )
    for start in range(0, len(promotion_ids), ROWS_A_CHUNK):
        some = promotion_ids[start : start + ROWS_A_CHUNK]
        rows = connection.execute(query.where(usage_visitors.c.promotion_id.in_(some)))
        found.update((row.promotion_id, row.claims) for row in rows)
    return found


def _finds_a_row(connection: Connection, statement: Any, row: Mapping[str, object]) -> bool:
    return connection.execute(statement, row).one_or_none() is not None


def _most(limit: int | None) -> int:
    return _NO_LIMIT if limit is None else limit
