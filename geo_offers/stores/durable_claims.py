"""Claims, coupons and pools of codes in SQLite and PostgreSQL: functions inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, func, insert, or_, select, update

from geo_offers.domain.coupon import Claim, Coupon, CouponState
from geo_offers.domain.errors import CodesExhausted, CodeTaken, Conflict, CouponNotFound, PromotionNotFound
from geo_offers.domain.offer import MatchQuery, Visitor
from geo_offers.domain.periods import period_start
from geo_offers.domain.promotion import Promotion, Status
from geo_offers.domain.rules import is_eligible
from geo_offers.stores import durable_ledger, durable_usage
from geo_offers.stores.commerce_tables import coupons, pool_codes
from geo_offers.stores.durable_sql import ROWS_A_CHUNK
from geo_offers.stores.durable_usage import Used
from geo_offers.stores.promotion_shelf import PromotionShelf
from geo_offers.stores.refusals import claim_limit_reached, missing_of, not_eligible
from geo_offers.stores.tables import promotions

_INSERT_COUPON = insert(coupons)
_NEXT_CODE = (
    select(pool_codes.c.code)
    .where(pool_codes.c.promotion_id == bindparam("of_promotion"), pool_codes.c.taken.is_(False))
    .order_by(pool_codes.c.code)
    .limit(1)
    .scalar_subquery()
)
_TAKE_CODE = update(pool_codes).where(pool_codes.c.code == _NEXT_CODE).values(taken=True)
_TAKE_CODE = _TAKE_CODE.returning(pool_codes.c.code)


def claim(connection: Connection, asked: Claim, shelf: PromotionShelf) -> Coupon:
    """A coupon for this claim, counted and in the ledger; see CommerceStore.claim for what it raises.

    On SQLite what is used is exact once the transaction has begun. On PostgreSQL others may take the last one
    between the reading and the counting: then the counting finds no row, and holds the counter, so that the
    second reading says why.
    """
    promotion, is_retired = shelf.standing(connection, asked.promotion_id)
    if is_retired or promotion.status is Status.DRAFT:
        raise PromotionNotFound(f"there is no promotion {asked.promotion_id}")
    start = period_of(promotion, asked.when)
    used = durable_usage.used_before(connection, promotion.id, asked.visitor_key, start)
    _require_eligible(connection, promotion, asked, used, shelf)
    visitor, limits = asked.visitor_key, promotion.limits
    counted = durable_usage.count_claim(connection, promotion.id, visitor, limits, start)
    if counted is not None:
        used = durable_usage.used_before(connection, promotion.id, visitor, start, without=counted)
        raise claim_limit_reached(promotion, asked, used.spent)
    code = _code_from_pool(connection, promotion.id) if used.pooled else asked.code
    coupon = _coupon(promotion, asked, code)
    connection.execute(_INSERT_COUPON, _row_of(coupon) | {"cell": asked.cell})
    durable_ledger.append(
        connection,
        "claim",
        promotion_id=promotion.id,
        merchant_id=promotion.merchant_id,
        code=code,
        visitor_key=asked.visitor_key,
        at=asked.when,
        period_start=start,
    )
    return coupon


def period_of(promotion: Promotion, when: datetime) -> datetime | None:
    """When the period began that a promotion's limits count at this time; None where they count none."""
    period = promotion.limits.per_period
    return None if period is None else period_start(when, period.period, promotion.schedule.time_zone)


def to_the_millisecond(when: datetime) -> datetime:
    """A time as the tables keep it."""
    return when.astimezone(UTC).replace(microsecond=when.microsecond // 1_000 * 1_000)


def coupon_of(
    connection: Connection, code: str, when: datetime, account: str | None, merchant_id: str | None
) -> Coupon:
    """A coupon, of this account or merchant where one is named. Raises CouponNotFound."""
    query = select(coupons).where(coupons.c.code == code)
    if account is not None:
        query = query.where(coupons.c.account == account)
    if merchant_id is not None:
        query = query.where(coupons.c.merchant_id == merchant_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise no_such_coupon(code)
    return _coupon_of_row(row, when)


def coupons_of(
    connection: Connection, visitor_key: str, when: datetime, after: str | None, limit: int
) -> list[Coupon]:
    """A visitor's coupons, newest first, then by code backwards; after a code that is not his there are none."""
    issued_at, code = coupons.c.issued_at, coupons.c.code
    query = select(coupons).where(coupons.c.visitor_key == visitor_key)
    if after is not None:
        last = select(issued_at).where(code == after, coupons.c.visitor_key == visitor_key).correlate(None)
        at = last.scalar_subquery()
        query = query.where(or_(issued_at < at, and_(issued_at == at, code < after)))
    rows = connection.execute(query.order_by(issued_at.desc(), code.desc()).limit(limit))
    return [_coupon_of_row(row, when) for row in rows]


def has_claimed(connection: Connection, visitor_key: str) -> bool:
    """Whether this visitor has any coupon."""
    query = select(exists().where(coupons.c.visitor_key == visitor_key))
    return bool(connection.execute(query).scalar_one())


def add_codes(connection: Connection, promotion_id: str, codes: Sequence[str], merchant_id: str) -> int:
    """Put codes into a promotion's pool, all or none; how many it has left. Raises PromotionNotFound, Conflict."""
    require_own(connection, promotion_id, merchant_id)
    given: set[str] = set()
    for code in codes:
        if code in given:
            raise Conflict(f"the code {code} is given twice")
        given.add(code)
    for some in _chunks(codes):
        taken = _first_taken(connection, some)
        if taken is not None:
            raise CodeTaken(f"the code {taken} is a coupon's or in a pool already")
        rows = [{"code": code, "promotion_id": promotion_id, "taken": False} for code in some]
        connection.execute(insert(pool_codes), rows)
    left = select(func.count()).where(
        pool_codes.c.promotion_id == promotion_id, pool_codes.c.taken.is_(False)
    )
    return int(connection.execute(left).scalar_one())


def require_own(connection: Connection, promotion_id: str, merchant_id: str) -> None:
    """Raise PromotionNotFound unless this is a live promotion of this merchant."""
    query = select(promotions.c.id).where(
        promotions.c.id == promotion_id,
        promotions.c.merchant_id == merchant_id,
        promotions.c.retired_at.is_(None),
    )
    if connection.execute(query).one_or_none() is None:
        raise PromotionNotFound(f"there is no promotion {promotion_id}")


def no_such_coupon(code: str) -> CouponNotFound:
    """The error for a code that is nobody's, or not this caller's."""
    return CouponNotFound(f"there is no coupon {code}")


def _require_eligible(
    connection: Connection, promotion: Promotion, asked: Claim, used: Used, shelf: PromotionShelf
) -> None:
    query = MatchQuery(
        when=asked.when,
        at=None if missing_of(asked) else asked.at,
        accuracy_m=asked.accuracy_m,
        fix_at=asked.fix_at,
        visitor=Visitor(asked.visitor_key, asked.segments, used.returning),
    )
    verdict = is_eligible(promotion, query, shelf.places(connection, promotion), used.spent)
    if verdict.reason is not None:
        raise not_eligible(promotion, verdict.reason, asked, used.spent)


def _code_from_pool(connection: Connection, promotion_id: str) -> str:
    # The promotion's counter is ours by now: no other claim of it takes a code at the same time.
    code: str | None = connection.execute(_TAKE_CODE, {"of_promotion": promotion_id}).scalar_one_or_none()
    if code is None:
        raise CodesExhausted(
            f"the codes of the promotion {promotion_id} are used up: its merchant can add more",
            promotion_id=promotion_id,
        )
    return code


def _coupon(promotion: Promotion, asked: Claim, code: str) -> Coupon:
    return Coupon(
        code=code,
        promotion_id=promotion.id,
        merchant_id=promotion.merchant_id,
        account=asked.account,
        visitor_key=asked.visitor_key,
        state=CouponState.ISSUED,
        issued_at=to_the_millisecond(asked.when),
        expires_at=promotion.schedule.ends_at,
    )


def _row_of(coupon: Coupon) -> dict[str, Any]:
    return {
        "code": coupon.code,
        "promotion_id": coupon.promotion_id,
        "merchant_id": coupon.merchant_id,
        "account": coupon.account,
        "visitor_key": coupon.visitor_key,
        "state": coupon.state.value,
        "issued_at": coupon.issued_at,
        "expires_at": coupon.expires_at,
    }


def _coupon_of_row(row: Any, when: datetime) -> Coupon:
    state = CouponState(row.state)
    if state is CouponState.ISSUED and row.expires_at <= when:
        state = CouponState.EXPIRED
    return Coupon(
        code=row.code,
        promotion_id=row.promotion_id,
        merchant_id=row.merchant_id,
        account=row.account,
        visitor_key=row.visitor_key,
        state=state,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )


def _first_taken(connection: Connection, codes: Sequence[str]) -> str | None:
    found: list[str] = []
    for column in (coupons.c.code, pool_codes.c.code):
        found.extend(connection.execute(select(column).where(column.in_(codes))).scalars())
    return min(found, default=None)


def _chunks(codes: Sequence[str]) -> Iterator[Sequence[str]]:
    return (codes[start : start + ROWS_A_CHUNK] for start in range(0, len(codes), ROWS_A_CHUNK))
