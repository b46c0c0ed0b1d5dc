"""Promises about keys, merchants and what is theirs; domain types only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from geo_offers.domain.account import Key
from geo_offers.domain.place import Shop
from geo_offers.domain.promotion import Merchant, Promotion, Status
from geo_offers.stores.once import Kept, Once

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class KeyBook:
    """Every key that is not revoked, by the SHA-256 of its secret, as of one version."""

    version: int
    keys: Mapping[bytes, Key]


@dataclass(frozen=True, slots=True)
class Tagged(Generic[T_co]):
    """A thing and its ETag: another content, another tag; the same content, the same tag.

    revision  of the catalog, once this is in it; 0 when nothing was written
    """

    value: T_co
    tag: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """How a promotion was from one moment on.

    number    1, 2, … without gaps
    document  the promotion document as JSON
    key_id    whose key made it; None for an import
    """

    number: int
    document: str
    changed_at: datetime
    key_id: str | None


class AccountStore(Protocol):
    """Keys and merchants.

    - A method that raises has changed nothing; every one raises StoreUnavailable when the store cannot answer.
    - Only digests of keys come here, never a secret.
    """

    async def key_version(self) -> int:
        """A number that grows with every change of keys: created, revoked, rotated."""

    async def key_book(self) -> KeyBook:
        """All keys that may be valid, at one version."""

    async def create_key(self, key: Key, digest: bytes) -> None:
        """Keep a new key. Raises MerchantNotFound when its role is merchant and its account no merchant's."""

    async def create_first_key(self, key: Key, digest: bytes) -> bool:
        """The same, if the store never had a key; whether it was. Of several at once only one is."""

    async def list_keys(self, *, account: str | None = None) -> Sequence[Key]:
        """All keys ever, of one account when named, newest first."""

    async def revoke_key(self, key_id: str, *, at: datetime, account: str | None = None) -> Key:
        """Take a key's power; again does nothing. Raises KeyNotFound, also for another account's key."""

    async def rotate_key(
        self, key_id: str, new: Key, digest: bytes, *, until: datetime, account: str | None = None
    ) -> None:
        """Keep `new` beside an old key of its account and role, which expires at `until` or before, as it did.

        Raises KeyNotFound, also for one that is revoked or another account's.
        """

    async def note_used(self, used: Mapping[str, datetime]) -> None:
        """When keys were last used, by id; never earlier than is known. No new key version."""

    async def create_merchant(
        self, merchant: Merchant, *, once: Once[Tagged[Merchant]]
    ) -> Kept[Tagged[Merchant]]:
        """Take a new merchant. Raises Conflict when its id is another's."""

    async def list_merchants(self, *, after: str | None, limit: int) -> Sequence[Merchant]:
        """Merchants by id, those after an id."""

    async def kept(self, once: Once[T]) -> Kept[T] | None:
        """What a key's write came to before; None when there was none, or there is no key. Raises KeyReused.

        For what is decided before the store is asked, and would be decided otherwise the second time.
        """

    def of_merchant(self, merchant_id: str) -> MerchantStore:
        """What belongs to one merchant, and nothing else: no other way leads to it."""


class MerchantStore(Protocol):
    """One merchant's own things; another's are as if they were not there.

    - A method that raises has changed nothing.
    - `expected` is the tag that a change is made on; None where anything goes. Raises PreconditionFailed when
      the thing has another tag by now.
    - `key_id` is whose key changes, for the history.
    - Changes of shops and promotions are steps of the catalog's feed, and `Tagged.revision` says which.
    """

    async def merchant(self) -> Tagged[Merchant]:
        """The merchant. Raises MerchantNotFound."""

    async def rename(
        self, merchant: Merchant, *, expected: str | None, once: Once[Tagged[Merchant]]
    ) -> Kept[Tagged[Merchant]]:
        """Another name; his live promotions are told."""

    async def shops(self, *, after: str | None, limit: int) -> Sequence[Shop]:
        """His live shops by id, those after an id."""

    async def shop(self, shop_id: str) -> Tagged[Shop]:
        """One of his live shops. Raises ShopNotFound."""

    async def own_shops(self, shop_ids: Sequence[str]) -> None:
        """Make these shops his, whoever brought them: for an operator. Raises ShopNotFound, Conflict when
        one is another merchant's.
        """

    async def put_shop(
        self, shop: Shop, *, new: bool, expected: str | None, once: Once[Tagged[Shop]]
    ) -> Kept[Tagged[Shop]]:
        """A new shop of his, or a change of one. Raises Conflict when a new one's id or source is there already."""

    async def retire_shop(self, shop_id: str, *, expected: str | None, once: Once[int]) -> Kept[int]:
        """Take one of his shops out of the catalog; the revision. Raises ShopNotFound."""

    async def import_shops(self, shops: Sequence[Shop], *, once: Once[int]) -> Kept[int]:
        """New ones and changes together, all or none; the revision. Raises Conflict when an id or source is
        another merchant's.
        """

    async def promotions(
        self, *, after: str | None, limit: int, status: Status | None
    ) -> Sequence[Tagged[Promotion]]:
        """His live promotions by id, drafts among them."""

    async def promotion(self, promotion_id: str) -> Tagged[Promotion]:
        """One of them. Raises PromotionNotFound."""

    async def put_promotion(
        self,
        promotion: Promotion,
        *,
        new: bool,
        expected: str | None,
        key_id: str | None,
        once: Once[Tagged[Promotion]],
    ) -> Kept[Tagged[Promotion]]:
        """A new promotion, or a change of one, as one more version.

        Raises InvalidInput when it names a district that is not known or a shop that is not his,
        Conflict when a new one's id or external_id is there already, PromotionNotFound for a change of none.
        The same content again writes nothing and is no version.
        """

    async def import_promotions(
        self, promotions: Sequence[Promotion], *, key_id: str | None, once: Once[int]
    ) -> Kept[int]:
        """New ones and changes (known by external_id) together, all or none; the revision.

        A known one keeps its id. Raises as `put_promotion` does, naming the row by `/promotions/{place}`.
        """

    async def versions(self, promotion_id: str) -> Sequence[Version]:
        """How a promotion has been, oldest first. Raises PromotionNotFound."""
