"""Is the process alive, can it answer, and what does it count?"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import problem
from geo_offers.bootstrap import Services

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    status: str


class Ready(BaseModel):
    """What this process answers from."""

    status: str
    catalog_revision: int
    shops: int
    districts: int
    quarantined: list[str] = Field(
        description="Rows of the store that could not be taken, by id; the first hundred."
    )
    behind: str | None = Field(description="Why the newest revision is not served; null when it is.")
    keys_behind: str | None = Field(description="Why changes of keys are not seen; null when they are.")
    usage_behind: str | None = Field(
        description="Why offers do not know what others have used; null when they do."
    )
    redis: dict[str, str] | None = Field(
        description="What goes without Redis at the moment, and why, by subject: slower, but right. Empty when"
        " all is well, null without Redis."
    )


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Alive:
    """200 as long as the process runs."""
    return Alive(status="ok")


@router.get("/readyz", summary="Can it answer?", response_model=Ready)
async def readyz(request: Request) -> Any:
    """200 once the catalog is loaded; 503 before."""
    services: Services | None = getattr(request.app.state, "services", None)
    if services is None:
        return _not_ready()
    snapshot = services.catalog.current
    return Ready(
        status="ready",
        catalog_revision=snapshot.revision,
        shops=len(snapshot.shops),
        districts=len(snapshot.districts.rows),
        quarantined=list(snapshot.quarantined[:100]),
        behind=services.follower.behind,
        keys_behind=services.keys.behind,
        usage_behind=services.usage_follower.behind,
        redis=None if services.live.state is None else dict(services.live.state.away),
    )


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """What this process counts, in the text format of Prometheus."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


def _not_ready() -> Response:
    return problem(503, "not_ready", "the catalog is still loading", headers={"Retry-After": "1"})
