"""Clauses: keys, their versions, and the list of merchants."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from geo_offers.domain.account import Role
from geo_offers.domain.errors import Conflict, KeyNotFound, KeyReused, MerchantNotFound
from geo_offers.stores.account_ports import KeyBook
from tests.builders import a_merchant
from tests.contract.account_asking import HOUR, MINE, NOON, THEIRS, World, a_key, digest, once


class KeyClauses:
    async def test_a_new_store_has_no_key_and_version_0(self, world: World):
        assert await world.accounts.key_version() == 0
        assert await world.accounts.key_book() == KeyBook(0, {})
        assert await world.accounts.list_keys() == []

    async def test_a_key_comes_back_as_it_was_made_by_its_digest(self, world: World):
        key = a_key(expires_at=NOON + HOUR)
        await world.accounts.create_key(key, digest())
        assert await world.accounts.key_book() == KeyBook(1, {digest(): key})

    async def test_every_change_of_keys_makes_the_version_grow_and_use_does_not(self, world: World):
        accounts, versions = world.accounts, []
        await accounts.create_first_key(a_key("1"), digest("1"))
        versions.append(await accounts.key_version())
        await accounts.create_key(a_key("2"), digest("2"))
        versions.append(await accounts.key_version())
        await accounts.rotate_key(a_key("2").id, a_key("3"), digest("3"), until=NOON + HOUR)
        versions.append(await accounts.key_version())
        await accounts.revoke_key(a_key("1").id, at=NOON)
        versions.append(await accounts.key_version())
        await accounts.revoke_key(a_key("1").id, at=NOON)
        await accounts.note_used({a_key("2").id: NOON})
        versions.append(await accounts.key_version())
        assert versions == [1, 2, 3, 4, 4]

    async def test_of_many_first_keys_at_once_one_is_kept(self, world: World):
        names = [str(number) for number in range(8)]
        tries = [world.accounts.create_first_key(a_key(name), digest(name)) for name in names]
        won = await asyncio.gather(*tries)
        assert sum(won) == 1
        (kept,) = (await world.accounts.key_book()).keys.values()
        assert kept == a_key(names[won.index(True)])
        assert await world.accounts.key_version() == 1

    async def test_there_is_no_first_key_after_any_key_even_a_revoked_one(self, world: World):
        await world.accounts.create_key(a_key("1"), digest("1"))
        await world.accounts.revoke_key(a_key("1").id, at=NOON)
        assert await world.accounts.create_first_key(a_key("2"), digest("2")) is False
        assert [key.id for key in await world.accounts.list_keys()] == [a_key("1").id]

    async def test_a_first_key_that_is_refused_leaves_the_store_without_one(self, world: World):
        nobodys = a_key("1", role=Role.MERCHANT, account=a_merchant("Nobody").id)
        with pytest.raises(MerchantNotFound):
            await world.accounts.create_first_key(nobodys, digest("1"))
        assert await world.accounts.create_first_key(a_key("2"), digest("2")) is True

    async def test_a_merchants_key_needs_the_merchant(self, world: World):
        key = a_key(role=Role.MERCHANT, account=a_merchant("Nobody").id)
        with pytest.raises(MerchantNotFound, match=key.account):
            await world.accounts.create_key(key, digest())
        assert await world.accounts.key_version() == 0
        await world.accounts.create_key(replace(key, account=MINE.id), digest())
        assert await world.accounts.key_version() == 1

    async def test_two_keys_never_have_one_id_or_one_digest(self, world: World):
        await world.accounts.create_key(a_key("1"), digest("1"))
        for key, secret in ((a_key("1"), digest("2")), (a_key("2"), digest("1"))):
            with pytest.raises(Conflict):
                await world.accounts.create_key(key, secret)
        assert await world.accounts.key_book() == KeyBook(1, {digest("1"): a_key("1")})

    async def test_keys_are_listed_newest_first_of_all_or_of_one_account(self, world: World):
        keys = [a_key(str(n), created_at=NOON + n * HOUR, account="ab"[n % 2]) for n in range(4)]
        for number, key in enumerate(keys):
            await world.accounts.create_key(key, digest(str(number)))
        assert await world.accounts.list_keys() == keys[::-1]
        assert await world.accounts.list_keys(account="a") == [keys[2], keys[0]]
        assert await world.accounts.list_keys(account="c") == []

    async def test_a_revoked_key_is_out_of_the_book_and_stays_in_the_list(self, world: World):
        await world.accounts.create_key(a_key(), digest())
        revoked = replace(a_key(), revoked_at=NOON)
        assert await world.accounts.revoke_key(a_key().id, at=NOON) == revoked
        assert await world.accounts.revoke_key(a_key().id, at=NOON + HOUR) == revoked
        assert await world.accounts.key_book() == KeyBook(2, {})
        assert await world.accounts.list_keys() == [revoked]

    async def test_another_accounts_key_can_be_neither_revoked_nor_rotated(self, world: World):
        await world.accounts.create_key(a_key("1"), digest("1"))
        new = a_key("2", account="else")
        for key_id in (a_key("1").id, a_key("9").id):
            with pytest.raises(KeyNotFound, match=key_id):
                await world.accounts.revoke_key(key_id, at=NOON, account="else")
            with pytest.raises(KeyNotFound, match=key_id):
                await world.accounts.rotate_key(key_id, new, digest("2"), until=NOON, account="else")
        assert await world.accounts.key_book() == KeyBook(1, {digest("1"): a_key("1")})

    async def test_a_rotated_key_ends_when_it_is_told_or_before_as_it_did(self, world: World):
        soon = a_key("2", expires_at=NOON + HOUR)
        await world.accounts.create_key(a_key("1"), digest("1"))
        await world.accounts.create_key(soon, digest("2"))
        await world.accounts.rotate_key(a_key("1").id, a_key("3"), digest("3"), until=NOON + 2 * HOUR)
        await world.accounts.rotate_key(soon.id, a_key("4"), digest("4"), until=NOON + 2 * HOUR)
        ended = replace(a_key("1"), expires_at=NOON + 2 * HOUR)
        keys = {digest("1"): ended, digest("2"): soon}
        assert await world.accounts.key_book() == KeyBook(
            4, keys | {digest("3"): a_key("3"), digest("4"): a_key("4")}
        )

    @pytest.mark.parametrize("over", [{"account": "else"}, {"role": Role.PLANNER}], ids=["account", "role"])
    async def test_a_key_is_rotated_to_one_of_its_account_and_role_only(
        self, world: World, over: dict[str, object]
    ):
        await world.accounts.create_key(a_key("1"), digest("1"))
        new = a_key("2", **over)
        with pytest.raises(KeyNotFound):
            await world.accounts.rotate_key(a_key("1").id, new, digest("2"), until=NOON)
        assert await world.accounts.key_book() == KeyBook(1, {digest("1"): a_key("1")})

    async def test_a_revoked_key_cannot_be_rotated(self, world: World):
        await world.accounts.create_key(a_key("1"), digest("1"))
        await world.accounts.revoke_key(a_key("1").id, at=NOON)
        with pytest.raises(KeyNotFound):
            await world.accounts.rotate_key(a_key("1").id, a_key("2"), digest("2"), until=NOON)
        assert len(await world.accounts.list_keys()) == 1

    async def test_last_uses_go_forward_and_never_back(self, world: World):
        for name in "12":
            await world.accounts.create_key(a_key(name), digest(name))
        await world.accounts.note_used({a_key("1").id: NOON + HOUR, "nobody's": NOON})
        await world.accounts.note_used({a_key("1").id: NOON, a_key("2").id: NOON})
        await world.accounts.note_used({})
        used = {key.id: key.last_used_at for key in await world.accounts.list_keys()}
        assert used == {a_key("1").id: NOON + HOUR, a_key("2").id: NOON}

    async def test_merchants_are_listed_by_id_page_by_page(self, world: World):
        more = [a_merchant(f"M{number}") for number in range(4)]
        for merchant in more:
            kept = await world.accounts.create_merchant(merchant, once=once())
            assert kept.value is not None
            assert kept.value.value == merchant
        every = sorted([MINE, THEIRS, *more], key=lambda one: one.id)
        first = await world.accounts.list_merchants(after=None, limit=4)
        assert [*first, *await world.accounts.list_merchants(after=first[-1].id, limit=4)] == every

    async def test_a_merchants_id_is_given_once(self, world: World):
        with pytest.raises(Conflict, match=MINE.id):
            await world.accounts.create_merchant(replace(MINE, name="Thief"), once=once("k"))
        assert (await world.mine.merchant()).value == MINE
        assert await world.accounts.kept(once("k")) is None

    async def test_a_merchant_is_created_once_a_key(self, world: World):
        new = a_merchant("New")
        first = await world.accounts.create_merchant(new, once=once("k"))
        again = await world.accounts.create_merchant(new, once=once("k"))
        assert (again.body, again.value) == (first.body, None)
        assert await world.accounts.kept(once("k")) == again
        with pytest.raises(KeyReused):
            await world.accounts.create_merchant(new, once=once("k", asked=b"else"))
        assert first.value == await world.accounts.of_merchant(new.id).merchant()
