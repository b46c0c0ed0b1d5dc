"""The app: services for as long as it lives, routes, errors."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from api.access_log import AccessLog
from api.errors import add_error_handlers
from api.head import HeadAsGet
from api.routes import districts, health, shops
from api.schemas.problems import Problem
from geo_offers.bootstrap import running
from geo_offers.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The HTTP service on these settings; on those of the environment when none are given."""
    chosen = settings or Settings.from_environment(os.environ)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(chosen) as services:
            app.state.services = services
            yield
            del app.state.services

    app = FastAPI(
        title="geo_offers",
        version=version("geo-offers"),
        summary="Real merchant districts as a virtual commerce zone: nearby shops, offers and local search.",
        lifespan=lifespan,
        docs_url=None,  # the stock page loads its scripts from a third party
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(HeadAsGet)
    app.add_middleware(AccessLog)
    add_error_handlers(app)
    app.include_router(shops.router)
    app.include_router(districts.router)
    app.include_router(health.router)
    _document_problems(app)
    return app


def _document_problems(app: FastAPI) -> None:
    """Put the problem document, which no route returns as a model, among the OpenAPI components."""
    original = app.openapi

    def openapi() -> dict[str, object]:
        document = original()
        schemas = document["components"]["schemas"]
        for dropped in ("HTTPValidationError", "ValidationError"):
            schemas.pop(dropped, None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs", {})
        schemas["Problem"] = problem
        return document

    app.openapi = openapi  # type: ignore[method-assign]
