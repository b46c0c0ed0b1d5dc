"""What a benefit takes off at the till, in money; decided here and nowhere else."""

from __future__ import annotations

from typing import assert_never

from geo_offers.domain.errors import BasketInvalid, SpendTooLow
from geo_offers.domain.money import Money, minor_digits
from geo_offers.domain.promotion import AmountOff, Benefit, BuyXGetY, FreeItem, PercentOff, Points

MOST_MINOR = 2**53


def basket_of(basket_minor: int | None, currency: str | None) -> Money | None:
    """The total that a till says, before the discount; None when it says none.

    Raises BasketInvalid for one without the other, what is not whole, what is negative or beyond 2**53, and
    CurrencyUnknown; pointer /basket_minor or /currency.
    """
    if basket_minor is None and currency is None:
        return None
    if basket_minor is None:
        raise BasketInvalid("a currency without a total; write basket_minor too", pointer="/basket_minor")
    if isinstance(basket_minor, bool) or not isinstance(basket_minor, int):
        raise BasketInvalid(
            "the total is not a whole number; write it in minor units", pointer="/basket_minor"
        )
    if not 0 <= basket_minor <= MOST_MINOR:
        raise BasketInvalid("the total is negative or beyond all bounds", pointer="/basket_minor")
    if currency is None:
        raise BasketInvalid("a total without its currency", pointer="/currency")
    minor_digits(currency)
    return Money(basket_minor, currency)


def discount_of(
    benefit: Benefit, *, basket: Money | None, currency: str | None, needs_amount: bool = False
) -> Money | None:
    """What the benefit is worth: from 0 up to the basket, in its currency; None where that is no amount of money.

    basket        what is to be paid before the discount; None when the till does not say
    currency      of the promotion, in which caps are; None when it has none, then the basket's counts
    needs_amount  the worth of a share of the price must be known, as where a budget pays for it

    Shares are rounded half to even, to whole minor units. Without a basket an amount is worth all of itself.
    Raises BasketInvalid for a basket that is missing, negative or in another currency (pointer /basket_minor or
    /currency), SpendTooLow for one below the least spending.
    """
    if basket is not None:
        _require_fitting(basket, benefit.currency if isinstance(benefit, AmountOff) else currency)
    match benefit:
        case PercentOff():
            if basket is None and needs_amount:
                raise _basket_missing()
            return None if basket is None else _share(benefit, basket)
        case AmountOff():
            return _amount(benefit, basket)
        case FreeItem() | BuyXGetY() | Points():
            return None
        case _:
            assert_never(benefit)


def _share(benefit: PercentOff, basket: Money) -> Money:
    share = basket.share(benefit.basis_points).amount_minor
    return Money(share if benefit.max_minor is None else min(share, benefit.max_minor), basket.currency)


def _amount(benefit: AmountOff, basket: Money | None) -> Money:
    least = benefit.min_spend_minor
    if basket is None:
        if least is not None:
            raise _basket_missing()
        return Money(benefit.amount_minor, benefit.currency)
    if least is not None and basket.amount_minor < least:
        raise SpendTooLow(
            f"the least spending is {Money(least, benefit.currency)}, this is {basket}",
            min_spend_minor=least,
            basket_minor=basket.amount_minor,
            currency=benefit.currency,
        )
    return Money(min(benefit.amount_minor, basket.amount_minor), benefit.currency)


def _require_fitting(basket: Money, currency: str | None) -> None:
    if basket.amount_minor < 0:
        raise BasketInvalid(f"a basket of {basket}: a total is not negative", pointer="/basket_minor")
    if currency is not None and basket.currency != currency:
        raise BasketInvalid(
            f"the basket is in {basket.currency}, the promotion in {currency}", pointer="/currency"
        )


def _basket_missing() -> BasketInvalid:
    return BasketInvalid(
        "what this is worth depends on the total; write basket_minor and currency", pointer="/basket_minor"
    )
