"""Keys over HTTP: who is let in, who may do what, how often; and nobody learns anything without a key."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import structlog

from api.access_log import configure_logging
from geo_offers.domain.account import Role
from geo_offers.domain.promotion import Merchant
from tests.api.conftest import Serving, key_for
from tests.builders import a_merchant, a_shop

OPEN = {"/healthz", "/readyz"}
READS = (
    "/v1/shops?lng=24.94&lat=60.17",
    "/v1/shops/shp_0000000000000000",
    "/v1/context?lng=24.94&lat=60.17",
    "/v1/offers?lng=24.94&lat=60.17",
    "/v1/districts",
    "/v1/districts/dst_nowhere",
    "/v1/districts/dst_nowhere/shops",
)


async def created(client: httpx.AsyncClient, headers: dict[str, str], **asked: Any) -> dict[str, Any]:
    answer = await client.post("/v1/keys", json=asked, headers=headers)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def bearer(told: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {told['key']}"}


async def document_of(client: httpx.AsyncClient) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


async def test_every_route_says_its_roles_and_lets_nobody_in_without_a_key(serving: Serving) -> None:
    async with serving([a_shop()], open_reads=False) as client:
        document = await document_of(client)
        assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
        for path, method, operation in operations(document):
            if path in OPEN:
                assert "security" not in operation
                continue
            assert operation["security"] == [{"key": []}], path
            assert set(operation["x-roles"]) <= set(Role), path
            assert operation["x-roles"], path
            assert {"401", "403", "429"} <= set(operation["responses"]), path
            # Neither what is wrong with a request nor whether a thing is there is told without a key.
            answer = await client.request(method, path.replace("{", "").replace("}", ""), content=b"{")
            assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid"), path
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert "RateLimit" not in answer.headers


async def test_what_an_operators_machines_ask_needs_no_key(serving: Serving) -> None:
    async with serving(open_reads=False) as client:
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/v1/nowhere")).status_code == 404


@pytest.mark.parametrize("url", READS)
async def test_reads_are_for_any_key_or_where_they_are_open_for_none(serving: Serving, url: str) -> None:
    async with serving([a_shop()], open_reads=False) as client:
        assert (await client.get(url)).status_code == 401
        merchant = a_merchant()
        await client.app.state.services.store.put_merchants([merchant])  # type: ignore[attr-defined]
        seen = set()
        for role in Role:
            account = merchant.id if role is Role.MERCHANT else None
            answer = await client.get(url, headers=await key_for(client, role, account))
            seen.add(answer.status_code)
            assert answer.headers["RateLimit-Policy"].endswith(";w=60")
        assert seen in ({200}, {404})
    async with serving([a_shop()]) as client:
        assert (await client.get(url)).status_code in seen
        bad = await client.get(url, headers={"Authorization": "Bearer gok_app_" + "0" * 32})
        assert bad.status_code == 401, "a key that is shown must be one"


async def test_open_reads_are_documented_as_open(serving: Serving) -> None:
    async with serving() as client:
        paths = (await document_of(client))["paths"]
        assert paths["/v1/shops"]["get"]["security"] == [{}, {"key": []}]
        assert paths["/v1/shops"]["get"]["x-roles"] == ["admin", "app", "merchant", "planner"]
        assert paths["/v1/keys"]["post"]["security"] == [{"key": []}]
        assert paths["/v1/keys"]["post"]["x-roles"] == ["admin", "merchant"]
        assert paths["/v1/merchants"]["get"]["x-roles"] == ["admin"]


async def test_another_role_is_told_so_before_its_request_is_looked_at(serving: Serving) -> None:
    async with serving() as client:
        for role in (Role.APP, Role.PLANNER):
            headers = await key_for(client, role)
            for method, path in (
                ("POST", "/v1/keys"),
                ("DELETE", "/v1/keys/x"),
                ("GET", "/v1/merchants?x=1"),
            ):
                answer = await client.request(method, path, headers=headers, content=b"{")
                assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


async def test_a_key_is_made_told_once_listed_and_revoked(serving: Serving) -> None:
    async with serving(open_reads=False) as client:
        admin = await key_for(client, Role.ADMIN)
        expires = datetime(2100, 1, 1, tzinfo=UTC)
        answer = await client.post(
            "/v1/keys",
            json={"role": "app", "account": "lakeside", "label": "phones", "expires_at": expires.isoformat()},
            headers=admin,
        )
        told = answer.json()
        assert answer.status_code == 201
        assert answer.headers["Cache-Control"] == "no-store"
        assert told["key"].startswith("gok_app_")
        assert (told["role"], told["account"], told["label"]) == ("app", "lakeside", "phones")
        assert told["expires_at"] == "2100-01-01T00:00:00Z"
        assert (await client.get("/v1/districts", headers=bearer(told))).status_code == 200
        listed = (await client.get("/v1/keys", headers=admin)).json()["items"]
        assert listed[0]["id"] == told["id"]
        assert told["key"] not in json.dumps(listed)
        revoked = await client.delete(f"/v1/keys/{told['id']}", headers=admin)
        assert (revoked.status_code, revoked.content) == (204, b"")
        assert (await client.get("/v1/districts", headers=bearer(told))).status_code == 401
        assert (await client.delete(f"/v1/keys/{told['id']}", headers=admin)).status_code == 204
        gone = await client.post(f"/v1/keys/{told['id']}/rotate", json={}, headers=admin)
        assert (gone.status_code, gone.json()["code"]) == (404, "key_not_found")


async def test_a_rotated_key_is_good_for_the_overlap(serving: Serving) -> None:
    async with serving(open_reads=False) as client:
        admin = await key_for(client, Role.ADMIN)
        old = await created(client, admin, role="planner")
        for overlap_s, of_the_old in ((60, 200), (0, 401)):
            answer = await client.post(
                f"/v1/keys/{old['id']}/rotate", json={"overlap_s": overlap_s}, headers=admin
            )
            assert answer.status_code == 201
            assert (await client.get("/v1/districts", headers=bearer(answer.json()))).status_code == 200
            assert (await client.get("/v1/districts", headers=bearer(old))).status_code == of_the_old


async def test_a_merchant_has_keys_of_his_own_and_sees_no_others(serving: Serving) -> None:
    async with serving() as client:
        admin = await key_for(client, Role.ADMIN)
        ids = []
        for name in ("Lakeside Noodles", "Hill Tea"):
            answer = await client.post("/v1/merchants", json={"name": name}, headers=admin)
            assert (answer.status_code, answer.json()["name"]) == (201, name)
            ids.append(answer.json()["id"])
        mine, other = [await created(client, admin, role="merchant", merchant_id=one) for one in ids]
        second = await created(client, bearer(mine), role="merchant", label="till 2")
        assert second["account"] == ids[0]
        listed = (await client.get("/v1/keys", headers=bearer(second))).json()["items"]
        assert {one["id"] for one in listed} == {mine["id"], second["id"]}
        for method, path in (("DELETE", ""), ("POST", "/rotate")):
            answer = await client.request(
                method, f"/v1/keys/{other['id']}{path}", json={}, headers=bearer(mine)
            )
            absent = await client.request(
                method, f"/v1/keys/key_{'0' * 16}{path}", json={}, headers=bearer(mine)
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")
            assert answer.json()["detail"].replace(other["id"], "") == absent.json()["detail"].replace(
                "key_" + "0" * 16, ""
            )
        asked = {"role": "merchant", "merchant_id": ids[1]}
        answer = await client.post("/v1/keys", json=asked, headers=bearer(mine))
        assert (answer.status_code, answer.json()["code"]) == (404, "merchant_not_found")
        answer = await client.post("/v1/keys", json={"role": "admin"}, headers=bearer(mine))
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),
        ({"role": "king"}, 422),
        ({"role": "app", "colour": "red"}, 422),
        ({"role": "app", "account": "No!"}, 422),
        ({"role": "app", "label": "x" * 201}, 422),
        ({"role": "app", "expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"role": "app", "expires_at": "2100-01-01T00:00:00"}, 422),
        ({"role": "app", "merchant_id": a_merchant().id}, 422),
        ({"role": "merchant"}, 422),
        ({"role": "merchant", "merchant_id": "mrc_" + "0" * 16}, 404),
        ({"role": "merchant", "merchant_id": "nobody"}, 422),
    ],
)
async def test_a_key_that_cannot_be_is_refused(serving: Serving, asked: dict[str, Any], status: int) -> None:
    async with serving() as client:
        answer = await client.post("/v1/keys", json=asked, headers=await key_for(client, Role.ADMIN))
        assert answer.status_code == status, answer.text


async def test_merchants_are_listed_a_page_at_a_time(serving: Serving) -> None:
    async with serving() as client:
        admin = await key_for(client, Role.ADMIN)
        merchants = [Merchant(f"mrc_{number:016d}", f"Merchant {number}") for number in range(5)]
        await client.app.state.services.store.put_merchants(merchants)  # type: ignore[attr-defined]
        url, seen = "/v1/merchants?limit=2", []
        while url:
            answer = await client.get(url, headers=admin)
            seen += [one["name"] for one in answer.json()["items"]]
            url = answer.links["next"]["url"] if "next" in answer.links else ""
        assert seen == [one.name for one in merchants]
        assert (await client.get("/v1/merchants?cursor=x", headers=admin)).status_code == 422
        assert (await client.get("/v1/merchants?limit=1&limit=2", headers=admin)).status_code == 422


async def test_a_merchant_is_taken_in_once_a_key(serving: Serving) -> None:
    async with serving() as client:
        admin = await key_for(client, Role.ADMIN) | {"Idempotency-Key": "one"}
        first = await client.post("/v1/merchants", json={"name": "Tea"}, headers=admin)
        again = await client.post("/v1/merchants", json={"name": "Tea"}, headers=admin)
        assert (again.status_code, again.json()) == (201, first.json())
        other = await client.post("/v1/merchants", json={"name": "Coffee"}, headers=admin)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert len((await client.get("/v1/merchants", headers=admin)).json()["items"]) == 1


async def test_a_rate_that_is_used_up_says_when_to_come_again(serving: Serving) -> None:
    async with serving(rate_planner=2, rate_admin=0) as client:
        planner = await key_for(client, Role.PLANNER)
        url = "/v1/districts"
        first = await client.get(url, headers=planner)
        assert first.headers["RateLimit-Policy"] == '"default";q=2;w=60'
        assert first.headers["RateLimit"] == '"default";r=1;t=30'
        wrong = await client.get(f"{url}?colour=red", headers=planner)
        assert wrong.status_code == 422
        assert wrong.headers["RateLimit"] == '"default";r=0;t=60', "also on an answer that is an error"
        refused = await client.get(url, headers=planner)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.headers["Retry-After"] == "30"
        assert refused.headers["RateLimit"] == '"default";r=0;t=60'
        assert (await client.get(url, headers=await key_for(client, Role.PLANNER))).status_code == 200
        endless = await client.get("/v1/keys", headers=await key_for(client, Role.ADMIN))
        assert "RateLimit" not in endless.headers


async def test_those_without_a_key_share_a_rate_an_address(serving: Serving) -> None:
    async with serving(rate_app=3) as client:
        statuses = [(await client.get("/v1/districts")).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


async def test_a_key_is_in_no_log_even_when_everything_breaks(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    configure_logging("debug")
    try:
        async with serving() as client:
            headers = await key_for(client, Role.APP)
            state = client.app.state  # type: ignore[attr-defined]
            state.services = replace(state.services, zones=None)
            assert (await client.get("/v1/districts", headers=headers)).status_code == 500
    finally:
        structlog.reset_defaults()
    assert "request_failed" in written.getvalue()
    assert "gok_app" not in written.getvalue()


async def test_a_method_that_is_not_there_is_told_to_anyone(serving: Serving) -> None:
    async with serving(open_reads=False) as client:
        answer = await client.put("/v1/keys")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
