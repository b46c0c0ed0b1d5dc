"""Who may call a route, said once by the type of its caller: the check, the documentation and the roles follow from it.

A route that needs a key is made on a router of `keyed_router` and asks for one of the callers below, as a parameter
or among the dependencies of the router. The key is checked before anything else of the request is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from api.doors import Door, common_door, entered_of
from api.schemas.problems import problems
from geo_offers.domain.account import Caller, Role

ANY_DOOR = Door((Role.APP, Role.MERCHANT, Role.PLANNER, Role.ADMIN), reads=True)

#: An operator's key.
AdminCaller = Annotated[Caller, Depends(Door((Role.ADMIN,)))]
#: A merchant's key: `caller.account` is his id.
MerchantCaller = Annotated[Caller, Depends(Door((Role.MERCHANT,)))]
#: An app's key: for claims, and the wallets of its visitors.
ClaimCaller = Annotated[Caller, Depends(Door((Role.APP,)))]
#: For a coupon by its code: the app that claimed it, the merchant whose it is.
CouponCaller = Annotated[Caller, Depends(Door((Role.APP, Role.MERCHANT)))]
#: A merchant for what is his, an operator for everyone's.
OwnerCaller = Annotated[Caller, Depends(Door((Role.ADMIN, Role.MERCHANT)))]
#: For campaigns and what-ifs.
PlannerCaller = Annotated[Caller, Depends(Door((Role.PLANNER, Role.ADMIN)))]
#: Any key; with GEO_OFFERS_OPEN_READS none at all, and then the caller is api.doors.NOBODY.
AnyCaller = Annotated[Caller, Depends(ANY_DOOR)]

SCHEME = "key"
#: The one way to show a key, for the OpenAPI document.
_HOW = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "gok_<role>_<32 characters>",
    "description": "A key as `geo-offers keys create` or `POST /v1/keys` told it, once.",
}
_READ = "x-open-read"


class KeyedRoute(APIRoute):
    """A route behind a door: 401, 403 and 429 come before anything that is wrong with the request.

    Raises TypeError, when it is made, for a route that does not ask for a caller, or for one that cannot be.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        doors = list(_doors_of(self.dependant))
        self.door = common_door(doors)
        if not doors or not self.door.roles:
            raise TypeError(f"the route {self.path} does not say who may call it")
        self.openapi_extra = {
            **(self.openapi_extra or {}),
            "security": [{SCHEME: []}],
            "x-roles": sorted(self.door.roles),
            _READ: self.door.reads,
            "responses": {str(status): shown for status, shown in problems(401, 403, 429).items()},
        }

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in (self.methods or ()):
            send = entered_of(scope, self.door).sending(send)
        await super().handle(scope, receive, send)


def document_keys(document: dict[str, Any], *, open_reads: bool) -> None:
    """Say in an OpenAPI document how a key is shown and, where reads are open, that they need none."""
    document["components"].setdefault("securitySchemes", {})[SCHEME] = _HOW
    for item in document["paths"].values():
        for operation in item.values():
            if operation.pop(_READ, False) and open_reads:
                operation["security"] = [{}, {SCHEME: []}]


def keyed_router(prefix: str, *, tags: Sequence[str], dependencies: Sequence[Dependency] = ()) -> APIRouter:
    """A router for routes that need a key."""
    return APIRouter(prefix=prefix, tags=list(tags), dependencies=list(dependencies), route_class=KeyedRoute)


def _doors_of(dependant: Dependant) -> Iterator[Door]:
    for one in dependant.dependencies:
        if isinstance(one.call, Door):
            yield one.call
        yield from _doors_of(one)
