"""Rows of promotions in one piece of memory come back as they were given."""

from __future__ import annotations

import pytest

from geo_offers.domain.place import LngLat
from geo_offers.index.packed_rows import PackedRows
from geo_offers.index.promotions import Promotions
from tests.matching.towns import a_town

_TOWN = a_town(3, LngLat(121.47, 31.23))


def test_rows_come_back_as_they_were_given() -> None:
    rows = [row._replace(title="第 1 号优惠 🎟", max_accuracy_m=150) for row in _TOWN.rows]
    packed = PackedRows(rows)
    assert list(packed) == rows
    assert packed[2:5] == rows[2:5]
    assert [tuple(map(type, row)) for row in packed] == [tuple(map(type, row)) for row in rows]
    assert len(PackedRows([])) == 0


@pytest.mark.parametrize("number", [-1, 60])
def test_a_row_that_is_not_there_is_an_error(number: int) -> None:
    with pytest.raises(IndexError):
        PackedRows(_TOWN.rows)[number]


def test_the_id_of_a_slot_is_that_of_its_row() -> None:
    index = Promotions.compiled(_TOWN.rows, _TOWN.surroundings).segments[0].index
    assert [index.id_of(slot) for slot in range(len(index))] == [row.id for row in index.rows]
