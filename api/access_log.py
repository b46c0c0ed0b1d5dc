"""What a running service writes: one JSON line an event; never a query string, which holds positions."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.tracebacks import ExceptionDictTransformer

log = structlog.get_logger("access")


def configure_logging(level: str, *, worker: int | None = None) -> None:
    """One JSON object a line on stderr, from this level on; of one of several workers each line says which."""

    def name_worker(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["worker"] = worker
        return event

    structlog.configure(
        processors=[
            *([] if worker is None else [name_worker]),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without the local variables, among which are keys and positions.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def log_request(method: str, path: str, status: int, took_s: float) -> None:
    """One line about a finished request."""
    log.info("request", method=method, path=path, status=status, took_ms=round(took_s * 1_000, 2))


def logs_requests() -> bool:
    """Whether lines about requests are written at all, as logging is configured now."""
    return bool(log.is_enabled_for(logging.INFO))


class AccessLog:
    """ASGI middleware that logs every finished request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def remember(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, remember)
        finally:
            log_request(scope["method"], scope["path"], status, time.perf_counter() - started)
