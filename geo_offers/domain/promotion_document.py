"""The promotion document, the same in the API, in imports and in exports: checked on its way in, whole on its way out.

What is decided from decoded JSON is decided here; every fault names its member by a JSON Pointer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, assert_never, cast

import shapely

from geo_offers.domain.document_members import Members, faults_at
from geo_offers.domain.errors import CoordinateInvalid, FenceTooLarge
from geo_offers.domain.fence import (
    MOST_VERTICES,
    AroundShopsFence,
    CircleFence,
    DistrictFence,
    Fence,
    PolygonFence,
)
from geo_offers.domain.opening_hours import MAX_LENGTH
from geo_offers.domain.periods import PERIODS, Period
from geo_offers.domain.place import LngLat, clean_text, sixteen_of
from geo_offers.domain.polygon import checked_polygon
from geo_offers.domain.promotion import (
    COUNTS,
    DEFAULT_ACCURACY_M,
    AmountOff,
    Audience,
    Benefit,
    BuyXGetY,
    FreeItem,
    Limits,
    PercentOff,
    PeriodLimits,
    Points,
    Promotion,
    Status,
)
from geo_offers.domain.schedule import Schedule
from geo_offers.domain.time_zones import zone_of

LONGEST_EXTERNAL_ID = 256
Visitors = Literal["all", "new", "returning"]
_MEMBERS = (
    "external_id", "title", "title_i18n", "benefit", "fence", "shop_ids", "starts_at", "ends_at", "weekly_hours",
    "time_zone", "listed", "max_accuracy_m", "status", "limits", "audience",
)  # fmt: skip
_LIMITS = (*COUNTS, "budget_minor")
_VISITORS = ("all", "new", "returning")
_FENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "circle": ("center", "radius_m"),
        "polygon": ("geometry",),
        "district": ("district_id",),
        "around_shops": ("radius_m",),
    }
)
_BENEFITS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "percent_off": ("basis_points", "max_minor"),
        "amount_off": ("amount_minor", "currency", "min_spend_minor"),
        "free_item": ("item",),
        "buy_x_get_y": ("buy", "get"),
        "points": ("points",),
    }
)


def promotion_id_of(merchant_id: str, external_id: str) -> str:
    """The id of a promotion that a merchant knows by an id of his own: the same in every store."""
    return "prm_" + sixteen_of(merchant_id, external_id, person=b"promotion")


def merchant_id_of(name: str) -> str:
    """The id of a merchant of whom only the name is known. Raises InvalidInput as `clean_text` does."""
    return "mrc_" + sixteen_of("name", clean_text(name, what="merchant"), person=b"merchant")


def promotion_of(document: Mapping[str, Any], *, promotion_id: str, merchant_id: str) -> Promotion:
    """The promotion of a document as decoded JSON; times are cut to the millisecond.

    Absent members are as PRODUCT.md's document has them by default: listed, 150 m, a draft, without limits and for
    everybody. Raises InvalidInput, mostly one of its subclasses, with a JSON Pointer to the faulty member: for
    a member that is not known, missing, of another type or against a rule of the domain. A PolygonInvalid
    carries the repaired geometry as a proposal.
    """
    members = Members(document, "")
    members.only(*_MEMBERS)
    return Promotion(
        id=promotion_id,
        merchant_id=merchant_id,
        external_id=members.optional_text("external_id", longest=LONGEST_EXTERNAL_ID),
        title=members.text("title"),
        title_i18n=members.inner("title_i18n", default={}).by_language(),
        benefit=_benefit(members.inner("benefit")),
        fence=_fence(members.inner("fence")),
        shop_ids=members.texts("shop_ids"),
        schedule=_schedule(members),
        listed=members.truth("listed", default=True),
        max_accuracy_m=members.number("max_accuracy_m", default=DEFAULT_ACCURACY_M),
        status=Status(members.word("status", tuple(Status), default=Status.DRAFT)),
        limits=_limits(members.inner("limits", default={})),
        audience=_audience(members.inner("audience", default={})),
    )


def document_of(promotion: Promotion) -> dict[str, Any]:
    """The document of a promotion, without members that say nothing; its times are by the clock of its zone."""
    schedule = promotion.schedule
    document: dict[str, Any] = {
        "external_id": promotion.external_id,
        "title": promotion.title,
        "title_i18n": dict(promotion.title_i18n),
        "benefit": benefit_document(promotion.benefit),
        "fence": fence_document(promotion.fence),
        "shop_ids": list(promotion.shop_ids),
        "starts_at": _written(schedule.starts_at, schedule.time_zone),
        "ends_at": _written(schedule.ends_at, schedule.time_zone),
        "weekly_hours": schedule.weekly_hours,
        "time_zone": schedule.time_zone,
        "listed": promotion.listed,
        "max_accuracy_m": _plain(promotion.max_accuracy_m),
        "status": promotion.status.value,
        "limits": limits_document(promotion.limits),
        "audience": audience_document(promotion.audience),
    }
    return _said(document)


def benefit_of(document: Mapping[str, Any]) -> Benefit:
    """The benefit of its part of a document; pointers begin with /benefit. Raises as `promotion_of` does."""
    return _benefit(Members(document, "/benefit"))


def benefit_document(benefit: Benefit) -> dict[str, Any]:
    """The benefit as it stands in a document."""
    match benefit:
        case PercentOff(basis_points, max_minor):
            return _said({"type": "percent_off", "basis_points": basis_points, "max_minor": max_minor})
        case AmountOff(amount_minor, currency, min_spend_minor):
            facts = {"amount_minor": amount_minor, "currency": currency, "min_spend_minor": min_spend_minor}
            return _said({"type": "amount_off", **facts})
        case FreeItem(item):
            return {"type": "free_item", "item": item}
        case BuyXGetY(buy, get):
            return {"type": "buy_x_get_y", "buy": buy, "get": get}
        case Points(points):
            return {"type": "points", "points": points}
        case _:
            assert_never(benefit)


def fence_document(fence: Fence) -> dict[str, Any]:
    """The fence as it stands in a document."""
    match fence:
        case CircleFence(center, radius_m):
            return {"type": "circle", "center": [center.lng, center.lat], "radius_m": _plain(radius_m)}
        case PolygonFence(geometry):
            return {"type": "polygon", "geometry": shapely.geometry.mapping(geometry)}
        case DistrictFence(district_id):
            return {"type": "district", "district_id": district_id}
        case AroundShopsFence(radius_m):
            return {"type": "around_shops", "radius_m": _plain(radius_m)}
        case _:
            assert_never(fence)


def limits_document(limits: Limits) -> dict[str, Any]:
    """The limits as they stand in a document."""
    said = {name: getattr(limits, name) for name in (*_LIMITS, "currency")}
    return _said(said | {"per_period": period_document(limits.per_period) or None})


def period_limits_of(document: Mapping[str, Any]) -> PeriodLimits | None:
    """The limits of a period of their part of a document, None for {}; pointers begin with /limits/per_period."""
    return _period_limits(Members(document, "/limits/per_period")) if document else None


def period_document(limits: PeriodLimits | None) -> dict[str, Any]:
    """The limits of a period as they stand in a document; {} for none."""
    return {} if limits is None else _said({name: getattr(limits, name) for name in ("period", *COUNTS)})


def audience_document(audience: Audience) -> dict[str, Any]:
    """The audience as it stands in a document; all visitors are not mentioned."""
    visitors = {} if audience.visitors == "all" else {"visitors": audience.visitors}
    return {"segments": sorted(audience.segments), **visitors}


def _benefit(members: Members) -> Benefit:
    kind = members.word("type", tuple(_BENEFITS))
    members.only("type", *_BENEFITS[kind])
    with faults_at("/benefit"):
        return _benefit_of_kind(kind, members)


def _benefit_of_kind(kind: str, members: Members) -> Benefit:
    if kind == "percent_off":
        return PercentOff(members.whole("basis_points"), members.optional_whole("max_minor"))
    if kind == "amount_off":
        spend = members.optional_whole("min_spend_minor")
        return AmountOff(members.whole("amount_minor"), members.text("currency"), spend)
    if kind == "free_item":
        return FreeItem(members.text("item"))
    if kind == "buy_x_get_y":
        return BuyXGetY(members.whole("buy"), members.whole("get"))
    return Points(members.whole("points"))


def _fence(members: Members) -> Fence:
    kind = members.word("type", tuple(_FENCES))
    members.only("type", *_FENCES[kind])
    if kind == "circle":
        return CircleFence(_center(members), members.number("radius_m"))
    if kind == "polygon":
        return _polygon(members.inner("geometry"))
    if kind == "district":
        return DistrictFence(members.text("district_id"))
    return AroundShopsFence(members.number("radius_m"))


def _center(members: Members) -> LngLat:
    lng, lat = members.numbers("center", count=2)
    try:
        return LngLat(lng, lat)
    except CoordinateInvalid as fault:
        fault.pointer = "/fence/center" + {"/lng": "/0", "/lat": "/1"}.get(fault.pointer or "", "")
        raise


def _polygon(members: Members) -> PolygonFence:
    members.only("type", "coordinates", "bbox")
    geometry = {name: members.anything(name) for name in ("type", "coordinates")}
    corners = _positions_in(geometry["coordinates"])
    if corners > MOST_VERTICES:  # before a geometry of any size is checked
        raise FenceTooLarge(
            f"a fence has at most {MOST_VERTICES:,} corners, this has {corners:,}", pointer="/fence/geometry"
        )
    with faults_at("/fence/geometry"):
        return PolygonFence(checked_polygon(geometry))


def _positions_in(coordinates: Any) -> int:
    """How many positions there are in nested lists, whatever else may be wrong with them."""
    if not isinstance(coordinates, list) or not coordinates:
        return 0
    if isinstance(coordinates[0], list):
        return sum(map(_positions_in, coordinates))
    return 1


def _schedule(members: Members) -> Schedule:
    starts_at, ends_at = members.time("starts_at"), members.time("ends_at")
    weekly_hours = members.optional_text("weekly_hours", longest=MAX_LENGTH)
    time_zone = members.text("time_zone", default="UTC")
    with faults_at("/time_zone"):
        zone_of(time_zone)
    return Schedule(starts_at, ends_at, weekly_hours, time_zone)


def _limits(members: Members) -> Limits:
    members.only(*_LIMITS, "currency", "per_period")
    limits = {name: members.optional_whole(name) for name in _LIMITS}
    in_period = None
    if members.anything("per_period") is not None:
        in_period = _period_limits(members.inner("per_period"))
    with faults_at("/limits"):
        return Limits(**limits, currency=members.optional_text("currency"), per_period=in_period)


def _period_limits(members: Members) -> PeriodLimits:
    members.only("period", *COUNTS)
    period = cast(Period, members.word("period", PERIODS))
    return PeriodLimits(period, *(members.optional_whole(name) for name in COUNTS))


def _audience(members: Members) -> Audience:
    members.only("segments", "visitors")
    visitors = members.word("visitors", _VISITORS, default="all")
    return Audience(frozenset(members.texts("segments")), cast(Visitors, visitors))


def _written(at: datetime, time_zone: str) -> str:
    """The time in RFC 3339, to the millisecond where it is not a whole second."""
    try:
        local = at.astimezone(zone_of(time_zone))
    except OverflowError:  # the last hours of the calendar
        local = at.astimezone(UTC)
    offset = local.utcoffset()
    if offset is None or offset.seconds % 60:  # local time before there were zones
        local = at.astimezone(UTC)
    text = local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _plain(number: float) -> float | int:
    """The number without a point where it is whole."""
    return int(number) if float(number).is_integer() else number


def _said(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}
