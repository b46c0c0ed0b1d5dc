"""Money in integer minor units of a currency; the one place where amounts are rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from geo_offers.domain.errors import CurrencyUnknown, InvalidInput

BASIS_POINTS = 10_000

#: ISO 4217, the codes in circulation (list one, without funds, metals and test codes), by digits after the point.
_BY_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC "
    "CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD "
    "KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO "
    "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL "
    "THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_DIGITS = {code: digits for digits, codes in _BY_DIGITS.items() for code in codes.split()}


def minor_digits(currency: str) -> int:
    """Digits after the point: 2 for CNY, 0 for JPY. Raises CurrencyUnknown."""
    digits = _DIGITS.get(currency)
    if digits is None:
        raise CurrencyUnknown(
            f"{currency!r} is no currency of ISO 4217; write one such as CNY", pointer="/currency"
        )
    return digits


def rounded_share(amount: int, numerator: int, denominator: int) -> int:
    """amount * numerator / denominator to the nearest integer, halves to the even one. All are whole, denominator > 0."""
    quotient, rest = divmod(amount * numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of one currency; amounts of different currencies never meet.

    amount_minor  whole minor units, such as fen or yen; may be negative
    currency      ISO 4217, upper case
    Raises InvalidInput for an amount that is not whole, CurrencyUnknown.
    """

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.amount_minor, bool) or not isinstance(self.amount_minor, int):
            raise InvalidInput(
                f"money is a whole number of minor units, not {self.amount_minor!r}", pointer="/amount_minor"
            )
        minor_digits(self.currency)

    def __str__(self) -> str:
        digits = minor_digits(self.currency)
        sign, size = "-" if self.amount_minor < 0 else "", abs(self.amount_minor)
        if digits == 0:
            return f"{sign}{size} {self.currency}"
        whole, part = divmod(size, 10**digits)
        return f"{sign}{whole}.{part:0{digits}d} {self.currency}"

    def __add__(self, other: Money) -> Money:
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount_minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount_minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount_minor <= self._same(other)

    def share(self, basis_points: int) -> Money:
        """So many ten-thousandths of it, rounded half to even."""
        return Money(rounded_share(self.amount_minor, basis_points, BASIS_POINTS), self.currency)

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Parts in proportion to weights, which add up to the whole exactly; what rounding leaves goes to the first.

        Raises InvalidInput for negative weights or none above zero.
        """
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise InvalidInput("money is split by weights of at least 0, not all of them 0")
        size = abs(self.amount_minor)
        parts = [size * weight // total for weight in weights]
        left = size - sum(parts)
        for place in (place for place, weight in enumerate(weights) if weight):
            if left == 0:
                break
            parts[place] += 1
            left -= 1
        sign = -1 if self.amount_minor < 0 else 1
        return [Money(sign * part, self.currency) for part in parts]

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise InvalidInput(
                f"{self.currency} and {other.currency} cannot be reckoned together", pointer="/currency"
            )
        return other.amount_minor
