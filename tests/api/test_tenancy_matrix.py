"""Every route, every role, own, another's and no thing at all: from the OpenAPI document, so that none is forgotten."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
from starlette.routing import BaseRoute, Route

from api.callers import KeyedRoute
from geo_offers.domain.account import Role
from tests.api.conftest import Serving
from tests.api.matrix import OPEN, PUBLIC, REFERENCES, TOLD, Operation, Side, World, operations
from tests.builders import a_district, a_shop

_OF_THE_REQUEST = frozenset({"ratelimit", "ratelimit-policy", "content-length"})


class Town:
    """A running service, its document and its sides: mine, another that does nothing, and one that does."""

    def __init__(self, client: httpx.AsyncClient, world: World, mine: Side, other: Side, busy: Side) -> None:
        self.client = client
        self.world = world
        self.mine = mine
        self.other = other
        self.busy = busy
        self.operations = operations(client.app.openapi())  # type: ignore[attr-defined]


@asynccontextmanager
async def a_town(serving: Serving) -> AsyncIterator[Town]:
    without_end = {f"rate_{role}": 0 for role in Role}
    async with serving([a_shop()], [a_district()], open_reads=False, **without_end) as client:
        world = World(client, a_district().id)
        sides = [await world.side(name) for name in ("mine", "other", "busy")]
        yield Town(client, world, *sides)


class Faults:
    """Cells of the matrix that are not as they should be; all of them, since one tells little."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.looked_for = 0

    @contextmanager
    def of(self, cell: str, operation: Operation, *answers: httpx.Response) -> Iterator[None]:
        """Takes what is asserted about these answers in a block as a fault of a cell."""
        self.looked_for += 1
        try:
            yield
        except AssertionError:
            told = " | ".join(f"{one.status_code} {one.text[:300]}" for one in answers)
            self.found.append(f"{cell}: {operation}: {told}")


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def no_good_keys(town: Town) -> dict[str, dict[str, str]]:
    """What lets nobody in."""
    admin = town.mine.keys[Role.ADMIN]
    made = [
        (await town.client.post("/v1/keys", json={"role": "admin"}, headers=admin)).json() for _ in range(2)
    ]
    revoked, expired = made
    gone = await town.client.delete(f"/v1/keys/{revoked['id']}", headers=admin)
    ended = await town.client.post(f"/v1/keys/{expired['id']}/rotate", json={"overlap_s": 0}, headers=admin)
    assert (gone.status_code, ended.status_code) == (204, 201)
    return {
        "none": {},
        "no key's form": bearer("open sesame"),
        "unknown": bearer("gok_admin_" + "0" * 32),
        "another scheme": {"Authorization": "Basic " + made[0]["key"]},
        "revoked": bearer(revoked["key"]),
        "expired": bearer(expired["key"]),
    }


def nonsense(operation: Operation, world: World) -> dict[str, Any]:
    """A request that has everything wrong that can be wrong, but for its path."""
    absent = {name: world.absent(name) for name in operation.parameters("path")}
    return {
        "url": operation.path.format(**absent) + "?nonsense=1&nonsense=2",
        "content": b"{" if operation.body() else None,
    }


def routes_of(router: Any) -> Iterator[BaseRoute]:
    """All routes of an app, also those of the routers in it."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from routes_of(inner)


async def test_every_route_says_who_may_call_it_or_is_one_of_the_open_few(serving: Serving) -> None:
    async with serving() as client:
        app = client.app  # type: ignore[attr-defined]
        documented = operations(app.openapi())
        assert [str(one) for one in documented if not one.roles] == []
        keyed = {route.path for route in routes_of(app) if isinstance(route, KeyedRoute)}
        assert {one.path for one in documented} == keyed
        open_routes = [route for route in routes_of(app) if not isinstance(route, KeyedRoute)]
        assert all(isinstance(route, Route) for route in open_routes), "no mount hides routes from this test"
        assert {route.path for route in open_routes} == OPEN


async def test_without_a_good_key_nobody_learns_anything(serving: Serving) -> None:
    async with a_town(serving) as town:
        faults = Faults()
        for name, headers in (await no_good_keys(town)).items():
            for operation in town.operations:
                asked = nonsense(operation, town.world)
                bad = await town.client.request(operation.method, headers=headers, **asked)
                good = await town.world.ask(operation, headers, named(operation, town.other), Role.ADMIN)
                with faults.of(name, operation, good, bad):
                    assert (good.status_code, bad.status_code) == (401, 401)
                    assert good.json()["code"] == "key_invalid"
                    assert good.headers["WWW-Authenticate"] == "Bearer"
                    assert good.content == bad.content
                if operation.method == "GET":
                    head = await town.client.head(asked["url"], headers=headers)
                    with faults.of(name, operation, head):
                        assert (head.status_code, head.content) == (401, b"")
        assert faults.found == []


async def test_a_role_that_is_not_named_is_told_so_whatever_it_sends(serving: Serving) -> None:
    async with a_town(serving) as town:
        faults = Faults()
        for operation in town.operations:
            for role in sorted(set(Role) - set(operation.roles)):
                headers = town.mine.keys[role]
                asked = nonsense(operation, town.world)
                bad = await town.client.request(operation.method, headers=headers, **asked)
                good = await town.world.ask(operation, headers, named(operation, town.mine), role)
                with faults.of(role, operation, good, bad):
                    assert (good.status_code, bad.status_code) == (403, 403)
                    assert good.json()["code"] == "role_not_allowed"
                    assert good.content == bad.content
        assert faults.found == []


async def test_own_things_are_there_and_nothing_of_others_is_among_them(serving: Serving) -> None:
    async with a_town(serving) as town:
        faults = Faults()
        private = [town.other.things[what] for what in ("coupon", "redemption", "key", "visitor")]
        for operation in town.operations:
            for role in operation.roles:
                things = await town.world.things_for(operation, town.mine)
                answer = await town.world.ask(operation, town.mine.keys[role], things, role)
                with faults.of(role, operation, answer):
                    assert answer.is_success
                    assert role is Role.ADMIN or not [thing for thing in private if thing in answer.text]
        assert faults.found == []


async def test_anothers_things_are_as_if_they_were_not_there_and_stay_as_they_were(serving: Serving) -> None:
    async with a_town(serving) as town:
        faults = Faults()
        before = await pictures(town, town.other)
        for operation in town.operations:
            for name in operation.references():
                for role in sorted(set(operation.roles) - {Role.ADMIN}):
                    await check_hidden(town, operation, name, role, faults)
        assert faults.found == []
        assert faults.looked_for > len(town.operations) / 2, "the matrix has cells"
        assert await pictures(town, town.other) == before
        services = town.client.app.state.services  # type: ignore[attr-defined]
        assert await services.commerce.verify() == []


async def test_an_operator_sees_everyones_keys_and_no_key_that_is_not_there(serving: Serving) -> None:
    async with a_town(serving) as town:
        faults = Faults()
        admin = town.mine.keys[Role.ADMIN]
        for operation in (one for one in town.operations if Role.ADMIN in one.roles):
            for name in sorted({"key_id", "merchant_id"} & set(operation.references())):
                things = await town.world.things_for(operation, town.other)
                there = await town.world.ask(operation, admin, things, Role.ADMIN)
                things[name] = town.world.absent(name)
                absent = await town.world.ask(operation, admin, things, Role.ADMIN)
                with faults.of(name, operation, there, absent):
                    assert there.is_success
                    assert absent.status_code == 404
        assert faults.found == []


async def check_hidden(town: Town, operation: Operation, name: str, role: Role, faults: Faults) -> None:
    """A thing of the other side is told of as one that nobody has; unless it is for all."""
    world, headers = town.world, town.mine.keys[role]
    things = await world.things_for(operation, town.mine)
    if (str(operation), name) in PUBLIC or name == "district_id":
        things[name] = await world.make(REFERENCES[name], town.busy)
        answer = await world.ask(operation, headers, things, role)
        with faults.of(f"{role} {name}", operation, answer):
            assert answer.is_success
        return
    stranger = await world.stranger(name, mine=town.mine, other=town.other, busy=town.busy, role=role)
    absent = world.absent(name)
    to_stranger = await world.ask(operation, headers, things | {name: stranger}, role)
    to_absent = await world.ask(operation, headers, things | {name: absent}, role)
    told = TOLD.get((str(operation), name), 404)
    with faults.of(f"{role} {name}", operation, to_stranger, to_absent):
        assert (to_stranger.status_code, to_absent.status_code) == (told, told)
        assert to_stranger.text.replace(stranger, absent) == to_absent.text
        assert _headers(to_stranger) == _headers(to_absent)


async def pictures(town: Town, side: Side) -> dict[str, Any]:
    """What a merchant and an app see of all that is theirs alone, and of their shop."""
    seen = {}
    for operation in town.operations:
        theirs = len(operation.roles) < len(Role) or "shop_id" in operation.references()
        for role in {Role.MERCHANT, Role.APP} & set(operation.roles):
            if operation.method == "GET" and theirs:
                answer = await town.world.ask(operation, side.keys[role], named(operation, side), role)
                assert answer.is_success, (role, str(operation), answer.text)
                is_json = answer.headers["Content-Type"].startswith("application/json")
                seen[f"{role} {operation}"] = without_use(answer.json()) if is_json else answer.content
    assert len(seen) > 10
    return seen


def without_use(body: Any) -> Any:
    """A body without when keys were last used, which looking at it changes."""
    for item in body.get("items", ()):
        item.pop("last_used_at", None)
    return body


def named(operation: Operation, side: Side) -> dict[str, str]:
    """The things that a side had from the beginning, by how an operation names them."""
    return {name: side.things[REFERENCES[name]] for name in operation.references()}


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name not in _OF_THE_REQUEST}


async def test_a_promotion_takes_no_shop_of_another_merchant_on_any_way(serving: Serving) -> None:
    async with a_town(serving) as town:
        by = town.mine.keys[Role.MERCHANT]
        url = f"/v1/promotions/{town.mine.things['promotion']}"
        before = (await town.client.get(url, headers=by)).content
        told = []
        for shop_id in (town.other.things["shop"], town.world.absent("shop_id")):
            patch = await town.client.patch(
                url, json={"shop_ids": [shop_id]}, headers={**by, "If-Match": "*"}
            )
            row = json.dumps({**town.world.promotion(), "external_id": "row", "shop_ids": [shop_id]})
            imported = await town.client.post(
                "/v1/promotions/import", content=row, headers={**by, "Content-Type": "application/x-ndjson"}
            )
            assert (patch.status_code, imported.status_code) == (422, 422), (patch.text, imported.text)
            told.append([one.text.replace(shop_id, "…") for one in (patch, imported)])
        assert told[0] == told[1]
        assert (await town.client.get(url, headers=by)).content == before


async def test_a_pool_takes_no_code_of_another_merchant_and_does_not_say_whose_it_is(
    serving: Serving,
) -> None:
    async with a_town(serving) as town:
        codes = {"codes": ["SHARED-0001"]}
        answers = [
            await town.client.post(
                f"/v1/promotions/{side.things['promotion']}/codes",
                json=codes,
                headers=side.keys[Role.MERCHANT],
            )
            for side in (town.other, town.mine)
        ]
        assert [one.status_code for one in answers] == [201, 409]
        refused = answers[1].json()
        assert refused["code"] == "code_taken"
        assert not [thing for thing in town.other.things.values() if thing in answers[1].text]


async def test_two_apps_may_call_their_visitors_alike_and_share_none(serving: Serving) -> None:
    async with a_town(serving) as town:
        wallets = []
        for side in (town.mine, town.other):
            answer = await town.client.get("/v1/coupons?visitor_id=visitor-mine", headers=side.keys[Role.APP])
            wallets.append([item["code"] for item in answer.json()["items"]])
        assert town.mine.things["coupon"] in wallets[0]
        assert wallets[1] == []


async def test_another_ones_idempotency_key_is_no_door_to_his_answer(serving: Serving) -> None:
    async with a_town(serving) as town:
        redeem = {"code": town.other.things["coupon"], "shop_id": town.other.things["shop"]}
        redeem |= {"basket_minor": 4_500, "currency": "EUR"}
        answers = [
            await town.client.post(
                "/v1/redemptions",
                json=redeem,
                headers={**side.keys[Role.MERCHANT], "Idempotency-Key": "same"},
            )
            for side in (town.other, town.mine)
        ]
        assert [one.status_code for one in answers] == [201, 404], answers[1].text
        assert answers[1].json()["code"] == "coupon_not_found"
