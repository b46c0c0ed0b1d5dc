"""A position becomes offers: the one trip that every visitor makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.categories import LEAF_INDEX
from geo_offers.domain.errors import CursorInvalid, StoreUnavailable
from geo_offers.domain.offer import FRESH_FOR, MatchQuery, Reason, Spent, Visitor
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import PromotionRow
from geo_offers.domain.schedule import Schedule
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.matching.eligibility import reasons_of
from geo_offers.matching.engine import (
    AfterOffer,
    Ranked,
    ShopTest,
    Shortlist,
    best_at_once,
    charged,
    select,
    shortlist,
    to_fence_m,
)
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import Cursor
from geo_offers.services.find_shops import check_category
from geo_offers.stores.ports import Usage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Mapping[str, Spent] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferQuery:
    """A question for offers.

    visitor_id   the app's own name for a visitor; hashed before anything else is done with it
    when         the moment asked about; None is now
    """

    at: LngLat
    radius_m: float = 1_000.0
    limit: int = 20
    cursor: str | None = None
    category: str | None = None
    district_id: str | None = None
    visitor_id: str | None = None
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
class Excluded:
    """A promotion that is not an offer here: every reason, the first of them decisive, and what would change it."""

    promotion_id: str
    reasons: Sequence[Reason]
    facts: Mapping[str, object]


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
        self._now = now
        self._secret = secret

    async def offers(self, query: OfferQuery) -> OfferPage:
        """Offers inside whose fence the position is, then listed ones within the radius; complete, a page at a time.

        Raises CategoryUnknown, DistrictNotFound, CursorInvalid.
        """
        before = Cursor.read(query.cursor, query.facts()) if query.cursor else None
        when = query.when or (before.when if before else self._now())
        return await self._page(self._catalog.current, query, when, before)

    async def match(self, queries: Sequence[OfferQuery]) -> OfferBatch:
        """The same for many positions, without cursors. Raises CategoryUnknown, DistrictNotFound."""
        snapshot, now = self._catalog.current, self._now()
        pages = [await self._page(snapshot, query, query.when or now, None) for query in queries]
        when = (queries[0].when if queries else None) or now
        return OfferBatch(pages, snapshot, when, sorted({word for page in pages for word in page.degraded}))

    async def _page(
        self, snapshot: CatalogSnapshot, query: OfferQuery, when: datetime, before: Cursor | None
    ) -> OfferPage:
        asked = self._asked(query, when)
        degraded: list[str] = []
        quick = None
        if before is None and query.is_plain:
            quick = best_at_once(
                snapshot.promotions, asked, query.at, snapshot.nearest.xyz,
                reach_m=query.radius_m, limit=query.limit + 1,
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
            after=_after(before),
        )
        excluded = _excluded(found, asked, query) if query.explain else None
        return _page_of(snapshot, query, when, ranked, excluded, degraded)

    async def _spent(self, ranked: Sequence[Ranked], visitor: Visitor | None, degraded: list[str]) -> bool:
        """Whether any of these has used anything of its limits: then all are looked at again."""
        limited = [one.promotion_id for one in ranked if one.of.limited[one.slot]]
        return bool(limited and await self._counts(limited, visitor, degraded))

    def _asked(self, query: OfferQuery, when: datetime) -> MatchQuery:
        visitor = None
        if query.visitor_id is not None or query.segments:
            visitor = Visitor(self.visitor_key(query.visitor_id or ""), query.segments)
        return MatchQuery(
            when=when, at=query.at, accuracy_m=query.accuracy_m, fix_at=query.fix_at, visitor=visitor
        )

    def visitor_key(self, visitor_id: str) -> str:
        """A visitor as we know him: a keyed hash."""
        return blake2b(
            visitor_id.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=16
        ).hexdigest()

    async def _charged(
        self, found: list[Shortlist], visitor: Visitor | None, degraded: list[str]
    ) -> list[Shortlist]:
        limited = [
            one.index.rows[slot].id
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
    following = _cursor_after(items[-1], when, query) if len(ranked) > query.limit else None
    return OfferPage(items, following, snapshot, when, excluded, degraded)


def _after(before: Cursor | None) -> AfterOffer | None:
    if before is None:
        return None
    if not 0 <= before.rank <= 100_000 or before.last_name not in ("inside", "listed"):
        raise CursorInvalid("the cursor is not one of ours; start again without it", pointer="/cursor")
    return AfterOffer(before.last_name == "inside", int(before.rank), before.last_id)


def _cursor_after(last: Ranked, when: datetime, query: OfferQuery) -> str:
    side = "inside" if last.inside else "listed"
    return Cursor(float(last.near + last.worth), last.promotion_id, when, side).written(query.facts())


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


def _excluded(found: Sequence[Shortlist], asked: MatchQuery, query: OfferQuery) -> list[Excluded]:
    """Everything near that is no offer and is not shown either, by id."""
    excluded = []
    for one in found:
        for place, bits in enumerate(one.against.tolist()):
            reasons = reasons_of(bits)
            if reasons and not _is_shown(one, place, reasons):
                facts = _facts(one, place, reasons, asked, query.at)
                excluded.append(Excluded(one.index.rows[one.slots[place]].id, reasons, facts))
    return sorted(excluded, key=lambda item: item.promotion_id)


_ONLY_LISTED = {Reason.OUTSIDE_FENCE, Reason.POSITION_STALE, Reason.POSITION_VAGUE}


def _is_shown(one: Shortlist, place: int, reasons: Sequence[Reason]) -> bool:
    return bool(one.index.listed[one.slots[place]]) and _ONLY_LISTED.issuperset(reasons)


def _facts(
    one: Shortlist, place: int, reasons: Sequence[Reason], asked: MatchQuery, at: LngLat
) -> dict[str, object]:
    """The distance to yes, for each reason."""
    slot = int(one.slots[place])
    row = one.index.rows[slot]
    facts: dict[str, object] = {}
    if len(reasons) > 1:
        facts["also"] = [reason.value for reason in reasons[1:]]
    if Reason.OUTSIDE_FENCE in reasons:
        nearest = one.index.fences.nearest_inside(slot, at)
        facts["distance_to_fence_m"] = to_fence_m(float(one.most_m[place]), inside=False)
        facts["nearest"] = {"lng": nearest.lng, "lat": nearest.lat}
    if Reason.NOT_STARTED in reasons or Reason.OUTSIDE_HOURS in reasons:
        opens_at = schedule_of(row).next_live_at(asked.when)
        facts["opens_at"] = None if opens_at is None else opens_at.astimezone(UTC)
    if Reason.ENDED in reasons:
        facts["ended_at"] = min(asked.when, _moment(row.ends_at_ms))
    if Reason.POSITION_VAGUE in reasons:
        facts["max_accuracy_m"] = row.max_accuracy_m
    if Reason.POSITION_STALE in reasons:
        facts["max_age_s"] = int(FRESH_FOR.total_seconds())
    for reason, names in _LIMIT_FACTS.items():
        if reason in reasons:
            facts |= {name: getattr(row, name) for name in names if getattr(row, name) is not None}
    return facts


_LIMIT_FACTS = {
    Reason.LIMIT_REACHED: ("max_claims", "max_redemptions"),
    Reason.BUDGET_SPENT: ("budget_minor", "currency"),
    Reason.PER_VISITOR_LIMIT: ("max_per_visitor",),
}


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def schedule_of(row: PromotionRow) -> Schedule:
    """The schedule of a promotion's row."""
    return Schedule(_moment(row.starts_at_ms), _moment(row.ends_at_ms), row.weekly_hours, row.time_zone)
