"""A position becomes offers: the one trip that every visitor makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.categories import LEAF_INDEX
from geo_offers.domain.errors import CursorInvalid, StoreUnavailable
from geo_offers.domain.offer import MatchQuery, Spent, Visitor
from geo_offers.domain.place import LngLat
from geo_offers.index.promotions import Promotions
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.matching.engine import (
    AfterOffer,
    Ranked,
    ShopTest,
    Shortlist,
    best_at_once,
    charged,
    select,
    shortlist,
)
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import Cursor
from geo_offers.services.explaining import Excluded, excluded_of
from geo_offers.services.find_shops import check_category
from geo_offers.services.usage import SpentOut
from geo_offers.services.visitors import visitor_key
from geo_offers.stores.ports import Usage

_NOTHING: Mapping[str, Spent] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferQuery:
    """A question for offers.

    visitor_id   the app's own name for a visitor; hashed before anything else is done with it
    account      the app's, whose visitor it is; "" for any other caller
    when         the moment asked about; None is now
    """

    at: LngLat
    radius_m: float = 1_000.0
    limit: int = 20
    cursor: str | None = None
    category: str | None = None
    district_id: str | None = None
    visitor_id: str | None = None
    account: str = ""
    segments: frozenset[str] = frozenset()
    accuracy_m: float | None = None
    fix_at: datetime | None = None
    when: datetime | None = None
    explain: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing but place and time is asked about."""
        return self.category is None and self.district_id is None and not self.explain

    def facts(self) -> tuple[object, ...]:
        """What two pages of one question have in common."""
        where = (self.at.lng, self.at.lat, self.radius_m, self.category, self.district_id)
        return (*where, self.visitor_id, sorted(self.segments), self.accuracy_m, self.fix_at, self.when)


@dataclass(frozen=True, slots=True)
class OfferPage:
    """One page of offers, the best first.

    when      the moment that it speaks of
    excluded  only when asked for
    degraded  what was not asked because it is away, such as "usage"
    """

    items: Sequence[Ranked]
    next: str | None
    snapshot: CatalogSnapshot
    when: datetime
    excluded: Sequence[Excluded] | None = None
    degraded: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class OfferBatch:
    """The first pages for many positions, in their order, all of one snapshot and moment."""

    pages: Sequence[OfferPage]
    snapshot: CatalogSnapshot
    when: datetime
    degraded: Sequence[str]


class MatchOffers:
    """Reads of the match; usage is a hint, a claim decides."""

    def __init__(self, catalog: Catalog, usage: Usage, now: Callable[[], datetime], secret: bytes) -> None:
        self._catalog = catalog
        self._usage = usage
        self._spent_out = SpentOut(usage)
        self._now = now
        self._secret = secret

    async def offers(self, query: OfferQuery) -> OfferPage:
        """Offers inside whose fence the position is, then listed ones within the radius; complete, a page at a time.

        Raises CategoryUnknown, DistrictNotFound, CursorInvalid.
        """
        before = Cursor.read(query.cursor, query.facts()) if query.cursor else None
        when = query.when or (before.when if before else self._now())
        return await self._page(self._catalog.current, query, when, before)

    async def match(
        self,
        queries: Sequence[OfferQuery],
        *,
        snapshot: CatalogSnapshot | None = None,
        now: datetime | None = None,
    ) -> OfferBatch:
        """The same for many positions, without cursors; of the current catalog and now unless others are given.

        Raises CategoryUnknown, DistrictNotFound.
        """
        snapshot, now = snapshot or self._catalog.current, now or self._now()
        pages = [await self._page(snapshot, query, query.when or now, None) for query in queries]
        when = (queries[0].when if queries else None) or now
        return OfferBatch(pages, snapshot, when, sorted({word for page in pages for word in page.degraded}))

    async def _page(
        self, snapshot: CatalogSnapshot, query: OfferQuery, when: datetime, before: Cursor | None
    ) -> OfferPage:
        degraded: list[str] = []
        asked = await self._asked(query, when, snapshot.promotions, degraded)
        quick, after = None, after_of(before)
        if query.is_plain:
            quick = best_at_once(
                snapshot.promotions, asked, query.at, snapshot.nearest.xyz,
                reach_m=query.radius_m, limit=query.limit + 1, after=after,
            )  # fmt: skip
        if quick is not None and not await self._spent(quick, asked.visitor, degraded):
            return _page_of(snapshot, query, when, quick, None, degraded)
        found = shortlist(
            snapshot.promotions, asked, query.at, reach_m=query.radius_m, everything=query.explain
        )
        found = await self._charged(found, asked.visitor, degraded)
        ranked = select(
            found,
            query.at,
            snapshot.nearest.xyz,
            limit=query.limit + 1,
            honoured_by=_shop_test(snapshot, query),
            after=after,
        )
        excluded = excluded_of(found, asked, query.at) if query.explain else None
        return _page_of(snapshot, query, when, ranked, excluded, degraded)

    async def _spent(self, ranked: Sequence[Ranked], visitor: Visitor | None, degraded: list[str]) -> bool:
        """Whether any of these has reached a limit, or may have for this visitor: then all are looked at again."""
        if self._usage.is_empty:
            return False
        if visitor is None:
            return any(self._spent_out.holds(one.of, one.slot) for one in ranked)
        limited = [one.promotion_id for one in ranked if one.of.limited[one.slot]]
        return bool(limited and await self._counts(limited, visitor, degraded))

    async def _asked(
        self, query: OfferQuery, when: datetime, promotions: Promotions, degraded: list[str]
    ) -> MatchQuery:
        visitor = None
        if query.visitor_id is not None:
            key = self.visitor_key(query.visitor_id, account=query.account)
            returning = _asks_who_returns(promotions) and await self._has_claimed(key, degraded)
            visitor = Visitor(key, query.segments, returning)
        elif query.segments:
            visitor = Visitor("", query.segments)
        return MatchQuery(
            when=when, at=query.at, accuracy_m=query.accuracy_m, fix_at=query.fix_at, visitor=visitor
        )

    def visitor_key(self, visitor_id: str, *, account: str = "") -> str:
        """A visitor of an account as we know him: a keyed hash."""
        return visitor_key(visitor_id, account=account, secret=self._secret)

    async def _has_claimed(self, key: str, degraded: list[str]) -> bool:
        """Whether a visitor has claimed before; no, and a word in `degraded`, when it cannot be asked."""
        try:
            return await self._usage.has_claimed(key)
        except StoreUnavailable:
            degraded[:] = ["usage"]
            return False

    async def _charged(
        self, found: list[Shortlist], visitor: Visitor | None, degraded: list[str]
    ) -> list[Shortlist]:
        limited = [
            one.index.id_of(slot)
            for one in found
            for slot in one.slots[one.index.limited[one.slots]].tolist()
        ]
        spent = await self._counts(limited, visitor, degraded) if limited else _NOTHING
        return [charged(one, spent) for one in found] if spent else found

    async def _counts(
        self, promotion_ids: Sequence[str], visitor: Visitor | None, degraded: list[str]
    ) -> Mapping[str, Spent]:
        """What these have used; nothing, and a word in `degraded`, when it cannot be asked."""
        try:
            return await self._usage.counts(visitor.key if visitor else None, promotion_ids)
        except StoreUnavailable:
            degraded[:] = ["usage"]
            return _NOTHING


def _page_of(
    snapshot: CatalogSnapshot,
    query: OfferQuery,
    when: datetime,
    ranked: Sequence[Ranked],
    excluded: Sequence[Excluded] | None,
    degraded: Sequence[str],
) -> OfferPage:
    items = ranked[: query.limit]
    following = None
    if len(ranked) > query.limit:
        last = items[-1]
        after = AfterOffer(bool(last.inside), last.near + last.worth, last.promotion_id)
        following = cursor_after(after, when, query)
    return OfferPage(items, following, snapshot, when, excluded, degraded)


def _asks_who_returns(promotions: Promotions) -> bool:
    """Whether any of these is for new or for returning visitors only."""
    return any(
        audience.visitors != "all" for segment in promotions.segments for audience in segment.index.audiences
    )


def after_of(before: Cursor | None) -> AfterOffer | None:
    """Where the page before ended. Raises CursorInvalid."""
    if before is None:
        return None
    if not 0 <= before.rank <= 100_000 or before.last_name not in ("inside", "listed"):
        raise CursorInvalid("the cursor is not one of ours; start again without it", pointer="/cursor")
    return AfterOffer(before.last_name == "inside", int(before.rank), before.last_id)


def cursor_after(last: AfterOffer, when: datetime, query: OfferQuery) -> str:
    """The cursor of a page that ends so."""
    side = "inside" if last.inside else "listed"
    return Cursor(float(last.score_milli), last.promotion_id, when, side).written(query.facts())


def _shop_test(snapshot: CatalogSnapshot, query: OfferQuery) -> ShopTest | None:
    """Which shops an offer must be honoured by, when a category or a district is asked for."""
    if query.category is None and query.district_id is None:
        return None
    leaves = np.zeros(len(LEAF_INDEX), np.bool_)
    for leaf in check_category(query.category) if query.category else LEAF_INDEX:
        leaves[LEAF_INDEX[leaf]] = True
    members = None
    if query.district_id is not None:
        members = snapshot.shop_districts.members[snapshot.district_number(query.district_id)]

    def test(slots: NDArray[np.int32]) -> NDArray[np.bool_]:
        counts = leaves[snapshot.shops.leaves[slots]]
        return counts if members is None else counts & np.isin(slots, members)

    return test
