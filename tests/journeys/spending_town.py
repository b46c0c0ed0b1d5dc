"""A town to spend in: a merchant with a shop, an app, and servers on one store; keys are made on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from geo_offers.domain.promotion import Limits
from geo_offers.domain.promotion_document import limits_document
from tests.api.merchants import SOMEWHERE, a_document, a_shop_document
from tests.journeys.fleet import Fleet, Post, fleet_of
from tests.journeys.spending import ACCOUNT, CURRENCY, Market
from tests.journeys.test_keys_journey import becomes, told
from tests.journeys.test_serve_journey import environment


@dataclass(frozen=True, slots=True)
class Town:
    """A store with servers, the keys of an app and of a till, and a market of no, one or more promotions."""

    url: str
    env: dict[str, str]
    fleet: Fleet
    app: str
    till: str
    market: Market

    def with_promotions(self, *limits: Limits) -> Town:
        """The same with new promotions alone in its market: 20 % off inside a circle."""
        made = [self._made_promotion(one) for one in limits]
        return replace(self, market=msgspec.structs.replace(self.market, promotion_ids=tuple(made)))

    @property
    def promotion_id(self) -> str:
        """The only promotion."""
        (promotion_id,) = self.market.promotion_ids
        return promotion_id

    def claim(self, name: str) -> Post:
        body = {
            "promotion_id": self.promotion_id,
            "visitor_id": f"visitor of {name}",
            "lng": self.market.lng,
            "lat": self.market.lat,
            "accuracy_m": 5,
            "fix_at": datetime.now(UTC).isoformat(),
        }
        return Post(f"claim-{self.promotion_id}-{name}", "/v1/coupons", body, self.app)

    def redeem(self, name: str, code: str, basket_minor: int) -> Post:
        shop_id = self.market.shop_id
        body = {"code": code, "shop_id": shop_id, "basket_minor": basket_minor, "currency": CURRENCY}
        return Post(f"redeem-{self.promotion_id}-{name}", "/v1/redemptions", body, self.till)

    def roll_back(self, redemption_id: str) -> Post:
        path = f"/v1/redemptions/{redemption_id}/rollback"
        return Post(f"roll-back-{redemption_id}", path, {}, self.till)

    def require_verified(self) -> None:
        """`geo-offers verify` finds nothing."""
        verified = told("verify", env=self.env)
        assert (verified.exit_code, verified.stdout.splitlines()[-1]) == (0, "All agree."), verified.output

    def _made_promotion(self, limits: Limits) -> str:
        more = {"limits": limits_document(limits), "shop_ids": [self.market.shop_id], "status": "active"}
        made = _made(self.fleet.urls[0], "/v1/promotions", a_document(**more), self.till)
        return str(made["id"])


@contextmanager
def town_on(store_url: str, folder: Path, *, servers: int) -> Iterator[Town]:
    """A town on an empty store; its servers run until the block ends."""
    chosen = {
        "DATABASE_URL": store_url, "SECRET": "lakeside", "LOG_LEVEL": "error", "RATE_APP": "0", "RATE_MERCHANT": "0"
    }  # fmt: skip
    env = environment(folder, **{f"GEO_OFFERS_{name}": text for name, text in chosen.items()})
    admin, app = _secret(env, "admin"), _secret(env, "app", "--account", ACCOUNT)
    with fleet_of(servers, env, folder) as fleet:
        merchant = _made(fleet.urls[0], "/v1/merchants", {"name": "Lakeside Noodles"}, admin)
        till = _secret(env, "merchant", "--merchant", merchant["id"])
        assert all(becomes(url, till, 200) for url in fleet.urls.values())
        shop = _made(fleet.urls[0], "/v1/shops", a_shop_document(), till)
        yield Town(store_url, env, fleet, app, till, Market(merchant["id"], shop["id"], (), *SOMEWHERE))


def _secret(env: dict[str, str], *words: str) -> str:
    """A new key of a role."""
    made = told("keys", "create", "--role", *words, env=env)
    assert made.exit_code == 0, made.output
    return str(made.stdout.strip())


def _made(url: str, path: str, body: dict[str, Any], secret: str) -> dict[str, Any]:
    """What was made by a write."""
    made = httpx.post(f"{url}{path}", json=body, headers={"Authorization": f"Bearer {secret}"}, timeout=30)
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer
