"""Promotions and the places of their fences, as a transaction that decides about them reads them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

import shapely
from sqlalchemy import Connection, bindparam, select

from geo_offers.domain.errors import PromotionNotFound
from geo_offers.domain.fence import AroundShopsFence, DistrictFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.polygon import Polygonal
from geo_offers.domain.promotion import Promotion
from geo_offers.domain.rules import Places
from geo_offers.stores.promotion_rows import promotion_of_row
from geo_offers.stores.tables import districts, promotions, shops

T = TypeVar("T")
#: A circle takes 2 KB, a polygon of 10,000 corners 160 KB.
_MOST_PROMOTIONS = 1_024
_MOST_DISTRICTS = 64

_NO_PLACES = Places({}, {})
# FOR SHARE (on PostgreSQL): who would pause it waits until those who found it active are through.
_STAMP = (
    select(promotions.c.fingerprint, promotions.c.updated_at, promotions.c.retired_at)
    .where(promotions.c.id == bindparam("promotion_id"))
    .with_for_update(read=True)
)
_PROMOTION = select(promotions).where(promotions.c.id == bindparam("promotion_id"))
_SHAPE_STAMP = select(districts.c.fingerprint, districts.c.updated_at).where(
    districts.c.id == bindparam("district_id"), districts.c.retired_at.is_(None)
)
_SHAPE = select(districts.c.geom).where(districts.c.id == bindparam("district_id"))


class Standing(NamedTuple):
    """A promotion as it stands until the transaction ends; a retired one is still there for its coupons."""

    promotion: Promotion
    is_retired: bool


class PromotionShelf:
    """Promotions and shapes of districts by the stamp of their row, so that a hot one is decoded once.

    Only what has the stamp that this transaction reads is given. Decoding a polygon of 10,000 corners takes
    25 ms, a circle 0.1 ms: too long for everybody who waits to write.
    """

    def __init__(self) -> None:
        self._promotions: _Kept[Promotion] = _Kept(_MOST_PROMOTIONS)
        self._shapes: _Kept[Polygonal] = _Kept(_MOST_DISTRICTS)

    def standing(self, connection: Connection, promotion_id: str) -> Standing:
        """A promotion, which nobody changes until the transaction ends. Raises PromotionNotFound."""
        which = {"promotion_id": promotion_id}
        stamp = connection.execute(_STAMP, which).one_or_none()
        if stamp is None:
            raise PromotionNotFound(f"there is no promotion {promotion_id}")

        def decoded() -> Promotion:
            return promotion_of_row(connection.execute(_PROMOTION, which).one())

        promotion = self._promotions.get(promotion_id, (stamp.fingerprint, stamp.updated_at), decoded)
        return Standing(promotion, stamp.retired_at is not None)

    def places(self, connection: Connection, promotion: Promotion) -> Places:
        """Where the shops or the district are that its fence names."""
        match promotion.fence:
            case DistrictFence(district_id):
                shape = self._shape(connection, district_id)
                return _NO_PLACES if shape is None else Places({}, {district_id: shape})
            case AroundShopsFence():
                return Places(_positions(connection, promotion.shop_ids), {})
            case _:
                return _NO_PLACES

    def _shape(self, connection: Connection, district_id: str) -> Polygonal | None:
        which = {"district_id": district_id}
        stamp = connection.execute(_SHAPE_STAMP, which).one_or_none()
        if stamp is None:
            return None

        def decoded() -> Polygonal:
            shape: Polygonal = shapely.from_wkb(connection.execute(_SHAPE, which).scalar_one())
            return shape

        return self._shapes.get(district_id, (stamp.fingerprint, stamp.updated_at), decoded)


def _positions(connection: Connection, shop_ids: tuple[str, ...]) -> dict[str, LngLat]:
    query = select(shops.c.id, shops.c.lng, shops.c.lat)
    query = query.where(shops.c.id.in_(shop_ids), shops.c.retired_at.is_(None))
    return {row.id: LngLat(row.lng, row.lat) for row in connection.execute(query)}


class _Kept(Generic[T]):
    """At most so many values, each with a stamp; the one that was not asked for the longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_id: OrderedDict[str, tuple[Hashable, T]] = OrderedDict()

    def get(self, key: str, stamp: Hashable, decoded: Callable[[], T]) -> T:
        kept = self._by_id.get(key)
        if kept is None or kept[0] != stamp:
            kept = (stamp, decoded())
        self._by_id[key] = kept
        self._by_id.move_to_end(key)
        while len(self._by_id) > self._most:
            self._by_id.popitem(last=False)
        return kept[1]
