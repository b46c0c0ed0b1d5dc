"""How an answer that was made from the catalog leaves."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Scope

_encode = msgspec.json.Encoder().encode


def catalog_answer(document: Any, revision: int, *, link: str | None = None) -> Response:
    """JSON with the revision that it was made from; `document` may be encoded already."""
    body = document if isinstance(document, bytes) else _encode(document)
    return Response(body, media_type="application/json", headers=catalog_headers(revision, link))


def catalog_headers(revision: int, link: str | None = None) -> dict[str, str]:
    """The headers of an answer that was made from the catalog."""
    headers = {"X-Catalog-Revision": str(revision), "Vary": "Accept-Language"}
    if link is not None:
        headers["Link"] = link
    return headers


_LINKABLE = re.compile(r"[^<>\"]*\Z").match
_OUTSIDE_OF_LINKS = {ord(sign): f"%{ord(sign):02X}" for sign in '<>"'}


def next_link(scope: Scope, cursor: str | None) -> str | None:
    """The Link header of a page, when there is another one: the question as it was asked, with the next cursor."""
    if cursor is None:
        return None
    query = scope["query_string"].decode("latin-1")
    if "cursor=" in query:
        query = "&".join(part for part in query.split("&") if not part.startswith("cursor="))
    if not _LINKABLE(query):
        query = query.translate(_OUTSIDE_OF_LINKS)
    return f'<{scope["path"]}?{query}&cursor={cursor}>; rel="next"'
