"""What clients were answered, compared with what the store holds: success by success, refusal by refusal."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from geo_offers.bootstrap import Stores, open_stores
from geo_offers.domain.promotion import Limits
from geo_offers.settings import Settings
from tests.journeys.books import Books, books_of, counted
from tests.journeys.fleet import Client
from tests.journeys.spending import Market, Said, Spender, ask
from tests.journeys.spending_town import Town


@asynccontextmanager
async def stores_at(url: str) -> AsyncIterator[Stores]:
    """The stores with this URL, closed at the end."""
    stores = await open_stores(Settings(database_url=url))
    try:
        yield stores
    finally:
        await stores.catalog.close()


@asynccontextmanager
async def watched(town: Town, limits: Limits) -> AsyncIterator[Stores]:
    """The town's stores, while somebody looks all the time whether the counters keep within the limits."""
    done = asyncio.Event()

    async def look() -> int:
        looks = 0
        while not done.is_set():
            (await counted(stores, town.promotion_id)).require_within(limits)
            looks += 1
        return looks

    async with stores_at(town.url) as stores:
        looking = asyncio.create_task(look())
        try:
            yield stores
        finally:
            done.set()
            assert await looking > 10


def same(answers: Sequence[httpx.Response]) -> httpx.Response:
    """The one success of several answers to one key, byte for byte the same; else any refusal."""
    done = [answer for answer in answers if answer.is_success]
    assert len({answer.content for answer in done}) <= 1, [answer.text for answer in done]
    return done[0] if done else answers[0]


def is_reason(code: str, facts: dict[str, Any], limits: Limits) -> bool:
    """Whether a refusal says what is in the way, and it is."""
    match code:
        case "limit_reached":
            most = {"claims": limits.max_claims, "redemptions": limits.max_redemptions}[facts["of"]]
            return bool(facts["used"] == facts["limit"] == most)
        case "budget_spent":
            over = facts["used"] + facts.get("discount_minor", 1)
            return bool(over > facts["limit"] == limits.budget_minor)
        case "already_redeemed":
            return bool(facts["redemption_id"])
        case "already_rolled_back":
            return bool(facts["rolled_back_at"])
    return False


def require_reasons(client: Client, limits: Limits) -> Counter[str]:
    """Every answer is a success or a refusal with its reason; how often each reason came."""
    reasons: Counter[str] = Counter()
    for post, answer in client.answered:
        if not answer.is_success:
            problem = answer.json()
            assert answer.status_code == 409, (post, answer.text)
            assert is_reason(problem["code"], problem["facts"], limits), (post, problem)
            reasons[problem["code"]] += 1
    return reasons


async def require_what_was_answered(town: Town, client: Client, stores: Stores) -> Books:
    """Rows, ledger and counters are those of the successes, and no others."""
    books = await books_of(stores, town.promotion_id)
    claimed, redeemed = client.successes("/v1/coupons"), client.successes("/v1/redemptions")
    undone = client.successes("/rollback")
    return _compared(books, *([one.json() for one in some] for some in (claimed, redeemed, undone)))


async def require_what_was_said(url: str, market: Market, said: Said, limits: Sequence[Limits]) -> None:
    """The same of processes that have ended: what they were not answered is asked again first."""
    async with stores_at(url) as stores:
        await Spender(stores.commerce, market, "settling", 0, said.take).settle(said)
        assert said.open == []
        claims, redemptions, undone = map(said.bodies, ("claim", "redeem", "roll_back"))
        for promotion_id, its_limits in zip(market.promotion_ids, limits, strict=True):
            books = await books_of(stores, promotion_id)
            books.in_rows.require_within(its_limits)
            assert len(set(books.visitors)) == len(books.visitors), "two coupons for one key"
            of_it = (
                [one for one in some if one["promotion_id"] == promotion_id]
                for some in (claims, redemptions, undone)
            )
            _compared(books, *of_it)
        for one in said.refused.values():
            assert any(is_reason(one.code, one.facts, its_limits) for its_limits in limits), one
        await _require_same_said_again(stores, market, said)


def _compared(
    books: Books,
    claimed: Sequence[dict[str, Any]],
    redeemed: Sequence[dict[str, Any]],
    rolled_back: Sequence[dict[str, Any]],
) -> Books:
    undone = {one["id"] for one in rolled_back}
    standing = [one for one in redeemed if one["id"] not in undone]
    assert books.codes == {one["code"] for one in claimed}
    assert books.standing == {one["id"]: one["code"] for one in standing}
    assert books.undone == undone
    assert books.in_ledger.budget_minor == sum(one["discount_minor"] for one in standing)
    return books


async def _require_same_said_again(stores: Stores, market: Market, said: Said) -> None:
    rest = list(said.answered.items())

    async def ask_again() -> None:
        while rest:
            key, body = rest.pop()
            again = await ask(stores.commerce, market, said.asked[key])
            assert (again.body.decode(), again.value) == (body, None)

    await asyncio.gather(*(ask_again() for _ in range(64)))
