"""A city's promotions for measurements: fences as columns, and the same as rows, as domain values and as shops' owners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo_offers.domain.categories import LEAVES
from geo_offers.domain.fence import CircleFence, PolygonFence
from geo_offers.domain.place import LngLat, Shop, Source
from geo_offers.domain.promotion import Limits, Merchant, PercentOff, Promotion, PromotionRow, Status
from geo_offers.domain.schedule import Schedule
from geo_offers.index.live import epoch_ms
from geo_offers.index.promotions import ShopSlots, Surroundings
from scripts.benches._city import City

Degrees = NDArray[np.float64]
GEOD = pyproj.Geod(ellps="WGS84")
NEAR_RIM_M = 2.0
ALWAYS_OPEN = -1
_M_PER_DEGREE = 111_320.0
_LEAST_M, _GREATEST_M = 50.0, 500.0
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPENING = ("Mo-Fr 09:00-18:00", "Mo-Su 10:00-22:00", "24/7", "Mo-Sa 07:30-15:00; PH off", None)
_PROMOTIONS_A_MERCHANT = 50


@dataclass(frozen=True, slots=True)
class Fences:
    """n promotions and their fences; a fifth of them live at `now`, the others never within a day of it.

    lngs, lats, radii_m   float64[n]: centre and reach; of a circle that is all
    shapes                object[n]: a polygon, or None for a circle
    starts_ms, ends_ms    int64[n]
    opens, closes         int16[n]: minutes of the day, UTC; ALWAYS_OPEN; may go past midnight
    shops                 int32[n, 3]: slots of 1 to 3 shops; -1 is none
    """

    now: datetime
    lngs: Degrees
    lats: Degrees
    radii_m: NDArray[np.float64]
    shapes: NDArray[np.object_]
    starts_ms: NDArray[np.int64]
    ends_ms: NDArray[np.int64]
    opens: NDArray[np.int16]
    closes: NDArray[np.int16]
    paused: NDArray[np.bool_]
    listed: NDArray[np.bool_]
    basis_points: NDArray[np.int32]
    limited: NDArray[np.bool_]
    shops: NDArray[np.int32]
    live: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.lngs)

    @property
    def circles(self) -> NDArray[np.bool_]:
        """Which are circles, bool[n]."""
        return shapely.is_missing(self.shapes)

    def boxes(self) -> NDArray[np.float64]:
        """Boxes that surely hold each fence: west, south, east, north; float64[n, 4]."""
        north = self.radii_m / _M_PER_DEGREE * 1.02
        east = north / np.cos(np.radians(self.lats))
        around = np.c_[self.lngs - east, self.lats - north, self.lngs + east, self.lats + north]
        return np.where(self.circles[:, None], around, shapely.bounds(self.shapes))

    def hours_of(self, i: int) -> str | None:
        """The weekly hours of one promotion."""
        if self.opens[i] == ALWAYS_OPEN:
            return None
        return f"Mo-Su {_clock(int(self.opens[i]))}-{_clock(int(self.closes[i]))}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def fences(town: City, count: int, now: datetime, seed: int = 5) -> Fences:
    """Fences near shops: half circles, half irregular polygons of 4 to 14 corners, 50 to 500 m."""
    rng = np.random.default_rng(seed)
    near = rng.integers(0, len(town.lngs), count)
    lngs = town.lngs[near] + rng.normal(0, 50, count) / (_M_PER_DEGREE * np.cos(np.radians(town.lats[near])))
    lats = town.lats[near] + rng.normal(0, 50, count) / _M_PER_DEGREE
    radii_m = rng.uniform(_LEAST_M, _GREATEST_M, count)
    shapes = np.full(count, None, object)
    polygons = np.flatnonzero(rng.random(count) < 0.5)
    shapes[polygons] = _stars(rng, lngs[polygons], lats[polygons], radii_m[polygons])
    # Neighbours in slot order are neighbours in town.
    shops = np.minimum(near[:, None] + np.array([0, 1, 2]), len(town.lngs) - 1).astype(np.int32)
    shops[np.arange(3) > rng.integers(0, 3, count)[:, None]] = -1
    shops[:, 1:][shops[:, 1:] == shops[:, :-1]] = -1
    kinds = rng.choice(5, count, p=[0.2, 0.2, 0.2, 0.2, 0.2])  # live, ended, to come, outside hours, paused
    starts, ends, opens, closes = _times(rng, kinds, now)
    return Fences(
        now, lngs, lats, radii_m, shapes, starts, ends, opens, closes,
        paused=kinds == 4, listed=rng.random(count) < 0.6, basis_points=rng.integers(100, 6_000, count, np.int32),
        limited=rng.random(count) < 0.3, shops=shops, live=kinds == 0,
    )  # fmt: skip


def _times(
    rng: np.random.Generator, kinds: NDArray[np.int64], now: datetime
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int16], NDArray[np.int16]]:
    """Start and end in milliseconds, opening and closing minute of the day."""
    count, at_ms, day_ms = len(kinds), epoch_ms(now), _DAY // timedelta(milliseconds=1)
    starts = at_ms - (rng.uniform(40, 80, count) * day_ms).astype(np.int64)
    ends = at_ms + (rng.uniform(2, 30, count) * day_ms).astype(np.int64)
    ends[kinds == 1] -= 32 * day_ms
    starts[kinds == 2] = at_ms + (rng.uniform(1, 2, int((kinds == 2).sum())) * day_ms).astype(np.int64)
    # Eight hours that began two to four hours ago, or that begin in four to eight.
    opens = (now.hour - rng.integers(2, 5, count)) % 24
    opens[kinds == 3] = (now.hour + rng.integers(4, 9, int((kinds == 3).sum()))) % 24
    closes = (opens + 8) % 24
    always = (rng.random(count) < 0.5) & (kinds != 3)
    closes = np.where(closes == 0, 24, closes)
    return (
        starts,
        ends,
        np.where(always, ALWAYS_OPEN, opens * 60).astype(np.int16),
        np.where(always, ALWAYS_OPEN, closes * 60).astype(np.int16),
    )


def _stars(
    rng: np.random.Generator, lngs: Degrees, lats: Degrees, radii_m: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Polygons around centres, turning left; no two corners are half a turn apart, so no edges cross."""
    corners = rng.integers(4, 15, len(lngs))
    owner = np.repeat(np.arange(len(lngs)), corners)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(corners) - corners, corners)
    angle = (nth + rng.uniform(0, 0.8, len(owner))) * 2 * np.pi / corners[owner]
    out_m = radii_m[owner] * rng.uniform(0.4, 1, len(owner))
    x = lngs[owner] + out_m * np.cos(angle) / (_M_PER_DEGREE * np.cos(np.radians(lats[owner])))
    y = lats[owner] + out_m * np.sin(angle) / _M_PER_DEGREE
    return np.asarray(shapely.polygons(shapely.linearrings(np.c_[x, y], indices=owner)), object)


def shop_id(rank: int) -> str:
    """The id of a shop of the city, from its place in the order of ids."""
    return f"shp_{rank:016}"


def promotion_id(i: int) -> str:
    """The id of a promotion; in the order of their numbers."""
    return f"prm_{i:016}"


def merchant_of(i: int) -> Merchant:
    """Who registered a promotion."""
    number = i // _PROMOTIONS_A_MERCHANT
    return Merchant(f"mrc_{number:016}", f"商家 Merchant {number}")


def title_of(i: int) -> str:
    return f"第 {i} 号优惠"


def surroundings(town: City) -> Surroundings:
    """The shops of a city, without districts."""
    ids = np.array([shop_id(rank).encode() for rank in town.ranks.tolist()], "S20")
    return Surroundings(ShopSlots(ids, np.argsort(town.ranks).astype(np.int32)), town.lngs, town.lats, {})


def promotion_rows(town: City, made: Fences) -> list[PromotionRow]:
    """The rows that a store would give."""
    wkbs = shapely.to_wkb(made.shapes, byte_order=1)
    ranks = town.ranks
    rows = []
    for i in range(len(made)):
        shape, merchant = wkbs[i], merchant_of(i)
        centre = (float(made.lngs[i]), float(made.lats[i]), float(made.radii_m[i]))
        ids = _json([shop_id(int(ranks[slot])) for slot in made.shops[i] if slot >= 0])
        rows.append(
            PromotionRow(
                promotion_id(i), merchant.id, merchant.name, title_of(i), _json({"en": f"Offer number {i}"}),
                _json({"type": "percent_off", "basis_points": int(made.basis_points[i])}),
                *(("circle", *centre, None) if shape is None else ("polygon", None, None, None, shape)),
                None, ids, int(made.starts_ms[i]), int(made.ends_ms[i]), made.hours_of(i), "UTC",
                bool(made.listed[i]), 150.0, "paused" if made.paused[i] else "active",
                1_000 if made.limited[i] else None, None, None, None, None, "[]", "all",
            )
        )  # fmt: skip
    return rows


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def promotions(town: City, made: Fences) -> Iterator[Promotion]:
    """The same as domain values."""
    for i in range(len(made)):
        centre = LngLat(float(made.lngs[i]), float(made.lats[i]))
        shape = made.shapes[i]
        yield Promotion(
            id=promotion_id(i),
            merchant_id=merchant_of(i).id,
            external_id=f"bench-{i}",
            title=title_of(i),
            title_i18n={"en": f"Offer number {i}"},
            benefit=PercentOff(int(made.basis_points[i])),
            fence=CircleFence(centre, float(made.radii_m[i])) if shape is None else PolygonFence(shape),
            shop_ids=tuple(shop_id(int(town.ranks[slot])) for slot in made.shops[i] if slot >= 0),
            schedule=Schedule(_moment(made.starts_ms[i]), _moment(made.ends_ms[i]), made.hours_of(i)),
            listed=bool(made.listed[i]),
            status=Status.PAUSED if made.paused[i] else Status.ACTIVE,
            limits=Limits(max_claims=1_000 if made.limited[i] else None),
        )


def _moment(milliseconds: np.int64) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def shop_facts(rank: int) -> tuple[str, str, str | None, str | None]:
    """Name, address, brand and opening hours of a shop."""
    brand = f"Brand {rank % 97}" if rank % 5 == 0 else None
    return f"店铺 {rank}", f"Street {rank % 4_001} {rank % 97}", brand, _OPENING[rank % 5]


def shops(town: City) -> Iterator[Shop]:
    """The shops of a city as domain values."""
    columns = zip(
        town.lngs.tolist(), town.lats.tolist(), town.leaves.tolist(), town.ranks.tolist(), strict=True
    )
    for lng, lat, leaf, rank in columns:
        name, address, brand, hours = shop_facts(rank)
        yield Shop(
            id=shop_id(rank),
            name=name,
            category=LEAVES[leaf].key,
            at=LngLat(lng, lat),
            source=Source("bench", str(rank), "CC0-1.0"),
            names={"en": f"Shop {rank}"},
            brand=brand,
            address=address,
            opening_hours=hours,
            time_zone="Asia/Shanghai",
            country="CN",
        )


def near_rims(made: Fences, count: int, seed: int = 17) -> tuple[Degrees, Degrees]:
    """Positions within 2 m of a fence's rim, most of them far nearer; some exactly on a polygon's corner."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, len(made), count)
    off_m = np.where(rng.random(count) < 0.5, rng.random(count), 10 ** rng.uniform(-4, 0, count)) * NEAR_RIM_M
    lngs, lats = np.empty(count), np.empty(count)
    round_ = made.circles[of]
    circles = of[round_]
    side = rng.choice([-1.0, 1.0], len(circles))
    lngs[round_], lats[round_], _ = GEOD.fwd(
        made.lngs[circles],
        made.lats[circles],
        rng.uniform(0, 360, len(circles)),
        made.radii_m[circles] + side * off_m[round_],
    )
    corners, starts = _corners(made.shapes[of[~round_]])
    sizes = np.diff(starts) - 1
    first = starts[:-1] + (rng.random(len(sizes)) * sizes).astype(np.int64)
    along = np.where(rng.random(len(first)) < 0.05, 0.0, rng.random(len(first)))
    off_m = np.where(along == 0.0, 0.0, off_m[~round_])
    angle = rng.uniform(0, 2 * np.pi, len(first))
    at = np.where(
        (along == 0.0)[:, None],
        corners[first],
        corners[first] + along[:, None] * (corners[first + 1] - corners[first]),
    )
    lngs[~round_] = at[:, 0] + off_m * np.cos(angle) / (_M_PER_DEGREE * np.cos(np.radians(at[:, 1])))
    lats[~round_] = at[:, 1] + off_m * np.sin(angle) / _M_PER_DEGREE
    return lngs, lats


def _corners(shapes: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rings back to back, and where each begins."""
    corners, ring = shapely.get_coordinates(shapes, return_index=True)
    return corners, np.searchsorted(ring, np.arange(len(shapes) + 1))
