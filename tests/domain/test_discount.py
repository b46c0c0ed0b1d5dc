"""Discounts: between nothing and the basket, in one currency, rounded once."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_offers.domain.discount import basket_of, discount_of
from geo_offers.domain.errors import BasketInvalid, CurrencyUnknown, InvalidInput, SpendTooLow
from geo_offers.domain.money import Money
from geo_offers.domain.promotion import AmountOff, Benefit, BuyXGetY, FreeItem, PercentOff, Points

MINOR = st.integers(0, 10**12)
MAYBE = st.none() | st.integers(1, 10**12)
MONEY_OFF = st.builds(PercentOff, st.integers(1, 10_000), MAYBE) | st.builds(
    AmountOff, st.integers(1, 10**12), st.just("CNY"), st.none() | st.integers(1, 1_000)
)
WITHOUT_AMOUNT: list[Benefit] = [FreeItem("Korvapuusti"), BuyXGetY(2, 1), Points(100)]


def yuan(amount_minor: int) -> Money:
    return Money(amount_minor, "CNY")


def discount(benefit: Benefit, basket_minor: int) -> int | None:
    """In fen of a basket in fen; None where the basket is too small."""
    try:
        found = discount_of(benefit, basket=yuan(basket_minor), currency="CNY")
    except SpendTooLow:
        return None
    assert found is not None
    assert found.currency == "CNY"
    return found.amount_minor


@pytest.mark.parametrize(
    ("benefit", "basket_minor", "expected"),
    [
        (PercentOff(2_000), 10_000, 2_000),
        (PercentOff(1_250), 20, 2),  # 2.5
        (PercentOff(1_250), 28, 4),  # 3.5
        (PercentOff(3_333), 100, 33),
        (PercentOff(10_000), 999, 999),
        (PercentOff(1), 4_999, 0),
        (PercentOff(5_000, 300), 10_000, 300),
        (PercentOff(5_000, 300), 599, 300),  # 299.5
        (PercentOff(5_000), 0, 0),
        (AmountOff(500, "CNY"), 2_000, 500),
        (AmountOff(500, "CNY"), 499, 499),
        (AmountOff(500, "CNY"), 0, 0),
        (AmountOff(500, "CNY", 2_000), 2_000, 500),
        (AmountOff(500, "CNY", 100), 200, 200),
    ],
)
def test_a_discount_is_exact(benefit: Benefit, basket_minor: int, expected: int):
    assert discount(benefit, basket_minor) == expected


@given(st.integers(1, 10_000), MAYBE, MINOR)
def test_a_share_is_what_decimal_reckons(basis_points: int, max_minor: int | None, basket_minor: int):
    exact = (Decimal(basket_minor) * basis_points / 10_000).to_integral_value(ROUND_HALF_EVEN)
    expected = int(exact) if max_minor is None else min(int(exact), max_minor)
    assert discount(PercentOff(basis_points, max_minor), basket_minor) == expected


@given(MONEY_OFF, MINOR)
def test_a_discount_is_from_nothing_up_to_the_basket(benefit: Benefit, basket_minor: int):
    worth = discount(benefit, basket_minor)
    assert worth is None or 0 <= worth <= basket_minor
    if worth is not None and isinstance(benefit, AmountOff):
        assert worth == min(benefit.amount_minor, basket_minor)


@given(MONEY_OFF, MINOR, MINOR)
def test_a_larger_basket_is_never_worth_less(benefit: Benefit, one: int, other: int):
    less, more = (discount(benefit, basket_minor) for basket_minor in sorted((one, other)))
    assert less is None or (more is not None and less <= more)


@given(MONEY_OFF, MINOR, st.lists(st.integers(0, 1_000), min_size=1, max_size=9).filter(any))
def test_a_discount_split_over_the_basket_adds_up(benefit: Benefit, basket_minor: int, weights: list[int]):
    worth = discount(benefit, basket_minor)
    if worth is not None:
        assert sum(part.amount_minor for part in yuan(worth).split(weights)) == worth


@pytest.mark.parametrize("benefit", WITHOUT_AMOUNT)
@pytest.mark.parametrize("needs_amount", [True, False])
def test_what_is_no_money_is_no_discount(benefit: Benefit, needs_amount: bool):
    assert discount_of(benefit, basket=yuan(5), currency="CNY", needs_amount=needs_amount) is None
    assert discount_of(benefit, basket=None, currency=None, needs_amount=needs_amount) is None


def test_without_a_basket_an_amount_is_worth_itself_and_a_share_is_not_known():
    assert discount_of(AmountOff(500, "CNY"), basket=None, currency=None, needs_amount=True) == yuan(500)
    assert discount_of(PercentOff(2_000), basket=None, currency="CNY", needs_amount=False) is None


@pytest.mark.parametrize(
    ("benefit", "needs_amount"), [(PercentOff(2_000), True), (AmountOff(500, "CNY", 2_000), False)]
)
def test_a_basket_is_asked_for_where_it_decides(benefit: Benefit, needs_amount: bool):
    with pytest.raises(BasketInvalid, match="write basket_minor") as refused:
        discount_of(benefit, basket=None, currency="CNY", needs_amount=needs_amount)
    assert refused.value.pointer == "/basket_minor"


@pytest.mark.parametrize("benefit", [PercentOff(1), AmountOff(500, "CNY", 9_999), *WITHOUT_AMOUNT])
def test_a_basket_in_another_currency_or_below_zero_is_refused(benefit: Benefit):
    with pytest.raises(BasketInvalid, match="in JPY, the promotion in CNY") as refused:
        discount_of(benefit, basket=Money(5_000, "JPY"), currency="CNY")
    assert refused.value.pointer == "/currency"
    with pytest.raises(BasketInvalid, match="not negative") as refused:
        discount_of(benefit, basket=yuan(-1), currency="CNY")
    assert refused.value.pointer == "/basket_minor"


def test_an_amount_is_of_its_own_currency_where_the_promotion_has_none():
    with pytest.raises(BasketInvalid, match="in JPY, the promotion in CNY"):
        discount_of(AmountOff(500, "CNY"), basket=Money(5_000, "JPY"), currency=None)
    assert discount_of(PercentOff(1_000), basket=Money(50, "JPY"), currency=None) == Money(5, "JPY")


def test_too_small_a_basket_is_refused_with_what_is_missing():
    with pytest.raises(SpendTooLow, match=r"20\.00 CNY, this is 19\.99 CNY") as refused:
        discount_of(AmountOff(500, "CNY", 2_000), basket=yuan(1_999), currency="CNY")
    assert refused.value.code == "spend_too_low"
    facts = {"min_spend_minor": 2_000, "basket_minor": 1_999, "currency": "CNY"}
    assert refused.value.facts == facts


def test_a_till_says_total_and_currency_or_neither():
    assert basket_of(None, None) is None
    assert basket_of(0, "JPY") == Money(0, "JPY")
    assert basket_of(2**53, "CNY") == yuan(2**53)


@pytest.mark.parametrize(
    ("basket_minor", "currency", "pointer"),
    [
        (100, None, "/currency"),
        (None, "CNY", "/basket_minor"),
        (-1, "CNY", "/basket_minor"),
        (2**53 + 1, "CNY", "/basket_minor"),
        (100.0, "CNY", "/basket_minor"),
        (True, "CNY", "/basket_minor"),
        ("100", "CNY", "/basket_minor"),
        (Decimal(100), "CNY", "/basket_minor"),
    ],
)
def test_a_basket_that_is_none_is_refused(basket_minor: Any, currency: str | None, pointer: str):
    with pytest.raises(BasketInvalid) as refused:
        basket_of(basket_minor, currency)
    assert refused.value.pointer == pointer


def test_an_unknown_currency_keeps_its_own_code():
    with pytest.raises(CurrencyUnknown) as refused:
        basket_of(100, "RMB")
    assert refused.value.pointer == "/currency"


@given(st.floats())
def test_floats_never_become_money(amount: float):
    unsound: Any = amount
    with pytest.raises(InvalidInput):
        basket_of(unsound, "CNY")
    with pytest.raises(InvalidInput):
        Money(unsound, "CNY")
