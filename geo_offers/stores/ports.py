"""The promises that every store keeps, each written where it is declared; domain types only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from geo_offers.domain.offer import Spent
from geo_offers.domain.place import District, Shop, ShopRow
from geo_offers.domain.promotion import Merchant, Promotion, PromotionRow
from geo_offers.stores.once import Kept, Once

T = TypeVar("T")

ChangedKind = Literal["shop", "district", "promotion", "all"]
#: What followers follow, each by a counter of its own in the durable store.
Topic = Literal["catalog", "usage", "keys"]


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did to the store: rows added, changed, left as they were, retired.

    A retired row that comes again counts as added: live rows after = live rows before + added - retired.
    """

    added: int
    updated: int
    unchanged: int
    retired: int


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the catalog: what changed at this revision; `id` is None when kind is "all".

    A step names what to look at again, not how: the shop, district or promotion may be new, different
    or retired.
    """

    revision: int
    kind: ChangedKind
    id: str | None


class CatalogReading(Protocol):
    """The catalog at one revision, whatever writers do meanwhile."""

    @property
    def revision(self) -> int: ...

    def shops(self) -> AsyncIterator[Sequence[Shop]]:
        """Every live shop once, in chunks, in the order of its H3 cell, then id."""

    def shop_rows(self) -> AsyncIterator[Sequence[ShopRow]]:
        """The shops of `shops()` in the same order, as rows: made for loading millions."""

    async def districts(self) -> Sequence[District]:
        """Every live district, ordered by id."""

    def promotions(self) -> AsyncIterator[Sequence[Promotion]]:
        """Every live promotion once, drafts among them, in chunks, ordered by id."""

    def promotion_rows(self) -> AsyncIterator[Sequence[PromotionRow]]:
        """The promotions of `promotions()` that are no drafts, in the same order, as rows: made for loading many.

        Geometry is not looked at: it is as it was when the promotion was accepted.
        """

    async def promotion_rows_of(self, ids: Sequence[str]) -> Sequence[PromotionRow]:
        """Those of `promotion_rows()` with one of these ids, ordered by id: for a follower of the feed."""

    async def merchants(self) -> Sequence[Merchant]:
        """Every merchant, ordered by id."""


class CatalogStore(Protocol):
    """Shops, districts and promotions, and the feed of their changes.

    - A method that raises has changed nothing.
    - Every method raises StoreUnavailable when the store is closed or cannot be reached,
      and SchemaOutdated when its tables are of another version than this program's.
    - Text in any script, coordinates to the last bit and times to the millisecond come back as they went in.
    """

    async def revision(self) -> int:
        """The newest committed revision; 0 in an empty store."""

    async def changes_since(self, revision: int, *, limit: int = 1_000) -> Sequence[Change]:
        """Changes after `revision`, oldest first, at most `limit`.

        A revision is seen only when every smaller one is: under any number of writers none arrives late.
        """

    def reading(self) -> AbstractAsyncContextManager[CatalogReading]:
        """A consistent view of the catalog for as long as the context is open."""

    async def import_shops(
        self,
        shops: Iterable[Shop],
        *,
        dataset: str,
        replace: bool = False,
        on_rows: Callable[[int], None] | None = None,
    ) -> ImportCounts:
        """Take all of `shops` or, when the iterable raises, none.

        - A shop is known by (source.provider, source.id): the same again updates, unchanged it does nothing.
          Twice in one import: the last one counts. A known shop keeps the id that it has.
        - A shop belongs to the dataset that brought it last.
        - `replace` retires the live shops of this dataset that did not come; without it none is retired.
        - A retired shop that comes again lives again, with its id.
        - All becomes visible at once: as one step "all", or one step a shop in the order of their ids when at
          most 1,000 changed. No revision when nothing changed.
        - Raises Conflict when a new shop has the id of another source's shop.
        - Memory does not grow with the number of shops. Others may read and write while the iterable runs.
        - `on_rows` hears how many rows were taken so far, now and then and at the end. It is called, like the
          iterable, in another thread than the caller's.
        """

    async def put_shops(self, shops: Sequence[Shop]) -> int:
        """Insert or update these shops by id in one transaction, one step each; the revision after it.

        Given twice, the last one counts; retired ones live again; given none, nothing changes. Their dataset
        stays as it is, and new ones have none. Raises Conflict when another id has the same source.
        """

    async def retire_shop(self, shop_id: str) -> int:
        """Take a shop out of the catalog; the revision after it. Raises ShopNotFound."""

    async def get_shop(self, shop_id: str) -> Shop:
        """A live shop. Raises ShopNotFound."""

    async def import_districts(
        self, districts: Sequence[District], *, dataset: str, replace: bool = False
    ) -> ImportCounts:
        """Take all of these districts or none, by the promises of `import_shops`.

        Raises InvalidInput when a geometry is not a polygon on the Earth or a parent is not known.
        """

    async def get_district(self, district_id: str) -> District:
        """A live district with its geometry. Raises DistrictNotFound."""

    async def import_promotions(
        self,
        promotions: Iterable[Promotion],
        merchants: Sequence[Merchant],
        *,
        dataset: str,
        replace: bool = False,
        on_rows: Callable[[int], None] | None = None,
    ) -> ImportCounts:
        """Take all of these promotions or none, by the promises of `import_shops`.

        - A promotion is known by its merchant and external_id or, without one, its merchant and id.
        - The merchants are taken as by `put_merchants`, in the same transaction.
        - Raises InvalidInput, naming the promotion, when its merchant, district or one of its shops is not
          known. Known is what the store ever had: a promotion stays right when a shop of it is retired.
        - Raises Conflict when a new promotion has the id of another one.
        """

    async def put_promotion(self, promotion: Promotion) -> int:
        """Insert or update a promotion by id as one step; the revision after it.

        A retired one lives again. Its dataset stays as it is, and a new one has none. Raises InvalidInput as
        `import_promotions` does, Conflict when another promotion of the merchant has its external_id.
        """

    async def retire_promotion(self, promotion_id: str) -> int:
        """Take a promotion out of the catalog; the revision after it. Raises PromotionNotFound."""

    async def get_promotion(self, promotion_id: str) -> Promotion:
        """A live promotion, drafts among them. Raises PromotionNotFound."""

    async def put_merchants(self, merchants: Sequence[Merchant]) -> int:
        """Insert or rename merchants by id in one transaction; the revision after it.

        Given twice, the last one counts. The live promotions of those that have another name now are told, one
        step each in the order of their ids, more than 1,000 as one step "all"; a new merchant is no step.
        """

    async def close(self) -> None:
        """Let go of files and connections; every later call raises StoreUnavailable."""


class Usage(Protocol):
    """What promotions have used of their limits, quickly: a hint that may be lost; claims are decided elsewhere."""

    @property
    def is_empty(self) -> bool:
        """Whether it is known, without asking anybody, that nothing was used: then counts need not be asked."""

    async def counts(self, visitor_key: str | None, promotion_ids: Sequence[str]) -> Mapping[str, Spent]:
        """What these promotions have used, by id, and this visitor of each; those unused may be left out.

        Raises StoreUnavailable.
        """

    @property
    def version(self) -> int:
        """A number that grows with every change of what is known in all; at no cost."""

    def changed_since(self, version: int) -> Mapping[str, Spent]:
        """What the promotions whose totals changed after a version have used, by id; all from 0 on. No I/O."""

    async def has_claimed(self, visitor_key: str) -> bool:
        """Whether a visitor ever claimed anything. Raises StoreUnavailable."""

    async def note_claim(self, promotion_id: str, visitor_key: str) -> None:
        """A visitor has claimed one more."""

    async def note_redemption(self, promotion_id: str, amount_minor: int) -> None:
        """One more was redeemed, for this much."""

    async def note_rollback(self, promotion_id: str, amount_minor: int) -> None:
        """A redemption of this much was undone."""


class Taken(NamedTuple):
    """One request of a rate, taken or refused.

    remaining      how many more may be taken at once
    reset_s        in how many seconds all of the burst may be taken again
    retry_after_s  in how many seconds one may be taken; 0 when there is one
    """

    allowed: bool
    remaining: int
    reset_s: float
    retry_after_s: float


class RateLimits(Protocol):
    """How often somebody comes: so many at once, refilled evenly; lost when the process ends."""

    def take(self, key: str, *, per_minute: int, burst: int, now_s: float) -> Taken:
        """Take one of the bucket `key`; a refusal takes nothing.

        now_s  of any clock that never goes back
        In any stretch of t seconds at most burst + t * per_minute / 60 are allowed.
        """


class Nudges(Protocol):
    """Words that something changed, so that followers look before their next poll; any of them may be lost.

    - What is heard while nobody waits for it is there for the next who waits.
    - For one follower a topic in each process.
    """

    async def nudge(self, topic: Topic) -> None:
        """Tell every process, this one first; after the commit. Never waits for others, never raises."""

    def hear(self, topic: Topic) -> None:
        """As if a nudge had come, in this process alone."""

    async def wait(self, topics: Set[Topic], *, within_s: float) -> Set[Topic]:
        """Which of these were heard, as soon as one is; none when that takes longer."""


class AnswerHints(Protocol):
    """Answers of writes with a key that can be had without asking the durable store; any may be missing.

    What is here is what the store answered, and goes before the store forgets it.
    """

    async def find(self, once: Once[T]) -> Kept[T] | None:
        """The answer to a key, when it is here. Raises KeyReused when it was to another question."""

    def note(self, once: Once[Any], kept: Kept[Any]) -> None:
        """The store has answered. No I/O: it may be a moment until it is found."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as it was appended; `offset` is from where to read on."""

    offset: str
    body: bytes


class EventLog(Protocol):
    """Events until they are rolled up, in one order for all readers: the log's, not a clock's.

    - Offsets are the log's own words: not to be compared or made by others.
    - What an append has answered is read by every reading that begins after it.
    - The same reading again gives the same, until it is trimmed.
    - Every method raises StoreUnavailable when the log cannot answer; an append that raised may have been done.
    """

    async def append(self, bodies: Sequence[bytes]) -> None:
        """Take these events together and in this order, behind all others; all or none.

        Raises StoreUnavailable also when the log is full: nothing is dropped to make room.
        """

    async def read_after(self, offset: str | None, *, limit: int) -> Sequence[LoggedEvent]:
        """Events behind an offset, the oldest first; from the oldest that there is when it is None."""

    async def trim(self, until: str) -> int:
        """Let go of the events up to this offset, which is in it; how many did."""


class LiveState(Protocol):
    """How the server that holds live state does, for operators."""

    @property
    def away(self) -> Mapping[str, str]:
        """What goes without it at the moment, and why, by subject; empty when all is well."""

    @property
    def failures(self) -> Mapping[str, int]:
        """How often it failed since this process began, by subject."""
