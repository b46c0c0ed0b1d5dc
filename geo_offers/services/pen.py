"""Puts what was found into bytes, by kernels, in memory that is used again and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.kernels import ranking, writing
from geo_offers.matching.engine import BestMany

_FIRST_BYTES = 1 << 16
_MOST_BYTES = 1 << 22


class Pen:
    """Writes items of answers. Not for two threads at a time."""

    def __init__(self) -> None:
        self.paper = np.empty(_FIRST_BYTES, np.uint8)

    def written(self, end: int) -> bytes:
        """What stands on the paper up to here."""
        return self.paper[:end].tobytes()

    def _room(self, needed: int) -> NDArray[np.uint8]:
        """Paper for so many bytes; the largest is not kept."""
        paper = np.empty(needed + needed // 4, np.uint8)
        if len(paper) <= _MOST_BYTES:
            self.paper = paper
        return paper

    def offers(
        self, snapshot: CatalogSnapshot, best: BestMany, limit: int, when: datetime, *, named: bool
    ) -> Sequence[bytes | None]:
        """The offers of each position, with commas between; None for one that has to be asked step by step.

        named  the reader has languages: offers that carry more than one name are not for here
        """
        m = len(best.found)
        ends, plain = np.empty(m, np.int64), np.empty(m, np.bool_)
        promotions = promotions_of(snapshot)
        opening = snapshot.opening.at(when)
        shops = shops_of(snapshot)
        paper = self.paper
        while True:
            needed, hours_known = writing.offers_many(
                best.rows, best.found, limit, promotions, shops, opening.states, named, paper, ends, plain
            )
            if not hours_known:
                opening.evaluate(_shown_shops(best, limit))
            if needed > len(paper):
                paper = self._room(needed)
            elif hours_known:
                break
        plain &= best.sure
        if m == 1:
            return [paper[: ends[0]].tobytes() if plain[0] else None]
        written = paper[: ends[-1]].tobytes()
        items: list[bytes | None] = []
        start = 0
        for end, is_plain in zip(ends.tolist(), plain.tolist(), strict=True):
            items.append(written[start:end] if is_plain else None)
            start = end
        return items

    def shops(
        self,
        snapshot: CatalogSnapshot,
        slots: NDArray[np.int32],
        distances_m: NDArray[np.float64],
        when: datetime,
        *,
        named: bool,
    ) -> bytes | None:
        """Shops with commas between; None when they have to be written one by one."""
        opening = snapshot.opening.at(when)
        districts = districts_of(snapshot)
        shops = shops_of(snapshot)
        paper = self.paper
        while True:
            end, needed, hours_known, plain = writing.shops(
                slots, distances_m, shops, districts, opening.states, named, paper
            )
            if not plain:
                return None
            if not hours_known:
                opening.evaluate(slots)
            if needed > len(paper):
                paper = self._room(needed)
            elif hours_known:
                return paper[:end].tobytes()


Columns = tuple[NDArray[Any], ...]


def promotions_of(snapshot: CatalogSnapshot) -> tuple[Columns, Columns]:
    """The promotions as `writing.offers_many` wants them."""
    segments = snapshot.encoded_promotions.segments
    return segments[0].columns, segments[-1].columns


def districts_of(snapshot: CatalogSnapshot) -> Columns:
    """The districts as `writing.shops` wants them."""
    ids, memberships = snapshot.encoded_districts.ids, snapshot.shop_districts
    return ids.blob, ids.starts, memberships.starts, memberships.numbers


def shops_of(snapshot: CatalogSnapshot) -> Columns:
    """The shops as `writing.offers_many` wants them."""
    shops = snapshot.shops
    return np.frombuffer(shops.documents, np.uint8), shops.starts, shops.cuts, snapshot.opening.hours


def _shown_shops(best: BestMany, limit: int) -> NDArray[np.int32]:
    """The shops of all offers that are shown."""
    shown = np.arange(best.rows.shape[1]) < np.minimum(best.found, limit)[:, np.newaxis]
    slots = best.rows[:, :, ranking.SHOP][shown]
    return np.asarray(slots[slots != ranking.NO_SHOP], np.int32)
