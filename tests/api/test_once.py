"""A write with an Idempotency-Key is done once, and its answer comes again byte for byte."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from api.once import RunningKeys
from geo_offers.domain.errors import StillRunning, TooManyRequests
from tests.api.conftest import Serving
from tests.api.merchants import a_document, a_shop_document, merchant_with_key

_COMES_AGAIN = ("etag", "location", "x-catalog-revision", "content-type", "content-length")


def _same(first: httpx.Response, again: httpx.Response) -> bool:
    said = [again.headers.get(name) == first.headers.get(name) for name in _COMES_AGAIN]
    return (again.status_code, again.content) == (first.status_code, first.content) and all(said)


async def test_the_same_again_gets_the_first_answer_and_writes_nothing(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        once = key | {"Idempotency-Key": "k-1"}
        first = await client.post("/v1/promotions", json=a_document(), headers=once)
        again = await client.post("/v1/promotions", json=a_document(), headers=once)
        assert first.status_code == 201
        assert _same(first, again)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert len((await client.get("/v1/promotions", headers=key)).json()["items"]) == 1


async def test_every_kind_of_write_is_replayed_although_the_thing_has_changed(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        shop = await client.post("/v1/shops", json=a_shop_document(), headers=key)
        made = await client.post("/v1/promotions", json=a_document(), headers=key)
        me = await client.get("/v1/merchants/me", headers=key)
        url, shop_url = made.headers["location"], f"/v1/shops/{shop.json()['id']}"
        writes = [
            ("PATCH", "/v1/merchants/me", {"name": "Fazer"}, me.headers["etag"]),
            ("PATCH", url, {"title": "Tea"}, made.headers["etag"]),
            ("POST", f"{url}/end", None, "*"),
            ("PATCH", shop_url, {"name": "Fazer"}, shop.headers["etag"]),
            ("DELETE", shop_url, None, "*"),
        ]
        for method, where, body, tag in writes:
            headers = key | {"Idempotency-Key": f"{method} {where}".replace(" ", "-"), "If-Match": tag}
            answers = [await client.request(method, where, json=body, headers=headers) for _ in range(2)]
            assert answers[0].status_code in (200, 204), answers[0].text
            assert _same(*answers), (method, where)
            assert answers[1].headers["idempotent-replayed"] == "true"


async def test_the_same_key_with_another_request_is_refused(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        once = key | {"Idempotency-Key": "k-1"}
        await client.post("/v1/promotions", json=a_document(), headers=once)
        others = [
            await client.post("/v1/promotions", json=a_document(title="Tea"), headers=once),
            await client.post("/v1/shops", json=a_shop_document(), headers=once),
        ]
        for other in others:
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        fazer = await merchant_with_key(client, "Fazer")
        theirs = await client.post(
            "/v1/promotions", json=a_document(title="Tea"), headers=fazer | {"Idempotency-Key": "k-1"}
        )
        assert theirs.status_code == 201


async def test_what_was_refused_is_not_kept(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        once = key | {"Idempotency-Key": "k-1"}
        assert (await client.post("/v1/promotions", json={}, headers=once)).status_code == 422
        assert (await client.post("/v1/promotions", json=a_document(), headers=once)).status_code == 201


async def test_a_key_that_is_none_or_is_given_twice_is_refused(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        for odd in ("", "a b", "k" * 201, "ä", "tab\there"):
            said = {name.encode(): value.encode() for name, value in (key | {"Idempotency-Key": odd}).items()}
            refused = await client.post("/v1/promotions", json=a_document(), headers=said)
            assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_invalid")
        headers = [*key.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        refused = await client.post("/v1/promotions", json=a_document(), headers=headers)
        assert refused.json()["code"] == "idempotency_key_invalid"


async def test_of_many_at_once_with_one_key_one_writes(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        once = key | {"Idempotency-Key": "k-1"}
        asked = (client.post("/v1/promotions", json=a_document(), headers=once) for _ in range(10))
        answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {201, 409}
        assert {a.json()["code"] for a in answers if a.status_code == 409} == {"still_running"}
        assert len({a.content for a in answers if a.status_code == 201}) == 1
        assert len((await client.get("/v1/promotions", headers=key)).json()["items"]) == 1
        assert client.app.state.running_keys.count == 0  # type: ignore[attr-defined]


def test_running_keys_are_let_go_whatever_happens_and_are_bounded() -> None:
    running = RunningKeys(most=2)
    with running.held("a", "k"), running.held("b", "k"), running.held("a", None):
        with pytest.raises(StillRunning), running.held("a", "k"):
            pass
        with pytest.raises(TooManyRequests), running.held("c", "k"):
            pass
    with pytest.raises(ZeroDivisionError), running.held("a", "k"):
        _ = 1 // 0
    assert running.count == 0
