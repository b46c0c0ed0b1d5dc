"""The hot questions answered straight in bytes, byte for byte as the obvious way answers them.

What asks for more than place and time, or is too near to a rim, is None: it is left to `MatchOffers` and `FindShops`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.offer import MatchQuery, Visitor
from geo_offers.domain.place import LngLat
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.kernels import pages, ranking
from geo_offers.kernels.distance import greatest_chord_m, surely_within_chord_m
from geo_offers.matching.engine import (
    ROOM,
    BestMany,
    best_many,
    decided_by_place_and_time,
    vagueness_m,
)
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import Cursor
from geo_offers.services.find_shops import ShopQuery, cursor_after_shop, filter_of
from geo_offers.services.match_offers import OfferQuery, after_of, cursor_after
from geo_offers.services.pen import Pen
from geo_offers.services.plans import Plan
from geo_offers.services.usage import SpentOut
from geo_offers.stores.ports import Usage

_SOMEBODY = Visitor("somebody")
#: What a cursor says of the last offer, by whether it can be claimed.
_SIDES = ("listed", "inside")


class Usual(NamedTuple):
    """What apps ask most: the first page around a place, now, and nothing else."""

    lng: float
    lat: float
    radius_m: float
    limit: int

    def for_offers(self) -> OfferQuery:
        """The question with all that it leaves open."""
        return OfferQuery(at=LngLat(self.lng, self.lat), radius_m=self.radius_m, limit=self.limit)

    def for_shops(self) -> ShopQuery:
        """The question with all that it leaves open."""
        return ShopQuery(at=LngLat(self.lng, self.lat), radius_m=self.radius_m, limit=self.limit)

    @property
    def facts_of_offers(self) -> tuple[object, ...]:
        """The facts of `for_offers`, which takes 4 microseconds to make."""
        return (self.lng, self.lat, self.radius_m, None, None, None, (), None, None, None)


class WrittenPage(NamedTuple):
    """One page; `items` are encoded, with commas between."""

    items: bytes
    next: str | None
    snapshot: CatalogSnapshot
    degraded: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class WrittenBatch:
    """Offers for many positions, all of one snapshot and moment; None for a position that is to be asked step by step."""

    items: Sequence[bytes | None]
    snapshot: CatalogSnapshot
    when: datetime
    degraded: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyPlaces:
    """One question at m positions.

    lngs, lats     float64[m], degrees
    accuracies_m   float64[m]; 0 for exact
    visited        bool[m]: who stands there is named
    when           the moment asked about; None is now
    """

    lngs: NDArray[np.float64]
    lats: NDArray[np.float64]
    accuracies_m: NDArray[np.float64]
    visited: NDArray[np.bool_]
    radius_m: float
    limit: int
    when: datetime | None


class WriteAnswers:
    """Pages and batches in bytes. `named` says that the reader has languages: names in several are not for here."""

    def __init__(self, catalog: Catalog, usage: Usage, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._usage = usage
        self._spent_out = SpentOut(usage)
        self._now = now
        self._pen = Pen()
        self._plan: Plan | None = None

    async def warm_up(self) -> None:
        """Answer every kind of question once, so that no visitor waits for a kernel."""
        nowhere, one = LngLat(0.0, 0.0), np.zeros(1)
        await self.offers(OfferQuery(at=nowhere), named=False)
        self.shops(ShopQuery(at=nowhere, open_now=True), named=False)
        asked = ManyPlaces(
            lngs=one, lats=one, accuracies_m=one, visited=one > 0, radius_m=1.0, limit=1, when=None
        )
        await self.match(asked, named=False)
        self.usual_offers(Usual(0.0, 0.0, 1.0, 1), named=False)
        self.usual_shops(Usual(0.0, 0.0, 1.0, 1), named=False)

    def usual_offers(self, asked: Usual, *, named: bool) -> WrittenPage | None:
        """As MatchOffers.offers."""
        when = self._now()
        plan = self._planned(when)
        end, found, of, slot, inside, score = pages.offers(
            *plan.offers, asked.lng, asked.lat, asked.radius_m, asked.limit, named, ROOM, self._pen.paper
        )
        if end == pages.NO_PAGE:
            return self._offers(asked.for_offers(), named=named)
        following = None
        if found > asked.limit:
            last_id = plan.snapshot.promotions.segments[of].index.id_of(slot)
            last = Cursor(float(score), last_id, when, _SIDES[inside])
            following = last.written(asked.facts_of_offers)
        return WrittenPage(self._pen.written(end), following, plan.snapshot)

    def usual_shops(self, asked: Usual, *, named: bool) -> WrittenPage | None:
        """As FindShops.near."""
        when = self._now()
        plan = self._planned(when)
        radius_m = asked.radius_m
        high, sure = greatest_chord_m(radius_m), surely_within_chord_m(radius_m)
        end, found, last = pages.shops(
            *plan.shops, asked.lng, asked.lat, high, sure, asked.limit, named, self._pen.paper
        )
        if end == pages.NO_PAGE:
            return self.shops(asked.for_shops(), named=named)
        following = None
        if found > asked.limit:
            following = cursor_after_shop(plan.snapshot, last, when, asked.for_shops())
        return WrittenPage(self._pen.written(end), following, plan.snapshot)

    def _planned(self, when: datetime) -> Plan:
        """The plan of a moment; one is kept, and with it its snapshot until the next question."""
        plan, snapshot, version = self._plan, self._catalog.current, self._usage.version
        if plan is None or not plan.holds(snapshot, version, when):
            plan = self._plan = Plan.of(snapshot, version, self._spent_out, when)
        return plan

    async def offers(self, query: OfferQuery, *, named: bool) -> WrittenPage | None:
        """As MatchOffers.offers. Raises CursorInvalid."""
        return self._offers(query, named=named)

    def _offers(self, query: OfferQuery, *, named: bool) -> WrittenPage | None:
        snapshot = self._catalog.current
        visitor = None
        if query.visitor_id is not None or query.segments:
            visitor = _SOMEBODY
        if not query.is_plain or not decided_by_place_and_time(snapshot.promotions, visitor):
            return None
        before = Cursor.read(query.cursor, query.facts()) if query.cursor else None
        when = query.when or (before.when if before else self._now())
        vague_m = vagueness_m(
            MatchQuery(when=when, at=query.at, accuracy_m=query.accuracy_m, fix_at=query.fix_at)
        )
        best = best_many(
            snapshot.promotions, when, snapshot.nearest.xyz,
            np.array([query.at.lng]), np.array([query.at.lat]), np.array([vague_m]),
            reach_m=query.radius_m, limit=query.limit + 1, after=after_of(before),
        )  # fmt: skip
        if not best.sure[0]:
            return None
        if not self._usage.is_empty and self._may_be_spent(best, 0, visited=visitor is not None):
            return None
        items = self._pen.offers(snapshot, best, query.limit, when, named=named)[0]
        if items is None:
            return None
        following = None
        if best.found[0] > query.limit:
            following = cursor_after(best.end_of(0, query.limit), when, query)
        return WrittenPage(items, following, snapshot)

    async def match(self, asked: ManyPlaces, *, named: bool) -> WrittenBatch:
        """As MatchOffers.match."""
        snapshot, when = self._catalog.current, asked.when or self._now()
        best = best_many(
            snapshot.promotions, when, snapshot.nearest.xyz, asked.lngs, asked.lats, asked.accuracies_m,
            reach_m=asked.radius_m, limit=asked.limit + 1,
        )  # fmt: skip
        if not decided_by_place_and_time(snapshot.promotions, _SOMEBODY):
            best.sure[asked.visited] = False
        if not self._usage.is_empty:
            for place, visited in enumerate(asked.visited.tolist()):
                best.sure[place] &= not self._may_be_spent(best, place, visited=visited)
        items = self._pen.offers(snapshot, best, asked.limit, when, named=named)
        return WrittenBatch(items, snapshot, when, ())

    def _may_be_spent(self, best: BestMany, place: int, *, visited: bool) -> bool:
        """Whether any of these has reached a limit, or may have for whom we would have to ask."""
        if visited:
            return bool(best.limited(place))
        if not any(self._spent_out.bits_of(index) is not None for index in set(best.indexes)):
            return False
        rows = best.rows[place, : best.found[place], : ranking.SLOT + 1].tolist()
        return any(self._spent_out.holds(best.indexes[of], slot) for of, slot in rows)

    def shops(self, query: ShopQuery, *, named: bool) -> WrittenPage | None:
        """As FindShops.near. Raises CategoryUnknown, DistrictNotFound."""
        if query.cursor is not None or query.district_id is not None:
            return None
        snapshot, when = self._catalog.current, query.when or self._now()
        found = snapshot.nearest.at_once(
            query.at, query.limit + 1, radius_m=query.radius_m, where=filter_of(snapshot, query, when)
        )
        if found is None:
            return None
        slots, distances_m = found
        shown = slots[: query.limit]
        items = self._pen.shops(snapshot, shown, distances_m, when, named=named)
        if items is None:
            return None
        following = None
        if len(slots) > query.limit:
            following = cursor_after_shop(snapshot, int(shown[-1]), when, query)
        return WrittenPage(items, following, snapshot)
