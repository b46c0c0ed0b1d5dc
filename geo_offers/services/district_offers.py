"""What is on offer in a district, whoever asks and wherever he stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_offers.domain.place import LngLat
from geo_offers.index.promotions import PromotionIndex, Segment
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.kernels.ranking import NO_SHOP, STRENGTH_MILLI
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import Cursor
from geo_offers.services.usage import SpentOut
from geo_offers.stores.ports import Usage


class DistrictOffer(NamedTuple):
    """A promotion in a district.

    of, slot  which promotion
    shop      slot of one of its shops there, or NO_SHOP for one that only its fence brings there
    worth     of the benefit, in thousandths of a score
    """

    of: PromotionIndex
    slot: int
    shop: int
    worth: int

    @property
    def promotion_id(self) -> str:
        return self.of.id_of(self.slot)

    @property
    def order(self) -> tuple[int, str]:
        """Smaller comes first."""
        return -self.worth, self.promotion_id


@dataclass(frozen=True, slots=True)
class DistrictOffersPage:
    """One page, the most worth first; `when` is the moment that it speaks of."""

    items: Sequence[DistrictOffer]
    next: str | None
    snapshot: CatalogSnapshot
    when: datetime


class DistrictOffers:
    """Reads of what is on in a district."""

    def __init__(self, catalog: Catalog, usage: Usage, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._spent_out = SpentOut(usage)
        self._now = now

    def page(
        self, district_id: str, *, limit: int, cursor: str | None = None, when: datetime | None = None
    ) -> DistrictOffersPage:
        """Promotions that are live, for everybody and not spent, and that a shop in the district honours or whose
        fence holds the middle of it. Complete, a page at a time. Raises DistrictNotFound, CursorInvalid.
        """
        snapshot = self._catalog.current
        question = (district_id, when)
        before = Cursor.read(cursor, question) if cursor else None
        moment = when or (before.when if before else self._now())
        found = list(self._offers(snapshot, snapshot.district_number(district_id), moment))
        if before is not None:
            found = [one for one in found if one.order > (-before.rank, before.last_id)]
        found.sort(key=lambda one: one.order)
        shown = found[:limit]
        following = None
        if len(found) > limit:
            last = shown[-1]
            following = Cursor(float(last.worth), last.promotion_id, moment).written(question)
        return DistrictOffersPage(shown, following, snapshot, moment)

    def _offers(self, snapshot: CatalogSnapshot, number: int, when: datetime) -> Iterator[DistrictOffer]:
        here = np.zeros(len(snapshot.shops), np.bool_)
        here[snapshot.shop_districts.members[number]] = True
        middle = shapely.point_on_surface(snapshot.districts.shapes[number])
        for segment in snapshot.promotions.segments:
            live = segment.live.at(when).public
            slots, shops = _honoured(segment, here)
            held = live.holding(LngLat(middle.x, middle.y))
            only_held = np.setdiff1d(held, slots)
            slots = np.concatenate((slots, only_held))
            shops = np.concatenate((shops, np.full(len(only_held), NO_SHOP, np.int32)))
            kept = live.wanted[slots] > 0
            spent = self._spent_out.bits_of(segment.index)
            if spent is not None:
                kept &= spent[slots] == 0
            worths = np.rint(STRENGTH_MILLI * segment.index.strength[slots]).astype(np.int64)
            for slot, shop, worth in zip(
                slots[kept].tolist(), shops[kept].tolist(), worths[kept].tolist(), strict=True
            ):
                yield DistrictOffer(segment.index, slot, shop, worth)


def _honoured(segment: Segment, here: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Promotions with a shop of these (bool[shops]), and the first such shop of each: two int32[k]."""
    index = segment.index
    places = np.flatnonzero(here[index.shop_slots])
    owners = np.searchsorted(index.shop_starts, places, side="right") - 1
    slots, first = np.unique(owners, return_index=True)
    return slots.astype(np.int32), index.shop_slots[places[first]]
