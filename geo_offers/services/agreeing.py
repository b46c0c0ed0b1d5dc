"""Changes that are made on what somebody has read: If-Match in the words of services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from geo_offers.domain.errors import PreconditionFailed

T = TypeVar("T")
_TRIES = 5

#: The tags that a thing may have for a change to be made; None where anything goes.
Expected = frozenset[str] | None


def agreed_tag(expected: Expected, current: str) -> str:
    """The tag that a change is made on. Raises PreconditionFailed when the thing has another one by now."""
    if expected is not None and current not in expected:
        raise PreconditionFailed("it has changed since you read it: read it again, and send its new ETag")
    return current


async def until_agreed(expected: Expected, attempt: Callable[[], Awaitable[T]]) -> T:
    """What an attempt to change gives; where anything goes, another one when somebody else was quicker."""
    for _ in range(_TRIES if expected is None else 1):
        try:
            return await attempt()
        except PreconditionFailed as error:
            failed = error
    raise failed
