"""Redemptions, their roll-backs and the funnel in SQLite and PostgreSQL: functions inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, insert, select, update

from geo_offers.domain.coupon import Funnel, Redeem, Redemption
from geo_offers.domain.discount import basket_of, discount_of
from geo_offers.domain.errors import (
    AlreadyRedeemed,
    AlreadyRolledBack,
    CouponExpired,
    RedemptionNotFound,
    WrongShop,
)
from geo_offers.domain.money import Money
from geo_offers.domain.promotion import AmountOff, Promotion, Status
from geo_offers.stores import durable_ledger, durable_usage
from geo_offers.stores.account_tables import shop_owners
from geo_offers.stores.column_types import UtcMilliseconds
from geo_offers.stores.commerce_tables import coupons, redemptions, usage_totals
from geo_offers.stores.durable_claims import no_such_coupon, period_of, require_own, to_the_millisecond
from geo_offers.stores.durable_promotions import get_promotion
from geo_offers.stores.promotion_shelf import PromotionShelf, Standing
from geo_offers.stores.refusals import cannot_redeem, ended

_USE_COUPON = (
    update(coupons)
    .where(
        coupons.c.code == bindparam("of_code"),
        coupons.c.merchant_id == bindparam("of_merchant"),
        coupons.c.state == "issued",
        coupons.c.expires_at > bindparam("when", type_=UtcMilliseconds()),
    )
    .values(state="redeemed")
    .returning(coupons.c.promotion_id, coupons.c.visitor_key)
)
_GIVE_COUPON_BACK = (
    update(coupons)
    .where(coupons.c.code == bindparam("of_code"), coupons.c.state == "redeemed")
    .values(state="issued")
    .returning(coupons.c.visitor_key)
)
_INSERT_REDEMPTION = insert(redemptions)
_STANDING = redemptions.c.rolled_back_at.is_(None)
_ROLL_BACK = (
    update(redemptions)
    .where(
        redemptions.c.id == bindparam("of_id"),
        redemptions.c.merchant_id == bindparam("of_merchant"),
        _STANDING,
    )
    .values(rolled_back_at=bindparam("at", type_=UtcMilliseconds()))
    .returning(*redemptions.columns)
)
_OWNER = select(shop_owners.c.shop_id).where(
    shop_owners.c.shop_id == bindparam("shop_id"), shop_owners.c.merchant_id == bindparam("merchant_id")
)


def redeem(connection: Connection, asked: Redeem, shelf: PromotionShelf) -> Redemption:
    """Use a coupon, counted and in the ledger; see CommerceStore.redeem for what it raises.

    The coupon comes first: of two tills with one coupon the second waits for the first, and finds it used.
    """
    coupon = _used_coupon(connection, asked)
    standing = shelf.standing(connection, coupon.promotion_id)
    promotion = standing.promotion
    _require_not_ended(standing, asked.when)
    _require_shop(connection, promotion, asked)
    discount = discount_of(
        promotion.benefit,
        basket=basket_of(asked.basket_minor, asked.currency),
        currency=promotion.limits.currency,
        needs_amount=promotion.limits.budget_minor is not None,
    )
    spent = _of_budget(promotion, discount)
    start = period_of(promotion, asked.when)
    redemption = _redemption(promotion, asked, discount)
    connection.execute(
        _INSERT_REDEMPTION,
        _row_of(redemption) | {"key_id": asked.key_id, "period_start": start, "budget_minor": spent},
    )
    # After what needs no turn: on PostgreSQL a hot promotion's counters are held from here to the commit.
    counted = durable_usage.count_redemption(connection, promotion.id, spent, promotion.limits, start)
    if counted is not None:
        visitor = coupon.visitor_key
        used = durable_usage.used_before(connection, promotion.id, visitor, start, without=counted)
        raise cannot_redeem(promotion, used.spent, spent)
    durable_ledger.append(
        connection,
        "redeem",
        promotion_id=promotion.id,
        merchant_id=asked.merchant_id,
        code=asked.code,
        visitor_key=coupon.visitor_key,
        at=asked.when,
        period_start=start,
        redemption_id=asked.id,
        budget_minor=spent,
        key_id=asked.key_id,
    )
    return redemption


def roll_back(
    connection: Connection, redemption_id: str, merchant_id: str, key_id: str, when: datetime
) -> Redemption:
    """Undo a redemption: coupon, totals, its period and the budget. Raises RedemptionNotFound, AlreadyRolledBack."""
    row = connection.execute(
        _ROLL_BACK, {"of_id": redemption_id, "of_merchant": merchant_id, "at": when}
    ).one_or_none()
    if row is None:
        undone = redemption_of(connection, redemption_id, merchant_id)
        raise AlreadyRolledBack(
            f"the redemption {redemption_id} was rolled back already", rolled_back_at=undone.rolled_back_at
        )
    visitor_key = connection.execute(_GIVE_COUPON_BACK, {"of_code": row.code}).scalar_one()
    durable_usage.uncount_redemption(connection, row.promotion_id, row.budget_minor, row.period_start)
    durable_ledger.append(
        connection,
        "roll_back",
        promotion_id=row.promotion_id,
        merchant_id=merchant_id,
        code=row.code,
        visitor_key=visitor_key,
        at=when,
        period_start=row.period_start,
        redemption_id=redemption_id,
        budget_minor=-row.budget_minor,
        key_id=key_id,
    )
    return _redemption_of_row(row)


def redemption_of(connection: Connection, redemption_id: str, merchant_id: str) -> Redemption:
    """A redemption of this merchant's, rolled back or not. Raises RedemptionNotFound."""
    query = select(redemptions).where(
        redemptions.c.id == redemption_id, redemptions.c.merchant_id == merchant_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RedemptionNotFound(f"there is no redemption {redemption_id}")
    return _redemption_of_row(row)


def funnel(connection: Connection, promotion_id: str, merchant_id: str, when: datetime) -> Funnel:
    """What became of a promotion's coupons; discounts are those that stand. Raises PromotionNotFound."""
    require_own(connection, promotion_id, merchant_id)
    claimed = select(usage_totals.c.claims).where(usage_totals.c.promotion_id == promotion_id)
    expired = select(func.count()).where(
        coupons.c.promotion_id == promotion_id, coupons.c.state == "issued", coupons.c.expires_at <= when
    )
    stands, undone = _by_currency(connection, promotion_id)
    currency = _currency_of(get_promotion(connection, promotion_id))
    if currency is None:
        currency = max(stands, key=lambda one: (one is not None, stands[one]), default=None)
    return Funnel(
        claimed=connection.execute(claimed).scalar_one_or_none() or 0,
        redeemed=sum(count for count, _ in stands.values()),
        rolled_back=undone,
        expired=int(connection.execute(expired).scalar_one()),
        discount_minor=stands.get(currency, (0, 0))[1],
        currency=currency,
    )


def _by_currency(connection: Connection, promotion_id: str) -> tuple[dict[str | None, tuple[int, int]], int]:
    """(how many, what discount) of the redemptions that stand, by the currency of the discount; how many do not."""
    currency = case((redemptions.c.discount_minor.is_not(None), redemptions.c.currency))
    query = select(
        currency, _STANDING, func.count(), func.coalesce(func.sum(redemptions.c.discount_minor), 0)
    )
    query = query.where(redemptions.c.promotion_id == promotion_id).group_by(currency, _STANDING)
    rows = [tuple(row) for row in connection.execute(query)]
    stands = {of: (int(count), int(discount)) for of, standing, count, discount in rows if standing}
    return stands, sum(int(count) for _, standing, count, _ in rows if not standing)


def _used_coupon(connection: Connection, asked: Redeem) -> Any:
    """The coupon, used from now on. Raises CouponNotFound, AlreadyRedeemed, CouponExpired.

    On PostgreSQL each statement sees anew: a coupon that could not be used may have been given back since.
    """
    which = {"of_code": asked.code, "of_merchant": asked.merchant_id, "when": asked.when}
    while (coupon := connection.execute(_USE_COUPON, which).one_or_none()) is None:
        _require_usable(connection, asked)
    return coupon


def _require_usable(connection: Connection, asked: Redeem) -> None:
    # One statement: between two a roll-back may end.
    used = redemptions.c
    source = coupons.outerjoin(redemptions, and_(used.code == coupons.c.code, _STANDING))
    query = select(coupons.c.state, coupons.c.expires_at, used.id, used.redeemed_at, used.shop_id)
    query = query.select_from(source)
    query = query.where(coupons.c.code == asked.code, coupons.c.merchant_id == asked.merchant_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise no_such_coupon(asked.code)
    if found.state == "redeemed":
        raise AlreadyRedeemed(
            f"the coupon {asked.code} was redeemed already",
            redemption_id=found.id,
            redeemed_at=found.redeemed_at,
            shop_id=found.shop_id,
        )
    if found.expires_at <= asked.when:
        raise CouponExpired(f"the coupon {asked.code} has expired", expired_at=found.expires_at)


def _require_not_ended(standing: Standing, when: datetime) -> None:
    promotion = standing.promotion
    if standing.is_retired or promotion.status is Status.ENDED or when >= promotion.schedule.ends_at:
        raise ended(promotion, when)


def _require_shop(connection: Connection, promotion: Promotion, asked: Redeem) -> None:
    if promotion.shop_ids:
        is_fine = asked.shop_id in promotion.shop_ids
    else:
        owner = {"shop_id": asked.shop_id, "merchant_id": asked.merchant_id}
        is_fine = connection.execute(_OWNER, owner).one_or_none() is not None
    if not is_fine:
        raise WrongShop(
            f"{promotion.title!r} is not honoured at the shop {asked.shop_id}: redeem at one of its shops",
            shop_id=asked.shop_id,
        )


def _currency_of(promotion: Promotion) -> str | None:
    if isinstance(promotion.benefit, AmountOff):
        return promotion.benefit.currency
    return promotion.limits.currency


def _of_budget(promotion: Promotion, discount: Money | None) -> int:
    """What a discount takes of the budget; nothing where no money is given or its currency is anybody's."""
    return 0 if discount is None or discount.currency != _currency_of(promotion) else discount.amount_minor


def _redemption(promotion: Promotion, asked: Redeem, discount: Money | None) -> Redemption:
    return Redemption(
        id=asked.id,
        code=asked.code,
        promotion_id=promotion.id,
        merchant_id=asked.merchant_id,
        shop_id=asked.shop_id,
        basket_minor=asked.basket_minor,
        discount_minor=None if discount is None else discount.amount_minor,
        currency=asked.currency if discount is None else discount.currency,
        redeemed_at=to_the_millisecond(asked.when),
    )


def _row_of(redemption: Redemption) -> dict[str, Any]:
    return {
        "id": redemption.id,
        "code": redemption.code,
        "promotion_id": redemption.promotion_id,
        "merchant_id": redemption.merchant_id,
        "shop_id": redemption.shop_id,
        "basket_minor": redemption.basket_minor,
        "discount_minor": redemption.discount_minor,
        "currency": redemption.currency,
        "redeemed_at": redemption.redeemed_at,
    }


def _redemption_of_row(row: Any) -> Redemption:
    return Redemption(
        id=row.id,
        code=row.code,
        promotion_id=row.promotion_id,
        merchant_id=row.merchant_id,
        shop_id=row.shop_id,
        basket_minor=row.basket_minor,
        discount_minor=row.discount_minor,
        currency=row.currency,
        redeemed_at=row.redeemed_at,
        rolled_back_at=row.rolled_back_at,
    )
