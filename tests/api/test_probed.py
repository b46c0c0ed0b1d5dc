"""What made up requests found, each once more and at once."""

from __future__ import annotations

import pytest

from geo_offers.domain.account import Role
from tests.api.conftest import Serving, key_for


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff", "json_not_utf8"),
        (b'{"role": "\xff"}', "json_not_utf8"),
        (b"[" * 100_000, "json_too_deep"),
    ],
)
async def test_a_body_that_cannot_be_decoded_is_told_so_by_422(
    serving: Serving, body: bytes, code: str
) -> None:
    async with serving() as client:
        headers = {**await key_for(client, Role.ADMIN), "Content-Type": "application/json"}
        answer = await client.post("/v1/keys", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/shops", "GET, HEAD, POST"),
        ("/v1/shops/shp_0000000000000000", "DELETE, GET, HEAD, PATCH"),
        ("/v1/keys/key_0000000000000000/rotate", "POST"),
        ("/metrics", "GET, HEAD"),
    ],
)
async def test_allow_names_every_method_of_a_path(serving: Serving, path: str, allow: str) -> None:
    async with serving() as client:
        answer = await client.put(path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allow)


@pytest.mark.parametrize("lng", [False, "24.94", None])
async def test_a_position_is_of_numbers(serving: Serving, lng: object) -> None:
    async with serving() as client:
        answer = await client.post("/v1/offers/match", json={"positions": [{"lng": lng, "lat": 60.17}]})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/positions/0/lng"


async def test_allow_names_the_methods_of_the_path_itself_not_of_one_with_an_id_in_its_place(
    serving: Serving,
):
    async with serving() as client:
        answer = await client.options("/v1/shops/import")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
