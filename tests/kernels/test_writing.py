"""Kernels write the bytes that Python writes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_offers.index.encoded import Pieces, shop_cuts
from geo_offers.kernels import ranking, writing


def _written(value: int, places: int) -> bytes:
    out = np.zeros(64, np.uint8)
    end = writing.put_decimal(out, 3, value, places)
    assert not out[end:].any()
    assert not out[:3].any()
    return out[3:end].tobytes()


@given(st.integers(0, 10**15))
def test_a_number_of_cents_is_written_as_python_writes_it(value: int) -> None:
    assert _written(value, 2) == b"%d.%02d" % divmod(value, 100)
    assert _written(value, 1) == b"%d.%d" % divmod(value, 10)
    assert _written(value, 3) == b"%d.%03d" % divmod(value, 1_000)
    assert _written(value, 0) == b"%d" % value


@given(st.integers(0, 100_000))
def test_thousandths_are_written_as_the_fraction_that_they_are(value: int) -> None:
    assert _written(value, 3) == b"%.3f" % (value / 1_000)


@given(st.floats(0, 2.1e7))
@pytest.mark.filterwarnings("error")
def test_metres_become_centimetres_by_one_rule(metres: float) -> None:
    rows = ranking.as_rows(
        np.zeros(1, np.int32), np.zeros(1, np.bool_), np.array([metres]), np.zeros(1, np.int32),
        np.array([metres]), np.zeros(1, np.int64), np.zeros(1, np.int64),
    )  # fmt: skip
    assert rows[0, ranking.DISTANCE_CM] == round(metres * 100)
    assert rows[0, ranking.TO_FENCE_DM] == np.ceil(metres * 10)


@pytest.mark.parametrize("metres", [0.005, 0.015, 0.025, 1.005, 2.675, 1_234.565, 0.0, 99_999.995])
def test_halves_of_a_centimetre_go_to_the_even_one(metres: float) -> None:
    rows = ranking.as_rows(
        np.zeros(1, np.int32), np.ones(1, np.bool_), np.array([7.0]), np.zeros(1, np.int32),
        np.array([metres]), np.zeros(1, np.int64), np.zeros(1, np.int64),
    )  # fmt: skip
    assert rows[0, ranking.DISTANCE_CM] == round(metres * 100)
    assert rows[0, ranking.TO_FENCE_DM] == 0


@given(st.lists(st.binary(max_size=70), min_size=1, max_size=8), st.data())
def test_pieces_are_copied_where_they_belong_and_nowhere_else(
    texts: list[bytes], data: st.DataObject
) -> None:
    pieces = Pieces.of(texts)
    chosen = data.draw(st.integers(0, len(texts) - 1))
    out = np.full(100, 255, np.uint8)
    end = writing.put(out, 5, pieces.blob, pieces.starts[chosen], pieces.starts[chosen + 1])
    assert out[5:end].tobytes() == texts[chosen]
    assert (out[:5] == 255).all()
    assert (out[end:] == 255).all()


_ANY_TEXT = st.text(max_size=12)


@given(st.lists(st.tuples(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT), max_size=5))
def test_a_shop_is_cut_where_its_members_begin_whatever_its_texts_say(
    texts: list[tuple[str, str, str]],
) -> None:
    documents = [
        json.dumps(
            {"id": "shp_1", "name": name + '","names":', "lat": 1.5, "opening_hours": hours, "source": {"id": "x"},
             "names": {"en": other}, "time_zone": "UTC"},
            ensure_ascii=False, separators=(",", ":"),
        ).encode("utf-8", "surrogatepass")
        for name, hours, other in texts
    ]  # fmt: skip
    starts = np.cumsum([0, *map(len, documents)])
    together = b"".join(documents) or b" "
    for document, cuts in zip(documents, shop_cuts(together, starts).tolist(), strict=True):
        assert [document[at:].partition(b":")[0] for at in cuts] == [
            b',"opening_hours"', b',"source"', b',"names"',
        ]  # fmt: skip


def test_a_shop_too_long_for_its_cuts_is_marked() -> None:
    long = b'{"name":"%b","opening_hours":null,"source":{},"names":{}}' % (b"x" * 70_000)
    short = b'{"name":"x","opening_hours":null,"source":{},"names":{}}'
    cuts = shop_cuts(long + short, np.array([0, len(long), len(long) + len(short)]))
    assert cuts[0].tolist() == [0, 0, 0]
    assert cuts[1].tolist() == [short.index(b',"o'), short.index(b',"s'), short.index(b',"names')]


_STATES = np.array([1, 0, 2, 255], np.uint8)
_DOCUMENT = b'{"id":"s","lat":2.5,"opening_hours":null,"source":{},"names":%b,"time_zone":"UTC"}'


def _two_shops() -> tuple[np.ndarray, ...]:
    """One with a single name and known hours, one with two names and hours not looked at."""
    documents = [_DOCUMENT % b"{}", _DOCUMENT % b'{"en":"x"}']
    starts = np.cumsum([0, *map(len, documents)])
    together = b"".join(documents)
    return np.frombuffer(together, np.uint8), starts, shop_cuts(together, starts), np.array([0, 3], np.int32)


def _asked(rows: list[list[int]], *, named: bool, room: int) -> tuple[int, bool, bytes, bool]:
    pieces = Pieces.of([b'{"promotion_id":"p","shop":', b',"ends_at":"e"'])
    promotions = (pieces.blob, pieces.starts, np.zeros(1, np.bool_))
    out, ends, plain = np.zeros(room, np.uint8), np.empty(1, np.int64), np.empty(1, np.bool_)
    table = np.array(rows, np.int64).reshape(1, len(rows), ranking.COLUMNS)
    needed, known = writing.offers_many(
        table, np.array([len(rows)]), 20, (promotions, promotions), _two_shops(), _STATES, named, out, ends, plain
    )  # fmt: skip
    return needed, known, out[: ends[0]].tobytes(), bool(plain[0])


_OFFER = [0, 0, 0, 1, 1_205, 0, 12_345, 6_005]


def test_an_offer_is_written_member_by_member() -> None:
    _, known, text, plain = _asked([_OFFER], named=True, room=4_096)
    assert known
    assert plain
    assert text == (
        b'{"promotion_id":"p","shop":{"id":"s","lat":2.5,"open":true},"inside":true,"distance_m":12.05,'
        b'"distance_to_fence_m":0.0,"ends_at":"e","score":18.350,"score_parts":{"near":12.345,"benefit":6.005},'
        b'"claimable":true}'
    )


def test_what_does_not_fit_is_not_written_and_says_how_much_it_needs() -> None:
    needed, _, text, _ = _asked([_OFFER, _OFFER], named=False, room=500)
    assert text == b""
    again, _, text, _ = _asked([_OFFER, _OFFER], named=False, room=needed)
    assert again == needed
    assert len(json.loads(b"[%b]" % text)) == 2
    assert len(text) <= needed


def test_names_in_several_languages_are_not_for_here_when_the_reader_has_one() -> None:
    several = [0, 0, 1, 0, 0, 15, 0, 0]
    assert _asked([several], named=True, room=4_096)[3] is False
    _, known, text, plain = _asked([several], named=False, room=4_096)
    assert plain
    assert not known  # nobody has looked at its hours
    assert json.loads(text)["distance_to_fence_m"] == 1.5
