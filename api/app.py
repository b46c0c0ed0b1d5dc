"""The app: services for as long as it lives, routes, errors."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api.access_log import AccessLog, log_request
from api.errors import add_error_handlers
from api.fast_lane import FastLane
from api.head import HeadAsGet
from api.metrics import CountRequests, RouteLabels, Traffic, registry_of
from api.pieces import PiecesOfApp
from api.routes import districts, health, offers, shops
from api.schemas.offers import MatchRequest
from api.schemas.problems import Problem
from geo_offers.bootstrap import Services, running
from geo_offers.settings import Settings


class Service(FastAPI):
    """The app, with the fast lane in front of everything that the framework does with a request."""

    lane: FastLane | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.lane is None or not await self.lane.answered(scope, send):
            await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None) -> Service:
    """The HTTP service on these settings; on those of the environment when none are given."""
    chosen = settings or Settings.from_environment(os.environ)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(chosen) as services:
            app.state.services = services
            app.state.pieces = PiecesOfApp()
            yield
            del app.state.services

    app = Service(
        title="geo_offers",
        version=version("geo-offers"),
        summary="Real merchant districts as a virtual commerce zone: nearby shops, offers and local search.",
        lifespan=lifespan,
        docs_url=None,  # the stock page loads its scripts from a third party
        redoc_url=None,
        redirect_slashes=False,
    )
    routers = (shops.router, districts.router, offers.router, health.router)
    traffic = Traffic(RouteLabels(route for router in (app, *routers) for route in router.routes))
    app.state.metrics = registry_of(traffic, lambda: getattr(app.state, "services", None))

    def note(path: str, took_s: float) -> None:
        traffic.note("GET", path, 200, took_s)
        log_request("GET", path, 200, took_s)

    app.lane = FastLane(lambda: _up(app), note)
    app.add_middleware(HeadAsGet)
    app.add_middleware(AccessLog)
    app.add_middleware(CountRequests, traffic=traffic)
    add_error_handlers(app)
    for router in routers:
        app.include_router(router)
    _document_our_models(app)
    return app


def _up(app: FastAPI) -> tuple[Services, PiecesOfApp] | None:
    """What the app answers from, once it is up."""
    services = getattr(app.state, "services", None)
    return None if services is None else (services, app.state.pieces)


def _document_our_models(app: FastAPI) -> None:
    """Put models that FastAPI does not read or write itself among the OpenAPI components."""
    original = app.openapi

    def openapi() -> dict[str, object]:
        document = original()
        schemas = document["components"]["schemas"]
        for dropped in ("HTTPValidationError", "ValidationError"):
            schemas.pop(dropped, None)
        for model in (Problem, MatchRequest):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {})
            schemas[model.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
