"""Cursors: where a page ended, as an opaque word that only continues the question it came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from geo_offers.domain.errors import CursorInvalid

_LONGEST = 4_096
_NO_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


class _Written(msgspec.Struct, array_like=True, frozen=True):
    rank: float
    last_id: str
    when: datetime
    last_name: str
    question: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Written).decode


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page by its sort key, and the moment the whole listing speaks of.

    rank  what comes first in the order: a distance in metres, a category's number
    """

    rank: float
    last_id: str
    when: datetime
    last_name: str = ""

    def written(self, question: tuple[object, ...]) -> str:
        """The cursor as a word for a URL, bound to its question."""
        packed = _encode(_Written(self.rank, self.last_id, self.when, self.last_name, _digest(question)))
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")

    @staticmethod
    def read(word: str, question: tuple[object, ...]) -> Cursor:
        """The cursor of a word. Raises CursorInvalid when it is not ours or belongs to another question."""
        if len(word) > _LONGEST:
            raise CursorInvalid("the cursor is too long to be one of ours", pointer="/cursor")
        try:
            packed = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
            found = _decode(packed)
        except (binascii.Error, ValueError, msgspec.DecodeError) as error:
            raise CursorInvalid(
                "the cursor is not one of ours; start again without it", pointer="/cursor"
            ) from error
        if found.question != _digest(question):
            raise CursorInvalid(
                "the cursor belongs to another question; keep every other parameter as it was",
                pointer="/cursor",
            )
        if not 0 <= found.rank < 1e8 or found.when.tzinfo is None or not 1902 <= found.when.year <= 9990:
            raise CursorInvalid("the cursor is not one of ours; start again without it", pointer="/cursor")
        return Cursor(found.rank, found.last_id, found.when, found.last_name)


def _digest(question: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(_encode(question), digest_size=6).digest()


class IdCursor:
    """Cursors of listings in the order of ids, which speak of no moment."""

    @staticmethod
    def written(last_id: str, question: tuple[object, ...]) -> str:
        """The cursor of a page that ends with this id."""
        return Cursor(0.0, last_id, _NO_MOMENT).written(question)

    @staticmethod
    def read(word: str | None, question: tuple[object, ...]) -> str | None:
        """The id after which a page begins; None without a cursor. Raises CursorInvalid."""
        return None if word is None else Cursor.read(word, question).last_id
