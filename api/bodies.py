"""Bodies of requests as they come: whole, within a size, and JSON that anybody reads alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NoReturn

import msgspec
from fastapi import Depends, Request
from starlette.types import Scope

from api.once import BODY_DIGEST
from geo_offers.domain.errors import FormatUnknown, JsonInvalid, TooLarge

#: A fence of 10,000 corners with 15 digits each is 0.4 MB.
MOST_BYTES = 4_000_000
_DEEPEST = 32
_decode = msgspec.json.Decoder().decode


async def body_within(request: Request, most_bytes: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be greater."""
    said = request.headers.get("content-length", "")
    digest = hashlib.sha256()
    body = bytearray()
    if said.isdecimal() and int(said) > most_bytes:
        _refuse(most_bytes)
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            _refuse(most_bytes)
        digest.update(chunk)
    request.scope[BODY_DIGEST] = digest.digest()
    return bytes(body)


def content_type(request: Request) -> str:
    """The content type without parameters, in small letters; "" when there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _json_object(request: Request) -> dict[str, Any]:
    kind = content_type(request)
    if kind != "application/json" and not kind.endswith("+json"):
        raise FormatUnknown(f"the body is {kind or 'of no kind'}; send Content-Type: application/json")
    return json_object_of(await body_within(request, MOST_BYTES))


#: The body as a JSON object.
JsonObject = Annotated[dict[str, Any], Depends(_json_object)]


def json_object_of(body: bytes) -> dict[str, Any]:
    """The object of a JSON text. Raises JsonInvalid with its code."""
    try:
        found = _decode(body)
    except RecursionError:
        _too_deep()
    except ValueError as error:
        raise _fault_of(body, error) from error
    if not isinstance(found, dict):
        raise JsonInvalid("the body is JSON, but not an object", code="json_invalid")
    _check_depth(found)
    return found


def _fault_of(body: bytes, error: ValueError) -> JsonInvalid:
    """What is wrong with a text that is not JSON, as exactly as can be said."""
    try:
        text = body.decode()
    except UnicodeDecodeError as fault:
        return JsonInvalid(f"the body is not UTF-8 at byte {fault.start:,}", code="json_not_utf8")
    try:
        json.loads(text, parse_constant=_not_finite)
    except JsonInvalid as fault:
        return fault
    except RecursionError:
        return JsonInvalid(f"the body is nested more than {_DEEPEST} deep", code="json_too_deep")
    except ValueError as fault:
        return JsonInvalid(f"the body is not JSON: {fault}", code="json_invalid")
    return JsonInvalid(f"the body is not JSON: {error}", code="json_invalid")


def _not_finite(word: str) -> NoReturn:
    raise JsonInvalid(f"{word} is not a number in JSON", code="json_not_finite")


def _too_deep() -> NoReturn:
    raise JsonInvalid(f"the body is nested more than {_DEEPEST} deep", code="json_too_deep")


def _check_depth(whole: dict[str, Any]) -> None:
    level: list[Any] = [whole]
    for _ in range(_DEEPEST):
        level = [inner for one in level for inner in _members(one) if isinstance(inner, dict | list)]
        if not level:
            return
    _too_deep()


def _members(one: Any) -> Iterable[Any]:
    return one.values() if isinstance(one, Mapping) else one


def says_more_than(scope: Scope, most_bytes: int | None) -> bool:
    """Whether a request says of itself that its body is larger; questions without one are not looked at."""
    if most_bytes is None or scope["method"] in ("GET", "HEAD"):
        return False
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return bool(said.isdigit()) and int(said) > most_bytes


def too_large(most_bytes: int) -> TooLarge:
    """The error for a body of more bytes."""
    return TooLarge(f"a body has at most {most_bytes:,} bytes here")


def _refuse(most_bytes: int) -> NoReturn:
    raise too_large(most_bytes)


def documented(schema: str, *more: str) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes a JSON object of this schema, under these further content types too."""
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    kinds = ("application/json", *more)
    return {"requestBody": {"required": True, "content": dict.fromkeys(kinds, content)}}
