"""Which shops are near, what is known of one, and where a position is: answered from the snapshot alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from geo_offers.domain.categories import LEAF_INDEX, leaves_of
from geo_offers.domain.errors import CategoryUnknown, CursorInvalid
from geo_offers.domain.offer import MatchQuery
from geo_offers.domain.opening_hours import OpenState
from geo_offers.domain.place import District, LngLat, is_shop_id
from geo_offers.index.cells import POSITION_RESOLUTION, cell_at
from geo_offers.index.geodesic import geodesic_m
from geo_offers.index.nearest import After, ShopFilter
from geo_offers.index.snapshot import GROUP_INDEX, CatalogSnapshot
from geo_offers.matching.engine import is_offered, shortlist
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import Cursor

#: "Around" in a context answer.
AROUND_M = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopQuery:
    """A question for nearest shops.

    at            where to look from
    when          the moment that opening hours are asked for; None is now
    category      a leaf or a group
    cursor        where the page before ended, as that page said
    """

    at: LngLat
    radius_m: float = 1_000.0
    limit: int = 20
    category: str | None = None
    district_id: str | None = None
    open_now: bool = False
    when: datetime | None = None
    cursor: str | None = None

    def facts(self) -> tuple[object, ...]:
        """What two pages of one question have in common."""
        return (
            self.at.lng,
            self.at.lat,
            self.radius_m,
            self.category,
            self.district_id,
            self.open_now,
            self.when,
        )


class FoundShop(NamedTuple):
    """A shop in one answer: its slot in the snapshot; `distance_m` is None when nobody asked from a place."""

    slot: int
    distance_m: float | None
    state: OpenState


@dataclass(frozen=True, slots=True)
class ShopPage:
    """One page of shops, nearest first; `next` is the cursor of the page after it."""

    items: Sequence[FoundShop]
    next: str | None
    snapshot: CatalogSnapshot


@dataclass(frozen=True, slots=True)
class Context:
    """Where a position is: districts innermost first, its cell, and how much is around."""

    districts: Sequence[District]
    cell: int
    shops_nearby: int
    offers_live: int
    revision: int


class FindShops:
    """Reads of the catalog around a position."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def warm_up(self) -> None:
        """Ask every kind of question once, so that no visitor waits for a kernel to be compiled."""
        nowhere = LngLat(0.0, 0.0)
        self.near(ShopQuery(at=nowhere, open_now=True))
        self.context(nowhere)

    def near(self, query: ShopQuery) -> ShopPage:
        """The nearest shops, a page at a time, by geodesic distance, then id; complete whatever their number.

        Raises CategoryUnknown, DistrictNotFound, CursorInvalid.
        """
        snapshot = self._catalog.current
        before = Cursor.read(query.cursor, query.facts()) if query.cursor else None
        when = query.when or (before.when if before else self._now())
        after = None
        if before is not None:
            if not is_shop_id(before.last_id):
                raise CursorInvalid(
                    "the cursor is not one of ours; start again without it", pointer="/cursor"
                )
            after = After(before.rank, snapshot.shops.rank_of(before.last_id, side="right") - 0.5)
        slots, distances = snapshot.nearest.nearest(
            query.at,
            query.limit + 1,
            radius_m=query.radius_m,
            where=filter_of(snapshot, query, when),
            after=after,
        )
        opening = snapshot.opening.at(when)
        shown = slots[: query.limit].tolist()
        items = [
            FoundShop(slot, distance, state)
            for slot, distance, state in zip(
                shown, distances.tolist(), opening.states_of(shown), strict=False
            )
        ]
        following = None
        if len(slots) > query.limit:
            following = cursor_after_shop(snapshot, items[-1].slot, when, query)
        return ShopPage(items, following, snapshot)

    def shop(self, shop_id: str, when: datetime | None = None) -> tuple[FoundShop, CatalogSnapshot]:
        """One shop, and the snapshot that it was found in. Raises ShopNotFound."""
        snapshot = self._catalog.current
        slot = snapshot.shops.slot_of(shop_id)
        return FoundShop(slot, None, snapshot.opening.at(when or self._now()).state_of(slot)), snapshot

    def context(self, at: LngLat) -> Context:
        """Where a position is."""
        snapshot = self._catalog.current
        return Context(
            districts=snapshot.districts_at(at),
            cell=cell_at(at.lng, at.lat, POSITION_RESOLUTION),
            shops_nearby=snapshot.nearest.count_within(at, AROUND_M),
            offers_live=self._offers_live(snapshot, at),
            revision=snapshot.revision,
        )

    def _offers_live(self, snapshot: CatalogSnapshot, at: LngLat) -> int:
        found = shortlist(snapshot.promotions, MatchQuery(when=self._now(), at=at), at, reach_m=AROUND_M)
        return sum(int(is_offered(one).sum()) for one in found)


def filter_of(snapshot: CatalogSnapshot, query: ShopQuery, when: datetime) -> ShopFilter:
    """Which shops count. Raises CategoryUnknown, DistrictNotFound."""
    members = None
    if query.district_id is not None:
        members = snapshot.shop_districts.members[snapshot.district_number(query.district_id)]
    leaf = group = None
    if query.category is not None:
        check_category(query.category)
        leaf, group = LEAF_INDEX.get(query.category), GROUP_INDEX.get(query.category)
    opening = snapshot.opening.at(when) if query.open_now else None
    return ShopFilter(leaf=leaf, group=group, members=members, opening=opening)


def cursor_after_shop(snapshot: CatalogSnapshot, slot: int, when: datetime, query: ShopQuery) -> str:
    """The cursor of a page that ends with this shop."""
    shops = snapshot.shops
    exact_m = geodesic_m(query.at, LngLat(float(shops.lngs[slot]), float(shops.lats[slot])))
    return Cursor(exact_m, shops.ids[slot].decode(), when).written(query.facts())


def check_category(key: str) -> tuple[str, ...]:
    """The leaves of a category that was asked for. Raises CategoryUnknown, which names the parameter."""
    try:
        return leaves_of(key)
    except CategoryUnknown as error:
        raise CategoryUnknown(str(error), pointer="/category") from error
