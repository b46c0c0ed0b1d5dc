"""From promotions to rows of `tables.py` and back; the same on both dialects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, assert_never

import msgspec
import shapely

from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, Fence, PolygonFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Audience, Limits, Promotion, PromotionRow, Status
from geo_offers.domain.promotion_document import (
    benefit_document,
    benefit_of,
    period_document,
    period_limits_of,
)
from geo_offers.domain.schedule import Schedule
from geo_offers.stores.rows import fingerprint_of

_encode_json = msgspec.json.Encoder(order="sorted").encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BENEFIT = PromotionRow._fields.index("benefit_json")
_LISTED = PromotionRow._fields.index("listed")


class FenceColumns(NamedTuple):
    """A fence as the table has it; `geom` is little-endian WKB in two dimensions."""

    kind: str
    lng: float | None = None
    lat: float | None = None
    radius_m: float | None = None
    geom: bytes | None = None
    district_id: str | None = None


class IncomingPromotion(NamedTuple):
    """The columns of a promotion that its source decides, named as in the table.

    title_i18n, benefit, shop_ids, segments, per_period   JSON as text
    starts_at, ends_at   milliseconds since 1970, UTC; what is finer is cut off
    """

    id: str
    merchant_id: str
    known_as: str
    external_id: str | None
    title: str
    title_i18n: str
    benefit: str
    fence_kind: str
    fence_lng: float | None
    fence_lat: float | None
    fence_radius_m: float | None
    fence_geom: bytes | None
    fence_district_id: str | None
    shop_ids: str
    starts_at: int
    ends_at: int
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
    segments: str
    visitors: str
    per_period: str
    fingerprint: int


def incoming_promotions(promotions: Iterable[Promotion]) -> list[IncomingPromotion]:
    """Rows of these promotions, in their order. Raises InvalidInput for text that is not valid Unicode."""
    return [_incoming_promotion(promotion) for promotion in promotions]


def _incoming_promotion(promotion: Promotion) -> IncomingPromotion:
    schedule, limits, audience = promotion.schedule, promotion.limits, promotion.audience
    try:
        columns = (
            promotion.merchant_id,
            promotion.external_id or promotion.id,
            promotion.external_id,
            promotion.title,
            _json(dict(promotion.title_i18n)),
            _json(benefit_document(promotion.benefit)),
            *_fence_columns(promotion.fence),
            _json(promotion.shop_ids),
            (schedule.starts_at - _EPOCH) // _MILLISECOND,
            (schedule.ends_at - _EPOCH) // _MILLISECOND,
            schedule.weekly_hours,
            schedule.time_zone,
            promotion.listed,
            float(promotion.max_accuracy_m),
            promotion.status.value,
            limits.max_claims,
            limits.max_redemptions,
            limits.max_per_visitor,
            limits.budget_minor,
            limits.currency,
            _json(sorted(audience.segments)),
            audience.visitors,
            _json(period_document(limits.per_period)),
        )
        fingerprint = fingerprint_of(columns)
    except UnicodeEncodeError as error:
        raise InvalidInput(f"promotion {promotion.id} has text that is not valid Unicode") from error
    return IncomingPromotion(promotion.id, *columns, fingerprint=fingerprint)


def _fence_columns(fence: Fence) -> FenceColumns:
    match fence:
        case CircleFence(center, radius_m):
            return FenceColumns("circle", float(center.lng), float(center.lat), float(radius_m))
        case PolygonFence(geometry):
            return FenceColumns("polygon", geom=shapely.to_wkb(geometry, output_dimension=2, byte_order=1))
        case DistrictFence(district_id):
            return FenceColumns("district", district_id=district_id)
        case AroundShopsFence(radius_m):
            return FenceColumns("around_shops", radius_m=float(radius_m))
        case _:
            assert_never(fence)


def _json(value: object) -> str:
    return _encode_json(value).decode()


def promotion_row_of(values: tuple[Any, ...]) -> PromotionRow:
    """The row of the columns that `durable_promotions` selects for it; SQLite has no truth, only 0 and 1."""
    before, between, after = values[:_BENEFIT], values[_BENEFIT + 1 : _LISTED], values[_LISTED + 1 :]
    return PromotionRow._make((*before, _in_order(values[_BENEFIT]), *between, bool(values[_LISTED]), *after))


def _in_order(text: str) -> str:
    """JSON with its members in one order, for answers copy it: each database has its own order and blanks."""
    try:
        return _json(msgspec.json.decode(text))
    except msgspec.DecodeError:
        return text  # who compiles the row puts it aside


def promotion_of_row(row: Any) -> Promotion:
    """The promotion of a row of the promotions table. A polygon is checked again: some 0.3 ms."""
    return Promotion(
        id=row.id,
        merchant_id=row.merchant_id,
        external_id=row.external_id,
        title=row.title,
        title_i18n=row.title_i18n,
        benefit=benefit_of(row.benefit),
        fence=_fence_of(row),
        shop_ids=tuple(row.shop_ids),
        schedule=Schedule(row.starts_at, row.ends_at, row.weekly_hours, row.time_zone),
        listed=row.listed,
        max_accuracy_m=row.max_accuracy_m,
        status=Status(row.status),
        limits=Limits(
            row.max_claims,
            row.max_redemptions,
            row.max_per_visitor,
            row.budget_minor,
            row.currency,
            period_limits_of(row.per_period),
        ),
        audience=Audience(frozenset(row.segments), row.visitors),
    )


def _fence_of(row: Any) -> Fence:
    if row.fence_kind == "circle":
        return CircleFence(LngLat(row.fence_lng, row.fence_lat), row.fence_radius_m)
    if row.fence_kind == "polygon":
        return PolygonFence(shapely.from_wkb(row.fence_geom))
    if row.fence_kind == "district":
        return DistrictFence(row.fence_district_id)
    return AroundShopsFence(row.fence_radius_m)
