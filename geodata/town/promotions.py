"""The promotions of the sample town: of chains, of districts, of streets and of single shops.

None hangs on the day on which a demo runs: most began in 2026 and end in 2035.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import shapely

from geo_offers.domain.errors import PolygonInvalid
from geo_offers.domain.fence import AroundShopsFence, CircleFence, DistrictFence, Fence, PolygonFence
from geo_offers.domain.place import District, LngLat, Shop
from geo_offers.domain.promotion import Audience, Limits, Merchant, PeriodLimits, Promotion, Status
from geo_offers.domain.promotion_document import merchant_id_of, promotion_id_of
from geo_offers.domain.schedule import Schedule
from geodata.town.benefits import CURRENCY, WITHOUT_PROMOTIONS, cast_benefit, wares_of
from geodata.town.dice import Dice
from geodata.town.plan import HALF_WIDTH_M, Layout, PlannedArea, PlannedStreet
from geodata.town.plane import Region, Ring, counterclockwise, length, ribbon
from geodata.town.projection import closed_ring
from geodata.town.shops import TIME_ZONE
from geodata.town.words import Words

COUNT = 400
_A_DISTRICT = 7
_STREETS = 60
_LEAST_SHOPS_OF_A_STREET = 4
_CHINA = timezone(timedelta(hours=8))
_STANDINGS = 25
_SEGMENTS = (("student",), ("member",), ("resident", "commuter"), ("tourist",))


@dataclass(frozen=True, slots=True)
class _Plan:
    """A promotion before chance has decided on its benefit; its merchant gives it in these shops, which are his.

    category  decides on the benefit; None: as of the first shop
    """

    merchant: str
    fence: Fence
    shops: tuple[Shop, ...]
    category: str | None = None


def fill_with_promotions(
    layout: Layout, streets: Sequence[Words], shops: Sequence[Shop], districts: Sequence[District], seed: int
) -> tuple[tuple[Promotion, ...], tuple[Merchant, ...]]:
    """400 promotions, ordered by external id, and their merchants, ordered by id.

    streets, districts   of the layout, in its order
    """
    dice = Dice(seed, "promotions")
    traders = [shop for shop in shops if shop.category not in WITHOUT_PROMOTIONS]
    along = list(_along_streets(layout, streets, traders, dice))
    members = {shop.id for plan in along for shop in plan.shops}
    # A shop has one merchant: who is of an association gives nothing of his own.
    others = [shop for shop in traders if shop.id not in members]
    plans = [
        *_of_chains(others, dice),
        *_in_districts(layout, districts, others, dice),
        *along,
        *_on_squares(layout, others, dice),
    ]
    plans += _of_single_shops(others, COUNT - len(plans), dice)
    promotions = tuple(_promotion(plan, number, seed, dice) for number, plan in enumerate(plans, start=1))
    names = {merchant_id_of(plan.merchant): plan.merchant for plan in plans}
    return promotions, tuple(Merchant(one, names[one]) for one in sorted(names))


def _of_chains(traders: Sequence[Shop], dice: Dice) -> Iterator[_Plan]:
    """Around all branches of a chain; some chains do it twice."""
    for brand, branches in _by_brand(traders).items():
        for _ in range(2 if dice.happens(0.4) else 1):
            yield _Plan(brand, AroundShopsFence(60.0 + 10 * dice.below(20)), tuple(branches))


def _by_brand(traders: Sequence[Shop]) -> dict[str, list[Shop]]:
    chains: defaultdict[str, list[Shop]] = defaultdict(list)
    for shop in traders:
        if shop.brand is not None:
            chains[shop.brand].append(shop)
    return {brand: branches for brand, branches in chains.items() if len(branches) > 1}


def _in_districts(
    layout: Layout, districts: Sequence[District], traders: Sequence[Shop], dice: Dice
) -> Iterator[_Plan]:
    """In all of a district, by a shop in it."""
    for planned, district in zip(layout.districts, districts, strict=True):
        inside = _inside(planned, traders)
        for shop in dice.shuffled(inside)[:_A_DISTRICT]:
            yield _Plan(shop.brand or shop.name, DistrictFence(district.id), (shop,))


def _along_streets(
    layout: Layout, streets: Sequence[Words], traders: Sequence[Shop], dice: Dice
) -> Iterator[_Plan]:
    """Along a street, by the association of its shops; those of chains are in none."""
    by_street: dict[str, PlannedStreet] = {}
    for street, words in zip(layout.streets, streets, strict=True):
        longest = by_street.setdefault(words.zh, street)
        if length(street.line) > length(longest.line):
            by_street[words.zh] = street
    left = _STREETS
    for name in dice.shuffled(by_street):
        along = [shop for shop in traders if shop.brand is None and (shop.address or "").startswith(name)]
        fence = _strip(by_street[name], dice)
        if len(along) >= _LEAST_SHOPS_OF_A_STREET and fence is not None and left:
            left -= 1
            yield _Plan(f"{name}商户联盟", fence, tuple(along[:12]), "shop")


def _strip(street: PlannedStreet, dice: Dice) -> PolygonFence | None:
    """The street with the pavements and a little more; None where it bends too sharply for that."""
    ring = ribbon(street.line, HALF_WIDTH_M[street.kind] + 10 + 2 * dice.below(11))
    try:
        return PolygonFence(_polygon(counterclockwise(ring)))
    except PolygonInvalid:
        return None


def _on_squares(layout: Layout, traders: Sequence[Shop], dice: Dice) -> Iterator[_Plan]:
    """On squares, and in a park around its pond."""
    water = {area.key: area.ring for area in layout.water}
    green = {area.key: area.ring for area in layout.green}
    grounds = [_polygon(counterclockwise(area.ring)) for area in layout.squares]
    grounds.append(_polygon(counterclockwise(green["lotus_park"]), water["park_pond"]))
    for ground, shop in zip(grounds, dice.shuffled(traders), strict=False):
        yield _Plan(shop.brand or shop.name, PolygonFence(ground), (shop,))


def _of_single_shops(traders: Sequence[Shop], count: int, dice: Dice) -> list[_Plan]:
    """In a circle around a shop, or a little off it."""
    chosen = [shop for shop in dice.shuffled(traders) if shop.brand is None][:count]
    return [_Plan(shop.name, CircleFence(shop.at, 60.0 + 10 * dice.below(55)), (shop,)) for shop in chosen]


def _promotion(plan: _Plan, number: int, seed: int, dice: Dice) -> Promotion:
    wares = wares_of(plan.category or plan.shops[0].category)
    benefit, title = cast_benefit(wares, dice)
    merchant_id = merchant_id_of(plan.merchant)
    external_id = f"seed-{seed}/promotion-{number:03d}"
    status, starts_at, ends_at = _standing(number)
    hours = dice.pick(wares.quiet) if dice.happens(1 / 3) else None
    return Promotion(
        id=promotion_id_of(merchant_id, external_id),
        merchant_id=merchant_id,
        external_id=external_id,
        title=title.zh,
        title_i18n=title.names(hant=dice.happens(0.5), ja=dice.happens(0.3)),
        benefit=benefit,
        fence=plan.fence,
        shop_ids=tuple(shop.id for shop in plan.shops),
        schedule=Schedule(starts_at, ends_at, hours, TIME_ZONE),
        listed=number % 12 != 9,
        max_accuracy_m=dice.pick((50.0, 100.0, 300.0)) if dice.happens(0.1) else 150.0,
        status=status,
        limits=_limits(number, dice),
        audience=_audience(number, dice),
    )


def _standing(number: int) -> tuple[Status, datetime, datetime]:
    """Of 25 one each is paused, not begun, over, ended and a draft; the others are live on any day until 2035."""
    starts_at, ends_at = _new_year(2026), _new_year(2035)
    match number % _STANDINGS:
        case 3:
            return Status.PAUSED, starts_at, ends_at
        case 8:
            return Status.ACTIVE, _new_year(2034), ends_at
        case 13:
            return Status.ACTIVE, _new_year(2025), starts_at
        case 18:
            return Status.ENDED, starts_at, ends_at
        case 23:
            return Status.DRAFT, starts_at, ends_at
        case _:
            return Status.ACTIVE, starts_at, ends_at


def _new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=_CHINA)


def _limits(number: int, dice: Dice) -> Limits:
    """By chance; one in twelve has all of them, by the day too."""
    has_all = number % 12 == 2
    each_day = PeriodLimits("day", max_claims=50, max_redemptions=20, max_per_visitor=1)
    return Limits(
        max_claims=100 * (1 + dice.below(20)) if dice.happens(0.4) or has_all else None,
        max_redemptions=50 * (1 + dice.below(20)) if dice.happens(0.2) or has_all else None,
        max_per_visitor=1 + dice.below(3) if dice.happens(0.6) or has_all else None,
        budget_minor=100_000 * (1 + dice.below(20)) if dice.happens(0.25) or has_all else None,
        currency=CURRENCY,
        per_period=each_day if has_all else None,
    )


def _audience(number: int, dice: Dice) -> Audience:
    if number % 12 == 5:
        return Audience(frozenset(dice.pick(_SEGMENTS)))
    if number % 20 == 7:
        return Audience(visitors="new")
    return Audience(visitors="returning" if number % 33 == 11 else "all")


def _inside(planned: PlannedArea, traders: Sequence[Shop]) -> list[Shop]:
    region = Region(_pairs(planned.ring), [_pairs(hole) for hole in planned.holes])
    return [shop for shop in traders if region.holds((shop.at.lng, shop.at.lat))]


def _polygon(ring: Ring, *holes: Ring) -> shapely.Polygon:
    """A polygon of rings in metres, the outer one turning left."""
    return shapely.Polygon(_pairs(ring), [_pairs(hole) for hole in holes])


def _pairs(ring: Ring) -> Ring:
    return tuple(_pair(at) for at in closed_ring(ring))


def _pair(at: LngLat) -> tuple[float, float]:
    return at.lng, at.lat
