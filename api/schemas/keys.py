"""Keys and merchants as they come and go over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.schemas.parameters import Parameters, Whole
from geo_offers.domain.account import Key, Role
from geo_offers.domain.promotion import Merchant
from geo_offers.services.key_desk import LONGEST_OVERLAP, Issued

EXAMPLE_KEY_ID = "key_2f9x0kq7m4t8w1zc"
EXAMPLE_MERCHANT_ID = "mrc_7h2m9q4x0kt8w1zc"
_SECRET = "gok_app_0123456789abcdefghjkmnpqrstvwxyz"[:40]


class Body(BaseModel):
    """A body; a member that is not named here is refused by name."""

    model_config = ConfigDict(extra="forbid")


class KeyAsked(Body):
    """A new key."""

    role: Role = Field(description="What it is for; a merchant makes only merchant's keys, for himself.")
    account: str | None = Field(
        None,
        description="Whose it is, such as an app's name: small letters, digits, - and _. The role's name when not"
        " given. Not for role merchant. Keys of one account see the same things.",
        examples=["lakeside-app"],
    )
    merchant_id: str | None = Field(None, description="For role merchant: the merchant's id.")
    label: str = Field("", max_length=200, description="A word for people.", examples=["till 2"])
    expires_at: AwareDatetime | None = Field(None, description="RFC 3339; null: never.")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"role": "app", "account": "lakeside-app", "label": "phones"}]}
    )


class Rotation(Body):
    """A new key in an old one's place."""

    overlap_s: int = Field(
        86_400,
        ge=0,
        le=int(LONGEST_OVERLAP.total_seconds()),
        description="How long the old key stays good, seconds; one that expires earlier does so.",
    )

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_s": 3_600}]})


class KeyItem(BaseModel):
    """A key without its secret."""

    id: str = Field(examples=[EXAMPLE_KEY_ID])
    role: Role
    account: str = Field(description="A merchant's id for role merchant, else a name.")
    label: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="Up to ten seconds late.")

    @classmethod
    def from_domain(cls, key: Key) -> Self:
        return cls(**_members(key))


class KeyTold(KeyItem):
    """A new key with its secret, which is told this once."""

    key: str = Field(description="The secret: keep it. It is not shown again.", examples=[_SECRET])

    @classmethod
    def from_issued(cls, issued: Issued) -> Self:
        return cls(**_members(issued.key), key=issued.secret)


def _members(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in KeyItem.model_fields}


class Keys(BaseModel):
    """Keys, newest first."""

    items: list[KeyItem]


class MerchantAsked(Body):
    """A new merchant."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Lakeside Noodles"])]

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Lakeside Noodles"}]})


class MerchantItem(BaseModel):
    """A merchant as lists show it."""

    id: str = Field(examples=[EXAMPLE_MERCHANT_ID])
    name: str

    @classmethod
    def from_domain(cls, merchant: Merchant) -> Self:
        return cls(id=merchant.id, name=merchant.name)


class Merchants(BaseModel):
    """A page of merchants, by id."""

    items: list[MerchantItem]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class MerchantsParameters(Parameters):
    """GET /v1/merchants."""

    limit: Whole = Field(20, ge=1, le=100, description="Merchants on a page.")
    cursor: str | None = Field(None, description="`next` of the page before.")
