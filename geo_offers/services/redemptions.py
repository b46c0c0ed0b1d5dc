"""A coupon at the till: redeemed once, rolled back exactly, counted for the merchant; and his own codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from geo_offers.domain.account import Caller, random_word
from geo_offers.domain.codes import own_code, readings
from geo_offers.domain.coupon import Funnel, Redeem, Redemption
from geo_offers.domain.discount import basket_of
from geo_offers.domain.errors import CodeInvalid, CouponNotFound
from geo_offers.services.coupons import not_found
from geo_offers.stores.commerce_ports import CommerceStore
from geo_offers.stores.once import Kept, Once
from geo_offers.stores.ports import Nudges, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class TillQuery:
    """What a till asks: a code as it was typed, the shop, and the total before the discount where that is known."""

    code: str
    shop_id: str
    basket_minor: int | None = None
    currency: str | None = None


class Redemptions:
    """What a merchant does with coupons; every method is for his own."""

    def __init__(
        self, commerce: CommerceStore, usage: Usage, nudges: Nudges, now: Callable[[], datetime]
    ) -> None:
        self._commerce = commerce
        self._usage = usage
        self._nudges = nudges
        self._now = now

    async def redeem(self, asked: TillQuery, *, by: Caller, once: Once[Redemption]) -> Kept[Redemption]:
        """Use a coupon, once.

        Raises CodeInvalid, BasketInvalid, CurrencyUnknown and what CommerceStore.redeem raises; then nothing was
        spent.
        """
        basket_of(asked.basket_minor, asked.currency)
        identity, when = f"red_{random_word(16)}", self._now()
        for code in readings(asked.code):
            redeem = Redeem(
                id=identity,
                code=code,
                shop_id=asked.shop_id,
                merchant_id=by.account,
                key_id=by.key_id,
                basket_minor=asked.basket_minor,
                currency=asked.currency,
                when=when,
            )
            try:
                kept = await self._commerce.redeem(redeem, once=once)
            except CouponNotFound:
                continue
            if (made := kept.value) is not None:
                await self._usage.note_redemption(made.promotion_id, made.discount_minor or 0)
                await self._nudges.nudge("usage")
            return kept
        raise not_found(asked.code)

    async def roll_back(self, redemption_id: str, *, by: Caller, once: Once[Redemption]) -> Kept[Redemption]:
        """Undo a redemption exactly. Raises RedemptionNotFound, AlreadyRolledBack."""
        kept = await self._commerce.roll_back(
            redemption_id, merchant_id=by.account, key_id=by.key_id, when=self._now(), once=once
        )
        if (undone := kept.value) is not None:
            await self._usage.note_rollback(undone.promotion_id, undone.discount_minor or 0)
            await self._nudges.nudge("usage")
        return kept

    async def redemption(self, redemption_id: str, *, by: Caller) -> Redemption:
        """One redemption, rolled back or not. Raises RedemptionNotFound."""
        return await self._commerce.redemption(redemption_id, merchant_id=by.account)

    async def funnel(self, promotion_id: str, *, by: Caller) -> Funnel:
        """How a promotion does. Raises PromotionNotFound."""
        return await self._commerce.funnel(promotion_id, merchant_id=by.account, when=self._now())

    async def add_codes(
        self, promotion_id: str, texts: Sequence[str], *, by: Caller, once: Once[int]
    ) -> Kept[int]:
        """More of the merchant's own codes for a promotion, all or none; how many it has left.

        Raises CodeInvalid naming the place of a code that cannot be one or stands there twice, PromotionNotFound,
        Conflict.
        """
        return await self._commerce.add_codes(
            promotion_id, _own_codes(texts), merchant_id=by.account, when=self._now(), once=once
        )


def _own_codes(texts: Sequence[str]) -> list[str]:
    places: dict[str, int] = {}
    for place, text in enumerate(texts):
        pointer = f"/codes/{place}"
        try:
            code = own_code(text)
        except CodeInvalid as error:
            raise CodeInvalid(str(error), pointer=pointer) from error
        if code in places:
            raise CodeInvalid(f"{code} is given twice, first at {places[code]}", pointer=pointer)
        places[code] = place
    return list(places)
