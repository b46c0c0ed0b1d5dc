"""The problem document as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api.errors import PROBLEM_JSON


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str = Field(description="JSON Pointer to the parameter or member.", examples=["/lat"])
    code: str = Field(examples=["invalid_value"])
    detail: str
    row: str | None = Field(None, description="Of an import: which row, such as line 12 or /features/3.")
    reason: str | None = Field(None, description="Of a polygon: what is wrong, such as self_intersection.")
    at: dict[str, float] | None = Field(None, description="Of a polygon: where, as lng and lat.")
    repaired: dict[str, Any] | None = Field(
        None, description="Of a polygon: a GeoJSON geometry that would be taken; a proposal."
    )


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; programs may rely on it.", examples=["shop_not_found"])
    errors: list[Fault] | None = None
    facts: dict[str, Any] | None = Field(
        None, description="Of a refusal: what is in the way, such as distance_to_fence_m or limit."
    )


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for these error statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    words = {
        401: "There is no key with the request, or none that is valid.",
        403: "The key is of another role.",
        404: "There is no such thing.",
        409: "It cannot be had as things are; `code` says why.",
        412: "It has changed since it was read: read it again.",
        413: "The body is too large.",
        415: "The body is of a kind that is not read here.",
        422: "The request is not as documented.",
        428: "If-Match is missing.",
        429: "The key has used up its rate; Retry-After says when to come again.",
        503: "The store is away.",
    }
    return {
        status: {"description": words[status], "content": {PROBLEM_JSON: {"schema": schema}}}
        for status in statuses
    }
