"""How an answer that was made from the catalog leaves."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.datastructures import URL
from starlette.responses import Response

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


def next_link(url: URL, cursor: str | None) -> str | None:
    """The Link header of a page, when there is another one."""
    if cursor is None:
        return None
    following = url.include_query_params(cursor=cursor)
    return f'<{following.path}?{following.query}>; rel="next"'
