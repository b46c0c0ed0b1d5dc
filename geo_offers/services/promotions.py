"""What a merchant does with his promotions: register, change, publish, pause, end, import, look back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from geo_offers.domain.account import Caller, random_word
from geo_offers.domain.errors import InvalidInput, PromotionInvalid, RowOfFault, StatusRefused
from geo_offers.domain.merge_patch import merged
from geo_offers.domain.promotion import Merchant, Promotion, Status
from geo_offers.domain.promotion_document import document_of, promotion_of
from geo_offers.domain.promotion_steps import Step, check_status, status_after
from geo_offers.services.agreeing import Expected, agreed_tag, until_agreed
from geo_offers.services.catalog import Catalog
from geo_offers.services.cursors import IdCursor
from geo_offers.services.importing import MOST_LISTED, Imported, Rows, refusal
from geo_offers.services.indexable import compiled
from geo_offers.services.merchant_shops import all_shops
from geo_offers.stores.account_ports import AccountStore, MerchantStore, Tagged, Version
from geo_offers.stores.once import Kept, Once

_PAGE = 1_000
_OURS = ("id", "merchant", "merchant_id")


@dataclass(frozen=True, slots=True)
class PromotionPage:
    """A merchant's promotions by id; `next` is the cursor of the page after it."""

    items: Sequence[Tagged[Promotion]]
    next: str | None


class MerchantPromotions:
    """Promotions as their merchant has them; another's are as if they were not there.

    Whatever could not be served is refused before it is written; what was written is live at once.
    """

    def __init__(self, accounts: AccountStore, catalog: Catalog) -> None:
        self._accounts = accounts
        self._catalog = catalog

    async def create(
        self, caller: Caller, document: Mapping[str, Any], *, once: Once[Tagged[Promotion]]
    ) -> Kept[Tagged[Promotion]]:
        """Register a promotion; a draft, unless it says more. Raises as `promotion_of`, and Conflict, StatusRefused."""
        kept = await self._accounts.kept(once)
        if kept is not None:
            return kept
        promotion = new_promotion(document, caller.account)
        check_status(None, promotion.status)
        own = self._accounts.of_merchant(caller.account)
        return await self._put(own, promotion, caller, new=True, expected=None, once=once)

    async def change(
        self,
        caller: Caller,
        promotion_id: str,
        patch: Mapping[str, Any],
        *,
        expected: Expected,
        once: Once[Tagged[Promotion]],
    ) -> Kept[Tagged[Promotion]]:
        """Merge a patch (RFC 7396) into a promotion's document; the whole is checked again.

        Raises PromotionNotFound, PreconditionFailed, StatusRefused and what `promotion_of` raises.
        """
        _refuse_ours(patch)

        def changed(promotion: Promotion) -> Promotion:
            document = merged(document_of(promotion), patch)
            after = promotion_of(document, promotion_id=promotion.id, merchant_id=promotion.merchant_id)
            check_status(promotion.status, after.status)
            if promotion.status is Status.ENDED and after != promotion:
                raise StatusRefused(
                    "a promotion that has ended stays as it is: make a new one", status=promotion.status.value
                )
            return after

        return await self._changed(caller, promotion_id, changed, expected=expected, once=once)

    async def take_step(
        self,
        caller: Caller,
        promotion_id: str,
        step: Step,
        *,
        expected: Expected,
        once: Once[Tagged[Promotion]],
    ) -> Kept[Tagged[Promotion]]:
        """Publish, pause, resume or end. Raises PromotionNotFound, PreconditionFailed, StatusRefused."""

        def changed(promotion: Promotion) -> Promotion:
            return replace(promotion, status=status_after(step, promotion.status))

        return await self._changed(caller, promotion_id, changed, expected=expected, once=once)

    async def find(self, caller: Caller, promotion_id: str) -> Tagged[Promotion]:
        """One of them, drafts too. Raises PromotionNotFound."""
        return await self._accounts.of_merchant(caller.account).promotion(promotion_id)

    async def listed(
        self, caller: Caller, *, status: Status | None, cursor: str | None, limit: int
    ) -> PromotionPage:
        """A page of them by id. Raises CursorInvalid."""
        question = ("promotions", caller.account, status)
        after = IdCursor.read(cursor, question)
        own = self._accounts.of_merchant(caller.account)
        found = await own.promotions(after=after, limit=limit + 1, status=status)
        items = found[:limit]
        more = IdCursor.written(items[-1].value.id, question) if len(found) > limit else None
        return PromotionPage(items, more)

    async def versions(self, caller: Caller, promotion_id: str) -> Sequence[Version]:
        """How a promotion has been, oldest first. Raises PromotionNotFound."""
        return await self._accounts.of_merchant(caller.account).versions(promotion_id)

    async def merchant(self, caller: Caller) -> Merchant:
        """Whose they are. Raises MerchantNotFound."""
        return (await self._accounts.of_merchant(caller.account).merchant()).value

    async def take_rows(
        self, caller: Caller, rows: Rows[Promotion], counts: Imported, *, once: Once[int]
    ) -> Kept[int]:
        """Take promotions, known by their external_id, all or none; fills `counts`.

        Raises RowsFaulty with every row that cannot be, and what `import_promotions` of a store raises.
        """
        kept = await self._accounts.kept(once)
        if kept is not None:
            return kept
        own = self._accounts.of_merchant(caller.account)
        known = await _by_external_id(own)
        names_shops = any(promotion.shop_ids for promotion in rows.values)
        shop_ids = set(await all_shops(own)) if names_shops else set()
        faults = await asyncio.to_thread(self._faults_in, rows, known, shop_ids)
        if faults:
            raise refusal(faults)
        for promotion in rows.values:
            before = known.get(promotion.external_id or "")
            same = before is not None and before == replace(promotion, id=before.id)
            counts.note(is_new=before is None, is_same=same)
        taken = {promotion.id for promotion in known.values()}
        given = [
            # Its own id is that of one that has another external_id by now.
            replace(one, id=_new_id()) if one.id in taken and one.external_id not in known else one
            for one in rows.values
        ]
        done = await own.import_promotions(given, key_id=caller.key_id or None, once=once)
        await self._catalog.call_for_newer()
        return done

    def _faults_in(
        self, rows: Rows[Promotion], known: Mapping[str, Promotion], shop_ids: Set[str]
    ) -> list[RowOfFault]:
        faults = []
        snapshot = self._catalog.current
        for place, promotion in zip(rows.places, rows.values, strict=True):
            before = known.get(promotion.external_id or "")
            try:
                _check_row(promotion, before, shop_ids)
                compiled(promotion, snapshot)
            except (InvalidInput, StatusRefused) as fault:
                pointer = getattr(fault, "pointer", None) or "/status"
                faults.append(RowOfFault(place, pointer, fault.code, str(fault)))
                if len(faults) == MOST_LISTED:
                    break
        return faults

    async def _changed(
        self,
        caller: Caller,
        promotion_id: str,
        change: Callable[[Promotion], Promotion],
        *,
        expected: Expected,
        once: Once[Tagged[Promotion]],
    ) -> Kept[Tagged[Promotion]]:
        kept = await self._accounts.kept(once)
        if kept is not None:
            return kept
        own = self._accounts.of_merchant(caller.account)

        async def attempt() -> Kept[Tagged[Promotion]]:
            current = await own.promotion(promotion_id)
            tag = agreed_tag(expected, current.tag)
            return await self._put(own, change(current.value), caller, new=False, expected=tag, once=once)

        return await until_agreed(expected, attempt)

    async def _put(
        self,
        own: MerchantStore,
        promotion: Promotion,
        caller: Caller,
        *,
        new: bool,
        expected: str | None,
        once: Once[Tagged[Promotion]],
    ) -> Kept[Tagged[Promotion]]:
        # One whose district is gone must still be able to be paused and ended.
        if promotion.status in (Status.DRAFT, Status.ACTIVE):
            await asyncio.to_thread(compiled, promotion, self._catalog.current)
        done = await own.put_promotion(
            promotion, new=new, expected=expected, key_id=caller.key_id or None, once=once
        )
        await self._catalog.call_for_newer()
        return done


def new_promotion(document: Mapping[str, Any], merchant_id: str) -> Promotion:
    """A new promotion of a merchant, with an id of its own. Raises as `promotion_of`."""
    _refuse_ours(document)
    return promotion_of(document, promotion_id=_new_id(), merchant_id=merchant_id)


def _new_id() -> str:
    return f"prm_{random_word(16)}"


def _refuse_ours(document: Mapping[str, Any]) -> None:
    for name in _OURS:
        if name in document:
            raise PromotionInvalid(
                f"{name} is not yours to say: it follows from your key", pointer=f"/{name}"
            )


def _check_row(promotion: Promotion, before: Promotion | None, shop_ids: Set[str]) -> None:
    """Raises StatusRefused, and PromotionInvalid when it newly names a shop that is none of these."""
    check_status(before.status if before else None, promotion.status)
    named_before = before.shop_ids if before else ()
    for place, shop_id in enumerate(promotion.shop_ids):
        if shop_id not in shop_ids and shop_id not in named_before:
            raise PromotionInvalid(f"{shop_id} is not one of your shops", pointer=f"/shop_ids/{place}")


async def _by_external_id(own: MerchantStore) -> dict[str, Promotion]:
    known: dict[str, Promotion] = {}
    after = None
    while True:
        page = await own.promotions(after=after, limit=_PAGE, status=None)
        known |= {one.value.external_id: one.value for one in page if one.value.external_id is not None}
        if len(page) < _PAGE:
            return known
        after = page[-1].value.id
