"""What a store holds of a promotion's coupons, by three records that are kept apart: counters, ledger and rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from geo_offers.bootstrap import Stores
from geo_offers.domain.promotion import Limits
from geo_offers.stores.commerce_tables import coupons, ledger, redemptions


@dataclass(frozen=True, slots=True)
class Sums:
    """Claims, redemptions that stand, and what they take of the budget."""

    claims: int = 0
    redemptions: int = 0
    budget_minor: int = 0

    def require_within(self, limits: Limits) -> None:
        """Fail where a limit is exceeded, or anything is below zero."""
        assert 0 <= self.claims <= (limits.max_claims or self.claims), self
        assert 0 <= self.redemptions <= (limits.max_redemptions or self.redemptions), self
        assert 0 <= self.budget_minor <= (limits.budget_minor or self.budget_minor), self


@dataclass(frozen=True, slots=True)
class Books:
    """One promotion at one moment.

    visitors  of its coupons, one for each coupon
    standing  redemptions by id, with their code; `undone` those that were rolled back
    """

    in_ledger: Sums
    in_rows: Sums
    codes: frozenset[str]
    visitors: tuple[str, ...]
    standing: dict[str, str]
    undone: frozenset[str]


async def counted(stores: Stores, promotion_id: str) -> Sums:
    """The counters."""
    for one in await stores.commerce.counted_since(0):
        if one.promotion_id == promotion_id:
            return Sums(one.claims, one.redemptions, one.budget_minor)
    return Sums()


async def books_of(stores: Stores, promotion_id: str) -> Books:
    """Ledger and rows of a promotion; fails where the counters say otherwise."""
    units: Any = stores.catalog
    books: Books = await units.units.read(_books, promotion_id)
    assert books.in_ledger == books.in_rows == await counted(stores, promotion_id)
    assert len(set(books.standing.values())) == len(books.standing), "a coupon was used twice"
    return books


def _books(connection: Connection, promotion_id: str) -> Books:
    entry = ledger.c
    query = select(entry.kind, func.count().label("count"), func.sum(entry.budget_minor).label("budget"))
    sums = connection.execute(query.where(entry.promotion_id == promotion_id).group_by(entry.kind)).all()
    count = {row.kind: row.count for row in sums}
    issued = connection.execute(select(coupons).where(coupons.c.promotion_id == promotion_id)).all()
    spent = connection.execute(select(redemptions).where(redemptions.c.promotion_id == promotion_id)).all()
    standing = [row for row in spent if row.rolled_back_at is None]
    redeemed = count.get("redeem", 0) - count.get("roll_back", 0)
    return Books(
        in_ledger=Sums(count.get("claim", 0), redeemed, int(sum(row.budget for row in sums))),
        in_rows=Sums(len(issued), len(standing), sum(row.budget_minor for row in standing)),
        codes=frozenset(row.code for row in issued),
        visitors=tuple(row.visitor_key for row in issued),
        standing={row.id: row.code for row in standing},
        undone=frozenset(row.id for row in spent if row.rolled_back_at is not None),
    )
