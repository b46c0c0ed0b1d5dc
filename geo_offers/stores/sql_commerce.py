"""Coupons and redemptions on either SQL store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from geo_offers.domain.coupon import Claim, Coupon, Funnel, Redeem, Redemption
from geo_offers.stores import durable_claims, durable_ledger, durable_redemptions, durable_usage
from geo_offers.stores.commerce_ports import Counted, Disagreement
from geo_offers.stores.durable_once import done_once
from geo_offers.stores.once import Kept, Once
from geo_offers.stores.promotion_shelf import PromotionShelf
from geo_offers.stores.units import Units

T = TypeVar("T")


class SqlCommerce:
    """CommerceStore on units of work; each decision is one transaction."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._shelf = PromotionShelf()

    async def claim(self, claim: Claim, *, once: Once[Coupon]) -> Kept[Coupon]:
        return await self._once(
            once, claim.when, lambda connection: durable_claims.claim(connection, claim, self._shelf)
        )

    async def coupon(
        self, code: str, *, when: datetime, account: str | None, merchant_id: str | None
    ) -> Coupon:
        return await self._units.read(durable_claims.coupon_of, code, when, account, merchant_id)

    async def coupons_of(
        self, visitor_key: str, *, when: datetime, after: str | None, limit: int
    ) -> Sequence[Coupon]:
        return await self._units.read(durable_claims.coupons_of, visitor_key, when, after, limit)

    async def redeem(self, redeem: Redeem, *, once: Once[Redemption]) -> Kept[Redemption]:
        return await self._once(
            once, redeem.when, lambda connection: durable_redemptions.redeem(connection, redeem, self._shelf)
        )

    async def roll_back(
        self, redemption_id: str, *, merchant_id: str, key_id: str, when: datetime, once: Once[Redemption]
    ) -> Kept[Redemption]:
        def work(connection: Connection) -> Redemption:
            return durable_redemptions.roll_back(connection, redemption_id, merchant_id, key_id, when)

        return await self._once(once, when, work)

    async def redemption(self, redemption_id: str, *, merchant_id: str) -> Redemption:
        return await self._units.read(durable_redemptions.redemption_of, redemption_id, merchant_id)

    async def add_codes(
        self, promotion_id: str, codes: Sequence[str], *, merchant_id: str, when: datetime, once: Once[int]
    ) -> Kept[int]:
        def work(connection: Connection) -> int:
            return durable_claims.add_codes(connection, promotion_id, codes, merchant_id)

        return await self._once(once, when, work)

    async def funnel(self, promotion_id: str, *, merchant_id: str, when: datetime) -> Funnel:
        return await self._units.read(durable_redemptions.funnel, promotion_id, merchant_id, when)

    async def counted_since(self, step: int, *, limit: int = 10_000) -> Sequence[Counted]:
        return await self._units.read(durable_ledger.counted_since, step, limit)

    async def used_by(self, visitor_key: str, promotion_ids: Sequence[str]) -> Mapping[str, int]:
        return await self._units.read(durable_usage.claims_by, visitor_key, promotion_ids)

    async def has_claimed(self, visitor_key: str) -> bool:
        return await self._units.read(durable_claims.has_claimed, visitor_key)

    async def verify(self) -> Sequence[Disagreement]:
        return await self._units.read(durable_ledger.disagreements)

    async def _once(self, once: Once[T], when: datetime, work: Callable[[Connection], T]) -> Kept[T]:
        def unit(connection: Connection) -> Kept[T]:
            return done_once(connection, once, when=when, work=lambda: work(connection))

        return await self._units.write(unit)
