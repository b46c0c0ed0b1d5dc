"""Answers written into bytes: pieces that were encoded before, with the numbers of one answer between them.

Byte for byte what api/pieces.py writes. Every function that puts something takes the bytes and where it goes, and
gives where the next thing goes; the caller sees to the room.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo_offers.kernels.cell_tree import NOT_EVALUATED, OPEN
from geo_offers.kernels.prefetch import prefetch
from geo_offers.kernels.ranking import (
    DISTANCE_CM,
    INSIDE,
    NEAR,
    NO_SHOP,
    OF,
    SHOP,
    SLOT,
    TO_FENCE_DM,
    WORTH,
)

CLOSED = np.uint8(0)
#: More than all that an item holds beside its pieces.
_ROOM_OF_ITEM = 400
_CACHE_LINE = 64
_ZERO, _POINT, _COMMA = 48, 46, 44


def _word(text):
    return np.frombuffer(text, np.uint8)


_TRUE, _FALSE, _NULL = _word(b"true"), _word(b"false"), _word(b"null")
_OPEN, _DISTANCE = _word(b',"open":'), _word(b',"distance_m":')
_INSIDE, _TO_FENCE = _word(b',"inside":'), _word(b',"distance_to_fence_m":')
_SCORE, _NEAR, _BENEFIT = _word(b',"score":'), _word(b',"score_parts":{"near":'), _word(b',"benefit":')
_CLAIMABLE, _DISTRICTS = _word(b'},"claimable":'), _word(b',"district_ids":[')
_END, _END_OF_LIST = _word(b"}"), _word(b"]")
_HOURS_MEMBER, _SOURCE_MEMBER, _NAMES_MEMBER = (
    _word(b',"opening_hours":'),
    _word(b',"source":'),
    _word(b',"names":'),
)


@njit(cache=True)
def put(out, at, source, start, stop):
    """Bytes start..stop of a source."""
    # Through views, whose indices cannot be negative: so the loop copies 32 bytes at a time, 20 times as fast.
    there, here = out[at : at + stop - start], source[start:stop]
    for i in range(len(here)):
        there[i] = here[i]
    return at + stop - start


@njit(cache=True, inline="always")
def _put_word(out, at, word):
    return put(out, at, word, 0, len(word))


@njit(cache=True)
def put_decimal(out, at, value, places):
    """A number of 10^-places, not negative: 1234 with 2 places is 12.34, 5 is 0.05."""
    digits = 1
    rest = value // 10
    while rest > 0 or digits <= places:
        digits += 1
        rest //= 10
    width = digits + (1 if places > 0 else 0)
    for i in range(at + width - 1, at - 1, -1):
        if places > 0 and i == at + width - 1 - places:
            out[i] = _POINT
        else:
            out[i] = _ZERO + value % 10
            value //= 10
    return at + width


@njit(cache=True)
def _put_flag(out, at, flag):
    return _put_word(out, at, _TRUE) if flag else _put_word(out, at, _FALSE)


@njit(cache=True)
def _put_open(out, at, state):
    at = _put_word(out, at, _OPEN)
    if state == OPEN:
        return _put_word(out, at, _TRUE)
    return _put_word(out, at, _FALSE) if state == CLOSED else _put_word(out, at, _NULL)


@njit(cache=True)
def _found(word, text, at, stop):
    """Where a word next begins in a text, from `at` on; -1 when nowhere before `stop`."""
    for i in range(at, stop - len(word) + 1):
        if text[i] == word[0]:
            same = True
            for j in range(1, len(word)):
                if text[i + j] != word[j]:
                    same = False
                    break
            if same:
                return i
    return -1


@njit(cache=True)
def cut(documents, starts, cuts):
    """Where n encoded shops are cut into answers.

    documents  uint8[...], back to back; document i is starts[i]..starts[i + 1]
    cuts       uint16[n, 3], written in place: where its opening_hours, source and names begin, each with the comma before
               it; 0 for a document too long to be cut so
    """
    for i in range(len(cuts)):
        start, stop = starts[i], starts[i + 1]
        if stop - start > 65_535:
            cuts[i, :] = 0
            continue
        hours = _found(_HOURS_MEMBER, documents, start, stop)
        source = _found(_SOURCE_MEMBER, documents, hours, stop)
        names = _found(_NAMES_MEMBER, documents, source, stop)
        cuts[i, 0], cuts[i, 1], cuts[i, 2] = hours - start, source - start, names - start


@njit(cache=True)
def _is_plain(shops, slot, named):
    """Whether a shop can be cut; when the reader has languages (`named`), also that it has one name only."""
    documents, starts, cuts, _hours = shops
    if cuts[slot, 0] == 0:
        return False
    return not named or documents[starts[slot] + cuts[slot, 2] + len(_NAMES_MEMBER) + 1] == _END[0]


@njit(cache=True)
def _put_offer(out, at, row, promotions, shops, states):
    pieces, starts, _translated = promotions
    head = 2 * row[SLOT]
    at = put(out, at, pieces, starts[head], starts[head + 1])
    shop = row[SHOP]
    if shop == NO_SHOP:
        at = _put_word(out, at, _NULL)
    else:
        documents, shop_starts, cuts, hours = shops
        at = put(out, at, documents, shop_starts[shop], shop_starts[shop] + cuts[shop, 0])
        at = _put_open(out, at, states[hours[shop]])
        at = _put_word(out, at, _END)
    at = _put_flag(out, _put_word(out, at, _INSIDE), row[INSIDE])
    at = put_decimal(out, _put_word(out, at, _DISTANCE), row[DISTANCE_CM], 2)
    at = put_decimal(out, _put_word(out, at, _TO_FENCE), row[TO_FENCE_DM], 1)
    at = put(out, at, pieces, starts[head + 1], starts[head + 2])
    at = put_decimal(out, _put_word(out, at, _SCORE), row[NEAR] + row[WORTH], 3)
    at = put_decimal(out, _put_word(out, at, _NEAR), row[NEAR], 3)
    at = put_decimal(out, _put_word(out, at, _BENEFIT), row[WORTH], 3)
    at = _put_flag(out, _put_word(out, at, _CLAIMABLE), row[INSIDE])
    return _put_word(out, at, _END)


@njit(cache=True)
def _fetch(rows, promotions, shops):
    """Ask for the pieces of some offers, which lie anywhere: first for where they begin, then for the pieces."""
    documents, shop_starts, cuts, hours = shops
    for i in range(len(rows)):
        slot, shop = rows[i, SLOT], rows[i, SHOP]
        _, starts, translated = promotions[rows[i, OF]]
        prefetch(starts, 2 * slot)
        prefetch(translated, slot)
        if shop != NO_SHOP:
            prefetch(shop_starts, shop)
            prefetch(cuts, 3 * shop)
            prefetch(hours, shop)
    for i in range(len(rows)):
        slot, shop = rows[i, SLOT], rows[i, SHOP]
        pieces, starts, _ = promotions[rows[i, OF]]
        for at in range(starts[2 * slot], starts[2 * slot + 2] + _CACHE_LINE, _CACHE_LINE):
            prefetch(pieces, at)
        if shop != NO_SHOP:
            for at in range(shop_starts[shop], shop_starts[shop] + cuts[shop, 0] + _CACHE_LINE, _CACHE_LINE):
                prefetch(documents, at)


@njit(cache=True)
def offers_many(rows, found, limit, promotions, shops, states, named, out, ends, plain):
    """The offers at m positions, those of one with commas between, back to back: (bytes needed, hours all known).

    rows, found  as `ranking.match_many` gave them; of each position at most `limit`
    promotions   of each of the two segments (pieces uint8, starts int64[2n + 1], translated bool[n]): slot i begins with
                 pieces starts[2i]..starts[2i + 1] and tells its end in the bytes up to starts[2i + 2]
    shops        (documents uint8, starts int64[n + 1], cuts uint16[n, 3] of `cut`, hours int32[n])
    states       uint8[h], by row of hours
    named        the reader has languages: what carries more than one name is not for here

    out    uint8[room]; nothing is written behind it: when more bytes are needed, ask again with so many
    ends   int64[m]: the offers of position i end there; written in place
    plain  bool[m]: not where they have to be written one by one; written in place

    Where the hours of a shop are not evaluated yet they are told as unknown, and not all are known.
    """
    _documents, _shop_starts, cuts, hours = shops
    at, needed, known = 0, 0, True
    for q in range(len(found)):
        count = min(found[q], limit)
        plain[q] = True
        size = 0
        _fetch(rows[q, :count], promotions, shops)
        for i in range(count):
            of, slot, shop = rows[q, i, OF], rows[q, i, SLOT], rows[q, i, SHOP]
            _, starts, translated = promotions[of]
            size += starts[2 * slot + 2] - starts[2 * slot] + _ROOM_OF_ITEM
            plain[q] &= not (named and translated[slot])
            if shop != NO_SHOP:
                plain[q] &= _is_plain(shops, shop, named)
                known &= states[hours[shop]] != NOT_EVALUATED
                size += cuts[shop, 0]
        if plain[q]:
            needed += size
            if needed <= len(out):
                for i in range(count):
                    if i > 0:
                        out[at] = _COMMA
                        at += 1
                    row = rows[q, i]
                    at = _put_offer(out, at, row, promotions[row[OF]], shops, states)
        ends[q] = at
    return needed, known


@njit(cache=True)
def _put_shop(out, at, slot, distance_cm, shops, districts, state):
    documents, starts, cuts, _hours = shops
    id_pieces, id_starts, district_starts, numbers = districts
    start = starts[slot]
    hours, source, names = start + cuts[slot, 0], start + cuts[slot, 1], start + cuts[slot, 2]
    at = put(out, at, documents, start, hours)
    at = put_decimal(out, _put_word(out, at, _DISTANCE), distance_cm, 2)
    at = _put_open(out, at, state)
    at = put(out, at, documents, hours, source)
    at = _put_word(out, at, _DISTRICTS)
    for i in range(district_starts[slot], district_starts[slot + 1]):
        if i > district_starts[slot]:
            out[at] = _COMMA
            at += 1
        at = put(out, at, id_pieces, id_starts[numbers[i]], id_starts[numbers[i] + 1])
    at = _put_word(out, at, _END_OF_LIST)
    at = put(out, at, documents, source, names)
    return _put_word(out, at, _END)


@njit(cache=True)
def shops(slots, distances_m, shops_of, districts, states, named, out):
    """Shops as lists show them, with commas between: (bytes written, bytes needed, hours all known, plain).

    slots, distances_m  int32[c], float64[c]; distances are told to the nearest centimetre, halves to even
    shops_of, states, named, out  as for `offers_many`
    districts  (pieces uint8, starts int64[d + 1]) of encoded ids, then for each slot its districts: starts int64[n + 1],
               numbers int32

    Nothing is written when more bytes are needed than there is room, or when they have to be written one by one.
    """
    _, starts, _, hours = shops_of
    _, id_starts, district_starts, numbers = districts
    needed, known, plain = 0, True, True
    for i in range(len(slots)):
        slot = slots[i]
        needed += starts[slot + 1] - starts[slot] + _ROOM_OF_ITEM
        for d in range(district_starts[slot], district_starts[slot + 1]):
            needed += id_starts[numbers[d] + 1] - id_starts[numbers[d]] + 1
        plain &= _is_plain(shops_of, slot, named)
        known &= states[hours[slot]] != NOT_EVALUATED
    at = 0
    if plain and needed <= len(out):
        for i in range(len(slots)):
            if i > 0:
                out[at] = _COMMA
                at += 1
            distance_cm = np.int64(np.rint(distances_m[i] * 100.0))
            at = _put_shop(out, at, slots[i], distance_cm, shops_of, districts, states[hours[slots[i]]])
    return at, needed, known, plain
