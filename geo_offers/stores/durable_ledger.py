"""The ledger of claims, redemptions and roll-backs, what changed since a step of it, and the proof of all counters by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from geo_offers.stores.column_types import EpochMilliseconds
from geo_offers.stores.commerce_ports import Counted, Disagreement
from geo_offers.stores.commerce_tables import (
    ALL_TIME,
    coupons,
    ledger,
    redemptions,
    usage_periods,
    usage_totals,
    usage_visitors,
)

_APPEND = insert(ledger)


class ChangeMark(FunctionElement[int]):
    """The mark of a row that this transaction changes, greater than any that a reading could go on from.

    On SQLite, where one writes at a time, the next step of the ledger. On PostgreSQL the transaction's own
    number: a step of the ledger would become visible in another order than it was given, and a counter that
    makes an order of it would be one lock for all promotions until each commit is on the disk.
    """

    type = BigInteger()
    inherit_cache = True


class GoOnFrom(FunctionElement[int]):
    """A change mark as a step to go on from: not beyond what is still being written (see ChangeMark).

    So a row is told again as long as an older transaction is open, and none is ever passed over; not even
    when the marks are those of another server from which the tables came.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(ChangeMark, "sqlite")
def _next_step(_element: ChangeMark, _compiler: Any, **_: Any) -> str:
    return "(SELECT coalesce(max(step), 0) + 1 FROM ledger)"


@compiles(ChangeMark, "postgresql")
def _own_number(_element: ChangeMark, _compiler: Any, **_: Any) -> str:
    return "pg_current_xact_id()::text::bigint"


@compiles(GoOnFrom, "sqlite")
def _as_it_is(element: GoOnFrom, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(GoOnFrom, "postgresql")
def _before_open_ones(element: GoOnFrom, compiler: Any, **options: Any) -> str:
    mark = compiler.process(element.clauses, **options)
    return f"least({mark}, pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)"


def append(
    connection: Connection,
    kind: str,
    *,
    promotion_id: str,
    merchant_id: str,
    code: str,
    visitor_key: str,
    at: datetime,
    period_start: datetime | None,
    redemption_id: str | None = None,
    budget_minor: int = 0,
    key_id: str | None = None,
) -> None:
    """Write down what happened: "claim", "redeem" or "roll_back". The last thing in its transaction."""
    row = {
        "kind": kind,
        "promotion_id": promotion_id,
        "merchant_id": merchant_id,
        "code": code,
        "redemption_id": redemption_id,
        "visitor_key": visitor_key,
        "period_start": period_start,
        "budget_minor": budget_minor,
        "at": at,
        "key_id": key_id,
    }
    connection.execute(_APPEND, row)


def counted_since(connection: Connection, step: int, limit: int) -> Sequence[Counted]:
    """Counters that changed after a step, in the order of their change; see GoOnFrom for the steps."""
    totals = usage_totals.c
    query = select(
        totals.promotion_id, totals.claims, totals.redemptions, totals.budget_minor, GoOnFrom(totals.step)
    )
    query = query.where(totals.step > step).order_by(totals.step, totals.promotion_id).limit(limit)
    return [Counted(*row) for row in connection.execute(query)]


# -- the proof


def disagreements(connection: Connection) -> Sequence[Disagreement]:
    """Whatever the ledger does not bear out, by kind and name; one statement, so at one moment."""
    rows = connection.execute(union_all(*_comparisons()).order_by("what", "of"))
    return [Disagreement(row.what, row.of, int(row.ledger), int(row.other)) for row in rows]


def _comparisons() -> Iterator[Select[Any]]:
    claims, redeemed = _how_many("claim"), _how_many("redeem") - _how_many("roll_back")
    by_promotion = ledger.c.promotion_id
    totals = usage_totals.c
    for what, in_ledger, counter in (
        ("claims", claims, totals.claims),
        ("redemptions", redeemed, totals.redemptions),
        ("budget", ledger.c.budget_minor, totals.budget_minor),
    ):
        yield _compared(what, _amounts(by_promotion, in_ledger), _amounts(totals.promotion_id, counter))
    in_period = ledger.c.period_start.is_not(None)
    by_period = _joined(by_promotion, ledger.c.period_start)
    periods = usage_periods.c
    name = _joined(periods.promotion_id, periods.period_start)
    for what, in_ledger, counter in (
        ("claims of a period", claims, periods.claims),
        ("redemptions of a period", redeemed, periods.redemptions),
    ):
        yield _compared(what, _amounts(by_period, in_ledger).where(in_period), _amounts(name, counter))
    yield from _of_visitors(claims)
    yield from _of_coupons(claims, redeemed)
    yield from _of_redemptions()


def _of_visitors(claims: ColumnElement[int]) -> Iterator[Select[Any]]:
    visitors = usage_visitors.c
    of_both = _joined(ledger.c.promotion_id, ledger.c.visitor_key)
    name = _joined(visitors.promotion_id, visitors.visitor_key)
    in_all = _amounts(name, visitors.claims).where(visitors.period_start == ALL_TIME)
    yield _compared("claims of a visitor", _amounts(of_both, claims), in_all)
    of_period = _joined(ledger.c.promotion_id, ledger.c.visitor_key, ledger.c.period_start)
    name = _joined(visitors.promotion_id, visitors.visitor_key, visitors.period_start)
    yield _compared(
        "claims of a visitor in a period",
        _amounts(of_period, claims).where(ledger.c.period_start.is_not(None)),
        _amounts(name, visitors.claims).where(visitors.period_start != ALL_TIME),
    )


def _of_coupons(claims: ColumnElement[int], redeemed: ColumnElement[int]) -> Iterator[Select[Any]]:
    one: ColumnElement[int] = literal_column("1")
    yield _compared("coupons", _amounts(ledger.c.code, claims), _amounts(coupons.c.code, one))
    used = case((coupons.c.state == "redeemed", 1), else_=0)
    yield _compared("used coupons", _amounts(ledger.c.code, redeemed), _amounts(coupons.c.code, used))


def _of_redemptions() -> Iterator[Select[Any]]:
    known = ledger.c.redemption_id.is_not(None)
    by_id, rows = ledger.c.redemption_id, redemptions.c
    stands = rows.rolled_back_at.is_(None)
    for what, in_ledger, other in (
        ("redemptions by id", _how_many("redeem"), literal_column("1")),
        ("rolled back redemptions", _how_many("roll_back"), case((stands, 0), else_=1)),
        ("budget of a redemption", ledger.c.budget_minor, case((stands, rows.budget_minor), else_=0)),
    ):
        yield _compared(what, _amounts(by_id, in_ledger).where(known), _amounts(rows.id, other))


def _amounts(of: ColumnElement[Any], amount: ColumnElement[int]) -> Select[Any]:
    return select(of.label("of"), amount.label("amount"))


def _compared(what: str, in_ledger: Select[Any], other: Select[Any]) -> Select[Any]:
    """Rows (what, of, ledger, other), one where the sums of (of, amount) of two queries differ."""
    one, two = in_ledger.subquery(), other.subquery()
    nothing: ColumnElement[int] = literal_column("0")
    both = union_all(
        select(one.c.of, one.c.amount.label("ledger"), nothing.label("other")),
        select(two.c.of, nothing, two.c.amount),
    ).subquery()
    sums = func.sum(both.c.ledger), func.sum(both.c.other)
    named = select(literal(what).label("what"), both.c.of, sums[0].label("ledger"), sums[1].label("other"))
    return named.group_by(both.c.of).having(sums[0] != sums[1])


def _how_many(kind: str) -> ColumnElement[int]:
    return case((ledger.c.kind == kind, 1), else_=0)


def _joined(*columns: ColumnElement[Any]) -> ColumnElement[str]:
    """Columns as one text with blanks between; a time as milliseconds since 1970."""
    first, *rest = (
        cast(EpochMilliseconds(one) if one.name == "period_start" else one, Text) for one in columns
    )
    text: ColumnElement[str] = first
    for one in rest:
        text = text + " " + one
    return text
