"""Generated towns whose merchant districts are known: shapes in metres, shops in them, gaps, noise around.

The shapes are laid first and know nothing of any grid or kernel. A shop's true district is the one whose shape
holds it, so a stray shop that falls into a district belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity

from geo_offers.domain.place import LngLat, Shop, Source, shop_id_of

KINDS = ("market town", "grid city", "ribbon city")
SEEDS = (1, 2, 3, 4, 5)
#: Seeds that were first looked at when all parameters stood.
CHECK_SEEDS = (201, 202, 203, 204, 205)
_M_PER_DEGREE = 111_195.0
_CENTRES = {"market town": (24.94, 60.17), "grid city": (121.47, 31.23), "ribbon city": (-58.42, -34.60)}
_HALF_M = {"market town": 1_300.0, "grid city": 2_600.0, "ribbon city": 2_400.0}
_MIXES: tuple[dict[str, float], ...] = (
    {"food.restaurant": 5, "food.cafe": 3, "food.bar": 3, "fashion.clothes": 1, "services.bank": 0.5},
    {"fashion.clothes": 6, "fashion.shoes": 3, "fashion.jewelry": 2, "food.cafe": 1, "beauty.salon": 1},
    {"home.furniture": 4, "home.electronics": 4, "hobby.sports": 2, "food.fast_food": 1},
    {
        "grocery.supermarket": 2,
        "grocery.bakery": 3,
        "health.pharmacy": 2,
        "beauty.hairdresser": 3,
        "food.cafe": 1,
    },
)
_NOISE_MIX = {"grocery.convenience": 3, "beauty.hairdresser": 2, "food.restaurant": 2, "services.repair": 1}
_STREETS = ("Mill", "Bridge", "Castle", "Church", "Station", "Market", "King", "Queen", "Park", "Harbour", "Temple",
            "Garden", "School", "Linden", "Chapel", "Forge", "Tanner", "Baker", "Weaver", "Potter")  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownTown:
    """Shops and the truth about them.

    districts   shapes in degrees, one a known district
    truth       int64[n], the district of each shop, -1 for none
    streets     the street that most addresses of a district name
    """

    kind: str
    seed: int
    shops: tuple[Shop, ...]
    districts: tuple[shapely.Polygon, ...]
    truth: NDArray[np.int64]
    streets: tuple[str, ...]


def known_town(kind: str, seed: int) -> KnownTown:
    """The town of this kind and seed, always alike."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    shapes = _lay(_shapes(kind, rng), _HALF_M[kind], rng)
    points = [_shops_in(shape, rng) for shape in shapes]
    stray = rng.uniform(
        -_HALF_M[kind], _HALF_M[kind], (int(sum(map(len, points)) * rng.uniform(0.12, 0.3)), 2)
    )
    at = np.vstack([*points, stray])
    planned = np.repeat(np.arange(-1, len(shapes)), [0, *map(len, points)])
    planned = np.concatenate([planned, np.full(len(stray), -1)])
    streets = tuple(f"{_STREETS[number]} Street" for number in range(len(shapes)))
    return KnownTown(
        kind=kind,
        seed=seed,
        shops=_shops(kind, seed, at, planned, streets, rng),
        districts=tuple(shapely.transform(shape, lambda metres: _degrees(metres, kind)) for shape in shapes),
        truth=truth_of(shapes, at),
        streets=streets,
    )


def perturbed(town: KnownTown, seed: int, share: float = 0.05) -> tuple[Shop, ...]:
    """The shops after half of `share` of them closed and as many opened, near others as new shops do."""
    rng = np.random.default_rng([seed, town.seed, KINDS.index(town.kind)])
    count = max(1, round(len(town.shops) * share / 2))
    gone = set(rng.choice(len(town.shops), count, replace=False).tolist())
    staying = [shop for number, shop in enumerate(town.shops) if number not in gone]
    opened = [
        _moved(town.shops[like], f"new/{seed}/{number}", rng)
        for number, like in enumerate(rng.choice(len(town.shops), count, replace=False).tolist())
    ]
    return (*staying, *opened)


def truth_of(shapes: Sequence[shapely.Polygon], at: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the shape that holds each point, float64[n, 2]; -1 for none."""
    truth = np.full(len(at), -1, np.int64)
    for number, shape in enumerate(shapes):
        truth[shapely.intersects_xy(shape, at)] = number
    return truth


def _shapes(kind: str, rng: np.random.Generator) -> list[shapely.Polygon]:
    if kind == "market town":
        return [_blob(rng, 260), _blob(rng, 130), _street(rng, 420), _corner(rng, 260), _blob(rng, 110)]
    if kind == "grid city":
        blobs = [_blob(rng, radius) for radius in (420, 320, 260, 220, 180, 150)]
        return [
            *blobs,
            _corner(rng, 420),
            _corner(rng, 300),
            _street(rng, 700),
            _box(rng, 380, 300),
            _box(rng, 260, 200),
        ]
    streets = [_street(rng, length) for length in (1_100, 900, 700, 600, 450, 350)]
    return [*streets, _blob(rng, 260), _blob(rng, 160), _corner(rng, 500), _corner(rng, 380)]


def _blob(rng: np.random.Generator, radius_m: float) -> shapely.Polygon:
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    waves = 1 + sum(rng.uniform(0, 0.14) * np.cos(k * turns + rng.uniform(0, 6.28)) for k in (2, 3, 4))
    return shapely.Polygon(np.column_stack([np.cos(turns), np.sin(turns)]) * (waves * radius_m)[:, None])


def _box(rng: np.random.Generator, width_m: float, height_m: float) -> shapely.Polygon:
    return affinity.rotate(
        shapely.box(-width_m / 2, -height_m / 2, width_m / 2, height_m / 2), rng.uniform(0, 180)
    )


def _street(rng: np.random.Generator, length_m: float) -> shapely.Polygon:
    x = np.linspace(-length_m / 2, length_m / 2, 9)
    line = shapely.LineString(
        np.column_stack([x, rng.uniform(-1, 1) * 0.08 * length_m * np.cos(x / length_m * np.pi)])
    )
    return affinity.rotate(
        line.buffer(rng.uniform(32, 55), cap_style="flat"), rng.uniform(0, 180), origin=(0, 0)
    )


def _corner(rng: np.random.Generator, arm_m: float) -> shapely.Polygon:
    line = shapely.LineString(
        [(-arm_m * 0.5, -arm_m * 0.35), (arm_m * 0.5, -arm_m * 0.35), (arm_m * 0.5, arm_m * 0.65)]
    )
    turned = affinity.rotate(
        line.buffer(rng.uniform(45, 75), cap_style="flat", join_style="mitre"), rng.uniform(0, 360)
    )
    assert isinstance(turned, shapely.Polygon)
    return turned


def _lay(shapes: list[shapely.Polygon], half_m: float, rng: np.random.Generator) -> list[shapely.Polygon]:
    """Every shape at a place of its own, 90 m or more from others: a wide road, a river, a row of houses."""
    laid: list[shapely.Polygon] = []
    for shape in sorted(shapes, key=lambda shape: -shape.area):
        while True:
            # Towns are denser amid: many districts are close neighbours.
            east, north = np.clip(rng.normal(0, half_m * 0.45, 2), -half_m * 0.85, half_m * 0.85)
            moved = affinity.translate(shape, east, north)
            if all(moved.distance(other) >= 90 for other in laid):
                laid.append(moved)
                break
    return laid


def _shops_in(shape: shapely.Polygon, rng: np.random.Generator) -> NDArray[np.float64]:
    """Shops of one district: denser amid, some in one building, none in its gaps (a park, a church, works)."""
    open_to_shops = shape
    reach = float(np.sqrt(shape.area))
    for _ in range(int(rng.integers(0, 3))):
        gap = shapely.Point(_inside(shape, 1, rng)[0]).buffer(min(45.0, reach * 0.12))
        open_to_shops = open_to_shops.difference(gap)
    count = max(16, round(shape.area / 10_000 * rng.uniform(4.5, 12)))
    core = _inside(open_to_shops, 1, rng)[0]
    pool = _inside(open_to_shops, count * 4, rng)
    weight = 0.35 + np.exp(-((np.hypot(*(pool - core).T) / (0.5 * reach)) ** 2))
    at = pool[rng.choice(len(pool), count, replace=False, p=weight / weight.sum())]
    if count > 60:
        hall = at[0]
        at[: count // 12] = hall + rng.normal(0, 6, (count // 12, 2))
        at = at[shapely.intersects_xy(shape, at)]
    return at


def _inside(
    shape: shapely.Polygon | shapely.MultiPolygon, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    west, south, east, north = shape.bounds
    found = np.empty((0, 2))
    while len(found) < count:
        tried = rng.uniform((west, south), (east, north), (count * 4, 2))
        found = np.vstack([found, tried[shapely.intersects_xy(shape, tried)]])
    return found[:count]


def _shops(
    kind: str,
    seed: int,
    at: NDArray[np.float64],
    planned: NDArray[np.int64],
    streets: Sequence[str],
    rng: np.random.Generator,
) -> tuple[Shop, ...]:
    where = _degrees(at, kind)
    return tuple(
        _shop(f"{kind}/{seed}/{number}", lng, lat, _category(district, rng), _address(district, streets, rng))
        for number, ((lng, lat), district) in enumerate(zip(where.tolist(), planned.tolist(), strict=True))
    )


def _shop(source_id: str, lng: float, lat: float, category: str, address: str) -> Shop:
    return Shop(
        id=shop_id_of("known-town", source_id),
        name=f"Shop {source_id.rpartition('/')[2]}",
        category=category,
        at=LngLat(lng, lat),
        source=Source("known-town", source_id, "generated"),
        address=address,
    )


def _moved(like: Shop, source_id: str, rng: np.random.Generator) -> Shop:
    shift = rng.normal(0, 25, 2) / _M_PER_DEGREE / (np.cos(np.radians(like.at.lat)), 1)
    return _shop(source_id, like.at.lng + shift[0], like.at.lat + shift[1], like.category, like.address or "")


def _category(district: int, rng: np.random.Generator) -> str:
    mix = _NOISE_MIX if district < 0 or rng.random() < 0.25 else _MIXES[district % len(_MIXES)]
    weights = np.array(list(mix.values()))
    return list(mix)[int(rng.choice(len(weights), p=weights / weights.sum()))]


def _address(district: int, streets: Sequence[str], rng: np.random.Generator) -> str:
    if district < 0 or rng.random() < 0.4:
        return f"{_STREETS[int(rng.integers(len(_STREETS)))]} Lane {rng.integers(1, 90)}, 00100 Town"
    return f"{streets[district]} {rng.integers(1, 120)}, 00100 Town"


def _degrees(metres: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    lng, lat = _CENTRES[kind]
    lats = lat + metres[:, 1] / _M_PER_DEGREE
    return np.column_stack([lng + metres[:, 0] / (_M_PER_DEGREE * np.cos(np.radians(lats))), lats])
