"""The door of the service: whose key it is, whether its role may enter, and whether it comes too often."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

from fastapi import Request
from starlette.types import Message, Scope, Send

from api.rates import policy_of, state_of
from geo_offers.bootstrap import Services
from geo_offers.domain.account import Caller, Role
from geo_offers.domain.errors import Forbidden, TooManyRequests
from geo_offers.services.keys import KeyRing
from geo_offers.settings import Settings
from geo_offers.stores.ports import RateLimits

#: Where a request's scope keeps that it has entered.
ENTERED = "geo_offers.entered"
#: Who reads without a key, where that is allowed.
NOBODY = Caller("", Role.APP, "")

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Door:
    """Which roles a route is for; as a dependency it gives the caller, whom the route's class let in.

    reads  whether those without a key may enter, too, where the operator has opened reads
    """

    roles: tuple[Role, ...]
    reads: bool = False

    async def __call__(self, request: Request) -> Caller:
        caller: Caller = request.scope[ENTERED].caller
        return caller


def common_door(doors: Iterable[Door]) -> Door:
    """The door through which only those come who come through each of these."""
    each = list(doors)
    roles = tuple(role for role in Role if all(role in door.roles for door in each))
    return Door(roles, all(door.reads for door in each))


class Entered(NamedTuple):
    """Who has entered, and the headers that his answer gets."""

    caller: Caller
    headers: Headers

    def sending(self, send: Send) -> Send:
        """`send`, with the headers put on the answer."""
        headers = self.headers

        def send_on(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            return send(message)

        return send_on if headers else send


class Doors:
    """Lets requests in, or raises; no I/O.

    per_minute  requests a minute of one key, by role; 0 is without end. Those without a key have, for each
                address, as many as an app
    reads       whether reads need no key
    """

    def __init__(
        self,
        ring: KeyRing,
        rates: RateLimits,
        per_minute: Mapping[Role, int],
        *,
        reads: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.open_reads = reads
        self._caller_of = ring.caller_of
        self._take = rates.take
        self._clock = clock
        self._rates = {
            role: (rate, (b"ratelimit-policy", policy_of(rate))) for role, rate in per_minute.items()
        }
        self._anybody = Entered(NOBODY, ()) if reads and not per_minute[Role.APP] else None

    def enter(self, authorization: bytes | None, door: Door, client: str) -> Entered:
        """Who asks, once he may and has taken one request of his rate.

        authorization  the header, None without one
        client         the address that the request comes from
        Raises Unauthorized, Forbidden, TooManyRequests, in this order. Takes 2 to 3 microseconds.
        """
        if authorization is None and door.reads and self.open_reads:
            if self._anybody is not None:
                return self._anybody
            return Entered(NOBODY, self._taken(_bucket_of(client), Role.APP))
        caller = self._caller_of(authorization)
        if caller.role not in door.roles:
            wanted = " or ".join(sorted(door.roles))
            raise Forbidden(f"this is for a key of role {wanted}; yours is of role {caller.role}")
        return Entered(caller, self._taken(caller.key_id, caller.role))

    def _taken(self, bucket: str, role: Role) -> Headers:
        per_minute, policy = self._rates[role]
        if not per_minute:
            return ()
        taken = self._take(bucket, per_minute=per_minute, burst=per_minute, now_s=self._clock())
        if not taken.allowed:
            raise TooManyRequests(
                f"more than {per_minute:,} requests a minute; come again when Retry-After says",
                retry_after_s=taken.retry_after_s,
                per_minute=per_minute,
                reset_s=taken.reset_s,
            )
        return (policy, (b"ratelimit", state_of(taken.remaining, taken.reset_s)))


def doors_of(services: Services, settings: Settings) -> Doors:
    """The doors of a running process."""
    per_minute = {
        Role.APP: settings.rate_app,
        Role.MERCHANT: settings.rate_merchant,
        Role.PLANNER: settings.rate_planner,
        Role.ADMIN: settings.rate_admin,
    }
    return Doors(services.keys, services.live.rates, per_minute, reads=settings.open_reads)


def authorization_of(scope: Scope) -> bytes | None:
    """The header Authorization; None without one. Given twice it is no key's."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    return b", ".join(given) if given else None


def client_of(scope: Scope) -> str:
    """The address that a request comes from; "" when it has none."""
    client = scope.get("client")
    return client[0] if client else ""


def _bucket_of(client: str) -> str:
    """One bucket an IPv4 address; one a /64 of IPv6, which is what one subscriber has."""
    if ":" not in client:
        return client
    try:
        return IPv6Address(client.partition("%")[0]).packed[:8].hex()
    except AddressValueError:
        return client


def entered_of(scope: Scope, door: Door) -> Entered:
    """The request let in, or as it was let in before. Raises Unauthorized, Forbidden, TooManyRequests."""
    known: Entered | None = scope.get(ENTERED)
    if known is not None:
        return known
    doors: Doors = scope["app"].state.doors
    entered = doors.enter(authorization_of(scope), door, client_of(scope))
    scope[ENTERED] = entered
    return entered
