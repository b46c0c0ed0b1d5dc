"""The OpenAPI document is true: its examples run, and answers are as it says; whatever is sent, nothing breaks."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import httpx
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geodata.sample_town import sample_town
from tests.api.conftest import Serving
from tests.builders import a_shop


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def _example_body(operation: dict[str, Any], document: dict[str, Any]) -> Any:
    if "requestBody" not in operation:
        return None
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return document["components"]["schemas"][name]["examples"][0]


def _check(answer: httpx.Response, operation: dict[str, Any], document: dict[str, Any]) -> None:
    content = operation["responses"][str(answer.status_code)]["content"]
    schema = content[answer.headers["content-type"]]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())


async def test_every_example_runs_on_the_sample_town_and_answers_as_documented(serving: Serving) -> None:
    town = sample_town()
    async with serving(town.shops, town.districts) as client:
        document = (await client.get("/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        for path, method, operation in _operations(document):
            assert operation["summary"], path
            if {} not in operation.get("security", [{}]):
                continue  # it needs a key
            asked = {"query": {}, "path": {}, "header": {}}
            for parameter in operation.get("parameters", []):
                examples = parameter["schema"].get("examples") or parameter.get("examples") or []
                assert examples or not parameter["required"], (path, parameter["name"])
                if examples:
                    asked[parameter["in"]][parameter["name"]] = examples[0]
            url = path.format(**asked["path"])
            body = _example_body(operation, document)
            answer = await client.request(method, f"{url}?{urlencode(asked['query'])}", json=body)
            assert answer.status_code == 200, answer.text
            _check(answer, operation, document)
            if path == "/v1/shops":
                assert answer.json()["items"], "the example finds something"


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
