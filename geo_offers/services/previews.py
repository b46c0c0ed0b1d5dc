"""What a promotion would cover and meet if it were registered now; nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from geo_offers.domain.account import Caller
from geo_offers.domain.circle_shapes import circle_area_m2
from geo_offers.domain.errors import InvalidInput, StatusRefused
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, PolygonFence
from geo_offers.domain.offer import MatchQuery, Reason
from geo_offers.domain.place import LngLat
from geo_offers.domain.polygon import area_m2
from geo_offers.domain.promotion import Promotion
from geo_offers.domain.promotion_steps import check_status
from geo_offers.domain.rules import Places, is_eligible
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.services.catalog import Catalog
from geo_offers.services.covering import DistrictShare, Ground, ground_of
from geo_offers.services.indexable import compiled
from geo_offers.services.promotions import new_promotion

#: Of more shops the rest is only counted.
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShopShown:
    id: str
    name: str
    category: str
    at: LngLat


@dataclass(frozen=True, slots=True)
class Covered:
    """What lies under a fence.

    area_m2      of the fence as asked
    districts    those it shares ground with, by their share of the fence, the greatest first
    shops        the first 20 by id; `shop_count` counts all
    own, others  live promotions whose fences overlap this one: the merchant's, and everybody else's
    """

    area_m2: float
    districts: Sequence[DistrictShare]
    shops: Sequence[ShopShown]
    shop_count: int
    own: int
    others: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a promotion document.

    faults   why it would be refused; then `covered` and `reasons` are None
    reasons  against an offer at the asked position now, if it were active; None when nobody asked
    """

    revision: int
    faults: Sequence[InvalidInput | StatusRefused]
    covered: Covered | None = None
    reasons: Sequence[Reason] | None = None


class Previews:
    """Dry runs of promotion documents."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    async def of(self, caller: Caller, document: Mapping[str, Any], at: LngLat | None) -> Preview:
        """What would become of this document; at a position too, when one is given."""
        return await asyncio.to_thread(self._preview, caller, document, at)

    def _preview(self, caller: Caller, document: Mapping[str, Any], at: LngLat | None) -> Preview:
        snapshot = self._catalog.current
        try:
            promotion = new_promotion(document, caller.account)
            check_status(None, promotion.status)
            compiled(promotion, snapshot)
        except (InvalidInput, StatusRefused) as fault:
            return Preview(snapshot.revision, [fault])
        now = self._now()
        ground = ground_of(promotion, snapshot)
        covered = _covered(promotion, ground, snapshot, now)
        reasons = None
        if at is not None:
            verdict = is_eligible(promotion, MatchQuery(when=now, at=at), _places(promotion, snapshot))
            # A draft is no offer anywhere; what is asked is how it would be.
            reasons = [reason for reason in verdict.reasons if reason is not Reason.PAUSED]
        return Preview(snapshot.revision, [], covered, reasons)


def _covered(promotion: Promotion, ground: Ground, snapshot: CatalogSnapshot, now: datetime) -> Covered:
    slots = ground.shop_slots()
    first = sorted(slots.tolist(), key=lambda slot: bytes(snapshot.shops.ids[slot]))[:MOST_SHOWN]
    owners = ground.overlapping(now)
    own = sum(owner == promotion.merchant_id for owner in owners)
    return Covered(
        area_m2=_area_m2(promotion, ground),
        districts=ground.district_shares(),
        shops=[_shown(snapshot, slot) for slot in first],
        shop_count=len(slots),
        own=own,
        others=len(owners) - own,
    )


def _area_m2(promotion: Promotion, ground: Ground) -> float:
    match promotion.fence:
        case CircleFence():
            return circle_area_m2(promotion.fence)
        case PolygonFence() | DistrictFence() | AroundShopsFence():
            return 0.0 if ground.shape.is_empty else area_m2(ground.shape)
        case _:
            assert_never(promotion.fence)


def _shown(snapshot: CatalogSnapshot, slot: int) -> ShopShown:
    shop = snapshot.shops.document(slot)
    return ShopShown(shop.id, shop.name, shop.category, LngLat(shop.lng, shop.lat))


def _places(promotion: Promotion, snapshot: CatalogSnapshot) -> Places:
    """The shops and the district that the promotion names."""
    around = snapshot.surroundings
    slots = around.shop_slots(promotion.shop_ids).tolist()
    shops = {
        shop_id: LngLat(float(around.lngs[slot]), float(around.lats[slot]))
        for shop_id, slot in zip(promotion.shop_ids, slots, strict=True)
        if slot >= 0
    }
    return Places(shops, around.shapes)
