"""A body that is too large is refused before it is held, whether it says so or not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.conftest import Serving

_JSON = {"Content-Type": "application/json"}
_POSITIONS = b'{"positions":[' + b'{"lng":1,"lat":1},' * 400_000 + b'{"lng":1,"lat":1}]}'


async def _in_pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(_POSITIONS), 100_000):
        yield _POSITIONS[start : start + 100_000]


@pytest.mark.parametrize("content", [_POSITIONS, _in_pieces()], ids=["says so", "in pieces"])
async def test_a_body_that_is_too_large_is_a_problem_of_its_own(
    serving: Serving, content: bytes | AsyncIterator[bytes]
):
    async with serving(most_import_bytes=1_000) as client:
        answer = await client.post("/v1/offers/match", content=content, headers=_JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
