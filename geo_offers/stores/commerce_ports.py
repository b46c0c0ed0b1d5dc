"""Promises about coupons and redemptions: what is decided by the durable store and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from geo_offers.domain.coupon import Claim, Coupon, Funnel, Redeem, Redemption
from geo_offers.stores.once import Kept, Once


@dataclass(frozen=True, slots=True)
class Counted:
    """What a promotion has used in all, as its counters say.

    step  from which `counted_since` goes on; it grows with every change
    """

    promotion_id: str
    claims: int
    redemptions: int
    budget_minor: int
    step: int


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where two records that must agree do not: which one of what, what the ledger says, what the other says."""

    what: str
    of: str
    ledger: int
    other: int


class CommerceStore(Protocol):
    """Coupons, redemptions, the counters against limits and the ledger that proves them.

    - A method that raises has spent nothing; every one raises StoreUnavailable when the store cannot answer.
    - Limits hold under any number of writers, in any number of processes, killed at any moment.
    - The ledger is only ever added to; the database itself refuses a change or a deletion.
    - With a key in `once`: the same again gives the same bytes and spends nothing more; the same key with
      another question raises KeyReused; it is forgotten after 24 hours.
    - Times come in with the question (`when`); the store asks no clock.
    """

    async def claim(self, claim: Claim, *, once: Once[Coupon]) -> Kept[Coupon]:
        """A coupon, when the promotion as it stands in the store is an offer for this claim.

        Raises PromotionNotFound (also for drafts), NotEligible with the decisive reason and its facts,
        PositionRefused, CodesExhausted. A claim needs a position, an accuracy and the time of the fix.
        Claims, and claims of one visitor, are counted in all and in the current period.
        """

    async def coupon(
        self, code: str, *, when: datetime, account: str | None, merchant_id: str | None
    ) -> Coupon:
        """A coupon by its canonical code; of this app's account, or of this merchant. Raises CouponNotFound."""

    async def coupons_of(
        self, visitor_key: str, *, when: datetime, after: str | None, limit: int
    ) -> Sequence[Coupon]:
        """A visitor's coupons, newest first; `after` is the code where the page before ended."""

    async def redeem(self, redeem: Redeem, *, once: Once[Redemption]) -> Kept[Redemption]:
        """Use a coupon, once.

        Raises CouponNotFound (also for another merchant's), AlreadyRedeemed, CouponExpired, NotEligible when
        the promotion has ended or a limit or the budget is reached, WrongShop (not a shop of the promotion or,
        where it names none, of the merchant), BasketInvalid. A paused promotion's coupons are good.
        """

    async def roll_back(
        self, redemption_id: str, *, merchant_id: str, key_id: str, when: datetime, once: Once[Redemption]
    ) -> Kept[Redemption]:
        """Undo a redemption exactly: coupon, counters and budget are as before it.

        Raises RedemptionNotFound (also for another merchant's), AlreadyRolledBack.
        """

    async def redemption(self, redemption_id: str, *, merchant_id: str) -> Redemption:
        """A redemption, rolled back or not. Raises RedemptionNotFound (also for another merchant's)."""

    async def add_codes(
        self, promotion_id: str, codes: Sequence[str], *, merchant_id: str, when: datetime, once: Once[int]
    ) -> Kept[int]:
        """More of the merchant's own codes for a promotion's pool; how many it has left. From then on claims take from it.

        Raises PromotionNotFound, Conflict naming a code that is a coupon's or in a pool already; all or none.
        """

    async def funnel(self, promotion_id: str, *, merchant_id: str, when: datetime) -> Funnel:
        """How a promotion does. Raises PromotionNotFound."""

    async def counted_since(self, step: int, *, limit: int = 10_000) -> Sequence[Counted]:
        """Promotions whose counters changed after a step, by step: for hints.

        Ask on from the greatest step that was told. None is passed over; one may be told again.
        """

    async def used_by(self, visitor_key: str, promotion_ids: Sequence[str]) -> Mapping[str, int]:
        """How often a visitor has claimed each of these promotions, as their limit counts it; those unused left out."""

    async def has_claimed(self, visitor_key: str) -> bool:
        """Whether a visitor ever claimed anything: a returning one."""

    async def verify(self) -> Sequence[Disagreement]:
        """Every counter, coupon and redemption that the ledger does not bear out, at one moment; none is right."""
