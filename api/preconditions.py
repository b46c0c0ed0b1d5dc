"""ETag, If-Match and If-None-Match: a change says what it is a change of, a read what is known already."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.responses import Response

from geo_offers.domain.errors import InvalidInput, PreconditionRequired
from geo_offers.services.agreeing import Expected

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def etag(tag: str) -> str:
    """A tag as a header shows it; strong."""
    return f'"{tag}"'


def _tags(header: str, name: str) -> list[tuple[bool, str]]:
    """(weak, tag) of each tag in a header."""
    found = [(bool(tag[1]), tag[2]) for tag in _TAG.finditer(header)]
    if len(header) > 4_096 or not found or _TAG.sub("", header).strip(" \t,"):
        raise InvalidInput(f'{name} is * or tags in double quotes, such as "5f3a…"', pointer=f"/{name}")
    return found


def _expected(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The ETag of what is changed, or several, or * for whatever it is now. Without it: 428.",
        ),
    ] = None,
) -> Expected:
    if if_match is None:
        raise PreconditionRequired("say what is changed: send If-Match with the ETag that you read, or *")
    whole = ",".join(request.headers.getlist("if-match"))
    if whole.strip() == "*":
        return None
    return frozenset(tag for weak, tag in _tags(whole, "If-Match") if not weak)


def _known(
    request: Request,
    if_none_match: Annotated[
        str | None,
        Header(alias="If-None-Match", description="ETags that you have already; with the current one: 304."),
    ] = None,
) -> KnownTags:
    whole = ",".join(request.headers.getlist("if-none-match"))
    if if_none_match is None or whole.strip() == "*":
        return KnownTags(frozenset(), every=if_none_match is not None)
    return KnownTags(frozenset(tag for _, tag in _tags(whole, "If-None-Match")))


class KnownTags:
    """What a reader has already."""

    def __init__(self, tags: frozenset[str], *, every: bool = False) -> None:
        self._tags = tags
        self._every = every

    def or_unchanged(self, response: Response, tag: str) -> Response:
        """The answer with its ETag; 304 without a body when the reader has this one."""
        response.headers["ETag"] = etag(tag)
        if not self._every and tag not in self._tags:
            return response
        kept = {name: text for name, text in response.headers.items() if name not in _OF_A_BODY}
        return Response(status_code=304, headers=kept)


_OF_A_BODY = frozenset({"content-type", "content-length"})

#: If-Match, which a change must have: 428 without it.
ExpectedTags = Annotated[Expected, Depends(_expected)]
#: If-None-Match, which a read may have.
KnownTagsOf = Annotated[KnownTags, Depends(_known)]
