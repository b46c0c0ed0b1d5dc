"""One table from our errors to HTTP, and the one shape in which every error leaves: RFC 9457 problem+json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.faults import faults_of
from api.rates import policy_of, state_of
from geo_offers.domain import errors

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_S = 1

#: The nearest class in an error's family tree decides.
STATUS: Mapping[type[errors.GeoOffersError], int] = {
    errors.InvalidInput: 422,
    errors.TooLarge: 413,
    errors.FormatUnknown: 415,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Refused: 409,
    errors.PositionRefused: 422,
    errors.PreconditionFailed: 412,
    errors.PreconditionRequired: 428,
    errors.TooManyRequests: 429,
    errors.StoreUnavailable: 503,
}

_CODES_OF_STATUS = {404: "no_such_route", 405: "method_not_allowed", 413: "too_large"}
_encode = msgspec.json.Encoder().encode


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    faults: Sequence[Mapping[str, object]] = (),
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document. `faults` are its `errors[]`: pointer, code and detail of each; `facts` what is in the way."""
    document: dict[str, Any] = {
        "type": f"urn:geo-offers:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if faults:
        document["errors"] = list(faults)
    if facts:
        document["facts"] = facts
    return Response(_encode(document), status, media_type=PROBLEM_JSON, headers=dict(headers or {}))


def status_of(error: errors.GeoOffersError) -> int:
    """The status of one of our errors."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem_of(error: errors.GeoOffersError) -> Response:
    """The problem document of one of our errors."""
    status = status_of(error)
    facts = error.facts if isinstance(error, errors.Refused) else None
    return problem(
        status, error.code, str(error), faults=faults_of(error), facts=facts, headers=_headers_of(error)
    )


def _headers_of(error: errors.GeoOffersError) -> dict[str, str]:
    """What a client should know of one of our errors before it reads the body."""
    match error:
        case errors.Unauthorized():
            return {"WWW-Authenticate": "Bearer"}
        case errors.TooManyRequests(per_minute=0):
            return {"Retry-After": str(ceil(error.retry_after_s))}
        case errors.TooManyRequests():
            return {
                "Retry-After": str(ceil(error.retry_after_s)),
                "RateLimit-Policy": policy_of(error.per_minute).decode(),
                "RateLimit": state_of(0, error.reset_s).decode(),
            }
        case errors.StoreUnavailable():
            return {"Retry-After": str(RETRY_AFTER_S)}
        case _:
            return {}


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    """One fault that pydantic found, in our words."""
    pointer = "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in error["loc"][1:])
    match error["type"]:
        case "extra_forbidden":
            return {
                "pointer": pointer,
                "code": "unknown_parameter",
                "detail": f"there is no parameter {error['loc'][-1]}",
            }
        case "repeated":
            return {
                "pointer": pointer,
                "code": "repeated_parameter",
                "detail": "this is given more than once",
            }
        case "missing" if error["loc"][-1] == "Idempotency-Key":
            detail = "this write needs an Idempotency-Key, such as a random UUID"
            return {"pointer": pointer, "code": "idempotency_key_missing", "detail": detail}
        case "missing":
            return {"pointer": pointer, "code": "missing", "detail": "this is required"}
        case "value_error":
            return {"pointer": pointer, "code": "invalid_value", "detail": str(error["ctx"]["error"])}
        case _:
            return {"pointer": pointer, "code": "invalid_value", "detail": str(error["msg"])}


def validation_problem(faults: Sequence[Mapping[str, str]]) -> Response:
    """422 for a request whose parameters or body are not as documented."""
    code = faults[0]["code"] if len({fault["code"] for fault in faults}) == 1 else "invalid_request"
    detail = "; ".join(f"{fault['pointer'].removeprefix('/')}: {fault['detail']}" for fault in faults)
    return problem(422, code, detail, faults=faults)


async def _on_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return validation_problem([_fault(fault) for fault in error.errors()])


async def _on_ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.GeoOffersError)
    return problem_of(error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        return problem_of(_undecodable(error.__cause__))
    code = _CODES_OF_STATUS.get(error.status_code, "http_error")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    headers = _allow(request) if error.status_code == 405 else error.headers
    return problem(error.status_code, code, detail, headers=headers)


def _allow(request: Request) -> dict[str, str]:
    """Allow for a path: the framework knows only the first of its routes, and a path with an id may come before it."""
    paths = request.app.openapi()["paths"]
    path = getattr(request.scope.get("route"), "path", "")
    found = paths.get(request.scope["path"]) or paths.get(path, {"get": None})
    methods = {method.upper() for method in found}
    return {"Allow": ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))}


def _undecodable(cause: BaseException | None) -> errors.JsonInvalid:
    """Why the framework could not decode a body at all; what is only not JSON comes as a validation error."""
    match cause:
        case UnicodeDecodeError():
            return errors.JsonInvalid(f"the body is not UTF-8 at byte {cause.start:,}", code="json_not_utf8")
        case RecursionError():
            return errors.JsonInvalid("the body is nested too deep", code="json_too_deep")
        case _:
            return errors.JsonInvalid("the body cannot be read", code="json_invalid")


async def _on_surprise(request: Request, error: Exception) -> Response:
    log.error(
        "request_failed",
        method=request.method,
        path=request.url.path,
        error=type(error).__name__,
        exc_info=error,
    )
    return problem(500, "internal_error", "this is our fault; it was logged")


def add_error_handlers(app: FastAPI) -> None:
    """Every error of this app leaves as a problem document."""
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(errors.GeoOffersError, _on_ours)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_surprise)
