"""A merchant's profile, shops and promotions over HTTP: written, live at once, and nobody else's."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx
import pytest

from tests.api.conftest import Serving
from tests.api.merchants import a_document, a_polygon, a_shop_document, merchant_with_key, offers_at

TO_NOBODY = "prm_0000000000000000"


async def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# -- promotions


async def test_a_promotion_goes_from_draft_to_ended_and_is_seen_as_it_is_each_time(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        made = await client.post("/v1/promotions", json=a_document(), headers=key)
        assert made.status_code == 201, made.text
        url = made.headers["location"]
        assert made.json()["status"] == "draft"
        assert await offers_at(client, made.headers["x-catalog-revision"]) == []
        tag = made.headers["etag"]
        seen = []
        for step in ("publish", "pause", "resume", "end"):
            done = await client.post(f"{url}/{step}", headers=key | {"If-Match": tag})
            assert done.status_code == 200, done.text
            tag = done.headers["etag"]
            seen.append((done.json()["status"], await offers_at(client, done.headers["x-catalog-revision"])))
        live = ["Coffee −20 %"]
        assert seen == [("active", live), ("paused", []), ("active", live), ("ended", [])]
        for step in ("publish", "pause", "resume"):
            refused = await client.post(f"{url}/{step}", headers=key | {"If-Match": "*"})
            assert await _code(refused) == (409, "status_refused")
            assert refused.json()["facts"] == {"status": "ended"}
        edited = await client.patch(url, json={"title": "More"}, headers=key | {"If-Match": "*"})
        assert await _code(edited) == (409, "status_refused")
        history = (await client.get(f"{url}/versions", headers=key)).json()["items"]
        assert [one["document"]["status"] for one in history] == [
            "draft", "active", "paused", "active", "ended",
        ]  # fmt: skip
        assert [one["number"] for one in history] == [1, 2, 3, 4, 5]


_STEPS: list[tuple[str, str, bool]] = [
    ("draft", "active", True),
    ("draft", "ended", True),
    ("draft", "paused", False),
    ("active", "paused", True),
    ("active", "draft", False),
    ("active", "ended", True),
    ("paused", "active", True),
    ("paused", "draft", False),
    ("paused", "ended", True),
]


async def test_a_patch_of_the_status_takes_the_steps_that_there_are(
    serving: Serving,
) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        for status, after, allowed in _STEPS:
            made = await client.post("/v1/promotions", json=a_document(status=status), headers=key)
            change = key | {"If-Match": made.headers["etag"]}
            done = await client.patch(made.headers["location"], json={"status": after}, headers=change)
            assert done.status_code == (200 if allowed else 409), (status, after)


async def test_an_edit_while_live_is_seen_and_is_one_more_version(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        made = await client.post("/v1/promotions", json=a_document(status="active"), headers=key)
        url, tag = made.headers["location"], made.headers["etag"]
        patch = {"title": "Tea −10 %", "title_i18n": {"fi": "Tee"}, "limits": {"max_claims": 5}}
        done = await client.patch(
            url, json=patch, headers=key | {"If-Match": tag, "Content-Type": "application/merge-patch+json"}
        )
        assert done.status_code == 200, done.text
        assert await offers_at(client, done.headers["x-catalog-revision"]) == ["Tea −10 %"]
        again = await client.patch(
            url, json={"limits": {"max_claims": None}}, headers=key | {"If-Match": done.headers["etag"]}
        )
        assert again.json()["limits"] == {}
        assert again.json()["title"] == "Tea −10 %"
        same = await client.patch(url, json={}, headers=key | {"If-Match": again.headers["etag"]})
        assert same.headers["etag"] == again.headers["etag"]
        history = (await client.get(f"{url}/versions", headers=key)).json()["items"]
        assert [one["document"]["title"] for one in history] == ["Coffee −20 %", "Tea −10 %", "Tea −10 %"]


async def test_a_change_says_what_it_is_a_change_of(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        made = await client.post("/v1/promotions", json=a_document(), headers=key)
        url, tag = made.headers["location"], made.headers["etag"]
        patch = {"title": "Tea"}
        assert await _code(await client.patch(url, json=patch, headers=key)) == (428, "precondition_required")
        for wrong in ('"other"', f"W/{tag}", f'"a", W/{tag}'):
            refused = await client.patch(url, json=patch, headers=key | {"If-Match": wrong})
            assert await _code(refused) == (412, "precondition_failed"), wrong
        for odd in ("", "tag", f"{tag} tag", '"a" ' + ", " * 3_000):
            refused = await client.patch(url, json=patch, headers=key | {"If-Match": odd})
            assert refused.status_code == 422, odd
        assert (await client.get(url, headers=key)).json()["title"] == "Coffee −20 %"
        done = await client.patch(url, json=patch, headers=key | {"If-Match": f'"a", {tag}'})
        assert done.status_code == 200
        stale = await client.patch(url, json={"title": "Milk"}, headers=key | {"If-Match": tag})
        assert await _code(stale) == (412, "precondition_failed")


async def test_a_reader_who_has_it_already_is_told_so_without_a_body(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        made = await client.post("/v1/promotions", json=a_document(), headers=key)
        shop = await client.post("/v1/shops", json=a_shop_document(), headers=key)
        for url in (made.headers["location"], shop.headers["location"], "/v1/merchants/me"):
            tag = (await client.get(url, headers=key)).headers["etag"]
            for known in (tag, f"W/{tag}", "*", f'"x",{tag}'):
                seen = await client.get(url, headers=key | {"If-None-Match": known})
                assert (seen.status_code, seen.content, seen.headers["etag"]) == (304, b"", tag)
            assert (await client.get(url, headers=key | {"If-None-Match": '"x"'})).status_code == 200


async def test_what_is_listed_is_complete_and_by_status(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        ids = set()
        for number in range(5):
            document = a_document(external_id=f"p-{number}", status="active" if number % 2 else "draft")
            ids.add((await client.post("/v1/promotions", json=document, headers=key)).json()["id"])
        seen: list[str] = []
        url: str | None = "/v1/promotions?limit=2"
        while url:
            page = await client.get(url, headers=key)
            seen += [one["id"] for one in page.json()["items"]]
            url = page.links.get("next", {}).get("url")
        assert seen == sorted(ids)
        active = (await client.get("/v1/promotions?status=active", headers=key)).json()["items"]
        assert [one["status"] for one in active] == ["active", "active"]
        other = await client.get("/v1/promotions?status=active&cursor=x", headers=key)
        assert await _code(other) == (422, "cursor_invalid")


async def test_an_external_id_is_taken_once(serving: Serving) -> None:
    async with serving() as client:
        key, other = await merchant_with_key(client), await merchant_with_key(client, "Fazer")
        one = a_document(external_id="spring")
        assert (await client.post("/v1/promotions", json=one, headers=key)).status_code == 201
        assert (await client.post("/v1/promotions", json=one, headers=key)).status_code == 409
        assert (await client.post("/v1/promotions", json=one, headers=other)).status_code == 201


async def test_another_merchants_things_are_as_if_they_were_not_there(serving: Serving) -> None:
    async with serving() as client:
        key, other = await merchant_with_key(client), await merchant_with_key(client, "Fazer")
        made = await client.post("/v1/promotions", json=a_document(), headers=key)
        shop = await client.post("/v1/shops", json=a_shop_document(), headers=key)
        for there in (made.json()["id"], TO_NOBODY):
            url = f"/v1/promotions/{there}"
            change = other | {"If-Match": "*"}
            answers = [
                await client.get(url, headers=other),
                await client.get(f"{url}/versions", headers=other),
                await client.patch(url, json={}, headers=change),
                await client.post(f"{url}/end", headers=change),
            ]
            for answer in answers:
                assert await _code(answer) == (404, "promotion_not_found")
                assert answer.json()["detail"] == f"there is no promotion {there}"
        for there in (shop.json()["id"], "shp_0000000000000000"):
            url = f"/v1/shops/{there}"
            change = other | {"If-Match": "*"}
            answers = [
                await client.get(f"/v1/merchants/me/shops/{there}", headers=other),
                await client.patch(url, json={}, headers=change),
                await client.delete(url, headers=change),
            ]
            for answer in answers:
                assert await _code(answer) == (404, "shop_not_found")
        foreign = a_document(shop_ids=[shop.json()["id"]])
        refused = await client.post("/v1/promotions", json=foreign, headers=other)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/shop_ids/0"
        assert (await client.get("/v1/promotions", headers=other)).json() == {"items": [], "next": None}


# -- shops and profile


async def test_a_shop_is_in_the_catalog_at_once_and_leaves_it_when_taken_out(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        made = await client.post("/v1/shops", json=a_shop_document(external_id="e-1"), headers=key)
        assert made.status_code == 201, made.text
        assert (made.json()["time_zone"], made.json()["country"]) == ("Europe/Helsinki", "FI")
        assert made.json()["source"]["provider"] == "merchant"
        url = f"/v1/shops/{made.json()['id']}"

        def at(answer: httpx.Response) -> dict[str, str]:
            return {"X-Min-Catalog-Revision": answer.headers["x-catalog-revision"]}

        assert (await client.get(url, headers=at(made))).json()["name"] == "Café Ekberg"
        patch = {"name": "Café Fazer", "lng": 24.95, "brand": "Fazer"}
        done = await client.patch(url, json=patch, headers=key | {"If-Match": made.headers["etag"]})
        seen = (await client.get(url, headers=at(done))).json()
        assert (seen["name"], seen["lng"], seen["brand"]) == ("Café Fazer", 24.95, "Fazer")
        stale = await client.delete(url, headers=key | {"If-Match": made.headers["etag"]})
        assert stale.status_code == 412
        gone = await client.delete(url, headers=key | {"If-Match": done.headers["etag"]})
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await client.get(url, headers=at(gone))).status_code == 404
        assert (await client.get("/v1/merchants/me/shops", headers=key)).json()["items"] == []


_FAULTY_SHOPS: list[tuple[dict[str, Any], str, str]] = [
    ({"category": "food"}, "category_unknown", "/category"),
    ({"category": "x.y"}, "category_unknown", "/category"),
    ({"lat": None}, "shop_invalid", "/lat"),
    ({"lat": 91}, "coordinate_invalid", "/lat"),
    ({"lng": "24.9"}, "shop_invalid", "/lng"),
    ({"name": " "}, "shop_invalid", "/name"),
    ({"time_zone": "Mars/Olympus"}, "time_zone_unknown", "/time_zone"),
    ({"country": "fi"}, "shop_invalid", "/country"),
    ({"opening_hours": "whenever"}, "shop_invalid", "/opening_hours"),
    ({"names": {"no tag": "x"}}, "shop_invalid", "/names/no tag"),
    ({"external_id": "~x"}, "shop_invalid", "/external_id"),
    ({"id": "shp_0000000000000000"}, "shop_invalid", "/id"),
    ({"colour": "red"}, "shop_invalid", "/colour"),
]


async def test_a_faulty_shop_is_refused_by_member_and_nothing_is_written(
    serving: Serving,
) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        for over, code, pointer in _FAULTY_SHOPS:
            refused = await client.post("/v1/shops", json=a_shop_document(**over), headers=key)
            assert await _code(refused) == (422, code), refused.text
            assert refused.json()["errors"][0]["pointer"] == pointer
        assert (await client.get("/v1/merchants/me/shops", headers=key)).json()["items"] == []


async def test_a_new_name_of_a_merchant_is_seen_in_his_offers(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        await client.post("/v1/promotions", json=a_document(status="active"), headers=key)
        me = await client.get("/v1/merchants/me", headers=key)
        renamed = await client.patch(
            "/v1/merchants/me", json={"name": "Fazer"}, headers=key | {"If-Match": me.headers["etag"]}
        )
        assert renamed.json() == {"id": me.json()["id"], "name": "Fazer"}
        odd = await client.patch("/v1/merchants/me", json={"name": 1}, headers=key | {"If-Match": "*"})
        assert await _code(odd) == (422, "merchant_invalid")
        made = await client.post("/v1/promotions", json=a_document(), headers=key)
        at = {"lng": 24.94, "lat": 60.17}
        fresh = {"X-Min-Catalog-Revision": made.headers["x-catalog-revision"]}
        seen = await client.get("/v1/offers", params=at, headers=fresh)
        assert [offer["merchant"]["name"] for offer in seen.json()["items"]] == ["Fazer"]


# -- bad input

_BOW = a_polygon((24.9, 60.1), (24.91, 60.11), (24.91, 60.1), (24.9, 60.11))
_EARTH = a_polygon((-179, -85), (0, -85), (179, -85), (179, 85), (0, 85), (-179, 85))
_ROUND = [
    (24.9 + math.cos(k / 1e4 * math.pi) / 100, 60.1 + math.sin(k / 1e4 * math.pi) / 100)
    for k in range(20_000)
]


_FAULTY_PROMOTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"fence": _BOW}, "polygon_invalid", "/fence/geometry"),
    ({"fence": _EARTH}, "fence_too_large", "/fence/geometry"),
    ({"fence": a_polygon(*_ROUND)}, "fence_too_large", "/fence/geometry"),
    (
        {"fence": {"type": "circle", "center": [24.9, 60.1], "radius_m": 1e9}},
        "fence_invalid",
        "/fence/radius_m",
    ),
    (
        {"fence": {"type": "district", "district_id": "dst_0000000000000000"}},
        "promotion_invalid",
        "/fence",
    ),
    ({"ends_at": "2019-01-01T00:00:00Z"}, "schedule_invalid", "/ends_at"),
    ({"starts_at": "2020-01-01"}, "schedule_invalid", "/starts_at"),
    ({"weekly_hours": "whenever"}, "schedule_invalid", "/weekly_hours"),
    ({"time_zone": "Mars/Olympus"}, "time_zone_unknown", "/time_zone"),
    ({"limits": {"budget_minor": -1, "currency": "EUR"}}, "promotion_invalid", "/limits/budget_minor"),
    ({"limits": {"budget_minor": 1.5, "currency": "EUR"}}, "promotion_invalid", "/limits/budget_minor"),
    ({"limits": {"budget_minor": 1}}, "promotion_invalid", "/limits/currency"),
    (
        {"benefit": {"type": "amount_off", "amount_minor": 5, "currency": "XXZ"}},
        "currency_unknown",
        "/benefit",
    ),
    ({"colour": "red"}, "promotion_invalid", "/colour"),
    ({"id": TO_NOBODY}, "promotion_invalid", "/id"),
    ({"merchant": "Fazer"}, "promotion_invalid", "/merchant"),
    ({"shop_ids": ["shp_0000000000000000"]}, "invalid_input", "/shop_ids/0"),
]


async def test_a_faulty_promotion_is_refused_by_member_and_nothing_is_written(
    serving: Serving,
) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        for over, code, pointer in _FAULTY_PROMOTIONS:
            refused = await client.post("/v1/promotions", json=a_document(**over), headers=key)
            assert await _code(refused) == (422, code), refused.text
            assert refused.json()["errors"][0]["pointer"].startswith(pointer), refused.text[:500]
        assert (await client.get("/v1/promotions", headers=key)).json()["items"] == []


async def test_a_fence_that_crosses_itself_is_told_where_and_what_would_be_taken(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        refused = await client.post("/v1/promotions", json=a_document(fence=_BOW), headers=key)
        (fault,) = refused.json()["errors"]
        assert fault["reason"] == "self_intersection"
        assert fault["at"] == {"lng": pytest.approx(24.905), "lat": pytest.approx(60.105)}
        repaired = {"type": "polygon", "geometry": fault["repaired"]}
        taken = await client.post("/v1/promotions", json=a_document(fence=repaired), headers=key)
        assert taken.status_code == 201


_BODIES = [
    (b"{", "application/json", 422, "json_invalid"),
    (b"[]", "application/json", 422, "json_invalid"),
    (b"", "application/json", 422, "json_invalid"),
    (b'{"title": "\xff"}', "application/json", 422, "json_not_utf8"),
    (b'{"title": NaN}', "application/json", 422, "json_not_finite"),
    (b'{"title": -Infinity}', "application/json", 422, "json_not_finite"),
    (b'{"fence": ' + b"[" * 40 + b"]" * 40 + b"}", "application/json", 422, "json_too_deep"),
    (b'{"fence": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "application/json", 422, "json_too_deep"),
    (b"{}", "text/plain", 415, "format_unknown"),
    (b" " * 4_000_001, "application/json", 413, "too_large"),
]


async def test_a_body_that_is_no_json_object_is_told_why(
    serving: Serving,
) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        for body, kind, status, code in _BODIES:
            for url in ("/v1/promotions", "/v1/promotions/preview", "/v1/shops"):
                answer = await client.post(url, content=body, headers=key | {"Content-Type": kind})
                assert await _code(answer) == (status, code), answer.text[:200]


def test_what_is_sent_as_an_example_is_a_document() -> None:
    from api.schemas.merchant_shops import ShopDocument
    from api.schemas.promotions import PromotionDocument
    from geo_offers.domain.promotion_document import promotion_of

    example = PromotionDocument.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,call-overload]
    promotion = promotion_of(example, promotion_id=TO_NOBODY, merchant_id="mrc_0000000000000000")
    assert promotion.title == example["title"]
    assert json.dumps(ShopDocument.model_json_schema())
