"""What a merchant registers: benefit, fence, schedule, limits, audience."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

from geo_offers.domain.errors import PromotionInvalid
from geo_offers.domain.fence import AroundShopsFence, Fence
from geo_offers.domain.money import BASIS_POINTS, minor_digits
from geo_offers.domain.periods import PERIODS, Period
from geo_offers.domain.place import MAX_NAME_LENGTH, clean_text
from geo_offers.domain.schedule import Schedule

DEFAULT_ACCURACY_M = 150.0
MOST_SHOPS = 1_000
#: What is counted against limits, in all and in a period.
COUNTS = ("max_claims", "max_redemptions", "max_per_visitor")
_ID = re.compile(r"prm_[0-9a-hjkmnp-tv-z]{16}\Z")
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


def _title(text: str, pointer: str) -> str:
    cleaned = clean_text(text, what=pointer.rpartition("/")[2], longest=MAX_NAME_LENGTH)
    if not cleaned:
        raise PromotionInvalid("a text is missing", pointer=pointer)
    return cleaned


def _at_least(least: int, value: int | None, pointer: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise PromotionInvalid(f"{value!r} is not a whole number", pointer=pointer)
    if not least <= value <= 2**53:
        raise PromotionInvalid(f"{value} is out of range, it is at least {least}", pointer=pointer)


class Status(StrEnum):
    """Only an active promotion is live; a draft is nobody's to see."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PercentOff:
    """A share of the price, at most `max_minor` of the promotion's currency."""

    basis_points: int
    max_minor: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.basis_points <= BASIS_POINTS:
            raise PromotionInvalid("basis_points are from 1 to 10000", pointer="/benefit/basis_points")
        _at_least(1, self.max_minor, "/benefit/max_minor")


@dataclass(frozen=True, slots=True)
class AmountOff:
    """An amount off the price, from a least spending on."""

    amount_minor: int
    currency: str
    min_spend_minor: int | None = None

    def __post_init__(self) -> None:
        _at_least(1, self.amount_minor, "/benefit/amount_minor")
        _at_least(1, self.min_spend_minor, "/benefit/min_spend_minor")
        minor_digits(self.currency)


@dataclass(frozen=True, slots=True)
class FreeItem:
    item: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "item", _title(self.item, "/benefit/item"))


@dataclass(frozen=True, slots=True)
class BuyXGetY:
    buy: int
    get: int

    def __post_init__(self) -> None:
        _at_least(1, self.buy, "/benefit/buy")
        _at_least(1, self.get, "/benefit/get")


@dataclass(frozen=True, slots=True)
class Points:
    points: int

    def __post_init__(self) -> None:
        _at_least(1, self.points, "/benefit/points")


Benefit = PercentOff | AmountOff | FreeItem | BuyXGetY | Points


@dataclass(frozen=True, slots=True)
class PeriodLimits:
    """How often in each day, week or month by the clock of the promotion's zone; at least one limit is given."""

    period: Period
    max_claims: int | None = None
    max_redemptions: int | None = None
    max_per_visitor: int | None = None

    def __post_init__(self) -> None:
        if self.period not in PERIODS:
            raise PromotionInvalid(
                f"a period is one of {', '.join(PERIODS)}", pointer="/limits/per_period/period"
            )
        for name in COUNTS:
            _at_least(1, getattr(self, name), f"/limits/per_period/{name}")
        if all(getattr(self, name) is None for name in COUNTS):
            raise PromotionInvalid(
                f"a period limits one of {', '.join(COUNTS)}", pointer="/limits/per_period"
            )


@dataclass(frozen=True, slots=True)
class Limits:
    """How often and how much; None is without limit. A budget is in minor units of `currency`.

    per_period  limits of each period, none above the one in all
    """

    max_claims: int | None = None
    max_redemptions: int | None = None
    max_per_visitor: int | None = None
    budget_minor: int | None = None
    currency: str | None = None
    per_period: PeriodLimits | None = None

    def __post_init__(self) -> None:
        for name in (*COUNTS, "budget_minor"):
            _at_least(1, getattr(self, name), f"/limits/{name}")
        if self.currency is not None:
            minor_digits(self.currency)
        elif self.budget_minor is not None:
            raise PromotionInvalid("a budget needs a currency", pointer="/limits/currency")
        if self.per_period is not None:
            self._require_no_more_in(self.per_period)

    def _require_no_more_in(self, period: PeriodLimits) -> None:
        for name in COUNTS:
            most, in_period = getattr(self, name), getattr(period, name)
            if most is not None and in_period is not None and in_period > most:
                raise PromotionInvalid(
                    f"{in_period} in a {period.period} are more than {most} in all",
                    pointer=f"/limits/per_period/{name}",
                )


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a promotion is for: any of these segments (none named: everybody), and new or returning visitors."""

    segments: frozenset[str] = frozenset()
    visitors: Literal["all", "new", "returning"] = "all"

    def __post_init__(self) -> None:
        for segment in self.segments:
            if not _SEGMENT.match(segment):
                raise PromotionInvalid(
                    f"segment {segment!r}: write small letters, digits, - and _", pointer="/audience/segments"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A benefit that is offered inside a fence, on a schedule, within limits, to an audience.

    id              "prm_" and 16 characters of Crockford's base 32, lower case
    external_id     the merchant's own; unique among his promotions
    shop_ids        the shops that honour it
    listed          also shown near its fence, where it cannot be claimed
    max_accuracy_m  a position that may be farther off is not inside
    """

    id: str
    merchant_id: str
    title: str
    benefit: Benefit
    fence: Fence
    schedule: Schedule
    external_id: str | None = None
    title_i18n: Mapping[str, str] = field(default_factory=dict)
    shop_ids: tuple[str, ...] = ()
    listed: bool = True
    max_accuracy_m: float = DEFAULT_ACCURACY_M
    status: Status = Status.DRAFT
    limits: Limits = Limits()
    audience: Audience = Audience()

    def __post_init__(self) -> None:
        if not _ID.match(self.id):
            raise PromotionInvalid(
                f"promotion id {self.id!r} is not of the form prm_ and 16 characters", pointer="/id"
            )
        object.__setattr__(self, "title", _title(self.title, "/title"))
        titles = {tag: _title(text, f"/title_i18n/{tag}") for tag, text in self.title_i18n.items()}
        object.__setattr__(self, "title_i18n", MappingProxyType(titles))
        if len(self.shop_ids) > MOST_SHOPS:
            raise PromotionInvalid(f"a promotion has at most {MOST_SHOPS:,} shops", pointer="/shop_ids")
        if len(set(self.shop_ids)) < len(self.shop_ids):
            raise PromotionInvalid("a shop is named twice", pointer="/shop_ids")
        if isinstance(self.fence, AroundShopsFence) and not self.shop_ids:
            raise PromotionInvalid("a fence around shops needs shops", pointer="/shop_ids")
        if not 1 <= self.max_accuracy_m <= 10_000:
            raise PromotionInvalid("max_accuracy_m is from 1 to 10000", pointer="/max_accuracy_m")
        self._require_one_currency()

    def _require_one_currency(self) -> None:
        currency = self.limits.currency
        if isinstance(self.benefit, AmountOff) and currency not in (None, self.benefit.currency):
            raise PromotionInvalid(
                f"the benefit is in {self.benefit.currency}, the limits in {currency}",
                pointer="/limits/currency",
            )


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who registers promotions. id: "mrc_" and 16 characters of Crockford's base 32, lower case."""

    id: str
    name: str

    def __post_init__(self) -> None:
        if not re.match(r"mrc_[0-9a-hjkmnp-tv-z]{16}\Z", self.id):
            raise PromotionInvalid(f"merchant id {self.id!r} is not of the form mrc_ and 16 characters")
        object.__setattr__(self, "name", _title(self.name, "/merchant/name"))


class PromotionRow(NamedTuple):
    """A promotion that is not a draft as plain values, for those who take all of them into columns.

    benefit_json, title_i18n_json, segments_json   as in a promotion document
    fence_kind     "circle", "polygon", "district" or "around_shops"
    fence_lng, fence_lat, fence_radius_m   of a circle; the radius also of a fence around shops
    fence_wkb      of a polygon
    starts_at_ms, ends_at_ms               milliseconds since 1970, UTC
    visitors       "all", "new" or "returning"
    per_period_json   as in a promotion document; None without such limits
    """

    id: str
    merchant_id: str
    merchant_name: str
    title: str
    title_i18n_json: str
    benefit_json: str
    fence_kind: str
    fence_lng: float | None
    fence_lat: float | None
    fence_radius_m: float | None
    fence_wkb: bytes | None
    fence_district_id: str | None
    shop_ids_json: str
    starts_at_ms: int
    ends_at_ms: int
    weekly_hours: str | None
    time_zone: str
    listed: bool
    max_accuracy_m: float
    status: str
    max_claims: int | None
    max_redemptions: int | None
    max_per_visitor: int | None
    budget_minor: int | None
    currency: str | None
    segments_json: str
    visitors: str
    per_period_json: str | None = None
