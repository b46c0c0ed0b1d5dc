"""What spenders ask of a commerce store, each with its key, and the lines in which they say it: asked, answered, refused."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from geo_offers.domain.account import random_word
from geo_offers.domain.codes import new_code
from geo_offers.domain.coupon import Claim, Redeem
from geo_offers.domain.errors import Refused
from geo_offers.domain.place import LngLat
from geo_offers.stores.commerce_ports import CommerceStore
from geo_offers.stores.once import Kept, Once

ACCOUNT = "lakeside"
KEY_ID = "key_0000000000000000"
CURRENCY = "EUR"
#: How many coupons a process remembers: several hands take the same one to different tills.
_REMEMBERED = 40


class Market(msgspec.Struct, frozen=True):
    """Where there is something to spend: promotions of a merchant, honoured at his shop, claimed at a position."""

    merchant_id: str
    shop_id: str
    promotion_ids: tuple[str, ...]
    lng: float
    lat: float


class Asking(msgspec.Struct, frozen=True, tag="asked"):
    """One question: `of` is a promotion, a code or a redemption."""

    key: str
    what: Literal["claim", "redeem", "roll_back"]
    of: str
    basket_minor: int = 0


class Answer(msgspec.Struct, frozen=True, tag="answered"):
    """The bytes of an answer, which are JSON."""

    key: str
    body: str


class Refusal(msgspec.Struct, frozen=True, tag="refused"):
    """Why it cannot be had."""

    key: str
    code: str
    facts: dict[str, Any]


Line = Asking | Answer | Refusal
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


@dataclass
class Said:
    """What processes said before they ended, by key."""

    asked: dict[str, Asking] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)

    @classmethod
    def of(cls, *logs: Path) -> Said:
        """Of whole lines: what a process was cut off in, it has not said."""
        said = cls()
        for log in logs:
            for line in log.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    said.take(_decode(line))
        return said

    def take(self, line: Line) -> None:
        match line:
            case Asking():
                self.asked[line.key] = line
            case Answer():
                self.answered[line.key] = line.body
            case Refusal():
                self.refused[line.key] = line

    @property
    def open(self) -> list[Asking]:
        """What was asked, and neither answered nor refused."""
        told = self.answered.keys() | self.refused.keys()
        return [asking for key, asking in self.asked.items() if key not in told]

    def bodies(self, what: str) -> list[dict[str, Any]]:
        """The answers to questions of one kind."""
        return [
            msgspec.json.decode(body) for key, body in self.answered.items() if self.asked[key].what == what
        ]


def written(line: Line) -> str:
    """A line, without its end."""
    return _encode(line).decode()


async def ask(commerce: CommerceStore, market: Market, asking: Asking) -> Kept[Any]:
    """Ask once more or for the first time: what makes it the same question is all in `asking`."""
    when = datetime.now(UTC)
    once: Once[Any] = Once(f"app:{ACCOUNT}", asking.key, hashlib.sha256(_encode(asking)).digest(), _encode)
    match asking.what:
        case "claim":
            return await commerce.claim(_claim(market, asking, when), once=once)
        case "redeem":
            return await commerce.redeem(_redeem(market, asking, when), once=once)
        case "roll_back":
            return await commerce.roll_back(
                asking.of, merchant_id=market.merchant_id, key_id=KEY_ID, when=when, once=once
            )


class Spender:
    """Claims, redeems and rolls back, as several hands at a time; says each line before it goes on."""

    def __init__(
        self, commerce: CommerceStore, market: Market, name: str, seed: int, say: Callable[[Line], None]
    ) -> None:
        self._commerce = commerce
        self._market = market
        self._name = name
        self._rng = random.Random(seed)
        self._say = say
        self._codes: list[str] = []
        self._redemptions: list[str] = []
        self._asked = 0

    async def settle(self, said: Said) -> None:
        """Ask again what was not answered, all at once: it may have been done or not."""
        await asyncio.gather(*(self._answer_to(asking) for asking in said.open))

    def know(self, said: Said) -> None:
        """Remember what other processes have: a coupon may be taken to a till, or a redemption undone, by several."""
        self._codes.extend(body["code"] for body in said.bodies("claim")[-_REMEMBERED:])
        self._redemptions.extend(body["id"] for body in said.bodies("redeem")[-_REMEMBERED:])

    async def spend(self) -> None:
        """Until the process ends; about as much is redeemed as is rolled back."""
        while True:
            coupon = await self._ask("claim", self._rng.choice(self._market.promotion_ids))
            if coupon is not None:
                self._codes = [*self._codes, coupon["code"]][-_REMEMBERED:]
            if self._codes:
                basket_minor = 100 * self._rng.randint(0, 30)
                redemption = await self._ask("redeem", self._rng.choice(self._codes), basket_minor)
                if redemption is not None:
                    self._redemptions = [*self._redemptions, redemption["id"]][-_REMEMBERED:]
            if self._redemptions and self._rng.random() < 0.5:
                await self._ask("roll_back", self._rng.choice(self._redemptions))

    async def _ask(
        self, what: Literal["claim", "redeem", "roll_back"], of: str, basket_minor: int = 0
    ) -> dict[str, Any] | None:
        self._asked += 1
        asking = Asking(f"{self._name}-{self._asked}", what, of, basket_minor)
        self._say(asking)
        return await self._answer_to(asking)

    async def _answer_to(self, asking: Asking) -> dict[str, Any] | None:
        try:
            kept = await ask(self._commerce, self._market, asking)
        except Refused as refused:
            facts = msgspec.to_builtins(refused.facts, str_keys=True)
            self._say(Refusal(asking.key, refused.code, facts))
            return None
        self._say(Answer(asking.key, kept.body.decode()))
        body: dict[str, Any] = msgspec.json.decode(kept.body)
        return body


def _claim(market: Market, asking: Asking, when: datetime) -> Claim:
    """Of a visitor of its own: so that a coupon too many for one key is one too many for a visitor."""
    return Claim(
        promotion_id=asking.of,
        account=ACCOUNT,
        visitor_key=f"visitor of {asking.key}",
        segments=frozenset(),
        at=LngLat(market.lng, market.lat),
        cell=None,
        accuracy_m=5.0,
        fix_at=when,
        code=new_code(),
        when=when,
    )


def _redeem(market: Market, asking: Asking, when: datetime) -> Redeem:
    return Redeem(
        id=f"red_{random_word(16)}",
        code=asking.of,
        shop_id=market.shop_id,
        merchant_id=market.merchant_id,
        key_id=KEY_ID,
        basket_minor=asking.basket_minor,
        currency=CURRENCY,
        when=when,
    )
