"""Keys: made, listed, rotated and revoked, by an operator for anyone and by a merchant for himself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Path, Response

from api.callers import OwnerCaller, keyed_router
from api.dependencies import ServicesOf, each_parameter_once
from api.schemas.keys import EXAMPLE_KEY_ID, KeyAsked, KeyItem, Keys, KeyTold, Rotation
from api.schemas.problems import problems
from geo_offers.domain.account import Caller, Role
from geo_offers.domain.errors import Forbidden, MerchantNotFound
from geo_offers.services.key_desk import account_of

KeyId = Annotated[str, Path(description="The id of a key; not its secret.", examples=[EXAMPLE_KEY_ID])]
_TOLD_ONCE = (
    " The answer tells the secret, once. There is no Idempotency-Key, since an answer with a secret is not kept:"
    " when it was lost, list the keys, revoke the new one and ask again."
)

router = keyed_router("/v1/keys", tags=["keys"], dependencies=[Depends(each_parameter_once)])


@router.post(
    "",
    status_code=201,
    responses=problems(404, 422, 503),
    summary="Make a key",
    description="A new key of an account." + _TOLD_ONCE,
)
async def create_key(
    caller: OwnerCaller, services: ServicesOf, asked: KeyAsked, response: Response
) -> KeyTold:
    _check_own(caller, asked)
    own = caller.account if caller.role is Role.MERCHANT else asked.merchant_id
    account = account_of(asked.role, account=asked.account, merchant_id=own)
    issued = await services.key_desk.create(
        asked.role, account, label=asked.label, expires_at=asked.expires_at
    )
    response.headers["Cache-Control"] = "no-store"
    return KeyTold.from_issued(issued)


@router.get("", responses=problems(503), summary="Keys")
async def list_keys(caller: OwnerCaller, services: ServicesOf) -> Keys:
    """Every key that there ever was, newest first, without secrets; a merchant sees his own."""
    found = await services.key_desk.list(account=_account_seen(caller))
    return Keys(items=[KeyItem.from_domain(key) for key in found])


@router.delete("/{key_id}", status_code=204, responses=problems(404, 503), summary="Revoke a key")
async def revoke_key(caller: OwnerCaller, services: ServicesOf, key_id: KeyId) -> None:
    """The key lets nobody in any more, from before this answer on; again does nothing."""
    await services.key_desk.revoke(key_id, account=_account_seen(caller))


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    responses=problems(404, 422, 503),
    summary="Rotate a key",
    description="A new key of the same role, account and label; the old one is good for a while yet."
    + _TOLD_ONCE,
)
async def rotate_key(
    caller: OwnerCaller, services: ServicesOf, key_id: KeyId, asked: Rotation, response: Response
) -> KeyTold:
    issued = await services.key_desk.rotate(
        key_id, overlap=timedelta(seconds=asked.overlap_s), account=_account_seen(caller)
    )
    response.headers["Cache-Control"] = "no-store"
    return KeyTold.from_issued(issued)


def _account_seen(caller: Caller) -> str | None:
    """Whose keys a caller sees; None is everyone's."""
    return None if caller.role is Role.ADMIN else caller.account


def _check_own(caller: Caller, asked: KeyAsked) -> None:
    if caller.role is Role.ADMIN:
        return
    if asked.role is not Role.MERCHANT:
        raise Forbidden("a merchant makes keys of role merchant only")
    if asked.merchant_id not in (None, caller.account):
        raise MerchantNotFound(f"there is no merchant {asked.merchant_id}")
