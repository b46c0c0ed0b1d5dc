"""The ring of keys: who is let in, from when, until when, and what the store is told of it."""

from __future__ import annotations

import asyncio
import timeit
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from geo_offers.bootstrap import open_stores
from geo_offers.domain.account import Caller, Role
from geo_offers.domain.errors import InvalidInput, KeyNotFound, StoreUnavailable, Unauthorized
from geo_offers.services.key_desk import Issued, KeyDesk, account_of
from geo_offers.services.keys import KeyRing
from geo_offers.settings import Settings
from geo_offers.stores.account_ports import AccountStore
from geo_offers.stores.nudge_memory import MemoryNudges

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Town:
    """A store with two processes at it, each with a ring and a desk of its own."""

    accounts: AccountStore
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.ring = KeyRing(self.accounts, self.clock, MemoryNudges())
        self.desk = KeyDesk(self.accounts, self.clock, self.ring)
        self.other = KeyRing(self.accounts, self.clock, MemoryNudges())
        self.other_desk = KeyDesk(self.accounts, self.clock, self.other)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    stores = await open_stores(Settings(database_url=f"sqlite:///{tmp_path / 'store.sqlite3'}"))
    yield Town(stores.accounts)
    await stores.catalog.close()


class Away:
    """A store that cannot answer."""

    def __getattr__(self, name: str) -> object:
        async def fail(*_: object, **__: object) -> None:
            raise StoreUnavailable("the disk is away")

        return fail


class Unwell:
    """A store that fails some times before it gets well; everything else is the store's own."""

    def __init__(self, accounts: AccountStore, faults: list[Exception]) -> None:
        self._accounts = accounts
        self._faults = faults

    def __getattr__(self, name: str) -> object:
        return getattr(self._accounts, name)

    async def key_version(self) -> int:
        if self._faults:
            raise self._faults.pop(0)
        return await self._accounts.key_version()


def shown(issued: Issued) -> str:
    return f"Bearer {issued.secret}"


async def test_a_new_key_lets_its_owner_in(town: Town) -> None:
    issued = await town.desk.create(Role.APP, "lakeside-app", label="phones")
    caller = Caller(issued.key.id, Role.APP, "lakeside-app")
    assert town.ring.caller_of(shown(issued)) == caller
    assert town.ring.caller_of(f"bearer   {issued.secret} ".encode()) == caller


async def test_whatever_else_is_shown_lets_nobody_in(town: Town) -> None:
    issued = await town.desk.create(Role.APP, "app")
    town.ring.caller_of(shown(issued))
    for header in (
        None,
        "",
        "Bearer",
        "Bearer ",
        issued.secret,
        f"Basic {issued.secret}",
        shown(issued)[:-1],
        shown(issued) + "0",
        shown(issued) + ", " + shown(issued),
        shown(issued).replace("gok_app", "gok_admin"),
        shown(issued)[:-1] + ("0" if issued.secret[-1] != "0" else "1"),
        f"Bearer {issued.key.id}",
        "Bearer é",
        b"Bearer \xff\x00",
    ):
        with pytest.raises(Unauthorized):
            town.ring.caller_of(header)


async def test_a_key_ends_at_the_moment_it_expires(town: Town) -> None:
    issued = await town.desk.create(Role.APP, "app", expires_at=START + timedelta(hours=1))
    town.clock.now = START + timedelta(hours=1, milliseconds=-1)
    assert town.ring.caller_of(shown(issued)).key_id == issued.key.id
    town.clock.now += timedelta(milliseconds=1)
    with pytest.raises(Unauthorized):
        town.ring.caller_of(shown(issued))


async def test_a_revoked_key_is_out_here_at_once_and_elsewhere_after_a_look(town: Town) -> None:
    issued = await town.desk.create(Role.PLANNER, "planner")
    assert await town.other.refresh()
    assert town.other.caller_of(shown(issued)).role is Role.PLANNER
    assert (await town.desk.revoke(issued.key.id)).revoked_at == START
    with pytest.raises(Unauthorized):
        town.ring.caller_of(shown(issued))
    assert await town.other.refresh()
    with pytest.raises(Unauthorized):
        town.other.caller_of(shown(issued))
    assert not await town.other.refresh(), "nothing changed since"


async def test_after_a_rotation_both_keys_are_good_until_the_overlap_ends(town: Town) -> None:
    old = await town.desk.create(Role.APP, "app", label="phones")
    new = await town.desk.rotate(old.key.id, overlap=timedelta(minutes=5))
    assert (new.key.role, new.key.account, new.key.label) == (Role.APP, "app", "phones")
    assert town.ring.caller_of(shown(old)).account == town.ring.caller_of(shown(new)).account == "app"
    town.clock.now += timedelta(minutes=5)
    assert town.ring.caller_of(shown(new)).key_id == new.key.id
    with pytest.raises(Unauthorized):
        town.ring.caller_of(shown(old))
    with pytest.raises(KeyNotFound):
        await town.desk.rotate(old.key.id, overlap=timedelta(minutes=5))


async def test_another_accounts_keys_are_not_there(town: Town) -> None:
    issued = await town.desk.create(Role.APP, "app")
    with pytest.raises(KeyNotFound):
        await town.desk.revoke(issued.key.id, account="another")
    with pytest.raises(KeyNotFound):
        await town.desk.rotate(issued.key.id, overlap=timedelta(0), account="another")
    assert await town.desk.list(account="another") == []
    assert [key.id for key in await town.desk.list(account="app")] == [issued.key.id]


async def test_the_first_key_is_made_once(town: Town) -> None:
    first, second = await asyncio.gather(town.desk.create_first(), town.other_desk.create_first())
    made = first or second
    assert made is not None
    assert (first is None) != (second is None)
    await town.ring.refresh()
    assert town.ring.caller_of(shown(made)).role is Role.ADMIN
    await town.desk.revoke(made.key.id)
    assert await town.desk.create_first() is None, "the store had a key"


async def test_when_keys_were_used_is_told_together(town: Town) -> None:
    one = await town.desk.create(Role.APP, "one")
    two = await town.desk.create(Role.APP, "two")
    town.ring.caller_of(shown(one))
    town.clock.now += timedelta(seconds=7)
    town.ring.caller_of(shown(one))
    version = await town.accounts.key_version()
    await town.ring.write_used()
    used = {key.id: key.last_used_at for key in await town.desk.list()}
    assert used == {one.key.id: START + timedelta(seconds=7), two.key.id: None}
    assert await town.accounts.key_version() == version, "that is no change of keys"


async def test_while_the_store_is_away_the_last_book_stays(town: Town) -> None:
    issued = await town.desk.create(Role.APP, "app")
    town.ring._accounts = Away()  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        await town.ring.refresh()
    assert town.ring.caller_of(shown(issued)).key_id == issued.key.id
    with pytest.raises(StoreUnavailable):
        await town.ring.write_used()
    town.ring._accounts = town.accounts
    await town.ring.write_used()
    assert (await town.desk.list())[0].last_used_at == START, "it was kept for the next time"


async def test_a_ring_that_runs_sees_what_others_change_and_tells_what_was_used_at_its_end(
    town: Town,
) -> None:
    issued = await town.desk.create(Role.APP, "app")
    faults: list[Exception] = [StoreUnavailable("the disk is away"), KeyError("a surprise")]
    town.other._accounts = Unwell(town.accounts, faults)  # type: ignore[assignment]
    running = asyncio.create_task(town.other.run(poll_s=0))
    said: set[str | None] = set()
    async with asyncio.timeout(20):
        while faults or town.other.behind:
            await asyncio.sleep(0)
            said.add(town.other.behind)
    assert said - {None} == {"the disk is away", "KeyError: 'a surprise'"}
    assert town.other.caller_of(shown(issued)).key_id == issued.key.id
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert (await town.desk.list())[0].last_used_at == START


async def test_a_secret_is_in_no_words_about_a_key(town: Town) -> None:
    issued = await town.desk.create(Role.APP, "app")
    assert issued.secret not in repr(issued)
    assert issued.secret not in str(await town.desk.list())


def test_whose_a_key_is() -> None:
    assert account_of(Role.ADMIN, account=None, merchant_id=None) == "admin"
    assert account_of(Role.APP, account="lakeside-app", merchant_id=None) == "lakeside-app"
    assert account_of(Role.MERCHANT, account=None, merchant_id="mrc_1") == "mrc_1"
    for role, account, merchant in (
        (Role.MERCHANT, None, None),
        (Role.MERCHANT, "x", "mrc_1"),
        (Role.APP, None, "mrc_1"),
        (Role.APP, "mrc_1", None),
    ):
        with pytest.raises(InvalidInput):
            account_of(role, account=account, merchant_id=merchant)


async def test_bad_wishes_are_refused(town: Town) -> None:
    with pytest.raises(InvalidInput, match="future"):
        await town.desk.create(Role.APP, "app", expires_at=START)
    with pytest.raises(InvalidInput, match="account"):
        await town.desk.create(Role.APP, "Not An Account")
    issued = await town.desk.create(Role.APP, "app")
    for overlap in (timedelta(seconds=-1), timedelta(days=31)):
        with pytest.raises(InvalidInput, match="overlap"):
            await town.desk.rotate(issued.key.id, overlap=overlap)


async def test_a_look_at_a_key_is_quick(town: Town) -> None:
    header = shown(await town.desk.create(Role.APP, "app")).encode()
    took_s = min(timeit.repeat(lambda: town.ring.caller_of(header), number=1_000, repeat=20)) / 1_000
    assert took_s < 10e-6, "it is 0.4 microseconds on a quiet machine"
