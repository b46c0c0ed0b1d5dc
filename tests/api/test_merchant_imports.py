"""Shops and promotions that a merchant brings in together: all or none, and every faulty row by its fault."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.api.conftest import Serving
from tests.api.merchants import a_document, a_shop_document, merchant_with_key, offers_at

GEOJSON, NDJSON, CSV = "application/geo+json", "application/x-ndjson", "text/csv"


async def _import(
    client: httpx.AsyncClient, key: dict[str, str], what: str, body: str | bytes, kind: str
) -> httpx.Response:
    return await client.post(f"/v1/{what}/import", content=body, headers=key | {"Content-Type": kind})


def _lines(*documents: dict[str, Any]) -> str:
    return "\n".join(json.dumps(one) for one in documents)


def _features(*features: dict[str, Any]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


def _shop(name: str, **over: Any) -> dict[str, Any]:
    properties = {"name": name, "category": "food.cafe"} | over
    point = {"type": "Point", "coordinates": [24.94, 60.17]}
    return {"type": "Feature", "id": name, "properties": properties, "geometry": point}


def _counts(answer: httpx.Response) -> tuple[int, int, int]:
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert str(found["revision"]) == answer.headers["x-catalog-revision"]
    return found["added"], found["updated"], found["unchanged"]


async def test_promotions_are_added_changed_and_known_again(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        one, two = a_document(external_id="1", status="active"), a_document(external_id="2")
        first = await _import(client, key, "promotions", _lines(one, two), NDJSON)
        assert _counts(first) == (2, 0, 0)
        assert await offers_at(client, first.headers["x-catalog-revision"]) == ["Coffee −20 %"]
        three = a_document(external_id="3")
        second = await _import(client, key, "promotions", _lines(one | {"title": "Tea"}, two, three), NDJSON)
        assert _counts(second) == (1, 1, 1)
        assert await offers_at(client, second.headers["x-catalog-revision"]) == ["Tea"]
        third = await _import(client, key, "promotions", _lines(one | {"title": "Tea"}, two, three), NDJSON)
        assert _counts(third) == (0, 0, 3)
        drawn = {"type": "Feature", "properties": a_document(external_id="4", fence=None) | {"radius_m": 50}}
        drawn["geometry"] = {"type": "Point", "coordinates": [24.94, 60.17]}
        assert _counts(await _import(client, key, "promotions", _features(drawn), GEOJSON)) == (1, 0, 0)


async def test_a_promotion_that_was_registered_is_changed_by_its_external_id_and_keeps_its_id(
    serving: Serving,
) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        made = await client.post("/v1/promotions", json=a_document(external_id="1"), headers=key)
        again = await _import(
            client, key, "promotions", _lines(a_document(external_id="1", title="Tea")), NDJSON
        )
        assert _counts(again) == (0, 1, 0)
        (one,) = (await client.get("/v1/promotions", headers=key)).json()["items"]
        assert (one["id"], one["title"]) == (made.json()["id"], "Tea")


async def test_an_external_id_that_was_given_up_may_come_again(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        assert _counts(await _import(client, key, "promotions", _lines(a_document(external_id="x")), NDJSON))
        (first,) = (await client.get("/v1/promotions", headers=key)).json()["items"]
        address = f"/v1/promotions/{first['id']}"
        renamed = await client.patch(address, json={"external_id": "y"}, headers=key | {"If-Match": "*"})
        assert renamed.status_code == 200, renamed.text
        again = await _import(client, key, "promotions", _lines(a_document(external_id="x")), NDJSON)
        assert _counts(again) == (1, 0, 0)
        items = (await client.get("/v1/promotions", headers=key)).json()["items"]
        assert sorted(item["external_id"] for item in items) == ["x", "y"]


async def test_every_faulty_promotion_is_listed_and_none_is_taken(serving: Serving) -> None:
    async with serving() as client:
        key, fazer = await merchant_with_key(client), await merchant_with_key(client, "Fazer")
        theirs = (await client.post("/v1/shops", json=a_shop_document(), headers=fazer)).json()["id"]
        bow = [[[24.9, 60.1], [24.91, 60.11], [24.91, 60.1], [24.9, 60.11], [24.9, 60.1]]]
        rows = [
            a_document(external_id="good"),
            a_document(external_id="a", title=""),
            a_document(
                external_id="b",
                fence={"type": "polygon", "geometry": {"type": "Polygon", "coordinates": bow}},
            ),
            a_document(external_id="c", merchant="Fazer"),
            a_document(),
            a_document(external_id="good"),
        ]
        body = _lines(*rows) + "\n{not json\n"
        refused = await _import(client, key, "promotions", body, NDJSON)
        assert (refused.status_code, refused.json()["code"]) == (422, "rows_faulty")
        assert [(one["row"], one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
            ("line 2", "/title", "promotion_invalid"),
            ("line 3", "/fence/geometry", "polygon_invalid"),
            ("line 4", "/merchant", "promotion_invalid"),
            ("line 5", "/external_id", "promotion_invalid"),
            ("line 6", "/external_id", "promotion_invalid"),
            ("line 7", "", "row_fault"),
        ]
        later = [
            a_document(external_id="d", shop_ids=[theirs]),
            a_document(external_id="good"),
            a_document(external_id="e", status="ended"),
            a_document(external_id="f", fence={"type": "district", "district_id": "dst_0000000000000000"}),
        ]
        refused = await _import(client, key, "promotions", _lines(*later), NDJSON)
        assert [(one["row"], one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
            ("line 1", "/shop_ids/0", "promotion_invalid"),
            ("line 3", "/status", "status_refused"),
            ("line 4", "/fence", "promotion_invalid"),
        ]
        assert (await client.get("/v1/promotions", headers=key)).json()["items"] == []


async def test_of_very_many_faulty_rows_a_thousand_are_listed(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        body = "name,lng,lat,category\n" + "x,24.9,95,food.cafe\n" * 1_500
        refused = await _import(client, key, "shops", body, CSV)
        errors = refused.json()["errors"]
        assert len(errors) == 1_000
        assert errors[0]["row"] == "line 2"
        assert errors[0]["code"] == "coordinate_invalid"
        many = await _import(client, key, "promotions", _lines(*[{"external_id": "x"}] * 1_500), NDJSON)
        assert len(many.json()["errors"]) == 1_000


async def test_shops_come_from_geojson_lines_and_tables_and_are_known_again(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        first = await _import(client, key, "shops", _features(_shop("a"), _shop("b")), GEOJSON)
        assert _counts(first) == (2, 0, 0)
        again = _lines(_shop("a"), _shop("b", brand="B"), _shop("c"))
        assert _counts(await _import(client, key, "shops", again, NDJSON)) == (1, 1, 1)
        table = "id,name,lng,lat,category\na,a,24.94,60.17,food.cafe\nd,d,24.94,60.17,food.cafe\n"
        assert _counts(await _import(client, key, "shops", table, CSV)) == (1, 0, 1)
        own = (await client.get("/v1/merchants/me/shops", headers=key)).json()["items"]
        assert sorted(one["external_id"] for one in own) == ["a", "b", "c", "d"]
        assert {one["time_zone"] for one in own} == {"Europe/Helsinki"}
        fazer = await merchant_with_key(client, "Fazer")
        assert _counts(await _import(client, fazer, "shops", _features(_shop("a")), GEOJSON)) == (1, 0, 0)
        assert len((await client.get("/v1/merchants/me/shops", headers=key)).json()["items"]) == 4


async def test_every_faulty_shop_is_listed_and_none_is_taken(serving: Serving) -> None:
    async with serving() as client:
        key = await merchant_with_key(client)
        rows = [
            "id,name,lng,lat,category",
            "a,a,24.9,60.1,food.cafe",
            "b,,24.9,60.1,food.cafe",
            "c,c,24.9,95,food.cafe",
            "d,d,24.9,60.1,nothing we know",
            "e,e,24.9",
        ]
        refused = await _import(client, key, "shops", "\n".join(rows), CSV)
        assert refused.json()["code"] == "rows_faulty"
        assert [(one["row"], one["code"]) for one in refused.json()["errors"]] == [
            ("line 3", "no_name"),
            ("line 4", "coordinate_invalid"),
            ("line 5", "no_category"),
            ("line 6", "row_fault"),
        ]
        twice = await _import(client, key, "shops", "\n".join([rows[0], rows[1], rows[1]]), CSV)
        assert [one["code"] for one in twice.json()["errors"]] == ["repeated_row"]
        assert (await client.get("/v1/merchants/me/shops", headers=key)).json()["items"] == []


_BODIES = [
    (b"name\n", CSV, 422, "file_fault"),
    (b"", CSV, 422, "file_fault"),
    (b"{}", GEOJSON, 422, "file_fault"),
    (b"\xff\xfe\x00\x01", CSV, 422, "file_fault"),
    (b"{}", "application/json", 415, "format_unknown"),
    (b"name,lng,lat\n" * 1_000, CSV, 413, "too_large"),
]


async def test_a_body_that_is_no_file_of_shops_is_refused(
    serving: Serving,
) -> None:
    async with serving(most_import_bytes=10_000) as client:
        key = await merchant_with_key(client)
        for body, kind, status, code in _BODIES:
            refused = await _import(client, key, "shops", body, kind)
            assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text


async def test_an_import_with_a_key_is_done_once(serving: Serving) -> None:
    async with serving() as client:
        once = await merchant_with_key(client) | {"Idempotency-Key": "k-1"}
        first = await _import(client, once, "shops", _features(_shop("a")), GEOJSON)
        again = await _import(client, once, "shops", _features(_shop("a")), GEOJSON)
        assert _counts(first) == _counts(again) == (1, 0, 0)
        assert again.headers["idempotent-replayed"] == "true"
        other = await _import(client, once, "shops", _features(_shop("b")), GEOJSON)
        assert other.json()["code"] == "idempotency_key_reused"
