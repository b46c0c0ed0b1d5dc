"""The app: services for as long as it lives, routes, errors."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api.access_log import AccessLog, log_request, logs_requests
from api.bodies import MOST_BYTES, says_more_than, too_large
from api.callers import document_keys
from api.doors import doors_of
from api.errors import add_error_handlers, problem_of
from api.fast_lane import FastLane, Note, Up
from api.head import HeadAsGet
from api.metrics import CountRequests, RouteLabels, Traffic, registry_of
from api.once import RunningKeys
from api.pieces import PiecesOfApp
from api.qr import QrCodes
from api.routes import (
    coupons,
    districts,
    health,
    keys,
    me,
    merchant_shops,
    merchants,
    offers,
    promotions,
    redemptions,
    shops,
)
from api.schemas.merchant_shops import ProfilePatch, ShopDocument, ShopPatch
from api.schemas.offers import MatchRequest
from api.schemas.problems import Problem
from api.schemas.promotions import PromotionDocument, PromotionPatch
from geo_offers.bootstrap import Services, running
from geo_offers.settings import Settings

#: Bodies that the domain checks, not FastAPI.
READ_BY_US = (ProfilePatch, ShopDocument, ShopPatch, PromotionDocument, PromotionPatch)


class Service(FastAPI):
    """The app, with the fast lane in front of everything that the framework does with a request."""

    lane: FastLane | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and says_more_than(scope, self.max_body_size):
            await problem_of(too_large(self.max_body_size or 0))(scope, receive, send)
            return
        behind = receive if self.lane is None else await self.lane.answered(scope, receive, send)
        if behind is not None:
            await super().__call__(scope, behind, send)


def create_app(settings: Settings | None = None) -> Service:
    """The HTTP service on these settings; on those of the environment when none are given."""
    chosen = settings or Settings.from_environment(os.environ)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(chosen) as services:
            app.state.pieces = PiecesOfApp()
            app.state.doors = doors_of(services, chosen)
            app.state.running_keys = RunningKeys()
            app.state.qr_codes = QrCodes()
            app.state.most_import_bytes = chosen.most_import_bytes
            app.state.services = services  # last: now it is up
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
        max_body_size=max(MOST_BYTES, chosen.most_import_bytes),
    )
    routers = (
        shops.router,
        districts.router,
        offers.router,
        coupons.router,
        coupons.page_router,
        redemptions.router,
        keys.router,
        merchants.router,
        me.router,
        merchant_shops.router,
        promotions.router,
        health.router,
    )
    traffic = Traffic(RouteLabels(route for router in (app, *routers) for route in router.routes))
    app.state.public_url = chosen.public_url
    app.state.metrics = registry_of(traffic, lambda: getattr(app.state, "services", None))

    app.lane = FastLane(_up_of(app), _noting(traffic))
    app.add_middleware(HeadAsGet)
    app.add_middleware(AccessLog)
    app.add_middleware(CountRequests, traffic=traffic)
    add_error_handlers(app)
    for router in routers:
        app.include_router(router)
    _document_our_models(app, open_reads=chosen.open_reads)
    return app


def _up_of(app: FastAPI) -> Callable[[], Up | None]:
    """Gives what the app answers from, once it is up."""
    known: Up | None = None

    def up() -> Up | None:
        nonlocal known
        services: Services | None = getattr(app.state, "services", None)
        if services is None:
            known = None
        elif known is None or known.services is not services:
            known = Up(services, app.state.pieces, app.state.doors)
        return known

    return up


def _noting(traffic: Traffic) -> Callable[[str, str], Note]:
    """Counts and logs the answers of a lane. Whether they are logged is decided once: asking takes a microsecond."""
    logged = logs_requests()

    def noting(method: str, path: str) -> Note:
        count = traffic.noting(method, path, 200)

        def count_and_log(took_s: float) -> None:
            count(took_s)
            log_request(method, path, 200, took_s)

        return count_and_log if logged else count

    return noting


def _document_our_models(app: FastAPI, *, open_reads: bool) -> None:
    """Put models that FastAPI does not read or write itself among the OpenAPI components, and how a key is shown."""
    original = app.openapi

    def openapi() -> dict[str, object]:
        document = original()
        schemas = document["components"]["schemas"]
        for dropped in ("HTTPValidationError", "ValidationError"):
            schemas.pop(dropped, None)
        for model in (Problem, MatchRequest, *READ_BY_US):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {})
            schemas[model.__name__] = schema
        document_keys(document, open_reads=open_reads)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
