"""The promises that every store keeps, each written where it is declared; domain types only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from geo_offers.domain.place import District, Shop, ShopRow

ChangedKind = Literal["shop", "district", "all"]


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

    A step names what to look at again, not how: the shop or district may be new, different or retired.
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


class CatalogStore(Protocol):
    """Shops and districts, and the feed of their changes.

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

    async def close(self) -> None:
        """Let go of files and connections; every later call raises StoreUnavailable."""
