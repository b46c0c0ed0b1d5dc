"""How the commerce suite asks: a town in any store, and claims and redemptions with every field defaulted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from geo_offers.domain.codes import new_code
from geo_offers.domain.coupon import Claim, Coupon, Redeem, Redemption
from geo_offers.domain.errors import Refused
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Limits, Promotion
from geo_offers.stores import durable_promotions, durable_sql
from geo_offers.stores.account_tables import shop_owners
from geo_offers.stores.once import Once
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.units import Units
from tests.builders import a_merchant, a_promotion, some_shops

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INSIDE = LngLat(24.9414, 60.1699)
OUTSIDE = LngLat(24.9414, 60.1799)
MINE, OTHER = a_merchant(), a_merchant("Other")
SHOPS = some_shops(3)
SHOP = SHOPS[0].id


async def fill(units: Units, *promotions: Promotion) -> None:
    """Two merchants, three shops, of which the first is MINE's and the second OTHER's, and promotions."""

    def rows(connection: Connection) -> None:
        durable_promotions.put_merchants(connection, [MINE, OTHER], NOW)
        durable_sql.put_shops(connection, SHOPS, NOW)
        owners = [(SHOPS[0], MINE), (SHOPS[1], OTHER)]
        connection.execute(
            insert(shop_owners), [{"shop_id": shop.id, "merchant_id": who.id} for shop, who in owners]
        )

    await units.write(rows)
    await put(units, *promotions)


async def put(units: Units, *promotions: Promotion, at: datetime = NOW) -> None:
    """These promotions as they are now."""
    for promotion in promotions:
        await units.write(durable_promotions.put_promotion, promotion, at)


def an_offer(external_id: str = "spring-1", **over: Any) -> Promotion:
    """A promotion without limits unless they are given, one by one or all."""
    names = ("max_claims", "max_redemptions", "max_per_visitor", "budget_minor", "currency", "per_period")
    limits = Limits(**{name: over.pop(name) for name in names if name in over})
    return a_promotion(external_id, **{"limits": limits} | over)


def a_claim(promotion: Promotion, **over: Any) -> Claim:
    """A claim of visitor v1 inside the fence, exact and fresh."""
    when = over.pop("when", NOW)
    facts: dict[str, Any] = {
        "promotion_id": promotion.id,
        "account": "app",
        "visitor_key": "v1",
        "segments": frozenset(),
        "at": INSIDE,
        "cell": 0x8B1126D5A9A1FFF,
        "accuracy_m": 5.0,
        "fix_at": when,
        "code": new_code(),
        "when": when,
    }
    return Claim(**facts | over)


def a_redeem(code: str, **over: Any) -> Redeem:
    """A till of MINE at his shop, with a basket of 10 euros."""
    facts: dict[str, Any] = {
        "id": f"red_{code.lower()}",
        "code": code,
        "shop_id": SHOP,
        "merchant_id": MINE.id,
        "key_id": "key_1",
        "basket_minor": 1_000,
        "currency": "EUR",
        "when": NOW,
    }
    return Redeem(**facts | over)


def once(key: str | None = None, *, asked: bytes = b"asked", account: str = "app") -> Once[Any]:
    """Answered with the code or id of what was made."""

    def answer(value: Any) -> bytes:
        match value:
            case Coupon():
                return value.code.encode()
            case Redemption():
                return value.id.encode()
            case _:
                return str(value).encode()

    return Once(account, key, asked, answer)


async def claimed(commerce: SqlCommerce, promotion: Promotion, **over: Any) -> Coupon:
    coupon = (await commerce.claim(a_claim(promotion, **over), once=once())).value
    assert coupon is not None
    return coupon


async def redeemed(commerce: SqlCommerce, code: str, **over: Any) -> Redemption:
    redemption = (await commerce.redeem(a_redeem(code, **over), once=once())).value
    assert redemption is not None
    return redemption


async def rolled_back(
    commerce: SqlCommerce, redemption_id: str, *, when: datetime = NOW, merchant_id: str = MINE.id
) -> Redemption:
    kept = await commerce.roll_back(
        redemption_id, merchant_id=merchant_id, key_id="key_2", when=when, once=once()
    )
    assert kept.value is not None
    return kept.value


async def counts_of(commerce: SqlCommerce, promotion: Promotion) -> tuple[int, int, int]:
    """(claims, redemptions, budget_minor)."""
    for one in await commerce.counted_since(0):
        if one.promotion_id == promotion.id:
            return one.claims, one.redemptions, one.budget_minor
    return 0, 0, 0


def code_of(outcome: object) -> str:
    """ "ok", or the code of a refusal."""
    if isinstance(outcome, Refused):
        return outcome.code
    assert not isinstance(outcome, BaseException), outcome
    return "ok"


def tally(outcomes: Sequence[object]) -> dict[str, int]:
    """How often each code came."""
    codes = [code_of(outcome) for outcome in outcomes]
    return {code: codes.count(code) for code in sorted(set(codes))}


HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
