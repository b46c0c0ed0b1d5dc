"""What answers show of promotions, districts and shops, encoded once a snapshot: bytes that kernels copy from."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.place import District
from geo_offers.domain.promotion import PromotionRow
from geo_offers.index.promotions import PromotionIndex, Promotions
from geo_offers.kernels import writing

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


class PromotionHead(msgspec.Struct):
    """How an offer begins."""

    promotion_id: str
    title: str
    benefit: msgspec.Raw
    merchant: dict[str, str]


def promotion_head(row: PromotionRow, title: str) -> bytes:
    """An offer from its brace to its shop, which follows; `title` is in the reader's language."""
    benefit = msgspec.Raw(row.benefit_json.encode())
    merchant = {"id": row.merchant_id, "name": row.merchant_name}
    return _encode(PromotionHead(row.id, title, benefit, merchant))[:-1] + b',"shop":'


def promotion_end(row: PromotionRow) -> bytes:
    """When an offer ends, with the comma before it."""
    return b',"ends_at":' + _encode(_EPOCH + timedelta(milliseconds=row.ends_at_ms))


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Encoded pieces back to back: piece i is blob[starts[i]:starts[i + 1]]; blob uint8[...], starts int64[n + 1]."""

    blob: NDArray[np.uint8]
    starts: NDArray[np.int64]

    @staticmethod
    def of(pieces: Iterable[bytes]) -> Pieces:
        together, starts = bytearray(), array("q", [0])
        for piece in pieces:
            together += piece
            starts.append(len(together))
        return Pieces(np.frombuffer(bytes(together), np.uint8), np.frombuffer(starts, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class EncodedSegment:
    """The promotions of one segment: head of slot i at 2 i, end behind it; titles in their own language.

    translated  bool[n]: there are titles in other languages
    """

    index: PromotionIndex
    pieces: Pieces
    translated: NDArray[np.bool_]

    @staticmethod
    def of(index: PromotionIndex) -> EncodedSegment:
        pieces = (
            piece for row in index.rows for piece in (promotion_head(row, row.title), promotion_end(row))
        )
        translated = np.array([row.title_i18n_json != "{}" for row in index.rows], np.bool_)
        return EncodedSegment(index, Pieces.of(pieces), translated)

    @property
    def columns(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
        """As `writing.offers_many` wants them."""
        return self.pieces.blob, self.pieces.starts, self.translated


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPromotions:
    """The promotions of a snapshot, segment by segment."""

    segments: tuple[EncodedSegment, ...]

    @staticmethod
    def of(promotions: Promotions) -> EncodedPromotions:
        return EncodedPromotions(tuple(EncodedSegment.of(one.index) for one in promotions.segments))

    def changed(self, promotions: Promotions) -> EncodedPromotions:
        """Those of promotions after a change: what did not change is not encoded again."""
        known = {one.index: one for one in self.segments}
        return EncodedPromotions(
            tuple(known.get(one.index) or EncodedSegment.of(one.index) for one in promotions.segments)
        )


@dataclass(frozen=True, slots=True, eq=False)
class EncodedDistricts:
    """The ids of districts, by their numbers."""

    ids: Pieces

    @staticmethod
    def of(districts: Sequence[District]) -> EncodedDistricts:
        return EncodedDistricts(Pieces.of(_encode(district.id) for district in districts))


def shop_cuts(documents: bytes, starts: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Where encoded shops are cut into answers, uint16[n, 3]: see kernels/writing.cut."""
    cuts = np.empty((len(starts) - 1, 3), np.uint16)
    writing.cut(np.frombuffer(documents, np.uint8), starts, cuts)
    return cuts
