"""Whether a promotion that is about to be written could be taken into the index."""

from __future__ import annotations

from geo_offers.domain.errors import PromotionInvalid
from geo_offers.domain.promotion import Promotion, PromotionRow
from geo_offers.index.promotions import Promotions
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.stores.promotion_rows import incoming_promotions


def row_of(promotion: Promotion) -> PromotionRow:
    """The row that a store gives for a promotion, all but the merchant's name."""
    came = incoming_promotions([promotion])[0]
    facts = came._asdict() | {
        "merchant_name": "",
        "title_i18n_json": came.title_i18n,
        "benefit_json": came.benefit,
        "fence_wkb": came.fence_geom,
        "shop_ids_json": came.shop_ids,
        "starts_at_ms": came.starts_at,
        "ends_at_ms": came.ends_at,
        "segments_json": came.segments,
        "per_period_json": None if came.per_period == "{}" else came.per_period,
    }
    return PromotionRow(**{name: facts[name] for name in PromotionRow._fields})


def compiled(promotion: Promotion, snapshot: CatalogSnapshot) -> Promotions:
    """The promotion alone, as the index of a snapshot has it. Raises PromotionInvalid when it cannot be taken."""
    alone = Promotions.compiled([row_of(promotion)], snapshot.surroundings)
    for reason in alone.quarantined.values():
        raise PromotionInvalid(f"this promotion cannot be served: {reason}", pointer="/fence")
    return alone
