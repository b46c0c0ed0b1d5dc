"""Money: whole, of one currency, and what is split adds up."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_offers.domain.errors import CurrencyUnknown, InvalidInput
from geo_offers.domain.money import Money, minor_digits, rounded_share

_AMOUNTS = st.integers(-(10**15), 10**15)


@given(_AMOUNTS, st.integers(0, 20_000))
def test_a_share_is_rounded_half_to_even_as_decimal_does_it(amount: int, basis_points: int) -> None:
    exact = Decimal(amount) * basis_points / 10_000
    assert Money(amount, "CNY").share(basis_points).amount_minor == int(
        exact.to_integral_value(ROUND_HALF_EVEN)
    )


def test_halves_go_to_the_even_side() -> None:
    # 20 % off 12.5 minor units would be 2.5: 2; of 17.5: 3.5: 4.
    assert [rounded_share(amount, 1, 2) for amount in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


@given(_AMOUNTS, st.lists(st.integers(0, 1_000), min_size=1, max_size=20).filter(any))
def test_a_split_adds_up_and_is_fair_to_one_unit(amount: int, weights: list[int]) -> None:
    parts = Money(amount, "JPY").split(weights)
    assert sum(part.amount_minor for part in parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount_minor - Decimal(amount) * weight / sum(weights)) <= 1
        assert weight or part.amount_minor == 0


@pytest.mark.parametrize("weights", [[], [0], [1, -1, 5]])
def test_odd_weights_are_refused(weights: list[int]) -> None:
    with pytest.raises(InvalidInput, match="weights"):
        Money(100, "CNY").split(weights)


@pytest.mark.parametrize("amount", [1.0, 1.5, "1", True, None, Decimal(1)])
def test_only_whole_numbers_are_money(amount: Any) -> None:
    with pytest.raises(InvalidInput, match="whole number"):
        Money(amount, "CNY")


@pytest.mark.parametrize("currency", ["", "cny", "XXX", "ZZZ", "EURO", "€"])
def test_unknown_currencies_are_refused(currency: str) -> None:
    with pytest.raises(CurrencyUnknown):
        Money(1, currency)


def test_currencies_never_meet() -> None:
    yuan, yen = Money(100, "CNY"), Money(100, "JPY")
    for reckon in (lambda: yuan + yen, lambda: yuan - yen, lambda: yuan < yen, lambda: yuan <= yen):
        with pytest.raises(InvalidInput, match="CNY and JPY"):
            reckon()
    assert yuan != yen


def test_sums_differences_and_order() -> None:
    assert Money(250, "CNY") + Money(50, "CNY") - Money(301, "CNY") == Money(-1, "CNY")
    assert Money(-1, "CNY") < Money(0, "CNY") <= Money(0, "CNY")


def test_money_is_written_with_the_digits_of_its_currency() -> None:
    assert [str(Money(amount, code)) for amount, code in ((-1_205, "CNY"), (5, "EUR"), (1_205, "JPY"), (1_205, "KWD"))] == [
        "-12.05 CNY", "0.05 EUR", "1205 JPY", "1.205 KWD",
    ]  # fmt: skip
    assert (minor_digits("KRW"), minor_digits("HKD"), minor_digits("TND")) == (0, 2, 3)
