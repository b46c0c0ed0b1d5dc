"""Clauses: a merchant's name and shops, what the feed says of them, and that another's are not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geo_offers.domain.errors import (
    Conflict,
    InvalidInput,
    MerchantNotFound,
    PreconditionFailed,
    ShopNotFound,
    Taken,
)
from geo_offers.domain.place import Source
from geo_offers.stores import durable_sql
from geo_offers.stores.ports import Change
from tests.builders import a_merchant, a_promotion, a_shop, some_shops
from tests.contract.account_asking import MINE, THEIRS, World, once, own_shop


class ShopClauses:
    # -- the merchant

    async def test_a_merchant_has_a_tag_that_is_his_names(self, world: World):
        tagged = await world.mine.merchant()
        assert tagged.value == MINE
        assert tagged.tag != (await world.theirs.merchant()).tag
        kept = await world.mine.rename(replace(MINE, name="New"), expected=tagged.tag, once=once())
        assert kept.value is not None
        assert kept.value.tag == (await world.mine.merchant()).tag != tagged.tag
        assert (await world.mine.merchant()).value.name == "New"
        assert (await world.theirs.merchant()).value == THEIRS

    async def test_a_new_name_is_told_by_the_promotions_and_the_same_name_by_nothing(self, world: World):
        for number in range(3):
            await world.mine.put_promotion(
                a_promotion(f"p-{number}"), new=True, expected=None, key_id=None, once=once()
            )
        before = await world.revision()
        same = await world.mine.rename(MINE, expected=None, once=once())
        assert same.value is not None
        assert (same.value.revision, await world.revision()) == (0, before)
        kept = await world.mine.rename(replace(MINE, name="New"), expected=None, once=once())
        assert kept.value is not None
        assert kept.value.revision == before + 3
        told = sorted(a_promotion(f"p-{number}").id for number in range(3))
        assert [step.id for step in await world.steps(before)] == told

    async def test_a_name_is_not_changed_on_an_old_tag(self, world: World):
        with pytest.raises(PreconditionFailed):
            await world.mine.rename(replace(MINE, name="New"), expected="old", once=once())
        assert (await world.mine.merchant()).value == MINE

    async def test_a_merchant_that_is_not_there_has_and_does_nothing(self, world: World):
        nobody = world.accounts.of_merchant(a_merchant("Nobody").id)
        with pytest.raises(MerchantNotFound):
            await nobody.merchant()
        with pytest.raises(MerchantNotFound):
            await nobody.put_shop(own_shop(), new=True, expected=None, once=once())
        assert await nobody.shops(after=None, limit=9) == []
        assert await world.revision() == 0

    # -- one shop

    async def test_a_new_shop_is_his_one_step_of_the_feed_and_in_the_catalog(self, world: World):
        kept = await world.mine.put_shop(own_shop(), new=True, expected=None, once=once())
        assert kept.value is not None
        assert kept.value == replace(await world.mine.shop(own_shop().id), revision=1)
        assert kept.value.value == own_shop()
        assert await world.steps() == [Change(1, "shop", own_shop().id)]
        assert await world.look(durable_sql.get_shop, own_shop().id) == own_shop()
        assert await world.mine.shops(after=None, limit=9) == [own_shop()]

    async def test_another_merchants_shop_is_as_if_it_were_not_there(self, world: World):
        await world.mine.put_shop(own_shop(), new=True, expected=None, once=once())
        for shop_id in (own_shop().id, own_shop("absent").id):
            with pytest.raises(ShopNotFound, match=f"there is no shop {shop_id}"):
                await world.theirs.shop(shop_id)
            with pytest.raises(ShopNotFound, match=f"there is no shop {shop_id}"):
                await world.theirs.put_shop(
                    own_shop(id=shop_id, name="Stolen"), new=False, expected=None, once=once()
                )
            with pytest.raises(ShopNotFound, match=f"there is no shop {shop_id}"):
                await world.theirs.retire_shop(shop_id, expected=None, once=once())
        assert await world.theirs.shops(after=None, limit=9) == []
        assert (await world.mine.shop(own_shop().id)).value == own_shop()
        assert await world.revision() == 1

    async def test_a_new_shop_takes_no_id_and_no_source_that_is_there_already(self, world: World):
        await world.bring_shops([a_shop("node/1")])
        await world.theirs.put_shop(own_shop("theirs"), new=True, expected=None, once=once())
        await world.mine.put_shop(own_shop("mine"), new=True, expected=None, once=once())
        before = await world.revision()
        for there in (a_shop("node/1"), own_shop("theirs"), own_shop("mine")):
            for new in (replace(there, name="Stolen"), replace(there, id=own_shop("free").id)):
                with pytest.raises(Conflict):
                    await world.mine.put_shop(new, new=True, expected=None, once=once())
        assert await world.revision() == before
        assert await world.look(durable_sql.get_shop, a_shop("node/1").id) == a_shop("node/1")
        assert (await world.theirs.shop(own_shop("theirs").id)).value == own_shop("theirs")

    async def test_a_change_of_a_shop_is_made_on_the_tag_that_was_read(self, world: World):
        first = (await world.mine.put_shop(own_shop(), new=True, expected=None, once=once())).value
        assert first is not None
        renamed = own_shop(name="Renamed")
        changed = await world.mine.put_shop(renamed, new=False, expected=first.tag, once=once())
        assert changed.value is not None
        assert changed.value.tag != first.tag
        assert changed.value.revision == 2
        with pytest.raises(PreconditionFailed):
            await world.mine.put_shop(own_shop(name="Late"), new=False, expected=first.tag, once=once())
        with pytest.raises(PreconditionFailed):
            await world.mine.retire_shop(renamed.id, expected=first.tag, once=once())
        assert (await world.mine.shop(renamed.id)).value == renamed
        back = await world.mine.put_shop(own_shop(), new=False, expected=changed.value.tag, once=once())
        assert back.value is not None
        assert back.value.tag == first.tag

    async def test_the_same_shop_again_writes_nothing(self, world: World):
        await world.mine.put_shop(own_shop(), new=True, expected=None, once=once())
        again = await world.mine.put_shop(own_shop(), new=False, expected=None, once=once())
        assert again.value == await world.mine.shop(own_shop().id)
        assert await world.revision() == 1

    async def test_a_retired_shop_is_gone_and_can_be_brought_again_by_its_owner_only(self, world: World):
        await world.mine.put_shop(own_shop(), new=True, expected=None, once=once())
        assert (await world.mine.retire_shop(own_shop().id, expected=None, once=once())).value == 2
        with pytest.raises(ShopNotFound):
            await world.mine.shop(own_shop().id)
        with pytest.raises(ShopNotFound):
            await world.mine.retire_shop(own_shop().id, expected=None, once=once())
        with pytest.raises(ShopNotFound):
            await world.mine.put_shop(own_shop(), new=False, expected=None, once=once())
        with pytest.raises(Conflict):
            await world.theirs.put_shop(own_shop(), new=True, expected=None, once=once())
        assert await world.mine.shops(after=None, limit=9) == []
        await world.mine.put_shop(own_shop(), new=True, expected=None, once=once())
        assert (await world.mine.shop(own_shop().id)).value == own_shop()
        steps = [Change(revision, "shop", own_shop().id) for revision in (1, 2, 3)]
        assert await world.steps() == steps

    async def test_a_shop_retires_although_a_promotion_names_it(self, world: World):
        await world.mine.put_shop(own_shop(), new=True, expected=None, once=once())
        promotion = a_promotion(shop_ids=(own_shop().id,))
        await world.mine.put_promotion(promotion, new=True, expected=None, key_id=None, once=once())
        await world.mine.retire_shop(own_shop().id, expected=None, once=once())
        assert (await world.mine.promotion(promotion.id)).value == promotion

    async def test_a_write_with_a_key_is_done_once(self, world: World):
        first = await world.mine.put_shop(own_shop(), new=True, expected=None, once=once("k"))
        again = await world.mine.put_shop(own_shop(), new=True, expected=None, once=once("k"))
        assert (again.body, again.value) == (first.body, None)
        retired = await world.mine.retire_shop(own_shop().id, expected=None, once=once("r"))
        assert await world.mine.retire_shop(own_shop().id, expected=None, once=once("r")) == replace(
            retired, value=None
        )
        assert await world.revision() == 2

    async def test_shops_are_listed_by_id_page_by_page(self, world: World):
        every = sorted((own_shop(str(number)) for number in range(5)), key=lambda one: one.id)
        await world.mine.import_shops(every, once=once())
        await world.theirs.put_shop(own_shop("theirs"), new=True, expected=None, once=once())
        assert await world.mine.shops(after=None, limit=3) == every[:3]
        assert await world.mine.shops(after=every[2].id, limit=3) == every[3:]

    # -- shops that are given

    async def test_an_operator_makes_imported_shops_a_merchants(self, world: World):
        shops = some_shops(3)
        await world.bring_shops(shops)
        await world.mine.own_shops([shop.id for shop in shops[:2]])
        await world.mine.own_shops([shops[0].id, shops[0].id])
        assert {shop.id for shop in await world.mine.shops(after=None, limit=9)} == {
            shop.id for shop in shops[:2]
        }
        renamed = replace(shops[0], name="Mine now")
        await world.mine.put_shop(renamed, new=False, expected=None, once=once())
        assert (await world.mine.shop(renamed.id)).value == renamed

    async def test_neither_absent_shops_nor_another_merchants_can_be_given(self, world: World):
        shops = some_shops(2)
        await world.bring_shops(shops)
        await world.theirs.own_shops([shops[1].id])
        with pytest.raises(Conflict, match=shops[1].id):
            await world.mine.own_shops([shop.id for shop in shops])
        with pytest.raises(ShopNotFound, match=a_shop("node/9").id):
            await world.mine.own_shops([shops[0].id, a_shop("node/9").id])
        with pytest.raises(MerchantNotFound):
            await world.accounts.of_merchant(a_merchant("Nobody").id).own_shops([shops[0].id])
        assert await world.mine.shops(after=None, limit=9) == []
        assert [shop.id for shop in await world.theirs.shops(after=None, limit=9)] == [shops[1].id]

    # -- imports

    async def test_an_import_brings_new_shops_and_changes_and_tells_what_changed(self, world: World):
        first, second, third = (own_shop(name) for name in "123")
        assert (await world.mine.import_shops([first, second], once=once())).value == 2
        renamed = replace(second, name="Renamed")
        assert (await world.mine.import_shops([first, renamed, third], once=once())).value == 4
        assert [step.id for step in await world.steps(2)] == sorted([second.id, third.id])
        assert (await world.mine.import_shops([first, renamed, third], once=once())).value == 4
        assert (await world.mine.import_shops([], once=once())).value == 4
        assert {shop.name for shop in await world.mine.shops(after=None, limit=9)} == {
            first.name,
            "Renamed",
        }

    async def test_an_import_with_a_shop_of_another_changes_nothing_and_names_the_row(self, world: World):
        await world.theirs.put_shop(own_shop("theirs"), new=True, expected=None, once=once())
        await world.bring_shops([a_shop("node/1")])
        before = await world.revision()
        its_source = Source("merchant", "theirs", "proprietary")
        strangers = [own_shop("theirs"), a_shop("node/1"), replace(own_shop("new"), source=its_source)]
        for stranger in strangers:
            with pytest.raises(Taken) as refused:
                await world.mine.import_shops([own_shop("a"), own_shop("b"), stranger], once=once())
            assert refused.value.pointer == "/shops/2"
        with pytest.raises(InvalidInput, match="/shops/0 already") as refused_twice:
            await world.mine.import_shops([own_shop("a"), own_shop("a")], once=once())
        assert refused_twice.value.pointer == "/shops/1"
        assert await world.mine.shops(after=None, limit=9) == []
        assert await world.revision() == before

    async def test_an_import_of_more_shops_than_are_told_one_by_one_is_one_step(self, world: World):
        shops = [own_shop(str(number)) for number in range(1_200)]
        assert (await world.mine.import_shops(shops, once=once())).value == 1
        assert await world.steps() == [Change(1, "all", None)]
        assert len(await world.mine.shops(after=None, limit=2_000)) == 1_200
