"""Hints of what is used are right for a visitor after a claim, and follow what other processes do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo_offers.bootstrap import Services, build
from geo_offers.domain.account import Caller, Role
from geo_offers.domain.codes import new_code
from geo_offers.domain.errors import StoreUnavailable
from geo_offers.domain.offer import Reason, Spent
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import AmountOff, Audience, Limits, Promotion
from geo_offers.index.live import BIT
from geo_offers.services import coupons
from geo_offers.services.coupons import ClaimQuery
from geo_offers.services.match_offers import OfferQuery
from geo_offers.services.redemptions import TillQuery
from geo_offers.services.usage import SpentOut, UsageFollower
from geo_offers.services.visitors import visitor_key
from geo_offers.settings import Settings
from geo_offers.stores.commerce_ports import Counted
from geo_offers.stores.live_memory import VISITOR_TTL_S, MemoryUsage
from geo_offers.stores.nudge_memory import MemoryNudges
from geo_offers.stores.once import Once
from tests.builders import a_merchant, a_promotion, a_shop

AT = LngLat(24.9414, 60.1699)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TILL = Caller("key_0000000000000000", Role.MERCHANT, a_merchant().id)


@asynccontextmanager
async def _process(folder: Path, *promotions: Promotion) -> AsyncIterator[Services]:
    """A process at noon, on the store that all processes of this folder share."""
    settings = Settings(database_url=f"sqlite:///{folder / 'store.sqlite3'}", secret="s")
    services = await build(settings, now=lambda: NOON)
    if promotions:
        await services.store.put_shops([a_shop()])
        await services.store.import_promotions(promotions, [a_merchant()], dataset="test")
        await services.follower.advance()
    try:
        yield services
    finally:
        await services.store.close()


def _once() -> Once[Any]:
    return Once("app:lakeside", None, b"", lambda _: b"")


async def _claim(services: Services, promotion: Promotion, visitor: str = "anna") -> str:
    query = ClaimQuery(
        promotion_id=promotion.id,
        account="lakeside",
        visitor_id=visitor,
        at=AT,
        accuracy_m=5.0,
        fix_at=NOON,
    )
    kept = await services.coupons.claim(query, once=_once())
    assert kept.value is not None
    return kept.value.code


async def _redeem(services: Services, code: str) -> str:
    asked = TillQuery(code=code, shop_id=a_shop().id, basket_minor=5_000, currency="EUR")
    kept = await services.redemptions.redeem(asked, by=TILL, once=_once())
    assert kept.value is not None
    return kept.value.id


async def _why_not(services: Services, visitor: str | None = None) -> dict[str, list[str]]:
    """Why each promotion is no offer for a visitor."""
    query = OfferQuery(at=AT, visitor_id=visitor, account="lakeside", explain=True)
    page = await services.match_offers.offers(query)
    return {one.promotion_id: [reason.value for reason in one.reasons] for one in page.excluded or ()}


async def _offered(services: Services, visitor: str | None = None) -> set[str]:
    query = OfferQuery(at=AT, visitor_id=visitor, account="lakeside")
    return {one.promotion_id for one in (await services.match_offers.offers(query)).items}


async def test_what_a_claim_uses_up_is_no_offer_from_then_on(tmp_path: Path) -> None:
    one = a_promotion("one", limits=Limits(max_per_visitor=1))
    all_gone = a_promotion("two", limits=Limits(max_claims=1))
    newcomers = a_promotion("three", audience=Audience(visitors="new"))
    regulars = a_promotion("four", audience=Audience(visitors="returning"))
    async with _process(tmp_path, one, all_gone, newcomers, regulars) as services:
        assert await _offered(services, "anna") == {one.id, all_gone.id, newcomers.id}
        await _claim(services, one)
        await _claim(services, all_gone)
        assert await _why_not(services, "anna") == {
            one.id: ["per_visitor_limit"],
            all_gone.id: ["limit_reached"],
            newcomers.id: ["wrong_audience"],
        }
        assert await _offered(services, "anna") == {regulars.id}
        assert await _offered(services, "bert") == {one.id, newcomers.id}
        assert await _offered(services) == {one.id}


async def test_a_budget_that_is_spent_is_there_again_after_the_roll_back(tmp_path: Path) -> None:
    promotion = a_promotion(
        benefit=AmountOff(500, "EUR"),
        limits=Limits(budget_minor=500, currency="EUR"),
        shop_ids=(a_shop().id,),
    )
    async with _process(tmp_path, promotion) as services:
        made = await _redeem(services, await _claim(services, promotion))
        assert await _why_not(services) == {promotion.id: ["budget_spent"]}
        assert await _offered(services) == set()
        await services.redemptions.roll_back(made, by=TILL, once=_once())
        assert await _offered(services) == {promotion.id}
        await services.usage_follower.advance()
        assert await _offered(services) == {promotion.id}


async def test_another_process_is_followed_and_known_at_the_start(tmp_path: Path) -> None:
    promotion = a_promotion(limits=Limits(max_claims=2))
    async with _process(tmp_path, promotion) as one, _process(tmp_path) as other:
        await _claim(one, promotion)
        await _claim(other, promotion, "bert")
        assert await _offered(one) == {promotion.id}
        await one.usage_follower.advance()
        assert await _offered(one) == set()
        async with _process(tmp_path) as third:
            assert await _offered(third) == set()


class Books:
    """A commerce store with just the reads that feed usage, which notes what it is asked."""

    def __init__(self) -> None:
        self.rows: list[Counted] = []
        self.visitors: dict[str, dict[str, int]] = {}
        self.asked: list[object] = []
        self.meanwhile: Callable[[], Any] | None = None
        self.faults: list[Exception] = []

    def count(self, promotion_id: str, claims: int) -> None:
        step = max((row.step for row in self.rows), default=0) + 1
        self.rows = [row for row in self.rows if row.promotion_id != promotion_id]
        self.rows.append(Counted(promotion_id, claims, 0, 0, step))

    async def counted_since(self, step: int, *, limit: int = 10_000) -> Sequence[Counted]:
        found = sorted((row for row in self.rows if row.step > step), key=lambda row: row.step)[:limit]
        if self.faults:
            raise self.faults.pop(0)
        if self.meanwhile:
            await self.meanwhile()
        return found

    async def used_by(self, visitor_key: str, promotion_ids: Sequence[str]) -> Mapping[str, int]:
        self.asked.append((visitor_key, tuple(promotion_ids)))
        mine = self.visitors.get(visitor_key, {})
        return {one: mine[one] for one in promotion_ids if one in mine}

    async def has_claimed(self, visitor_key: str) -> bool:
        self.asked.append(visitor_key)
        return visitor_key in self.visitors


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def _claims(usage: MemoryUsage, promotion_id: str = "p") -> int:
    return (await usage.counts(None, [promotion_id])).get(promotion_id, Spent()).claims


async def test_a_note_stands_until_a_reading_that_began_after_it() -> None:
    books = Books()
    usage = MemoryUsage(books)  # type: ignore[arg-type]
    await usage.note_claim("p", "anna")
    assert await _claims(usage) == 1
    books.count("p", 1)
    await usage.advance()
    assert await _claims(usage) == 1

    async def claimed_meanwhile() -> None:
        books.meanwhile = None
        books.count("p", 2)
        await usage.note_claim("p", "bert")

    books.meanwhile = claimed_meanwhile
    await usage.advance()
    assert await _claims(usage) == 2
    await usage.advance()
    assert await _claims(usage) == 2


async def test_a_reading_that_fails_loses_nothing_and_the_follower_goes_on() -> None:
    books = Books()
    usage = MemoryUsage(books)  # type: ignore[arg-type]
    await usage.note_claim("p", "anna")
    books.faults = [StoreUnavailable("the disk is away")]
    with pytest.raises(StoreUnavailable):
        await usage.advance()
    assert await _claims(usage) == 1
    books.count("p", 1)
    books.faults = [StoreUnavailable("the disk is away"), KeyError("a surprise")]
    follower = UsageFollower(usage, MemoryNudges(), poll_s=0, rest_s=0)
    following = asyncio.create_task(follower.run())
    said = set()
    async with asyncio.timeout(20):
        while books.faults or follower.behind:
            said.add(follower.behind)
            await asyncio.sleep(0)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert said - {None} == {"the disk is away", "KeyError: 'a surprise'"}
    assert await _claims(usage) == 1


async def test_a_visitor_is_asked_for_once_in_two_seconds_and_again_after_his_claim() -> None:
    books, clock = Books(), Clock()
    books.count("p", 1)
    books.count("q", 1)
    books.visitors["anna"] = {"p": 1}
    usage = MemoryUsage(books, clock_s=clock)  # type: ignore[arg-type]
    assert usage.is_empty
    assert not await usage.has_claimed("anna")
    await usage.advance()
    assert not usage.is_empty
    for _ in range(3):
        assert (await usage.counts("anna", ["p", "q", "r"]))["p"] == Spent(claims=1, by_visitor=1)
        assert await usage.has_claimed("anna")
    assert books.asked == [("anna", ("p", "q")), "anna"]
    await usage.note_claim("q", "anna")
    books.visitors["anna"]["q"] = 1
    assert (await usage.counts("anna", ["q"]))["q"] == Spent(claims=2, by_visitor=1)
    books.visitors["anna"]["q"] = 2
    clock.now_s += VISITOR_TTL_S - 0.001
    assert (await usage.counts("anna", ["q"]))["q"].by_visitor == 1
    clock.now_s += 0.001
    assert (await usage.counts("anna", ["q"]))["q"].by_visitor == 2


async def test_the_visitors_that_are_known_have_a_bound() -> None:
    books = Books()
    books.count("p", 1)
    usage = MemoryUsage(books)  # type: ignore[arg-type]
    await usage.advance()
    for number in range(5_000):
        await usage.has_claimed(f"visitor-{number}")
    assert len(usage._visitors) <= 4_096


async def test_bits_of_what_is_spent_follow_the_totals(tmp_path: Path) -> None:
    promotions = [a_promotion(f"p-{n}", limits=Limits(max_claims=n + 1)) for n in range(4)]
    async with _process(tmp_path, *promotions) as services:
        index = services.catalog.current.promotions.segments[0].index
        slots = {promotion.id: index.slots_of([promotion.id])[0] for promotion in promotions}
        usage = MemoryUsage(Books())  # type: ignore[arg-type]
        spent_out = SpentOut(usage)
        assert spent_out.bits_of(index) is None
        for claims in range(1, 5):
            for promotion in promotions:
                await usage.note_claim(promotion.id, "anna")
            bits = spent_out.bits_of(index)
            assert bits is not None
            full = {slots[promotion.id] for promotion in promotions[:claims]}
            assert {int(slot) for slot in np.flatnonzero(bits == BIT[Reason.LIMIT_REACHED])} == full
        assert spent_out.holds(index, slots[promotions[3].id])


async def test_a_code_that_is_taken_is_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotion = a_promotion(limits=Limits())
    async with _process(tmp_path, promotion) as services:
        taken, free = await _claim(services, promotion), new_code()
        drawn = iter([taken, taken, free])
        monkeypatch.setattr(coupons, "new_code", lambda: next(drawn))
        assert await _claim(services, promotion, "bert") == free
        assert list(await services.commerce.verify()) == []


def test_two_accounts_never_share_a_visitor() -> None:
    pairs = [("a", "anna"), ("b", "anna"), ("", "anna"), ("", "a\0anna"), ("a", "b\0anna"), ("a", "Anna")]
    keys = [visitor_key(visitor, account=account, secret=b"s") for account, visitor in pairs]
    assert len(set(keys)) == len(pairs)
    assert keys[0] == visitor_key("anna", account="a", secret=b"s")
    assert keys[0] != visitor_key("anna", account="a", secret=b"t")
