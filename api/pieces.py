"""Answers from pieces that were encoded before: what never changes within a snapshot is written once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from geo_offers.domain.languages import name_for
from geo_offers.domain.opening_hours import OpenState
from geo_offers.index.encoded import promotion_end, promotion_head
from geo_offers.index.opening_table import OpeningAt
from geo_offers.index.promotions import PromotionIndex
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.kernels.ranking import NO_SHOP
from geo_offers.matching.engine import Ranked
from geo_offers.services.district_offers import DistrictOffer, DistrictOffersPage
from geo_offers.services.explaining import Excluded
from geo_offers.services.find_shops import FoundShop, ShopPage
from geo_offers.services.match_offers import OfferPage
from geo_offers.services.write_answers import WrittenPage
from geo_offers.services.zones import Directory

_encode = msgspec.json.Encoder().encode
_decode_titles = msgspec.json.Decoder(dict[str, str]).decode


class _Head(msgspec.Struct):
    """How a shop begins."""

    id: str
    name: str
    category: str
    lng: float
    lat: float


_decode_head = msgspec.json.Decoder(_Head).decode
_OPEN = {OpenState.OPEN: b"true", OpenState.CLOSED: b"false", OpenState.UNKNOWN: b"null"}
# One pattern for all numbers: formatting them one by one takes twice as long.
_OFFER = (
    b'%b%b,"inside":%b,"distance_m":%d.%02d,"distance_to_fence_m":%d.%d%b,"score":%.3f,'
    b'"score_parts":{"near":%.3f,"benefit":%.3f},"claimable":%b}'
)
_MOST_LANGUAGES = 16
_MOST_BYTES = 1_000_000

Languages = tuple[str, ...]


class Pieces:
    """Answers about one snapshot in one choice of languages: shops are cut from what the snapshot holds encoded,
    promotions are encoded when first asked for, and some of them kept.
    """

    def __init__(self, snapshot: CatalogSnapshot, languages: Languages) -> None:
        self.snapshot = snapshot
        self._languages = languages
        self._district_ids = [_encode(district.id) for district in snapshot.districts.rows]
        self._promotions: dict[tuple[PromotionIndex, int], tuple[bytes, bytes]] = {}
        self._kept_bytes = 0

    def shops(self, found: Sequence[FoundShop]) -> bytes:
        """Shops as lists show them, with commas between."""
        columns = self.snapshot.shops
        items = []
        for slot, distance_m, state in found:
            head, hours, source, names = columns.pieces(slot)
            if names != b"{}" and self._languages:
                head = self._named(head, names)
            # Whole centimetres first, as kernels do it: both round the same number.
            distance = b"null" if distance_m is None else b"%d.%02d" % divmod(round(distance_m * 100), 100)
            items.append(
                b'%b,"distance_m":%b,"open":%b,%b,"district_ids":[%b],%b}'
                % (head, distance, _OPEN[state], hours, self._districts_of(slot), source)
            )
        return b",".join(items)

    def _districts_of(self, slot: int) -> bytes:
        if not self._district_ids:
            return b""
        numbers = self.snapshot.shop_districts.of_shop(slot).tolist()
        return b",".join([self._district_ids[number] for number in numbers])

    def _named(self, head: bytes, names: bytes) -> bytes:
        """The head of a shop with its name in the reader's language."""
        shop = _decode_head(head + b"}")
        shop.name = name_for(shop.name, _decode_titles(names), self._languages)
        return _encode(shop)[:-1]

    def _brief(self, slot: int, state: OpenState) -> bytes:
        """A shop as an offer shows it."""
        head, _, _, names = self.snapshot.shops.pieces(slot)
        if names != b"{}" and self._languages:
            head = self._named(head, names)
        return b'%b,"open":%b}' % (head, _OPEN[state])

    def offers(self, ranked: Sequence[Ranked], opening: OpeningAt) -> bytes:
        """Offers as lists show them, with commas between."""
        states = opening.states_of([max(one.shop, 0) for one in ranked]) if len(self.snapshot.shops) else []
        items = []
        for place, (of, slot, shop, inside, distance_cm, to_fence_dm, near, worth) in enumerate(ranked):
            head, end = self._promotion(of, slot)
            brief = b"null" if shop == NO_SHOP else self._brief(shop, states[place])
            holds = b"true" if inside else b"false"
            items.append(
                _OFFER
                % (
                    head, brief, holds, *divmod(distance_cm, 100), *divmod(to_fence_dm, 10), end,
                    (near + worth) / 1_000, near / 1_000, worth / 1_000, holds,
                )
            )  # fmt: skip
        return b",".join(items)

    def offers_there(self, found: Sequence[DistrictOffer], opening: OpeningAt) -> bytes:
        """Offers of a district as lists show them, with commas between."""
        items = []
        for of, slot, shop, worth in found:
            head, end = self._promotion(of, slot)
            brief = b"null" if shop == NO_SHOP else self._brief(shop, opening.state_of(shop))
            items.append(b'%b%b%b,"worth":%.3f}' % (head, brief, end, worth / 1_000))
        return b",".join(items)

    def _promotion(self, of: PromotionIndex, slot: int) -> tuple[bytes, bytes]:
        """What an offer begins with, and its end."""
        known = self._promotions.get((of, slot))
        if known is None:
            row = of.rows[slot]
            title = name_for(row.title, _decode_titles(row.title_i18n_json), self._languages)
            known = promotion_head(row, title), promotion_end(row)
            self._kept_bytes += len(known[0]) + len(known[1])
            if self._kept_bytes > _MOST_BYTES:
                self._promotions.clear()
                self._kept_bytes = 0
            self._promotions[of, slot] = known
        return known


class PiecesOfApp:
    """The pieces of the current snapshot, by languages; those of older ones are let go."""

    def __init__(self) -> None:
        self._known: dict[Languages, Pieces] = {}

    def of(self, snapshot: CatalogSnapshot, languages: Languages) -> Pieces:
        """The pieces for one answer."""
        pieces = self._known.get(languages)
        if pieces is None or pieces.snapshot is not snapshot:
            if len(self._known) >= _MOST_LANGUAGES or any(
                p.snapshot is not snapshot for p in self._known.values()
            ):
                self._known = {}
            pieces = self._known[languages] = Pieces(snapshot, languages)
        return pieces


def list_body(items: bytes, following: str | None, more: bytes = b"") -> bytes:
    """A page of items that are encoded already; `more` are further members, with a comma before each."""
    return b'{"items":[%b],"next":%b%b}' % (items, _encode(following), more)


def shops_body(pieces: Pieces, page: ShopPage) -> bytes:
    """A page of shops."""
    return list_body(pieces.shops(page.items), page.next)


def directory_body(pieces: Pieces, directory: Directory) -> bytes:
    """A page of a district's shops."""
    more = b',"categories":' + _encode(directory.categories)
    return list_body(pieces.shops(directory.items), directory.next, more)


def district_offers_body(pieces: Pieces, page: DistrictOffersPage) -> bytes:
    """A page of a district's offers."""
    return list_body(pieces.offers_there(page.items, pieces.snapshot.opening.at(page.when)), page.next)


def shop_body(pieces: Pieces, found: FoundShop) -> bytes:
    """A shop on its own."""
    document = pieces.snapshot.shops.document(found.slot)
    more = {"names": document.names, "time_zone": document.time_zone, "country": document.country}
    return pieces.shops([found])[:-1] + b"," + _encode(more)[1:]


def offers_body(pieces: Pieces, page: OfferPage, assumed: Sequence[str]) -> bytes:
    """A page of offers; `assumed` names what the question left open and was taken to be at its best."""
    items = pieces.offers(page.items, pieces.snapshot.opening.at(page.when))
    return list_body(items, page.next, offers_more(page, assumed))


def offers_more(page: OfferPage | WrittenPage, assumed: Sequence[str]) -> bytes:
    """What stands behind a page of offers."""
    more: dict[str, Any] = {"assumed": assumed, "degraded": page.degraded}
    if isinstance(page, OfferPage) and page.excluded is not None:
        more["excluded"] = excluded_json(page.excluded)
    return b"," + _encode(more)[1:-1]


def excluded_json(excluded: Sequence[Excluded]) -> list[dict[str, Any]]:
    """Why promotions are no offers."""
    return [
        {"promotion_id": one.promotion_id, "reason": one.reasons[0].value, "facts": one.facts}
        for one in excluded
    ]
