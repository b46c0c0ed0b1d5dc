"""A claimed offer and its use at a till, as values; the codes that people type are in `codes`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from geo_offers.domain.place import LngLat


class CouponState(StrEnum):
    """Where a coupon stands; an issued one whose time is over is expired."""

    ISSUED = "issued"
    REDEEMED = "redeemed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A visitor asks for a coupon.

    account      the app's, whose visitor it is
    visitor_key  keyed hash of the app's own id of the visitor
    at           where he is; None when the app did not say. Not kept: `cell` is (H3, resolution 11)
    accuracy_m, fix_at   of the position; None is not known, and refused
    code         the code that the coupon gets unless the promotion has a pool of codes
    when         now
    """

    promotion_id: str
    account: str
    visitor_key: str
    segments: frozenset[str]
    at: LngLat | None
    cell: int | None
    accuracy_m: float | None
    fix_at: datetime | None
    code: str
    when: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A claimed offer: a code that one shop redeems once.

    code         canonical: without hyphens, upper case
    visitor_key  keyed hash, scoped to the account of the app
    expires_at   from then on it is worth nothing
    """

    code: str
    promotion_id: str
    merchant_id: str
    account: str
    visitor_key: str
    state: CouponState
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem:
    """A till asks to use a coupon.

    merchant_id, key_id   whose till
    id                    the id that the redemption gets: "red_" and 16 characters
    basket_minor, currency   what the visitor pays before the discount; both or neither
    """

    id: str
    code: str
    shop_id: str
    merchant_id: str
    key_id: str
    basket_minor: int | None
    currency: str | None
    when: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """A coupon used at a shop.

    discount_minor  what it was worth; None where that is no amount of money (a free item, points)
    rolled_back_at  None while it stands
    """

    id: str
    code: str
    promotion_id: str
    merchant_id: str
    shop_id: str
    basket_minor: int | None
    discount_minor: int | None
    currency: str | None
    redeemed_at: datetime
    rolled_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Funnel:
    """How a promotion does; shown, opened and shared are None until events are counted."""

    claimed: int
    redeemed: int
    rolled_back: int
    expired: int
    discount_minor: int
    currency: str | None
    shown: int | None = None
    opened: int | None = None
    shared: int | None = None
