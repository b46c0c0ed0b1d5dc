"""The catalog store as a dictionary: slow, obvious, and what every adapter must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from geo_offers.domain.errors import ShopNotFound
from geo_offers.domain.place import Shop
from geo_offers.stores.ports import CatalogStore, Change, ImportCounts
from tests.builders import a_shop
from tests.contract.asking import shops_of, steps_of
from tests.contract.catalog_readings import cell_then_id

Numbered = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Import:
    """Shops by number and name, into a dataset."""

    shops: Numbered
    dataset: str
    replace: bool


@dataclass(frozen=True)
class Put:
    shops: Numbered


@dataclass(frozen=True)
class Retire:
    number: int


Command = Import | Put | Retire
_NUMBERS = st.integers(0, 5)
_SHOPS = st.lists(st.tuples(_NUMBERS, st.sampled_from(["A", "B"])), max_size=5).map(tuple)
COMMANDS = st.lists(
    st.builds(Import, _SHOPS, st.sampled_from(["town", "suburb"]), st.booleans())
    | st.builds(Put, _SHOPS)
    | st.builds(Retire, _NUMBERS),
    min_size=3,
    max_size=10,
)


def shop_of(number: int, name: str) -> Shop:
    return a_shop(f"node/{number}", name=name)


@dataclass
class Kept:
    shop: Shop
    dataset: str | None
    is_live: bool = True


@dataclass
class CatalogModel:
    """What the store must say after the same commands."""

    kept: dict[str, Kept] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def play(self, command: Command) -> object:
        match command:
            case Import(shops, dataset, replace):
                return self.import_shops([shop_of(*one) for one in shops], dataset, replace)
            case Put(shops):
                return self.put([shop_of(*one) for one in shops])
            case Retire(number):
                return self.retire(shop_of(number, "A").id)

    def import_shops(self, shops: Sequence[Shop], dataset: str, replaces: bool) -> ImportCounts:
        came = {shop.id: shop for shop in shops}
        counts = ImportCounts(0, 0, 0, 0)
        touched = set()
        for shop in came.values():
            before, after = self.kept.get(shop.id), Kept(shop, dataset)
            if before == after:
                counts = replace(counts, unchanged=counts.unchanged + 1)
                continue
            if before is None or not before.is_live:
                counts = replace(counts, added=counts.added + 1)
            else:
                counts = replace(counts, updated=counts.updated + 1)
            self.kept[shop.id] = after
            touched.add(shop.id)
        for shop_id, kept in self.kept.items():
            if replaces and kept.is_live and kept.dataset == dataset and shop_id not in came:
                kept.is_live = False
                touched.add(shop_id)
                counts = replace(counts, retired=counts.retired + 1)
        self.steps += sorted(touched)
        return counts

    def put(self, shops: Sequence[Shop]) -> int:
        came = {shop.id: shop for shop in shops}
        for shop in came.values():
            before = self.kept.get(shop.id)
            self.kept[shop.id] = Kept(shop, before.dataset if before else None)
        self.steps += came
        return len(self.steps)

    def retire(self, shop_id: str) -> int | None:
        kept = self.kept.get(shop_id)
        if kept is None or not kept.is_live:
            return None
        kept.is_live = False
        self.steps.append(shop_id)
        return len(self.steps)

    def live(self) -> list[Shop]:
        return sorted((kept.shop for kept in self.kept.values() if kept.is_live), key=cell_then_id)


async def play(store: CatalogStore, command: Command) -> object:
    """One command on a store; its answer, None for a shop that is not there."""
    match command:
        case Import(shops, dataset, replace):
            return await store.import_shops(
                [shop_of(*one) for one in shops], dataset=dataset, replace=replace
            )
        case Put(shops):
            return await store.put_shops([shop_of(*one) for one in shops])
        case Retire(number):
            try:
                return await store.retire_shop(shop_of(number, "A").id)
            except ShopNotFound:
                return None


async def agrees_with_the_model(store: CatalogStore, commands: Sequence[Command]) -> None:
    """Play the commands on an empty store and on the model, and compare every answer."""
    model = CatalogModel()
    for command in commands:
        assert await play(store, command) == model.play(command), command
        assert await shops_of(store) == model.live()
    told = [Change(revision, "shop", shop_id) for revision, shop_id in enumerate(model.steps, start=1)]
    assert await steps_of(store) == told
