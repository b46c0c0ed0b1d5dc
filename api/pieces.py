"""Answers from pieces that were encoded before: what never changes within a snapshot is written once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from geo_offers.domain.languages import name_for
from geo_offers.domain.opening_hours import OpenState
from geo_offers.domain.promotion import PromotionRow
from geo_offers.index.opening_table import OpeningAt
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.kernels.ranking import NO_SHOP
from geo_offers.matching.engine import Ranked
from geo_offers.services.find_shops import FoundShop, ShopPage
from geo_offers.services.match_offers import Excluded, OfferPage
from geo_offers.services.zones import Directory

_encode = msgspec.json.Encoder().encode
_decode_titles = msgspec.json.Decoder(dict[str, str]).decode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN = {OpenState.OPEN: b"true", OpenState.CLOSED: b"false", OpenState.UNKNOWN: b"null"}
_BOOL = {True: b"true", False: b"false"}
_MOST_LANGUAGES = 16
_MOST_PIECES = 200_000

Languages = tuple[str, ...]
_K = TypeVar("_K")
_V = TypeVar("_V")


class Pieces:
    """Encoded parts of shops and promotions of one snapshot, for one choice of languages; filled as asked for."""

    def __init__(self, snapshot: CatalogSnapshot, languages: Languages) -> None:
        self.snapshot = snapshot
        self._languages = languages
        self._shops: dict[int, tuple[bytes, bytes]] = {}
        self._briefs: dict[int, bytes] = {}
        self._promotions: dict[str, tuple[bytes, bytes]] = {}

    def shop(self, slot: int, distance_m: float | None, state: OpenState) -> bytes:
        """A shop as lists show it."""
        head, tail = self._shop(slot)
        distance = b"null" if distance_m is None else repr(round(distance_m, 2)).encode()
        return b"".join((head, distance, b',"open":', _OPEN[state], tail))

    def _shop_parts(self, slot: int) -> tuple[bytes, bytes]:
        document = self.snapshot.shops.document(slot)
        head = {
            "id": document.id,
            "name": name_for(document.name, document.names, self._languages),
            "category": document.category,
            "lng": document.lng,
            "lat": document.lat,
        }
        districts = self.snapshot.districts.rows
        numbers = self.snapshot.shop_districts.of_shop(slot).tolist()
        tail = {
            "opening_hours": document.opening_hours,
            "address": document.address,
            "brand": document.brand,
            "district_ids": [districts[number].id for number in numbers],
            "source": document.source,
        }
        return _encode(head)[:-1] + b',"distance_m":', b"," + _encode(tail)[1:]

    def _brief(self, slot: int, opening: OpeningAt) -> bytes:
        """A shop as an offer shows it."""
        if slot == NO_SHOP:
            return b"null"
        head = self._briefs.get(slot)
        if head is None:
            head = _kept(self._briefs, slot, self._shop(slot)[0].removesuffix(b'"distance_m":') + b'"open":')
        return head + _OPEN[opening.state_of(slot)] + b"}"

    def _shop(self, slot: int) -> tuple[bytes, bytes]:
        return self._shops.get(slot) or _kept(self._shops, slot, self._shop_parts(slot))

    def offer(self, offer: Ranked, opening: OpeningAt) -> bytes:
        """An offer as lists show it."""
        row = offer.index.rows[offer.slot]
        parts = self._promotions.get(row.id)
        if parts is None:
            parts = _kept(self._promotions, row.id, self._promotion_parts(row))
        head, ends_at = parts
        score = (offer.near + offer.worth) / 1_000
        numbers = b',"inside":%b,"distance_m":%b,"distance_to_fence_m":%b' % (
            _BOOL[offer.inside],
            _number(offer.distance_m),
            repr(offer.to_fence_m).encode(),
        )
        parts_of_score = b',"score":%b,"score_parts":{"near":%b,"benefit":%b},"claimable":%b}' % (
            repr(score).encode(), repr(offer.near / 1_000).encode(), repr(offer.worth / 1_000).encode(),
            _BOOL[offer.inside],
        )  # fmt: skip
        return b"".join((head, self._brief(offer.shop, opening), numbers, ends_at, parts_of_score))

    def _promotion_parts(self, row: PromotionRow) -> tuple[bytes, bytes]:
        head = {
            "promotion_id": row.id,
            "title": name_for(row.title, _decode_titles(row.title_i18n_json), self._languages),
            "benefit": msgspec.Raw(row.benefit_json.encode()),
            "merchant": {"id": row.merchant_id, "name": row.merchant_name},
        }
        ends_at = _EPOCH + timedelta(milliseconds=row.ends_at_ms)
        return _encode(head)[:-1] + b',"shop":', b',"ends_at":' + _encode(ends_at)


def _number(metres: float) -> bytes:
    return repr(round(metres, 2)).encode()


def _kept(kept: dict[_K, _V], key: _K, value: _V) -> _V:
    if len(kept) >= _MOST_PIECES:
        kept.clear()
    kept[key] = value
    return value


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


def list_body(items: Sequence[bytes], following: str | None, more: bytes = b"") -> bytes:
    """A page of items that are encoded already; `more` are further members, with a comma before each."""
    return b'{"items":[%b],"next":%b%b}' % (b",".join(items), _encode(following), more)


def shops_body(pieces: Pieces, page: ShopPage) -> bytes:
    """A page of shops."""
    return list_body([pieces.shop(one.slot, one.distance_m, one.state) for one in page.items], page.next)


def directory_body(pieces: Pieces, directory: Directory) -> bytes:
    """A page of a district's shops."""
    items = [pieces.shop(one.slot, None, one.state) for one in directory.items]
    return list_body(items, directory.next, b',"categories":' + _encode(directory.categories))


def shop_body(pieces: Pieces, found: FoundShop) -> bytes:
    """A shop on its own."""
    document = pieces.snapshot.shops.document(found.slot)
    more = {"names": document.names, "time_zone": document.time_zone, "country": document.country}
    return pieces.shop(found.slot, None, found.state)[:-1] + b"," + _encode(more)[1:]


def offers_body(pieces: Pieces, page: OfferPage, assumed: Sequence[str]) -> bytes:
    """A page of offers; `assumed` names what the question left open and was taken to be at its best."""
    opening = pieces.snapshot.opening.at(page.when)
    more: dict[str, Any] = {"assumed": assumed, "degraded": page.degraded}
    if page.excluded is not None:
        more["excluded"] = excluded_json(page.excluded)
    items = [pieces.offer(offer, opening) for offer in page.items]
    return list_body(items, page.next, b"," + _encode(more)[1:-1])


def excluded_json(excluded: Sequence[Excluded]) -> list[dict[str, Any]]:
    """Why promotions are no offers."""
    return [
        {"promotion_id": one.promotion_id, "reason": one.reasons[0].value, "facts": one.facts}
        for one in excluded
    ]
