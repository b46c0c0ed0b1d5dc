"""Who may do what with whose things: requests made from the OpenAPI document, things made through the API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from geo_offers.domain.account import Role
from geo_offers.domain.codes import new_code
from tests.api.conftest import key_for

#: Routes that need no key.
OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json", "/c/{code}"})
#: What a parameter or member may name that is somebody's, and the thing that it is.
REFERENCES = {
    "promotion_id": "promotion",
    "shop_id": "shop",
    "shop_ids": "shop",
    "code": "coupon",
    "redemption_id": "redemption",
    "key_id": "key",
    "merchant_id": "merchant",
    "visitor_id": "visitor",
    "district_id": "district",
}
#: Members that look like references and are the caller's own words.
OWN_WORDS = frozenset({"external_id", "codes", "account"})
#: What is there for everybody who may ask, whose ever it is.
PUBLIC = frozenset(
    {
        ("GET /v1/shops/{shop_id}", "shop_id"),
        ("POST /v1/coupons", "promotion_id"),  # an offer is for everybody
        ("POST /v1/coupons", "visitor_id"),  # an app's visitors are whom it says
    }
)
#: How it is told, where not by 404, that what is named is not there.
TOLD = {
    ("GET /v1/coupons", "visitor_id"): 200,  # a visitor without coupons
    ("GET /v1/offers", "visitor_id"): 200,  # one who never claimed anything
    ("POST /v1/offers/match", "visitor_id"): 200,
    ("POST /v1/redemptions", "shop_id"): 409,
    ("POST /v1/promotions", "shop_ids"): 422,
    ("POST /v1/promotions/preview", "shop_ids"): 200,  # among its faults
}
_LOOKS_LIKE_ONE = re.compile(r"(?:^|_)(?:ids?|codes?|account)\Z")
_HERE = {"lng": 24.9414, "lat": 60.1699}
_ABSENT = {
    "promotion": "prm_0000000000000000",
    "shop": "shp_0000000000000000",
    "redemption": "red_0000000000000000",
    "key": "key_0000000000000000",
    "merchant": "mrc_0000000000000000",
    "visitor": "nobody",
    "district": "dst_0000000000000000",
}

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the OpenAPI document has it."""

    method: str
    path: str
    said: Mapping[str, Any]
    document: Document

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def roles(self) -> list[Role]:
        return [Role(role) for role in self.said["x-roles"]]

    def parameters(self, place: str) -> dict[str, Mapping[str, Any]]:
        """Those in path, query or header, by name."""
        return {one["name"]: one for one in self.said.get("parameters", ()) if one["in"] == place}

    def body(self) -> tuple[str, Mapping[str, Any]] | None:
        """The first content type of the body, and its schema."""
        if "requestBody" not in self.said:
            return None
        kind, content = next(iter(self.said["requestBody"]["content"].items()))
        return kind, self._resolved(content["schema"])

    def references(self) -> list[str]:
        """The names, in its path, query and body, that say whose. Raises KeyError for one that is not known here."""
        body = self.body()
        names = [
            *self.parameters("path"),
            *self.parameters("query"),
            *(self._members(body[1]) if body else ()),
        ]
        looking = [name for name in names if name in REFERENCES or _LOOKS_LIKE_ONE.search(name)]
        unknown = {*looking, *self.parameters("path")} - REFERENCES.keys() - OWN_WORDS
        if unknown:
            raise KeyError(f"{self} names {sorted(unknown)}: say in tests/api/matrix.py what that is")
        return [name for name in dict.fromkeys(looking) if name in REFERENCES]

    def _members(self, schema: Mapping[str, Any]) -> Iterator[str]:
        schema = self._resolved(schema)
        for name, member in schema.get("properties", {}).items():
            yield name
            yield from self._members(member)
        for inner in (*schema.get("anyOf", ()), schema.get("items", {})):
            if inner:
                yield from self._members(inner)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in schema:
            return schema
        found: Mapping[str, Any] = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found


def operations(document: Document) -> list[Operation]:
    """All that need a key."""
    return [
        Operation(method.upper(), path, said, document)
        for path, item in document["paths"].items()
        for method, said in item.items()
        if path not in OPEN
    ]


@dataclass(frozen=True, slots=True)
class Side:
    """A merchant and an app, their keys by role, and what was made of theirs, by what it is."""

    name: str
    merchant_id: str
    keys: Mapping[Role, Mapping[str, str]]
    things: dict[str, str] = field(default_factory=dict)


class World:
    """Sides that have nothing to do with each other, on a running service."""

    def __init__(self, client: httpx.AsyncClient, district_id: str) -> None:
        self.client = client
        self.district_id = district_id
        self._made = 0
        self._revision = 0

    async def side(self, name: str) -> Side:
        """A new side with one of everything."""
        admin = await key_for(self.client, Role.ADMIN)
        merchant_id = (await self._sent("POST", "/v1/merchants", admin, {"name": f"Merchant {name}"}))["id"]
        keys = {Role.ADMIN: admin, Role.PLANNER: await key_for(self.client, Role.PLANNER)}
        asked: tuple[tuple[Role, dict[str, str]], ...] = (
            (Role.MERCHANT, {"merchant_id": merchant_id}),
            (Role.APP, {"account": f"app-{name}"}),
        )
        for role, whose in asked:
            told = await self._sent("POST", "/v1/keys", admin, {"role": role, **whose})
            keys[role] = {"Authorization": f"Bearer {told['key']}"}
        side = Side(name, merchant_id, keys)
        for what in set(REFERENCES.values()):
            side.things[what] = await self.make(what, side)
        return side

    async def make(self, what: str, merchant: Side, app: Side | None = None) -> str:
        """A new thing of a merchant and, where an app has to do with it, of that app; its id."""
        self._made += 1
        by = merchant.keys[Role.MERCHANT]
        match what:
            case "district":
                return self.district_id
            case "merchant":
                return merchant.merchant_id
            case "visitor":
                return f"visitor-{merchant.name}"
            case "key":
                return str((await self._sent("POST", "/v1/keys", by, {"role": "merchant"}))["id"])
            case "shop":
                return str((await self._sent("POST", "/v1/shops", by, self._shop()))["id"])
            case "promotion":
                return str((await self._sent("POST", "/v1/promotions", by, self.promotion()))["id"])
            case "coupon":
                return await self._claimed(merchant, app or merchant)
            case "redemption":
                code = await self._claimed(merchant, app or merchant)
                shop_id = merchant.things.get("shop") or await self.make("shop", merchant)
                body = {"code": code, "shop_id": shop_id, "basket_minor": 4_500, "currency": "EUR"}
                return str((await self._sent("POST", "/v1/redemptions", by, body))["id"])
        raise KeyError(f"nobody knows how to make a {what}")

    async def things_for(self, operation: Operation, side: Side) -> dict[str, str]:
        """New things of a side for each reference of an operation, by name."""
        return {name: await self.make(REFERENCES[name], side) for name in operation.references()}

    async def stranger(self, name: str, *, mine: Side, other: Side, busy: Side, role: Role) -> str:
        """A thing of the other side, which does nothing.

        What must be new is a busy side's: a coupon, of which only the half that counts for a role is not mine, and
        a visitor, since by now an app may have called one of its own like the other's.
        """
        match REFERENCES[name]:
            case "coupon" if role is Role.APP:
                return await self.make("coupon", mine, busy)
            case "coupon":
                return await self.make("coupon", busy, mine)
            case "visitor":
                visitor_id = f"visitor-{self._made}"
                await self._claimed(busy, busy, visitor_id)
                return visitor_id
            case what:
                return other.things[what]

    @staticmethod
    def absent(name: str) -> str:
        """The id of a thing that nobody has."""
        what = REFERENCES[name]
        return new_code() if what == "coupon" else _ABSENT[what]

    async def ask(
        self, operation: Operation, headers: Mapping[str, str], things: Mapping[str, str], role: Role
    ) -> httpx.Response:
        """The answer to a good request that names these things."""
        kind, content = self.good_body(operation, things, role)
        sent = {**headers, **self._needed_headers(operation), **({"Content-Type": kind} if kind else {})}
        query = {
            name: things[name] if name in things else _example(one)
            for name, one in operation.parameters("query").items()
            if one["required"] or name in things
        }
        url = operation.path.format(**things)
        return await self.client.request(operation.method, url, params=query, headers=sent, **content)

    def good_body(
        self, operation: Operation, things: Mapping[str, str], role: Role
    ) -> tuple[str | None, dict[str, Any]]:
        self._made += 1
        match str(operation):
            case "POST /v1/shops/import":
                return "text/csv", {
                    "content": f"id,name,category,lng,lat\nx{self._made},Row,food.cafe,24.9,60.1\n"
                }
            case "POST /v1/promotions/import":
                row = {**self.promotion(), "external_id": f"row-{self._made}"}
                return "application/x-ndjson", {
                    "content": httpx.Request("POST", "http://x", json=row).content
                }
            case "POST /v1/keys":
                return "application/json", {
                    "json": {"role": "merchant", "merchant_id": things["merchant_id"]}
                }
        body = operation.body()
        if body is None:
            return None, {}
        kind, schema = body
        return kind, {
            "json": _filled(schema["examples"][0] | self._named(schema, things), things | self._fits())
        }

    def _named(self, schema: Mapping[str, Any], things: Mapping[str, str]) -> dict[str, Any]:
        """Members that an example leaves out and that name a thing."""
        return {
            name: [thing] if name.endswith("s") else thing
            for name, thing in things.items()
            if name in schema.get("properties", {})
        }

    def _fits(self) -> dict[str, Any]:
        """What of an example is otherwise here: the place, the time, the currency, and words that are not taken."""
        return {
            **_HERE,
            "fix_at": _now(),
            "currency": "EUR",
            "external_id": f"example-{self._made}",
            "codes": [f"OWN-{self._made}-{part}" for part in "AB"],
        }

    def _needed_headers(self, operation: Operation) -> dict[str, str]:
        asked = {name.title() for name in operation.parameters("header")}
        known = {
            "If-Match": "*",
            "Idempotency-Key": str(uuid4()),
            "X-Min-Catalog-Revision": str(self._revision),
        }
        return {name: text for name, text in known.items() if name in asked}

    async def _claimed(self, merchant: Side, app: Side, visitor_id: str | None = None) -> str:
        body = {
            "promotion_id": await self.make("promotion", merchant),
            "visitor_id": visitor_id or f"visitor-{app.name}",
            **_HERE,
            "accuracy_m": 10.0,
            "fix_at": _now(),
        }
        headers = {**app.keys[Role.APP], "Idempotency-Key": str(uuid4())}
        return str((await self._sent("POST", "/v1/coupons", headers, body))["code"])

    def _shop(self) -> dict[str, Any]:
        return {"external_id": f"shop-{self._made}", "name": "Café", "category": "food.cafe", **_HERE}

    def promotion(self) -> dict[str, Any]:
        """The document of one that is live here."""
        return {
            "title": f"Kahvi −20 % ({self._made})",
            "benefit": {"type": "percent_off", "basis_points": 2_000},
            "fence": {"type": "circle", "center": [_HERE["lng"], _HERE["lat"]], "radius_m": 300},
            "starts_at": "2020-01-01T00:00:00Z",
            "ends_at": "2099-01-01T00:00:00Z",
            "status": "active",
        }

    async def _sent(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> dict[str, Any]:
        sent = {"Idempotency-Key": str(uuid4()), **headers}
        answer = await self.client.request(method, path, headers=sent, json=body)
        assert answer.is_success, (method, path, answer.text)
        self._revision = int(answer.headers.get("X-Catalog-Revision", self._revision))
        told: dict[str, Any] = answer.json()
        return told


def _example(parameter: Mapping[str, Any]) -> Any:
    return (parameter["schema"].get("examples") or parameter.get("examples"))[0]


def _filled(value: Any, members: Mapping[str, Any]) -> Any:
    """An example with these members, however deep they are, in place of its own."""
    if isinstance(value, list):
        return [_filled(inner, members) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: members[name] if name in members and not name.endswith("_ids") else _filled(inner, members)
        for name, inner in value.items()
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
