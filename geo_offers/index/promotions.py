"""Promotions as columns, one slot each in the order of their ids; what will not compile is set aside by id."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.fence import AroundShopsFence, CircleFence
from geo_offers.domain.offer import Reason
from geo_offers.domain.opening_hours import OpeningHours, is_valid
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Audience, PromotionRow, Status
from geo_offers.domain.promotion_document import period_limits_of
from geo_offers.index.fences import CircleColumns, FenceIndex, ShapeColumns
from geo_offers.index.live import ALWAYS, BIT, LiveTable, Times
from geo_offers.index.packed_rows import PackedRows
from geo_offers.index.polygons import Polygonal

_ID = re.compile(r"prm_[0-9a-hjkmnp-tv-z]{16}\Z")
_decode_titles = msgspec.json.Decoder(dict[str, str]).decode
_decode_list = msgspec.json.Decoder(list[str]).decode
_decode_benefit = msgspec.json.Decoder(dict[str, object]).decode
NO_LIMIT = -1

_AGAINST = {
    Status.ACTIVE: 0,
    Status.PAUSED: BIT[Reason.PAUSED],
    Status.DRAFT: BIT[Reason.PAUSED],
    Status.ENDED: BIT[Reason.ENDED],
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What promotions refer to: shops and districts of one snapshot.

    shop_slots(ids)  int32[k]: the slots of shops, -1 for one that is not there
    lngs, lats       of shops, by slot
    shapes           of districts, by id
    """

    shop_slots: ShopSlots
    lngs: NDArray[np.float64]
    lats: NDArray[np.float64]
    shapes: Mapping[str, Polygonal]


class ShopSlots:
    """Slots of shops by their ids, many at once."""

    def __init__(self, ids: NDArray[np.bytes_], by_id: NDArray[np.int32]) -> None:
        self._ids = ids
        self._by_id = by_id

    def __call__(self, shop_ids: Sequence[str]) -> NDArray[np.int32]:
        if len(self._ids) == 0 or not shop_ids:
            return np.full(len(shop_ids), -1, np.int32)
        # Ids are of one form, 20 characters; a longer one is nobody's and is cut, then told apart below.
        wanted = np.array([shop_id.encode()[:20] for shop_id in shop_ids], "S20")
        places = np.searchsorted(self._ids, wanted, sorter=self._by_id)
        slots = self._by_id[np.minimum(places, len(self._ids) - 1)]
        there = (self._ids[slots] == wanted) & np.array([len(shop_id) == 20 for shop_id in shop_ids])
        return np.where(there, slots, -1).astype(np.int32)


class PromotionIndex:
    """n promotions at one revision; never changes.

    rows        what answers show, by slot; ascending by id
    fences      where they are live
    live        when they are
    max_accuracy_m, strength   float64[n]; strength is how much a benefit is worth, 0 to 1
    limits      int64[n, 4]: claims, redemptions, per visitor, budget; NO_LIMIT
    audience    int32[n]: a row of `audiences`
    shop_starts, shop_slots    shops that honour promotion i: shop_slots[shop_starts[i]:shop_starts[i + 1]]
    quarantined reasons by id of what could not be taken
    """

    def __init__(self, rows: Iterable[PromotionRow], around: Surroundings) -> None:
        kept, polygons, self.quarantined = _sound(sorted(rows, key=lambda row: row.id), around)
        self.rows: Sequence[PromotionRow] = PackedRows(kept)
        self.ids = np.array([row.id.encode() for row in kept], "S20")
        self.shop_starts, self.shop_slots = _shops_of(kept, around)
        self.fences = _fences_of(kept, polygons, around, self.shop_starts, self.shop_slots)
        self.audiences, self.audience = _audiences_of(kept)
        self.live = LiveTable(_times_of(kept, for_all=self.audience == 0), self.fences)
        self.listed = np.array([row.listed for row in kept], np.bool_)
        self.max_accuracy_m = np.array([row.max_accuracy_m for row in kept], np.float64)
        self.strength = np.array([strength_of(row.benefit_json) for row in kept], np.float64)
        limits = [
            (row.max_claims, row.max_redemptions, row.max_per_visitor, row.budget_minor) for row in kept
        ]
        self.limits = np.array(
            [[NO_LIMIT if one is None else one for one in row] for row in limits], np.int64
        )
        self.limits = self.limits.reshape(-1, 4)
        in_periods = np.array([row.per_period_json is not None for row in kept], np.bool_)
        self.limited = (self.limits != NO_LIMIT).any(axis=1) | in_periods

    def __len__(self) -> int:
        return len(self.rows)

    def id_of(self, slot: int) -> str:
        """The id of one promotion; a tenth of the time that its row takes."""
        return bytes(self.ids[slot]).decode()

    def slots_of(self, ids: Sequence[str]) -> list[int]:
        """The slots of those of these promotions that are here."""
        return [
            slot
            for slot in ShopSlots(self.ids, np.arange(len(self), dtype=np.int32))(ids).tolist()
            if slot >= 0
        ]

    def rank_after(self, promotion_id: str) -> float:
        """Between the slots of promotions up to this id and those of later ones."""
        return float(np.searchsorted(self.ids, np.bytes_(promotion_id.encode()[:20]), side="right")) - 0.5


@dataclass(frozen=True, slots=True)
class Segment:
    """Some promotions, and which of them are still what they were."""

    index: PromotionIndex
    live: LiveTable


class Promotions:
    """All promotions of a snapshot: a great many that were compiled together, and the few that changed since.

    A change costs what the changed ones cost, not what all do; when too many have gathered, `crowded` asks for
    all to be compiled together again.
    """

    _MOST_CHANGED = 2_000

    def __init__(self, segments: tuple[Segment, ...]) -> None:
        self.segments = segments

    @staticmethod
    def compiled(rows: Iterable[PromotionRow], around: Surroundings) -> Promotions:
        """All of these rows in one segment."""
        index = PromotionIndex(rows, around)
        return Promotions((Segment(index, index.live),))

    def changed(self, rows: Sequence[PromotionRow], ids: Iterable[str], around: Surroundings) -> Promotions:
        """The same after a change: `rows` in place of the promotions with these ids, the others of them gone."""
        base, *later = self.segments
        changed = set(ids)
        kept = [
            row
            for segment in later
            for slot, row in enumerate(segment.index.rows)
            if segment.live.alive[slot] and row.id not in changed
        ]
        gone = base.index.slots_of(sorted(changed))
        if gone:
            base = Segment(base.index, base.live.without(gone))
        index = PromotionIndex([*kept, *rows], around)
        still = {key: why for key, why in self.quarantined.items() if key not in changed}
        index.quarantined.update(still)
        return Promotions((base, Segment(index, index.live)))

    @property
    def crowded(self) -> bool:
        """Whether so many changed that all should be compiled together again."""
        return sum(len(segment.index) for segment in self.segments[1:]) > self._MOST_CHANGED

    @property
    def quarantined(self) -> dict[str, str]:
        """Why promotions could not be taken, by id."""
        return self.segments[-1].index.quarantined

    def __len__(self) -> int:
        return sum(int(segment.live.alive.sum()) for segment in self.segments)

    def find(self, promotion_id: str) -> tuple[Segment, int] | None:
        """Where a promotion is; None when it is not here."""
        for segment in reversed(self.segments):
            for slot in segment.index.slots_of([promotion_id]):
                if segment.live.alive[slot]:
                    return segment, slot
        return None


def _sound(
    rows: Sequence[PromotionRow], around: Surroundings
) -> tuple[list[PromotionRow], dict[str, Polygonal], dict[str, str]]:
    """Rows that can be compiled, polygons of those that have one, and why the others cannot; by id."""
    faults: dict[str, str] = {}
    wkbs = np.array([row.fence_wkb if isinstance(row.fence_wkb, bytes) else None for row in rows], object)
    shapes = shapely.from_wkb(wkbs, on_invalid="ignore")
    for row, sound_shape in zip(rows, _sound_shapes(shapes).tolist(), strict=True):
        try:
            fault = _fault_of(row, around, sound_shape=sound_shape)
        except (ValueError, KeyError, TypeError, ArithmeticError, InvalidInput, msgspec.DecodeError) as error:
            fault = f"{type(error).__name__}: {error}"
        if fault:
            faults[row.id] = fault
    polygons = {row.id: shape for row, shape in zip(rows, shapes.tolist(), strict=True) if shape is not None}
    return [row for row in rows if row.id not in faults], polygons, faults


def _sound_shapes(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which are valid polygons on the Earth, no part of them empty."""
    polygonal = np.isin(
        shapely.get_type_id(shapes), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    )
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    on_earth = (west >= -180) & (south >= -90) & (east <= 180) & (north <= 90)
    parts, owners = shapely.get_parts(shapes, return_index=True)
    hollow = np.bincount(owners[shapely.is_empty(parts)], minlength=len(shapes)) > 0
    return np.asarray(polygonal & on_earth & shapely.is_valid(shapes) & ~hollow)


def _fault_of(row: PromotionRow, around: Surroundings, *, sound_shape: bool) -> str | None:
    if not _ID.match(row.id):
        return "the id is not of the form prm_ and 16 characters"
    if row.status not in _AGAINST or row.visitors not in ("all", "new", "returning"):
        return f"status {row.status!r} or visitors {row.visitors!r} is not known"
    if row.weekly_hours is not None and not is_valid(row.weekly_hours):
        return f"weekly hours {row.weekly_hours!r} cannot be read"
    OpeningHours(row.weekly_hours, row.time_zone)
    numbers = (
        row.starts_at_ms,
        row.ends_at_ms,
        row.max_claims,
        row.max_redemptions,
        row.max_per_visitor,
        row.budget_minor,
    )
    if not all(number is None or (isinstance(number, int) and abs(number) < 2**62) for number in numbers):
        return "a time or a limit is not a whole number in range"
    if not (isinstance(row.max_accuracy_m, int | float) and 0 < row.max_accuracy_m < 1e9):
        return "max_accuracy_m is not a number in range"
    if not 0 <= strength_of(row.benefit_json) <= 1:
        return "the benefit is worth less than nothing or more than all"
    _decode_titles(row.title_i18n_json)
    if row.per_period_json is not None:
        period_limits_of(_decode_benefit(row.per_period_json))
    _decode_list(row.shop_ids_json)
    Audience(frozenset(_decode_list(row.segments_json)), row.visitors)  # type: ignore[arg-type]
    return _fault_of_fence(row, around, sound_shape=sound_shape)


def _fault_of_fence(row: PromotionRow, around: Surroundings, *, sound_shape: bool) -> str | None:
    match row.fence_kind:
        case "circle":
            CircleFence(LngLat(row.fence_lng, row.fence_lat), row.fence_radius_m)  # type: ignore[arg-type]
            return None
        case "polygon":
            return None if sound_shape else "the polygon is not valid"
        case "district":
            there = row.fence_district_id in around.shapes
            return None if there else f"there is no district {row.fence_district_id}"
        case "around_shops":
            AroundShopsFence(row.fence_radius_m)  # type: ignore[arg-type]
            return None
        case _:
            return f"fence kind {row.fence_kind!r} is not known"


def _shops_of(
    rows: Sequence[PromotionRow], around: Surroundings
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    named = [_decode_list(row.shop_ids_json) for row in rows]
    slots = around.shop_slots([shop_id for ids in named for shop_id in ids])
    owners = np.repeat(np.arange(len(rows)), [len(ids) for ids in named])
    there = slots >= 0
    return np.searchsorted(owners[there], np.arange(len(rows) + 1)), slots[there]


def _fences_of(
    rows: Sequence[PromotionRow],
    polygons: Mapping[str, Polygonal],
    around: Surroundings,
    shop_starts: NDArray[np.int64],
    shop_slots: NDArray[np.int32],
) -> FenceIndex:
    """Circles and polygons; a district is stored once, however many promotions name it."""
    circle_slots, lngs, lats, radii = array("i"), array("d"), array("d"), array("d")
    shape_slots, numbers = array("i"), array("i")
    shapes: list[Polygonal] = []
    districts: dict[str, int] = {}
    for slot, row in enumerate(rows):
        if row.fence_kind == "circle":
            circle_slots.append(slot)
            lngs.append(row.fence_lng or 0.0)
            lats.append(row.fence_lat or 0.0)
            radii.append(row.fence_radius_m or 0.0)
        elif row.fence_kind == "around_shops":
            shops = shop_slots[shop_starts[slot] : shop_starts[slot + 1]]
            circle_slots.extend([slot] * len(shops))
            lngs.extend(around.lngs[shops].tolist())
            lats.extend(around.lats[shops].tolist())
            radii.extend([row.fence_radius_m or 0.0] * len(shops))
        elif row.fence_kind == "district":
            shape_slots.append(slot)
            numbers.append(-1 - districts.setdefault(row.fence_district_id or "", len(districts)))
        else:
            shape_slots.append(slot)
            numbers.append(len(shapes))
            shapes.append(polygons[row.id])
    shape_numbers = np.array(numbers, np.int32)
    shape_numbers = np.where(shape_numbers < 0, len(shapes) - 1 - shape_numbers, shape_numbers)
    shapes += [around.shapes[district_id] for district_id in districts]
    return FenceIndex(
        len(rows),
        CircleColumns(np.array(circle_slots, np.int32), np.array(lngs), np.array(lats), np.array(radii)),
        ShapeColumns(np.array(shape_slots, np.int32), shape_numbers.astype(np.int32), shapes),
    )


def _times_of(rows: Sequence[PromotionRow], *, for_all: NDArray[np.bool_]) -> Times:
    hour_rows: dict[OpeningHours, int] = {}
    hours = array("i")
    for row in rows:
        if row.weekly_hours is None:
            hours.append(ALWAYS)
        else:
            hours.append(hour_rows.setdefault(OpeningHours(row.weekly_hours, row.time_zone), len(hour_rows)))
    return Times(
        against=np.array([_AGAINST[Status(row.status)] for row in rows], np.uint16),
        starts_ms=np.array([row.starts_at_ms for row in rows], np.int64),
        ends_ms=np.array([row.ends_at_ms for row in rows], np.int64),
        hours=np.array(hours, np.int32),
        rows=list(hour_rows),
        listed=np.array([row.listed for row in rows], np.bool_),
        for_all=for_all,
    )


def _audiences_of(rows: Sequence[PromotionRow]) -> tuple[list[Audience], NDArray[np.int32]]:
    """Distinct audiences, everybody first, and each promotion's."""
    known: dict[Audience, int] = {Audience(): 0}
    audience = array("i")
    for row in rows:
        one = Audience(frozenset(_decode_list(row.segments_json)), row.visitors)  # type: ignore[arg-type]
        audience.append(known.setdefault(one, len(known)))
    return list(known), np.array(audience, np.int32)


def strength_of(benefit_json: str) -> float:
    """How much a benefit is worth, from 0 to 1, as a share of what a visitor pays. Raises KeyError, ValueError."""
    benefit = _decode_benefit(benefit_json)
    numbers = {name: float(value) for name, value in benefit.items() if isinstance(value, int)}
    match benefit["type"]:
        case "percent_off":
            return numbers["basis_points"] / 10_000
        case "amount_off":
            spend = numbers.get("min_spend_minor", 5 * numbers["amount_minor"])
            return min(1.0, numbers["amount_minor"] / spend)
        case "buy_x_get_y":
            return numbers["get"] / (numbers["buy"] + numbers["get"])
        case "free_item":
            return 0.3
        case "points":
            return 0.1
        case kind:
            raise ValueError(f"benefit type {kind!r} is not known")
