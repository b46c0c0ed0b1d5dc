"""An offer becomes a coupon: claimed at a position, read by its code, listed in a visitor's wallet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from geo_offers.domain.codes import is_mistyped, new_code, readings
from geo_offers.domain.coupon import Claim, Coupon
from geo_offers.domain.errors import CodeInvalid, Conflict, CouponNotFound, NotEligible, PositionRefused
from geo_offers.domain.offer import Reason
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import PromotionRow
from geo_offers.index.cells import POSITION_RESOLUTION, cell_at
from geo_offers.matching.engine import to_fence_m
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import Cursor
from geo_offers.services.visitors import visitor_key
from geo_offers.stores.commerce_ports import CommerceStore
from geo_offers.stores.once import Kept, Once
from geo_offers.stores.ports import Nudges, Usage

_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimQuery:
    """A claim as an app asks for it; a position without accuracy or time of its fix is none.

    account     the app's
    visitor_id  its own id of the visitor; hashed before anything else is done with it
    """

    promotion_id: str
    account: str
    visitor_id: str
    segments: frozenset[str] = frozenset()
    at: LngLat | None = None
    accuracy_m: float | None = None
    fix_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownCoupon:
    """A coupon and what it is for; `of` is None once the promotion has left the catalog."""

    coupon: Coupon
    of: PromotionRow | None


@dataclass(frozen=True, slots=True)
class WalletPage:
    """Coupons of a visitor, newest first."""

    items: Sequence[ShownCoupon]
    next: str | None


class Coupons:
    """Claims and reads of coupons. The commerce store decides; the catalog only explains."""

    def __init__(
        self,
        commerce: CommerceStore,
        catalog: Catalog,
        usage: Usage,
        nudges: Nudges,
        now: Callable[[], datetime],
        secret: bytes,
    ) -> None:
        self._commerce = commerce
        self._catalog = catalog
        self._usage = usage
        self._nudges = nudges
        self._now = now
        self._secret = secret

    async def claim(self, asked: ClaimQuery, *, once: Once[Coupon]) -> Kept[Coupon]:
        """A coupon for a visitor inside the fence of an offer.

        Raises PositionRefused and what CommerceStore.claim raises; then nothing was spent. A refusal for the fence
        says how far it is.
        """
        at, accuracy_m, fix_at = _positioned(asked)
        claim = Claim(
            promotion_id=asked.promotion_id,
            account=asked.account,
            visitor_key=self.visitor_key(asked.visitor_id, account=asked.account),
            segments=asked.segments,
            at=at,
            cell=cell_at(at.lng, at.lat, POSITION_RESOLUTION),
            accuracy_m=accuracy_m,
            fix_at=fix_at,
            code=new_code(),
            when=self._now(),
        )
        try:
            kept = await self._claimed(claim, once)
        except NotEligible as error:
            if error.code == Reason.OUTSIDE_FENCE and "distance_to_fence_m" not in error.facts:
                error.facts.update(self._way_in(asked.promotion_id, at))
            raise
        if kept.value is not None:
            await self._usage.note_claim(kept.value.promotion_id, kept.value.visitor_key)
            await self._nudges.nudge("usage")
        return kept

    async def coupon(self, text: str, *, account: str | None, merchant_id: str | None) -> ShownCoupon:
        """A coupon by its code as a person may type it; of this app, or of this merchant.

        Raises CodeInvalid, CouponNotFound.
        """
        when = self._now()
        for code in readings(text):
            try:
                found = await self._commerce.coupon(code, when=when, account=account, merchant_id=merchant_id)
            except CouponNotFound:
                continue
            return self._shown(found)
        raise not_found(text)

    async def wallet(self, visitor_id: str, *, account: str, limit: int, cursor: str | None) -> WalletPage:
        """The coupons of an app's visitor, newest first, a page at a time. Raises CursorInvalid."""
        key = self.visitor_key(visitor_id, account=account)
        question = ("wallet", key)
        before = Cursor.read(cursor, question) if cursor else None
        when = self._now()
        found = await self._commerce.coupons_of(
            key, when=when, after=before.last_id if before else None, limit=limit + 1
        )
        page = found[:limit]
        more = len(found) > len(page)
        following = Cursor(0.0, page[-1].code, when).written(question) if more else None
        return WalletPage([self._shown(coupon) for coupon in page], following)

    def visitor_key(self, visitor_id: str, *, account: str) -> str:
        """An app's visitor as we know him."""
        return visitor_key(visitor_id, account=account, secret=self._secret)

    async def _claimed(self, claim: Claim, once: Once[Coupon]) -> Kept[Coupon]:
        for _ in range(_TRIES - 1):
            try:
                return await self._commerce.claim(claim, once=once)
            except Conflict:  # the code is another coupon's: with a billion of them, once in a million claims
                claim = replace(claim, code=new_code())
        return await self._commerce.claim(claim, once=once)

    def _way_in(self, promotion_id: str, at: LngLat) -> dict[str, object]:
        """How far the fence is, as the catalog of this process has it; nothing when that holds the position."""
        found = self._catalog.current.promotions.find(promotion_id)
        if found is None:
            return {}
        segment, slot = found
        distance_m = segment.index.fences.distance_m(slot, at)
        if not 0 < distance_m < float("inf"):
            return {}
        nearest = segment.index.fences.nearest_inside(slot, at)
        return {
            "distance_to_fence_m": to_fence_m(distance_m, inside=False),
            "nearest": {"lng": nearest.lng, "lat": nearest.lat},
        }

    def _shown(self, coupon: Coupon) -> ShownCoupon:
        found = self._catalog.current.promotions.find(coupon.promotion_id)
        if found is None:
            return ShownCoupon(coupon, None)
        segment, slot = found
        return ShownCoupon(coupon, segment.index.rows[slot])


def not_found(text: str) -> CouponNotFound | CodeInvalid:
    """What it means that no reading of a typed code is a coupon."""
    if is_mistyped(text):
        return CodeInvalid("there is a typo in the code; read it again", pointer="/code")
    return CouponNotFound("there is no coupon with this code")


def _positioned(asked: ClaimQuery) -> tuple[LngLat, float, datetime]:
    """Where the visitor is, how surely, and since when. Raises PositionRefused naming what is missing."""
    at, accuracy_m, fix_at = asked.at, asked.accuracy_m, asked.fix_at
    if at is not None and accuracy_m is not None and fix_at is not None:
        return at, accuracy_m, fix_at
    given = {"lng": at, "lat": at, "accuracy_m": accuracy_m, "fix_at": fix_at}
    missing = [name for name, value in given.items() if value is None]
    raise PositionRefused(
        f"a claim needs the position of the visitor; missing: {', '.join(missing)}",
        reason=Reason.POSITION_MISSING,
        missing=missing,
    )
