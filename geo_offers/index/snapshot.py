"""The catalog at one revision, as columns: what a question is answered from, without I/O."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.categories import GROUPS, LEAF_INDEX, LEAVES
from geo_offers.domain.errors import DistrictNotFound, ShopNotFound
from geo_offers.domain.opening_hours import OpeningHours
from geo_offers.domain.place import District, LngLat, ShopRow, is_shop_id
from geo_offers.domain.promotion import PromotionRow
from geo_offers.index.district_shapes import DistrictShapes, Memberships
from geo_offers.index.encoded import EncodedDistricts, EncodedPromotions, shop_cuts
from geo_offers.index.nearest import NearestShops
from geo_offers.index.opening_table import OpeningTable
from geo_offers.index.promotions import Promotions, ShopSlots, Surroundings

#: The number of each group.
GROUP_INDEX = {group.key: number for number, group in enumerate(GROUPS)}
#: The group of each leaf, uint8[leaves].
LEAF_GROUPS = np.array([GROUP_INDEX[leaf.key.partition(".")[0]] for leaf in LEAVES], np.uint8)


class SourceDocument(msgspec.Struct, frozen=True):
    provider: str
    id: str
    licence: str


class ShopDocument(msgspec.Struct, frozen=True):
    """What never changes about a shop within one snapshot, in the order in which answers show it.

    Encoded it is cut into answers where it stands: see `ShopPieces`.
    """

    id: str
    name: str
    category: str
    lng: float
    lat: float
    opening_hours: str | None
    address: str | None
    brand: str | None
    source: SourceDocument
    names: dict[str, str]
    time_zone: str
    country: str | None


class ShopPieces(NamedTuple):
    """An encoded ShopDocument in pieces.

    head   from its brace to lat, without the comma behind
    hours  opening_hours to brand, without commas around
    source its member and value
    names  the value, "{}" when there are none
    """

    head: bytes
    hours: bytes
    source: bytes
    names: bytes


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ShopDocument).decode
_decode_names = msgspec.json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True)
class ShopColumns:
    """All shops, one slot each, ascending by H3 cell, then id.

    ids        bytes[n], ASCII
    by_id      int32[n], slots in the order of their ids
    ranks      int32[n], the place of each slot in that order
    lngs, lats float64[n], degrees
    leaves     uint8[n], category leaf
    documents  one JSON document a shop, back to back; slot i is bytes starts[i] to starts[i + 1]
    cuts       uint16[n, 3], where answers cut a document: see kernels/writing.cut
    """

    ids: NDArray[np.bytes_]
    by_id: NDArray[np.int32]
    ranks: NDArray[np.int32]
    lngs: NDArray[np.float64]
    lats: NDArray[np.float64]
    leaves: NDArray[np.uint8]
    documents: bytes
    starts: NDArray[np.int64]
    cuts: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.ids)

    def document(self, slot: int) -> ShopDocument:
        """The document of one shop."""
        return _decode(memoryview(self.documents)[self.starts[slot] : self.starts[slot + 1]])

    def pieces(self, slot: int) -> ShopPieces:
        """The document of one shop as it is encoded, cut where answers put more in."""
        document = self.documents[self.starts[slot] : self.starts[slot + 1]]
        # Within a string a quotation mark is escaped, so these can only be members of the document itself.
        hours = document.index(b',"opening_hours":')
        source = document.index(b',"source":', hours)
        names = document.index(b',"names":', source)
        rest = document.index(b',"time_zone":', names)
        return ShopPieces(
            document[:hours],
            document[hours + 1 : source],
            document[source + 1 : names],
            document[names + 9 : rest],
        )

    def slot_of(self, shop_id: str) -> int:
        """The slot of a shop. Raises ShopNotFound."""
        if is_shop_id(shop_id):
            place = self.rank_of(shop_id)
            if place < len(self) and self.ids[self.by_id[place]] == shop_id.encode():
                return int(self.by_id[place])
        raise ShopNotFound(f"there is no shop {shop_id[:40]}")

    def rank_of(self, shop_id: str, *, side: Literal["left", "right"] = "left") -> int:
        """How many shops have a smaller id; with side "right" an equal one counts too. For ids of our form only."""
        # A longer needle would make numpy copy the whole column to its width.
        return int(np.searchsorted(self.ids, np.bytes_(shop_id.encode()), side=side, sorter=self.by_id))


@dataclass(frozen=True, slots=True, eq=False)
class CatalogSnapshot:
    """Shops and districts at one revision; never changes.

    shop_districts   a shop's districts, innermost first: see DistrictShapes.memberships
    promotions       all but drafts
    encoded_promotions, encoded_districts   what answers show of them, as bytes
    unread_shops     ids of shops that could not be taken, such as of an unknown category
    """

    revision: int
    shops: ShopColumns
    nearest: NearestShops
    opening: OpeningTable
    districts: DistrictShapes
    shop_districts: Memberships
    promotions: Promotions
    encoded_promotions: EncodedPromotions
    encoded_districts: EncodedDistricts
    unread_shops: tuple[str, ...] = ()

    @property
    def quarantined(self) -> tuple[str, ...]:
        """Ids of rows that are in the store and could not be taken."""
        return (*self.unread_shops, *sorted(self.promotions.quarantined))

    @property
    def surroundings(self) -> Surroundings:
        """What promotions of this snapshot may refer to."""
        return _surroundings(self.shops, self.districts)

    def with_promotions(
        self, revision: int, rows: Sequence[PromotionRow], ids: Iterable[str]
    ) -> CatalogSnapshot:
        """The same at a later revision: `rows` in place of the promotions with these ids, the others of them gone.

        Costs what the changed ones cost: 1 ms for one among 100,000.
        """
        promotions = self.promotions.changed(rows, ids, self.surroundings)
        encoded = self.encoded_promotions.changed(promotions)
        return replace(self, revision=revision, promotions=promotions, encoded_promotions=encoded)

    def district_number(self, district_id: str) -> int:
        """The number of a district in this snapshot. Raises DistrictNotFound."""
        number = self.districts.number_of.get(district_id)
        if number is None:
            raise DistrictNotFound(f"there is no district {district_id}")
        return number

    def districts_at(self, at: LngLat) -> Sequence[District]:
        """The districts that hold a point, innermost first."""
        return [self.districts.rows[number] for number in self.districts.containing(at)]


class SnapshotBuilder:
    """Takes the rows of a catalog in the order of their cells and makes a snapshot of them."""

    def __init__(self) -> None:
        self._cells = array("q")
        self._ids = bytearray()
        self._lngs = array("d")
        self._lats = array("d")
        self._leaves = bytearray()
        self._hours = array("i")
        self._hour_rows: dict[OpeningHours, int] = {}
        self._documents = bytearray()
        self._starts = array("q", [0])
        self._unread: list[str] = []

    def add(self, rows: Iterable[ShopRow]) -> None:
        """Take the next shops; their cells must not descend. One that this program cannot read is set aside by id."""
        for row in rows:
            leaf = LEAF_INDEX.get(row.category)
            if leaf is None or not is_shop_id(row.id):
                self._unread.append(row.id)
                continue
            self._cells.append(row.cell)
            self._ids += row.id.encode()
            self._lngs.append(row.lng)
            self._lats.append(row.lat)
            self._leaves.append(leaf)
            self._hours.append(self._hours_row(row))
            self._documents += _encode(_document(row))
            self._starts.append(len(self._documents))

    def _hours_row(self, row: ShopRow) -> int:
        if row.opening_hours is None:
            hours = OpeningHours(None)
        else:
            hours = OpeningHours(row.opening_hours, row.time_zone, row.country)
            if hours.depends_on_place:
                hours = OpeningHours(row.opening_hours, row.time_zone, row.country, LngLat(row.lng, row.lat))
        return self._hour_rows.setdefault(hours, len(self._hour_rows))

    def build(
        self, revision: int, districts: Sequence[District], promotions: Iterable[PromotionRow] = ()
    ) -> CatalogSnapshot:
        """The snapshot of everything taken so far, with these districts and promotions."""
        cells = np.frombuffer(self._cells, np.int64)
        if np.any(cells[1:] < cells[:-1]):
            raise ValueError("shops must come in the order of their cells")
        ids = np.frombuffer(bytes(self._ids), "S20")
        by_id = np.argsort(ids, kind="stable").astype(np.int32)
        ranks = np.empty(len(ids), np.int32)
        ranks[by_id] = np.arange(len(ids), dtype=np.int32)
        lngs, lats = np.frombuffer(self._lngs), np.frombuffer(self._lats)
        leaves = np.frombuffer(bytes(self._leaves), np.uint8)
        shapes = DistrictShapes(districts)
        starts = np.frombuffer(self._starts, np.int64)
        documents = bytes(self._documents)
        cuts = shop_cuts(documents, starts)
        shops = ShopColumns(ids, by_id, ranks, lngs, lats, leaves, documents, starts, cuts)
        around = _surroundings(shops, shapes)
        compiled = Promotions.compiled(promotions, around)
        return CatalogSnapshot(
            revision=revision,
            shops=shops,
            nearest=NearestShops(lngs, lats, cells=cells, ranks=ranks, leaves=leaves, groups=LEAF_GROUPS),
            opening=OpeningTable(np.frombuffer(self._hours, np.int32), list(self._hour_rows)),
            districts=shapes,
            shop_districts=shapes.memberships(lngs, lats),
            promotions=compiled,
            encoded_promotions=EncodedPromotions.of(compiled),
            encoded_districts=EncodedDistricts.of(shapes.rows),
            unread_shops=tuple(self._unread),
        )


def _surroundings(shops: ShopColumns, districts: DistrictShapes) -> Surroundings:
    shapes = {district.id: districts.shapes[number] for number, district in enumerate(districts.rows)}
    return Surroundings(ShopSlots(shops.ids, shops.by_id), shops.lngs, shops.lats, shapes)


def _document(row: ShopRow) -> ShopDocument:
    return ShopDocument(
        id=row.id,
        name=row.name,
        category=row.category,
        lng=row.lng,
        lat=row.lat,
        opening_hours=row.opening_hours,
        address=row.address,
        brand=row.brand,
        source=SourceDocument(row.source_provider, row.source_id, row.licence),
        names=_decode_names(row.names_json),
        time_zone=row.time_zone,
        country=row.country,
    )
