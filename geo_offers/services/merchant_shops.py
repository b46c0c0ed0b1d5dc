"""What a merchant does with his profile and his shops: register, change, take out, import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo_offers.domain.account import Caller
from geo_offers.domain.document_members import Members
from geo_offers.domain.errors import MerchantInvalid, PromotionInvalid, RowOfFault, ShopInvalid
from geo_offers.domain.merge_patch import merged
from geo_offers.domain.place import Shop
from geo_offers.domain.promotion import Merchant
from geo_offers.domain.shop_document import ZoneAt, document_of_shop, shop_of
from geo_offers.services.agreeing import Expected, agreed_tag, until_agreed
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import IdCursor
from geo_offers.services.importing import Imported, Rows, refusal
from geo_offers.stores.account_ports import AccountStore, MerchantStore, Tagged
from geo_offers.stores.once import Kept, Once

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class OwnShopPage:
    """A merchant's shops by id; `next` is the cursor of the page after it."""

    items: Sequence[Shop]
    next: str | None


class MerchantShops:
    """A merchant's profile and shops; another's are as if they were not there. What was written is seen at once."""

    def __init__(self, accounts: AccountStore, catalog: Catalog, zone_at: ZoneAt) -> None:
        self._accounts = accounts
        self._catalog = catalog
        self._zone_at = zone_at

    async def profile(self, caller: Caller) -> Tagged[Merchant]:
        """Who calls. Raises MerchantNotFound."""
        return await self._accounts.of_merchant(caller.account).merchant()

    async def change_profile(
        self, caller: Caller, patch: Mapping[str, Any], *, expected: Expected, once: Once[Tagged[Merchant]]
    ) -> Kept[Tagged[Merchant]]:
        """Merge a patch into the profile, which is a name. Raises MerchantInvalid, PreconditionFailed."""
        kept = await self._accounts.kept(once)
        if kept is not None:
            return kept
        own = self._accounts.of_merchant(caller.account)

        async def attempt() -> Kept[Tagged[Merchant]]:
            current = await own.merchant()
            tag = agreed_tag(expected, current.tag)
            document = merged({"name": current.value.name}, patch)
            return await own.rename(_merchant_of(document, caller.account), expected=tag, once=once)

        done = await until_agreed(expected, attempt)
        await self._catalog.call_for_newer()
        return done

    async def create(
        self, caller: Caller, document: Mapping[str, Any], *, once: Once[Tagged[Shop]]
    ) -> Kept[Tagged[Shop]]:
        """Register a shop. Raises as `shop_of`, and Conflict when its external_id is taken."""
        kept = await self._accounts.kept(once)
        if kept is not None:
            return kept
        _refuse_ours(document)
        shop = shop_of(document, zone_at=self._zone_at, merchant_id=caller.account)
        own = self._accounts.of_merchant(caller.account)
        done = await own.put_shop(shop, new=True, expected=None, once=once)
        await self._catalog.call_for_newer()
        return done

    async def change(
        self,
        caller: Caller,
        shop_id: str,
        patch: Mapping[str, Any],
        *,
        expected: Expected,
        once: Once[Tagged[Shop]],
    ) -> Kept[Tagged[Shop]]:
        """Merge a patch (RFC 7396) into a shop's document. Raises ShopNotFound, PreconditionFailed, as `shop_of`."""
        kept = await self._accounts.kept(once)
        if kept is not None:
            return kept
        _refuse_ours(patch)
        own = self._accounts.of_merchant(caller.account)

        async def attempt() -> Kept[Tagged[Shop]]:
            current = await own.shop(shop_id)
            tag = agreed_tag(expected, current.tag)
            document = merged(document_of_shop(current.value), patch)
            shop = shop_of(document, zone_at=self._zone_at, before=current.value)
            return await own.put_shop(shop, new=False, expected=tag, once=once)

        done = await until_agreed(expected, attempt)
        await self._catalog.call_for_newer()
        return done

    async def take_out(
        self, caller: Caller, shop_id: str, *, expected: Expected, once: Once[int]
    ) -> Kept[int]:
        """Take a shop out of the catalog. Raises ShopNotFound, PreconditionFailed."""
        kept = await self._accounts.kept(once)
        if kept is not None:
            return kept
        own = self._accounts.of_merchant(caller.account)

        async def attempt() -> Kept[int]:
            current = await own.shop(shop_id)
            return await own.retire_shop(shop_id, expected=agreed_tag(expected, current.tag), once=once)

        done = await until_agreed(expected, attempt)
        await self._catalog.call_for_newer()
        return done

    async def find(self, caller: Caller, shop_id: str) -> Tagged[Shop]:
        """One of them. Raises ShopNotFound."""
        return await self._accounts.of_merchant(caller.account).shop(shop_id)

    async def listed(self, caller: Caller, *, cursor: str | None, limit: int) -> OwnShopPage:
        """A page of them by id. Raises CursorInvalid."""
        question = ("own_shops", caller.account)
        own = self._accounts.of_merchant(caller.account)
        found = await own.shops(after=IdCursor.read(cursor, question), limit=limit + 1)
        items = found[:limit]
        more = IdCursor.written(items[-1].id, question) if len(found) > limit else None
        return OwnShopPage(items, more)

    async def take_rows(
        self, caller: Caller, rows: Rows[Shop], counts: Imported, *, once: Once[int]
    ) -> Kept[int]:
        """Take shops, known by their source, all or none; fills `counts`. Raises RowsFaulty, Conflict."""
        kept = await self._accounts.kept(once)
        if kept is not None:
            return kept
        faults = list(_repeated(rows))
        if faults:
            raise refusal(faults)
        own = self._accounts.of_merchant(caller.account)
        known = await all_shops(own)
        for shop in rows.values:
            counts.note(is_new=shop.id not in known, is_same=known.get(shop.id) == shop)
        done = await own.import_shops(rows.values, once=once)
        await self._catalog.call_for_newer()
        return done


def _repeated(rows: Rows[Shop]) -> list[RowOfFault]:
    places: dict[str, str] = {}
    faults = []
    for place, shop in zip(rows.places, rows.values, strict=True):
        before = places.setdefault(shop.id, place)
        if before != place:
            faults.append(RowOfFault(place, "", "repeated_row", f"this shop was at {before} already"))
    return faults


async def all_shops(own: MerchantStore) -> dict[str, Shop]:
    """Every live shop of a merchant, by id."""
    known: dict[str, Shop] = {}
    after = None
    while True:
        page = await own.shops(after=after, limit=_PAGE)
        known |= {shop.id: shop for shop in page}
        if len(page) < _PAGE:
            return known
        after = page[-1].id


def _merchant_of(document: Mapping[str, Any], merchant_id: str) -> Merchant:
    try:
        members = Members(document, "")
        members.only("name")
        return Merchant(merchant_id, members.text("name"))
    except PromotionInvalid as fault:
        raise MerchantInvalid(str(fault), pointer=fault.pointer) from fault


def _refuse_ours(document: Mapping[str, Any]) -> None:
    for name in ("id", "source", "merchant_id"):
        if name in document:
            raise ShopInvalid(f"{name} is not yours to say: it follows from your key", pointer=f"/{name}")
