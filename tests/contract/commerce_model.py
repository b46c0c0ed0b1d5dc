"""Coupons and redemptions as lists of what happened: slow, obvious, and what every adapter must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import strategies as st

from geo_offers.domain.errors import KeyReused, Refused
from geo_offers.domain.promotion import Limits, PeriodLimits, Promotion
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.units import Units
from tests.contract.commerce_asking import (
    MINE,
    NOW,
    a_claim,
    a_redeem,
    an_offer,
    counts_of,
    fill,
    once,
)

ENDS_AT = NOW + timedelta(days=3)


@dataclass(frozen=True)
class Claims:
    """A visitor claims, with one of a few keys or none."""

    visitor: int
    key: int | None


@dataclass(frozen=True)
class Redeems:
    """The coupon of one of the claims before, with a basket and one of a few keys or none."""

    which: int
    basket_minor: int
    key: int | None


@dataclass(frozen=True)
class RollsBack:
    which: int


@dataclass(frozen=True)
class Waits:
    hours: int


Command = Claims | Redeems | RollsBack | Waits
_KEYS = st.none() | st.integers(0, 2)
_NUMBERS = st.integers(0, 7)
COMMANDS = st.lists(
    st.builds(Claims, st.integers(0, 2), _KEYS)
    | st.builds(Redeems, _NUMBERS, st.sampled_from([0, 500, 1_000, 2_000]), _KEYS)
    | st.builds(RollsBack, _NUMBERS)
    | st.builds(Waits, st.integers(1, 20)),
    min_size=5,
    max_size=30,
)
_COUNT = st.none() | st.integers(2, 5)
_SMALL = st.integers(1, 2)
LIMITS = st.builds(
    Limits,
    _COUNT,
    _COUNT,
    st.none() | st.integers(2, 3),
    st.none() | st.sampled_from([300, 700]),
    st.just("EUR"),
    st.none() | st.builds(PeriodLimits, st.just("day"), _SMALL, _SMALL, _SMALL),
)


@dataclass
class Happened:
    """A claim and what became of it."""

    code: str
    visitor: int
    at: datetime
    redeemed_at: datetime | None = None
    discount: int = 0


@dataclass
class CommerceModel:
    limits: Limits
    now: datetime = NOW
    claims: list[Happened] = field(default_factory=list)
    redemptions: list[tuple[str, Happened]] = field(default_factory=list)
    undone: set[str] = field(default_factory=set)
    answers: dict[tuple[str, int], tuple[datetime, object, str]] = field(default_factory=dict)

    def kept(self, deed: str, key: int | None, asked: object) -> str | None:
        """What a key was answered with, or that it was another's."""
        if key is None or (deed, key) not in self.answers:
            return None
        at, before, answer = self.answers[deed, key]
        if self.now - at >= timedelta(hours=24):
            return None
        return answer if before == asked else "idempotency_key_reused"

    def claim(self, visitor: int, code: str) -> str:
        reasons = self._against_claim(visitor)
        if reasons:
            return reasons[0]
        self.claims.append(Happened(code, visitor, self.now))
        return code

    def _against_claim(self, visitor: int) -> list[str]:
        limits, day = self.limits, self.limits.per_period
        standing = self._standing()
        his = [one for one in self.claims if one.visitor == visitor]
        found = ["ended"] if self.now >= ENDS_AT else []
        full = _reached(limits.max_claims, self.claims) or _reached(limits.max_redemptions, standing)
        his_full = _reached(limits.max_per_visitor, his)
        if day is not None:
            today = [one for one in self.claims if self._is_today(one.at)]
            full |= _reached(day.max_claims, today) or _reached(day.max_redemptions, self._today(standing))
            his_full |= _reached(day.max_per_visitor, [one for one in today if one.visitor == visitor])
        found += ["limit_reached"] if full else []
        spent = sum(one.discount for one in standing)
        found += ["budget_spent"] if limits.budget_minor is not None and spent >= limits.budget_minor else []
        return found + (["per_visitor_limit"] if his_full else [])

    def redeem(self, claim: Happened, basket_minor: int, identity: str) -> str:
        limits, day, standing = self.limits, self.limits.per_period, self._standing()
        discount = basket_minor // 5
        if claim.redeemed_at is not None:
            return "already_redeemed"
        if self.now >= ENDS_AT:
            return "coupon_expired"
        if _reached(limits.max_redemptions, standing):
            return "limit_reached"
        spent = sum(one.discount for one in standing) + discount
        if limits.budget_minor is not None and spent > limits.budget_minor:
            return "budget_spent"
        if day is not None and _reached(day.max_redemptions, self._today(standing)):
            return "limit_reached"
        claim.redeemed_at, claim.discount = self.now, discount
        self.redemptions.append((identity, claim))
        return identity

    def roll_back(self, which: int) -> str:
        identity, claim = self.redemptions[which % len(self.redemptions)]
        if identity in self.undone:
            return "already_rolled_back"
        self.undone.add(identity)
        claim.redeemed_at, claim.discount = None, 0
        return identity

    def counts(self) -> tuple[int, int, int]:
        standing = self._standing()
        return len(self.claims), len(standing), sum(one.discount for one in standing)

    def _standing(self) -> list[Happened]:
        return [one for one in self.claims if one.redeemed_at is not None]

    def _today(self, standing: Sequence[Happened]) -> list[Happened]:
        return [one for one in standing if one.redeemed_at is not None and self._is_today(one.redeemed_at)]

    def _is_today(self, at: datetime) -> bool:
        return at.date() == self.now.date()


def _reached(limit: int | None, used: Sequence[object]) -> bool:
    return limit is not None and len(used) >= limit


async def commerce_agrees_with_the_model(units: Units, limits: Limits, commands: Sequence[Command]) -> None:
    """Play the commands on a new store and on the model, and compare every answer and all counters."""
    offer = an_offer(zone="UTC", ends_at=ENDS_AT)
    offer = Promotion(**{name: getattr(offer, name) for name in offer.__slots__} | {"limits": limits})
    await fill(units, offer)
    commerce, model = SqlCommerce(units), CommerceModel(limits)
    for number, command in enumerate(commands):
        await _play(commerce, model, offer, command, number)
        assert await counts_of(commerce, offer) == model.counts(), command
    assert await commerce.verify() == []
    funnel = await commerce.funnel(offer.id, merchant_id=MINE.id, when=model.now)
    assert (funnel.claimed, funnel.redeemed, funnel.discount_minor) == model.counts()
    assert funnel.rolled_back == len(model.undone)


async def _play(
    commerce: SqlCommerce, model: CommerceModel, offer: Promotion, command: Command, number: int
) -> None:
    match command:
        case Waits(hours):
            model.now += timedelta(hours=hours)
        case Claims(visitor, key):
            code = f"CODE{number}"
            expected = _expected(model, "claim", key, visitor, lambda: model.claim(visitor, code))
            asked = a_claim(offer, visitor_key=f"v{visitor}", code=code, when=model.now)
            coming = commerce.claim(asked, once=_once("claim", key, visitor))
            assert await _answer(coming) == expected, command
        case Redeems(which, basket, key) if model.claims:
            claim, identity = model.claims[which % len(model.claims)], f"red_{number}"
            question = (claim.code, basket)
            expected = _expected(
                model, "redeem", key, question, lambda: model.redeem(claim, basket, identity)
            )
            till = a_redeem(claim.code, id=identity, basket_minor=basket, when=model.now)
            coming = commerce.redeem(till, once=_once("redeem", key, question))
            assert await _answer(coming) == expected, command
        case RollsBack(which) if model.redemptions:
            identity = model.redemptions[which % len(model.redemptions)][0]
            expected = model.roll_back(which)
            coming = commerce.roll_back(
                identity, merchant_id=MINE.id, key_id="key_1", when=model.now, once=once()
            )
            assert await _answer(coming) == expected, command


def _expected(model, deed, key, question, work):  # type: ignore[no-untyped-def]
    kept = model.kept(deed, key, question)
    if kept is not None:
        return kept
    answer = work()
    was_done = answer.startswith(("CODE", "red_"))
    if key is not None and was_done:
        model.answers[deed, key] = (model.now, question, answer)
    return answer


def _once(deed: str, key: int | None, question: object):  # type: ignore[no-untyped-def]
    return once(None if key is None else f"{deed} {key}", asked=repr(question).encode())


async def _answer(coming) -> str:  # type: ignore[no-untyped-def]
    try:
        return (await coming).body.decode()
    except (Refused, KeyReused) as error:
        return error.code
