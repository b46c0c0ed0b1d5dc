"""Random towns for the match: shops, districts and promotions of every kind, and questions near their rims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyproj
import shapely

from geo_offers.domain.errors import PolygonInvalid
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, Fence, PolygonFence
from geo_offers.domain.offer import MatchQuery, Spent, Visitor
from geo_offers.domain.place import LngLat, Shop
from geo_offers.domain.polygon import Polygonal, checked_polygon
from geo_offers.domain.promotion import (
    Audience,
    Limits,
    PercentOff,
    PeriodLimits,
    Promotion,
    PromotionRow,
    Status,
)
from geo_offers.domain.rules import Places
from geo_offers.index.promotions import ShopSlots, Surroundings
from geo_offers.stores.promotion_rows import incoming_promotions
from tests.builders import a_promotion, a_shop

GEOD = pyproj.Geod(ellps="WGS84")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_DISTRICTS = 4


def row_of(promotion: Promotion, merchant: str = "A merchant") -> PromotionRow:
    """The row that a store would give for a promotion."""
    came = incoming_promotions([promotion])[0]
    renamed = {
        "merchant_name": merchant,
        "title_i18n_json": came.title_i18n,
        "benefit_json": came.benefit,
        "fence_wkb": came.fence_geom,
        "shop_ids_json": came.shop_ids,
        "starts_at_ms": came.starts_at,
        "ends_at_ms": came.ends_at,
        "segments_json": came.segments,
        "per_period_json": None if came.per_period == "{}" else came.per_period,
    }
    facts = came._asdict() | renamed
    return PromotionRow(**{name: facts[name] for name in PromotionRow._fields})


@dataclass(frozen=True)
class Town:
    """What an index is made from, and the same as the rules want it."""

    shops: tuple[Shop, ...]
    districts: dict[str, Polygonal]
    promotions: tuple[Promotion, ...]

    @property
    def places(self) -> Places:
        return Places({shop.id: shop.at for shop in self.shops}, self.districts)

    @property
    def surroundings(self) -> Surroundings:
        ids = np.array([shop.id.encode() for shop in self.shops], "S20")
        lngs, lats = (
            np.array([shop.at.lng for shop in self.shops]),
            np.array([shop.at.lat for shop in self.shops]),
        )
        return Surroundings(ShopSlots(ids, np.argsort(ids).astype(np.int32)), lngs, lats, self.districts)

    @property
    def rows(self) -> list[PromotionRow]:
        return [row_of(one) for one in self.promotions]


def moved(at: LngLat, azimuth: float, metres: float) -> LngLat:
    lng, lat, _ = GEOD.fwd(at.lng, at.lat, azimuth, metres)
    return LngLat(float(lng), float(lat))


def a_town(seed: int, centre: LngLat, *, promotions: int = 60, spread_m: float = 1_500) -> Town:
    """A town somewhere on the Earth, not over a pole."""
    rng = np.random.default_rng(seed)

    def somewhere() -> LngLat:
        return moved(centre, float(rng.uniform(0, 360)), float(spread_m * np.sqrt(rng.random())))

    shops = tuple(a_shop(f"node/{n}", at=somewhere()) for n in range(40))
    districts = {f"dst_{n:016d}": _shape(rng, somewhere(), 500) for n in range(_DISTRICTS)}
    made = tuple(_promotion(rng, n, somewhere, shops, districts) for n in range(promotions))
    return Town(shops, districts, made)


def _shape(rng: np.random.Generator, at: LngLat, size_m: float) -> Polygonal:
    """A star, a sliver, a ring or two pieces."""
    corners = int(rng.integers(3, 12))
    azimuths = np.sort(rng.uniform(0, 360, corners))
    ring = [moved(at, float(a), float(size_m * rng.uniform(0.3, 1))) for a in azimuths]
    star = _polygon(ring)
    match int(rng.integers(0, 4)):
        case 0:
            end = moved(at, float(rng.uniform(0, 360)), size_m)
            return _polygon([at, end, moved(end, 45, float(10 ** rng.uniform(-4, 0)))])
        case 1:
            hole = _polygon([moved(at, float(a), size_m / 10) for a in (0, 90, 180, 270)])
            return _checked(star.difference(hole), star)
        case 2:
            other = moved(at, float(rng.uniform(0, 360)), 3 * size_m)
            piece = _polygon([moved(other, float(a), size_m / 3) for a in (10, 130, 250)])
            return _checked(star.union(piece), star)
        case _:
            return star


def _polygon(corners: list[LngLat]) -> Polygonal:
    """A polygon through these corners, the short way round the Earth."""
    first = corners[0].lng
    ring = [(first + (at.lng - first + 180) % 360 - 180, at.lat) for at in corners]
    if any(lng < -180 for lng, _ in ring):
        ring = [(lng + 360, lat) for lng, lat in ring]
    return checked_polygon(shapely.make_valid(shapely.Polygon(ring)))


def _checked(shape: shapely.Geometry, otherwise: Polygonal) -> Polygonal:
    """The shape, or the other where it is none that would be accepted."""
    try:
        return checked_polygon(shape)
    except PolygonInvalid:
        return otherwise


def _promotion(
    rng: np.random.Generator,
    number: int,
    somewhere: object,
    shops: tuple[Shop, ...],
    districts: dict[str, Polygonal],
) -> Promotion:
    chosen = tuple(shops[i].id for i in rng.choice(len(shops), int(rng.integers(0, 5)), replace=False))
    starts = NOW + timedelta(
        minutes=float(rng.choice([-5_000, -1, 0, 30])), milliseconds=int(rng.integers(0, 3))
    )
    limits = Limits(
        *(int(v) if v > 0 else None for v in rng.integers(-3, 4, 3)), per_period=_period_limits(rng)
    )
    audience = Audience(
        frozenset(rng.choice(["vip", "staff"], int(rng.integers(0, 2))).tolist()),
        rng.choice(["all", "all", "all", "new", "returning"]).item(),
    )
    return a_promotion(
        f"p{number}",
        fence=_fence(rng, somewhere, chosen, districts),
        shop_ids=chosen,
        benefit=PercentOff(int(rng.integers(1, 10_001))),
        starts_at=starts,
        ends_at=starts + timedelta(minutes=float(rng.choice([1, 60, 9_000]))),
        hours=rng.choice(
            np.array(
                [None, None, None, "Mo 09:00-12:00", "Mo-Su 11:59-12:01", "Tu off; Mo 12:00-24:00"], object
            )
        ),
        zone="Europe/Helsinki",
        listed=bool(rng.random() < 0.6),
        max_accuracy_m=float(rng.choice([20.0, 150.0])),
        status=Status(rng.choice(["active"] * 8 + ["paused", "ended"]).item()),
        limits=limits,
        audience=audience,
    )


def _period_limits(rng: np.random.Generator) -> PeriodLimits | None:
    """None as a rule, else 1 of something a day: never more than in all."""
    given = rng.random(3) < 0.5
    if rng.random() < 0.7 or not given.any():
        return None
    return PeriodLimits("day", *(1 if one else None for one in given))


def _fence(
    rng: np.random.Generator, somewhere: object, chosen: tuple[str, ...], districts: dict[str, Polygonal]
) -> Fence:
    match int(rng.integers(0, 4 if chosen else 3)):
        case 0:
            return CircleFence(somewhere(), float(10 ** rng.uniform(0, 2.8)))  # type: ignore[operator]
        case 1:
            return PolygonFence(_shape(rng, somewhere(), float(10 ** rng.uniform(0, 2.8))))  # type: ignore[operator]
        case 2:
            return DistrictFence(str(rng.choice(list(districts))))
        case _:
            return AroundShopsFence(float(10 ** rng.uniform(1, 2.5)))


def positions(town: Town, count: int, seed: int) -> list[LngLat]:
    """A third within 2 m of a rim, some exactly on a corner or a rim, the rest anywhere."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        promotion = town.promotions[int(rng.integers(0, len(town.promotions)))]
        at = _near_rim(rng, promotion, town)
        off = float(rng.choice([0.0, 1e-6, 1e-3, 2.0, 300.0, 800.0], p=[0.1, 0.05, 0.05, 0.3, 0.25, 0.25]))
        found.append(moved(at, float(rng.uniform(0, 360)), off) if off else at)
    return found


def _near_rim(rng: np.random.Generator, promotion: Promotion, town: Town) -> LngLat:
    match promotion.fence:
        case CircleFence(center, radius_m):
            return moved(center, float(rng.uniform(0, 360)), radius_m)
        case AroundShopsFence(radius_m):
            return moved(town.places.shops[promotion.shop_ids[0]], float(rng.uniform(0, 360)), radius_m)
        case PolygonFence(geometry):
            shape = geometry
        case DistrictFence(district_id):
            shape = town.districts[district_id]
    border = shapely.boundary(shape)
    if rng.random() < 0.3:
        corners = shapely.get_coordinates(border)
        return LngLat(*corners[int(rng.integers(0, len(corners)))].tolist())
    point = shapely.line_interpolate_point(border, float(rng.random()), normalized=True)
    return LngLat(float(point.x), float(point.y))


def questions(town: Town, count: int, seed: int) -> list[MatchQuery]:
    """Positions with times, fixes and visitors of every kind."""
    rng = np.random.default_rng(seed)
    made = []
    for at in positions(town, count, seed):
        when = NOW + timedelta(
            minutes=float(rng.choice([0, -2, 29, 31, 60, 8_000])), milliseconds=int(rng.integers(-1, 3))
        )
        visitor = None
        if rng.random() < 0.5:
            segments = frozenset(
                rng.choice(["vip", "staff"], int(rng.integers(0, 3)), replace=False).tolist()
            )
            visitor = Visitor("someone", segments, bool(rng.random() < 0.5))
        accuracy_m = None if rng.random() < 0.7 else float(rng.choice([5, 20, 21, 200]))
        fix_at = (
            None
            if rng.random() < 0.8
            else when - timedelta(seconds=float(rng.choice([0, 119, 121, -60, -121])))
        )
        made.append(MatchQuery(when=when, at=at, accuracy_m=accuracy_m, fix_at=fix_at, visitor=visitor))
    return made


def some_spending(town: Town, seed: int) -> dict[str, Spent]:
    rng = np.random.default_rng(seed)
    return {
        one.id: Spent(*rng.integers(0, 5, 4).tolist(), *rng.integers(0, 2, 3).tolist())
        for one in town.promotions
        if rng.random() < 0.5
    }
