"""Who gets an offer, said slowly and obviously; what is fast is compared with this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

import pyproj
import shapely

from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, Fence, PolygonFence
from geo_offers.domain.offer import NOTHING_SPENT, MatchQuery, Reason, Spent, Verdict
from geo_offers.domain.place import LngLat
from geo_offers.domain.polygon import Polygonal
from geo_offers.domain.promotion import Audience, Limits, Promotion, Status
from geo_offers.domain.schedule import Schedule

_WGS84 = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class Places:
    """Where shops and districts are, for the fences that name them."""

    shops: Mapping[str, LngLat]
    districts: Mapping[str, Polygonal]


def is_eligible(
    promotion: Promotion, query: MatchQuery, places: Places, spent: Spent = NOTHING_SPENT
) -> Verdict:
    """Whether the promotion is live for this query, or every reason why not."""
    return Verdict(tuple(_reasons(promotion, query, places, spent)))


def _reasons(promotion: Promotion, query: MatchQuery, places: Places, spent: Spent) -> Iterator[Reason]:
    yield from _against_time(promotion.status, promotion.schedule, query)
    yield from _against_visitor(promotion.audience, query)
    yield from _against_limits(promotion.limits, spent)
    yield from _against_position(promotion, query, places)


def _against_time(status: Status, schedule: Schedule, query: MatchQuery) -> Iterator[Reason]:
    if status in (Status.PAUSED, Status.DRAFT):
        yield Reason.PAUSED
    if status is Status.ENDED or query.when >= schedule.ends_at:
        yield Reason.ENDED
    if query.when < schedule.starts_at:
        yield Reason.NOT_STARTED
    if not schedule.in_hours_at(query.when):
        yield Reason.OUTSIDE_HOURS


def _against_visitor(audience: Audience, query: MatchQuery) -> Iterator[Reason]:
    visitor = query.visitor
    segments = visitor.segments if visitor else frozenset()
    returning = visitor is not None and visitor.returning
    wanted = not audience.segments or bool(audience.segments & segments)
    met_before = audience.visitors == "all" or (
        visitor is not None and (audience.visitors == "returning") == returning
    )
    if not (wanted and met_before):
        yield Reason.WRONG_AUDIENCE


def _against_limits(limits: Limits, spent: Spent) -> Iterator[Reason]:
    full = _reached(limits.max_claims, spent.claims) or _reached(limits.max_redemptions, spent.redemptions)
    visitor_done = _reached(limits.max_per_visitor, spent.by_visitor)
    period = limits.per_period
    if period is not None:
        full |= _reached(period.max_claims, spent.claims_in_period)
        full |= _reached(period.max_redemptions, spent.redemptions_in_period)
        visitor_done |= _reached(period.max_per_visitor, spent.by_visitor_in_period)
    if full:
        yield Reason.LIMIT_REACHED
    if _reached(limits.budget_minor, spent.budget_minor):
        yield Reason.BUDGET_SPENT
    if visitor_done:
        yield Reason.PER_VISITOR_LIMIT


def _reached(limit: int | None, used: int) -> bool:
    return limit is not None and used >= limit


def _against_position(promotion: Promotion, query: MatchQuery, places: Places) -> Iterator[Reason]:
    if query.at is None:
        yield Reason.POSITION_MISSING
        return
    if query.is_stale:
        yield Reason.POSITION_STALE
    if query.accuracy_m is not None and query.accuracy_m > promotion.max_accuracy_m:
        yield Reason.POSITION_VAGUE
    if not is_inside(promotion.fence, promotion.shop_ids, query.at, places):
        yield Reason.OUTSIDE_FENCE


def is_inside(fence: Fence, shop_ids: tuple[str, ...], at: LngLat, places: Places) -> bool:
    """Whether a fence holds a place; a district or shop that is not there holds none."""
    match fence:
        case CircleFence(center, radius_m):
            return _metres(at, center) <= radius_m
        case PolygonFence(geometry):
            return bool(shapely.covers(geometry, shapely.Point(at.lng, at.lat)))
        case DistrictFence(district_id):
            shape = places.districts.get(district_id)
            return shape is not None and bool(shapely.covers(shape, shapely.Point(at.lng, at.lat)))
        case AroundShopsFence(radius_m):
            known = (places.shops[shop_id] for shop_id in shop_ids if shop_id in places.shops)
            return any(_metres(at, shop) <= radius_m for shop in known)
        case _:
            assert_never(fence)


def _metres(a: LngLat, b: LngLat) -> float:
    return float(_WGS84.inv(a.lng, a.lat, b.lng, b.lat)[2])
