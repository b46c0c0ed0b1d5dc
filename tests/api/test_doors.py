"""Doors: a route says who may call it, or cannot be made; addresses without a key have a bucket each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from api.callers import ANY_DOOR, AdminCaller, AnyCaller, KeyedRoute, MerchantCaller, keyed_router
from api.doors import NOBODY, Door, Doors, common_door
from geo_offers.bootstrap import open_stores, utc_now
from geo_offers.domain.account import Role
from geo_offers.domain.errors import Forbidden, TooManyRequests, Unauthorized
from geo_offers.services.key_desk import KeyDesk
from geo_offers.services.keys import KeyRing
from geo_offers.settings import Settings
from geo_offers.stores.nudge_memory import MemoryNudges
from geo_offers.stores.rate_memory import MemoryRateLimits

ADMINS = Door((Role.ADMIN,))


class DoorsWith(Protocol):
    def __call__(
        self, role: Role, *, rate: int = 0, reads: bool = False
    ) -> Awaitable[tuple[Doors, bytes]]: ...


@pytest.fixture
async def doors_with(tmp_path: Path) -> AsyncIterator[DoorsWith]:
    """Makes doors, at a clock that stands still, and the header of one key."""
    stores = await open_stores(Settings(database_url=f"sqlite:///{tmp_path / 'store.sqlite3'}"))

    async def made(role: Role, *, rate: int = 0, reads: bool = False) -> tuple[Doors, bytes]:
        ring = KeyRing(stores.accounts, utc_now, MemoryNudges())
        issued = await KeyDesk(stores.accounts, utc_now, ring).create(role, role.value)
        doors = Doors(ring, MemoryRateLimits(), dict.fromkeys(Role, rate), reads=reads, clock=lambda: 0.0)
        return doors, f"Bearer {issued.secret}".encode()

    yield made
    await stores.catalog.close()


async def test_a_wrong_key_is_told_before_a_wrong_role_and_that_before_the_rate(
    doors_with: DoorsWith,
) -> None:
    doors, header = await doors_with(Role.APP, rate=1)
    with pytest.raises(Unauthorized):
        doors.enter(header[:-1], ADMINS, "")
    with pytest.raises(Forbidden, match="of role admin; yours is of role app"):
        doors.enter(header, ADMINS, "")
    assert doors.enter(header, ANY_DOOR, "").caller.role is Role.APP
    with pytest.raises(TooManyRequests) as refused:
        doors.enter(header, ANY_DOOR, "")
    assert (refused.value.retry_after_s, refused.value.per_minute) == (60.0, 1)


async def test_only_reads_are_open_and_only_without_a_key(doors_with: DoorsWith) -> None:
    doors, header = await doors_with(Role.PLANNER, reads=True)
    assert doors.enter(None, ANY_DOOR, "192.0.2.1") == (NOBODY, ())
    assert doors.enter(header, ANY_DOOR, "192.0.2.1").caller.role is Role.PLANNER
    with pytest.raises(Unauthorized):
        doors.enter(b"", ANY_DOOR, "192.0.2.1")
    with pytest.raises(Unauthorized):
        doors.enter(None, ADMINS, "192.0.2.1")
    closed, _ = await doors_with(Role.PLANNER)
    with pytest.raises(Unauthorized):
        closed.enter(None, ANY_DOOR, "192.0.2.1")


async def test_an_address_has_a_bucket_and_a_network_of_ipv6_has_one(doors_with: DoorsWith) -> None:
    doors, _ = await doors_with(Role.APP, rate=1, reads=True)
    for client in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", "fe80::1%eth0", "::x", ""):
        doors.enter(None, ANY_DOOR, client)
    for client in ("192.0.2.1", "2001:db8::ffff", "fe80::2%eth1", ""):
        with pytest.raises(TooManyRequests):
            doors.enter(None, ANY_DOOR, client)


def test_a_route_behind_two_doors_is_for_those_who_pass_both() -> None:
    both = Door((Role.ADMIN, Role.MERCHANT))
    assert common_door([ANY_DOOR, both]) == Door((Role.ADMIN, Role.MERCHANT))
    assert common_door([ADMINS, both]) == ADMINS
    assert common_door([ANY_DOOR]).reads


async def for_nobody() -> None: ...


async def for_contradicting(one: AdminCaller, two: MerchantCaller) -> None: ...


async def for_any(caller: AnyCaller) -> None: ...


@pytest.mark.parametrize("endpoint", [for_nobody, for_contradicting])
def test_a_route_that_says_not_who_may_call_it_cannot_be_made(endpoint: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="who may call it"):
        keyed_router("/v1/x", tags=[]).add_api_route("", endpoint)


def test_what_a_route_documents_itself_is_kept() -> None:
    route = KeyedRoute("/x", for_any, openapi_extra={"x-mine": 1})
    assert route.openapi_extra is not None
    assert route.openapi_extra["x-mine"] == 1
    assert route.openapi_extra["x-roles"] == ["admin", "app", "merchant", "planner"]
