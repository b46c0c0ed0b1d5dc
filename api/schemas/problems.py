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


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; programs may rely on it.", examples=["shop_not_found"])
    errors: list[Fault] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for these error statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    words = {
        404: "There is no such thing.",
        422: "The request is not as documented.",
        503: "The store is away.",
    }
    return {
        status: {"description": words[status], "content": {PROBLEM_JSON: {"schema": schema}}}
        for status in statuses
    }
