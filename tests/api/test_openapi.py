"""The OpenAPI document is true: its examples run, and answers are as it says; whatever is sent, nothing breaks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo_offers.domain.account import Role
from geodata.sample_town import sample_town
from tests.api.conftest import Serving, key_for
from tests.api.merchants import merchant_with_key
from tests.builders import a_shop


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


#: Whose key an example is run with, where it may be of several roles.
_FIRST = ("app", "admin", "merchant", "planner")
#: What is named in an example, not there, and answered so.
_NOT_THERE = ("{promotion_id}", "{code}", "{redemption_id}", "{key_id}")
_CLAIMS = ("/v1/coupons", "/v1/redemptions")
#: Files have no example.
_FILES = {
    "/v1/shops/import": (
        "text/csv",
        "id,name,category,lng,lat\n1,Lakeside Noodles,food.restaurant,120.1541,31.1981\n",
    ),
    "/v1/promotions/import": ("application/x-ndjson", None),
}


def _example_body(operation: dict[str, Any], document: dict[str, Any]) -> Any:
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return document["components"]["schemas"][name]["examples"][0]


def _example_sent(path: str, operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The body, as httpx wants it."""
    if path in _FILES:
        kind, text = _FILES[path]
        promotion = document["components"]["schemas"]["PromotionDocument"]["examples"][0]
        body = text or json.dumps(promotion | {"external_id": "imported-1"})
        return {"content": body.encode(), "headers": {"Content-Type": kind}}
    return {"json": _example_body(operation, document)} if "requestBody" in operation else {}


def _example_asked(path: str, operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters by where they are; of headers those that are needed."""
    asked: dict[str, dict[str, Any]] = {"query": {}, "path": {}, "header": {}}
    for parameter in operation.get("parameters", []):
        examples = parameter["schema"].get("examples") or parameter.get("examples") or []
        name = parameter["name"]
        if name in ("Idempotency-Key", "If-Match"):
            asked["header"][name] = {"Idempotency-Key": f"{path}-1", "If-Match": "*"}[name]
        else:
            assert examples or not parameter["required"], (path, name)
            if examples:
                asked[parameter["in"]][name] = examples[0]
    return asked


def _names_what_is_not_there(path: str, method: str, role: str | None) -> bool:
    others_shop = role == "merchant" and "{shop_id}" in path
    claims = path in _CLAIMS and method == "post"
    return others_shop or claims or any(name in path for name in _NOT_THERE)


def _check(answer: httpx.Response, operation: dict[str, Any], document: dict[str, Any]) -> None:
    said = operation["responses"][str(answer.status_code)]
    if not answer.content:
        assert "content" not in said
        return
    schema = said["content"][answer.headers["content-type"]]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())


async def test_every_example_runs_on_the_sample_town_and_answers_as_documented(serving: Serving) -> None:
    town = sample_town()
    async with serving(town.shops, town.districts, open_reads=False) as client:
        document = (await client.get("/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        merchant = await merchant_with_key(client)
        keys = {role: await key_for(client, Role(role)) for role in ("app", "admin", "planner")}
        keys["merchant"] = merchant
        for path, method, operation in _operations(document):
            assert operation["summary"], path
            role = next((one for one in _FIRST if one in operation.get("x-roles", ())), None)
            asked = _example_asked(path, operation)
            sent = _example_sent(path, operation, document)
            headers = asked["header"] | (keys[role] if role else {}) | sent.pop("headers", {})
            url = f"{path.format(**asked['path'])}?{urlencode(asked['query'])}"
            answer = await client.request(method, url, headers=headers, **sent)
            if _names_what_is_not_there(path, method, role):
                assert answer.status_code == 404, (method, path, answer.text)
            else:
                assert answer.is_success, (method, path, answer.text)
            _check(answer, operation, document)
            if path == "/v1/shops" and method == "get":
                assert answer.json()["items"], "the example finds something"
            if path == "/v1/promotions/preview":
                assert answer.json()["faults"] == []


async def test_errors_are_as_documented(serving: Serving) -> None:
    async with serving([a_shop()]) as client:
        document = (await client.get("/openapi.json")).json()
        operation = document["paths"]["/v1/shops"]["get"]
        for url in ("/v1/shops", "/v1/shops?lng=1&lat=1&district_id=x", "/v1/shops?lng=1&lat=1&category=x"):
            answer = await client.get(url)
            assert answer.status_code in (404, 422)
            _check(answer, operation, document)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
_ODD = st.one_of(
    _TEXT,
    st.floats().map(str),
    st.integers().map(str),
    st.sampled_from(["", "nan", "-0", "1e400", "٣", "１", "true", "0x10", "1_0", "\x00", "null", "%"]),
    st.just("2026-02-30T00:00:00Z"),
)
_NAMES = st.sampled_from(
    ["lng", "lat", "radius_m", "limit", "cursor", "category", "district_id", "open_now", "at", "x"]
)
_SANE = {"lng": "24.94", "lat": "60.17"}


@pytest.mark.parametrize("path", ["/v1/shops", "/v1/context", "/v1/shops/{text}"])
async def test_no_query_whatever_breaks_anything(serving: Serving, path: str) -> None:
    async with serving([a_shop()]) as client:
        document = (await client.get("/openapi.json")).json()
        operation = document["paths"][path.replace("{text}", "{shop_id}")]["get"]
        asked: list[tuple[dict[str, str], str]] = []

        @settings(max_examples=400, database=None, suppress_health_check=list(HealthCheck))
        @given(
            st.dictionaries(_NAMES, _ODD, max_size=4),
            st.booleans(),
            _TEXT.filter(lambda text: text.strip("./")),
        )
        def collect(odd: dict[str, str], sane: bool, text: str) -> None:
            asked.append(((_SANE if sane else {}) | odd, text))

        collect()
        for query, text in asked:
            answer = await client.get(path.format(text=quote(text, safe="")), params=query)
            assert answer.status_code in (200, 404, 422), (query, text, answer.text)
            _check(answer, operation, document)
