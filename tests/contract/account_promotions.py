"""Clauses: a merchant's promotions, how they were, whose shops they may name, and imports of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from geo_offers.domain.errors import Conflict, InvalidInput, PreconditionFailed, PromotionNotFound, Taken
from geo_offers.domain.fence import AroundShopsFence, DistrictFence, Fence
from geo_offers.domain.promotion import Promotion, Status
from geo_offers.domain.promotion_document import document_of
from geo_offers.stores import durable_promotions
from geo_offers.stores.account_ports import MerchantStore, Tagged
from geo_offers.stores.ports import Change
from tests.builders import a_promotion, a_shop, some_promotions
from tests.contract.account_asking import HOUR, NOON, THEIRS, World, once, own_shop
from tests.contract.catalog_promotions import CONTENTS, FENCES

NEEDS_NOTHING = {
    name: fence for name, fence in FENCES.items() if not isinstance(fence, DistrictFence | AroundShopsFence)
}


async def put(
    merchant: MerchantStore,
    promotion: Promotion,
    *,
    new: bool = True,
    expected: str | None = None,
    key_id: str | None = None,
) -> Tagged[Promotion]:
    kept = await merchant.put_promotion(promotion, new=new, expected=expected, key_id=key_id, once=once())
    assert kept.value is not None
    return kept.value


class OwnPromotionClauses:
    async def test_a_new_promotion_is_his_one_step_of_the_feed_and_in_the_catalog(self, world: World):
        tagged = await put(world.mine, a_promotion())
        assert tagged == Tagged(a_promotion(), (await world.mine.promotion(a_promotion().id)).tag, 1)
        assert await world.steps() == [Change(1, "promotion", a_promotion().id)]
        assert await world.look(durable_promotions.get_promotion, a_promotion().id) == a_promotion()

    @pytest.mark.parametrize("fence", NEEDS_NOTHING.values(), ids=NEEDS_NOTHING.keys())
    async def test_every_fence_comes_back(self, world: World, fence: Fence):
        await put(world.mine, a_promotion(fence=fence))
        assert (await world.mine.promotion(a_promotion().id)).value == a_promotion(fence=fence)

    async def test_whatever_a_promotion_says_comes_back_and_has_its_tag(self, world: World):
        promotions = [a_promotion(**{"external_id": name} | content) for name, content in CONTENTS.items()]
        tags = {(await put(world.mine, promotion)).tag for promotion in promotions}
        assert len(tags) == len(promotions)
        listed = await world.mine.promotions(after=None, limit=99, status=None)
        assert [one.value for one in listed] == sorted(promotions, key=lambda one: one.id)
        assert {one.tag for one in listed} == tags

    async def test_another_merchants_promotion_is_as_if_it_were_not_there(self, world: World):
        await put(world.mine, a_promotion())
        for promotion_id in (a_promotion().id, a_promotion("absent").id):
            stolen = a_promotion(id=promotion_id, merchant_id=THEIRS.id, title="Stolen")
            with pytest.raises(PromotionNotFound, match=f"there is no promotion {promotion_id}"):
                await world.theirs.promotion(promotion_id)
            with pytest.raises(PromotionNotFound, match=f"there is no promotion {promotion_id}"):
                await world.theirs.versions(promotion_id)
            with pytest.raises(PromotionNotFound, match=f"there is no promotion {promotion_id}"):
                await put(world.theirs, stolen, new=False)
        assert await world.theirs.promotions(after=None, limit=9, status=None) == []
        with pytest.raises(Conflict):
            await put(world.theirs, a_promotion(id=a_promotion().id, merchant_id=THEIRS.id))
        assert (await world.mine.promotion(a_promotion().id)).value == a_promotion()
        assert await world.revision() == 1

    async def test_a_new_promotion_takes_no_id_and_no_external_id_that_is_there(self, world: World):
        await put(world.mine, a_promotion("one"))
        for pointer, taken in (
            ("/id", a_promotion("two", id=a_promotion("one").id)),
            ("/external_id", a_promotion("one", id=a_promotion("two").id)),
        ):
            with pytest.raises(Taken) as refused:
                await put(world.mine, taken)
            assert refused.value.pointer == pointer
        await put(world.theirs, a_promotion("one", merchant_id=THEIRS.id))
        await put(world.mine, a_promotion("two"))
        with pytest.raises(Taken):
            await put(world.mine, a_promotion("one", id=a_promotion("two").id), new=False)
        assert await world.revision() == 3

    async def test_a_change_of_a_promotion_is_made_on_the_tag_that_was_read(self, world: World):
        first = await put(world.mine, a_promotion())
        paused = a_promotion(status=Status.PAUSED)
        changed = await put(world.mine, paused, new=False, expected=first.tag)
        assert changed.revision == 2
        with pytest.raises(PreconditionFailed):
            await put(world.mine, a_promotion(title="Late"), new=False, expected=first.tag)
        assert (await world.mine.promotion(paused.id)).value == paused
        assert len(await world.mine.versions(paused.id)) == 2
        assert (await put(world.mine, a_promotion(), new=False, expected=changed.tag)).tag == first.tag

    async def test_every_change_is_a_version_and_the_same_again_is_none(self, world: World):
        paused = a_promotion(status=Status.PAUSED)
        await put(world.mine, a_promotion(), key_id="key_1")
        world.clock[0] += HOUR
        assert (await put(world.mine, a_promotion(), new=False, key_id="key_2")).revision == 0
        await put(world.mine, paused, new=False, key_id="key_3")
        versions = await world.mine.versions(paused.id)
        assert [(one.number, one.changed_at, one.key_id) for one in versions] == [
            (1, NOON, "key_1"),
            (2, NOON + HOUR, "key_3"),
        ]
        assert [json.loads(one.document) for one in versions] == [
            json.loads(json.dumps(document_of(one))) for one in (a_promotion(), paused)
        ]
        assert await world.revision() == 2

    async def test_how_a_promotion_was_before_its_first_change_is_kept_too(self, world: World):
        imported = a_promotion()
        await world.units.write(durable_promotions.put_promotion, imported, NOON)
        assert await world.mine.versions(imported.id) == []
        world.clock[0] += HOUR
        await put(world.mine, a_promotion(title="Mine"), new=False, key_id="key_1")
        versions = await world.mine.versions(imported.id)
        assert [(one.number, one.changed_at, one.key_id) for one in versions] == [
            (1, NOON, None),
            (2, NOON + HOUR, "key_1"),
        ]
        assert [json.loads(one.document)["title"] for one in versions] == [imported.title, "Mine"]

    async def test_what_an_operator_changed_in_between_is_a_version_too(self, world: World):
        await put(world.mine, a_promotion(title="One"), key_id="key_1")
        await world.units.write(durable_promotions.put_promotion, a_promotion(title="Two"), NOON + HOUR)
        world.clock[0] += 2 * HOUR
        await put(world.mine, a_promotion(title="Three"), new=False, key_id="key_1")
        versions = await world.mine.versions(a_promotion().id)
        assert [(one.number, json.loads(one.document)["title"], one.key_id) for one in versions] == [
            (1, "One", "key_1"),
            (2, "Two", None),
            (3, "Three", "key_1"),
        ]

    async def test_promotions_are_listed_by_id_page_by_page_and_by_status(self, world: World):
        every = [
            a_promotion(f"p-{number}", status=status)
            for number, status in enumerate((Status.DRAFT, Status.ACTIVE, Status.DRAFT, Status.ENDED))
        ]
        await world.mine.import_promotions(every, key_id=None, once=once())
        await put(world.theirs, a_promotion(merchant_id=THEIRS.id))
        every.sort(key=lambda one: one.id)

        async def listed(after: str | None, limit: int, status: Status | None) -> list[Promotion]:
            return [one.value for one in await world.mine.promotions(after=after, limit=limit, status=status)]

        assert await listed(None, 3, None) == every[:3]
        assert await listed(every[2].id, 3, None) == every[3:]
        assert await listed(None, 9, Status.DRAFT) == [one for one in every if one.status is Status.DRAFT]

    # -- shops and districts

    @pytest.mark.parametrize("whose", ["theirs", "nobody's", "absent", "retired"])
    async def test_a_promotion_names_his_own_live_shops_only_and_others_are_all_alike(
        self, world: World, whose: str
    ):
        await world.bring_shops([a_shop("node/1")])
        await world.theirs.put_shop(own_shop("theirs"), new=True, expected=None, once=once())
        await world.mine.import_shops([own_shop("mine"), own_shop("retired")], once=once())
        await world.mine.retire_shop(own_shop("retired").id, expected=None, once=once())
        before = await world.revision()
        other = a_shop("node/1") if whose == "nobody's" else own_shop(whose)
        promotion = a_promotion(shop_ids=(own_shop("mine").id, other.id))
        with pytest.raises(InvalidInput, match=f"^{other.id} is not one of your shops$") as refused:
            await put(world.mine, promotion)
        assert refused.value.pointer == "/shop_ids/1"
        with pytest.raises(InvalidInput) as refused:
            await world.mine.import_promotions([a_promotion("a"), promotion], key_id=None, once=once())
        assert refused.value.pointer == "/promotions/1/shop_ids/1"
        assert await world.mine.promotions(after=None, limit=9, status=None) == []
        assert await world.revision() == before

    async def test_a_promotion_goes_on_naming_a_shop_that_has_closed(self, world: World):
        await world.mine.put_shop(own_shop(), new=True, expected=None, once=once())
        promotion = a_promotion(shop_ids=(own_shop().id,))
        await put(world.mine, promotion)
        await world.mine.retire_shop(own_shop().id, expected=None, once=once())
        paused = replace(promotion, status=Status.PAUSED)
        await put(world.mine, paused, new=False)
        assert (await world.mine.promotion(paused.id)).value == paused

    async def test_a_district_that_is_not_known_is_refused(self, world: World):
        nowhere = a_promotion(fence=DistrictFence("nowhere"))
        with pytest.raises(InvalidInput, match="nowhere is not known") as refused:
            await put(world.mine, nowhere)
        assert refused.value.pointer == "/fence/district_id"
        with pytest.raises(InvalidInput) as refused:
            await world.mine.import_promotions([a_promotion("a"), nowhere], key_id=None, once=once())
        assert refused.value.pointer == "/promotions/1/fence/district_id"
        assert await world.revision() == 0

    # -- imports

    async def test_an_import_knows_promotions_by_external_id_and_they_keep_their_ids(self, world: World):
        first, second, third = some_promotions(3)
        await world.mine.import_promotions([first, second], key_id="key_1", once=once())
        known = a_promotion(second.external_id, id=a_promotion("another id").id, title="Renamed")
        kept = await world.mine.import_promotions([first, known, third], key_id="key_2", once=once())
        assert kept.value == 4
        assert [step.id for step in await world.steps(2)] == sorted([second.id, third.id])
        renamed = replace(known, id=second.id)
        assert (await world.mine.promotion(second.id)).value == renamed
        assert [one.key_id for one in await world.mine.versions(second.id)] == ["key_1", "key_2"]
        again = await world.mine.import_promotions([first, known, third], key_id="key_3", once=once())
        assert again.value == 4
        assert len(await world.mine.versions(first.id)) == 1
        assert (await world.mine.import_promotions([], key_id=None, once=once())).value == 4

    async def test_an_import_with_a_promotion_of_another_changes_nothing_and_names_the_row(
        self, world: World
    ):
        await put(world.theirs, a_promotion("theirs", merchant_id=THEIRS.id))
        stolen = a_promotion("mine", id=a_promotion("theirs", merchant_id=THEIRS.id).id)
        with pytest.raises(Taken) as refused:
            await world.mine.import_promotions([a_promotion("a"), stolen], key_id=None, once=once())
        assert refused.value.pointer == "/promotions/1"
        with pytest.raises(InvalidInput, match="/promotions/0 already") as refused_twice:
            await world.mine.import_promotions(
                [a_promotion("a"), a_promotion("a", title="Twice")], key_id=None, once=once()
            )
        assert refused_twice.value.pointer == "/promotions/1"
        assert await world.mine.promotions(after=None, limit=9, status=None) == []
        assert await world.revision() == 1

    async def test_an_import_of_more_promotions_than_are_told_one_by_one_is_one_step(self, world: World):
        many = some_promotions(1_200)
        kept = await world.mine.import_promotions(many, key_id=None, once=once("k"))
        assert kept.value == 1
        assert await world.steps() == [Change(1, "all", None)]
        assert len(await world.mine.promotions(after=None, limit=2_000, status=None)) == 1_200
        again = await world.mine.import_promotions(many, key_id=None, once=once("k"))
        assert (again.body, again.value) == (kept.body, None)
