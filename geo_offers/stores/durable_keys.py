"""Keys and the list of merchants in SQLite and PostgreSQL: functions on a connection, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, insert, or_, select, update

from geo_offers.domain.account import Key, Role
from geo_offers.domain.errors import KeyNotFound, MerchantNotFound, Taken
from geo_offers.domain.promotion import Merchant
from geo_offers.stores.account_ports import KeyBook
from geo_offers.stores.account_tables import api_keys, key_version
from geo_offers.stores.durable_sql import UPSERTS
from geo_offers.stores.tables import merchants

_KEYS = select(
    api_keys.c.id,
    api_keys.c.role,
    api_keys.c.account,
    api_keys.c.label,
    api_keys.c.created_at,
    api_keys.c.expires_at,
    api_keys.c.revoked_at,
    api_keys.c.last_used_at,
)


def version_of_keys(connection: Connection) -> int:
    """How often keys have changed."""
    return int(connection.execute(select(key_version.c.version)).scalar_one())


def key_book(connection: Connection) -> KeyBook:
    """All keys that are not revoked."""
    # Read first: keys may be newer than their version then, which the next look mends, but never older.
    version = version_of_keys(connection)
    query = _KEYS.add_columns(api_keys.c.digest).where(api_keys.c.revoked_at.is_(None))
    return KeyBook(version, {bytes(row.digest): _key_of(row) for row in connection.execute(query)})


def list_keys(connection: Connection, account: str | None) -> list[Key]:
    """All keys ever, of one account when named, newest first."""
    query = _KEYS.order_by(api_keys.c.created_at.desc(), api_keys.c.id.desc())
    return [_key_of(row) for row in connection.execute(query.where(*_of(account)))]


def create_key(connection: Connection, key: Key, digest: bytes) -> None:
    """Keep a new key. Raises MerchantNotFound when it is to be a merchant's and there is none."""
    _insert(connection, key, digest)
    _bump(connection)


def create_first_key(connection: Connection, key: Key, digest: bytes) -> bool:
    """Keep a key if there never was one; whether it was."""
    # The row's lock lasts until the commit: a second one waits here, and then finds another number.
    first = update(key_version).where(key_version.c.version == 0).values(version=1)
    if connection.execute(first).rowcount == 0:
        return False
    _insert(connection, key, digest)
    return True


def revoke_key(connection: Connection, key_id: str, at: datetime, account: str | None) -> Key:
    """Take a key's power, once. Raises KeyNotFound."""
    revoked = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None), *_of(account))
    if connection.execute(revoked.values(revoked_at=at)).rowcount:
        _bump(connection)
    row = connection.execute(_KEYS.where(api_keys.c.id == key_id, *_of(account))).one_or_none()
    if row is None:
        raise _not_found(key_id)
    return _key_of(row)


def rotate_key(
    connection: Connection, key_id: str, new: Key, digest: bytes, until: datetime, account: str | None
) -> None:
    """Keep a key beside an old one of its account and role, which ends. Raises KeyNotFound."""
    old = (
        api_keys.c.id == key_id,
        api_keys.c.revoked_at.is_(None),
        api_keys.c.account == new.account,
        api_keys.c.role == new.role,
        *_of(account),
    )
    row = connection.execute(select(api_keys.c.expires_at).where(*old).with_for_update()).one_or_none()
    if row is None:
        raise _not_found(key_id)
    ends_at = until if row.expires_at is None else min(until, row.expires_at)
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(expires_at=ends_at))
    _insert(connection, new, digest)
    _bump(connection)


def note_used(connection: Connection, used: Mapping[str, datetime]) -> None:
    """Move last uses forward, never back; keys that are not there are passed over."""
    if not used:
        return
    at = bindparam("at", type_=api_keys.c.last_used_at.type)
    noted = update(api_keys).where(
        api_keys.c.id == bindparam("key_id"),
        or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < at),
    )
    rows = [{"key_id": key_id, "at": when} for key_id, when in sorted(used.items())]
    connection.execute(noted.values(last_used_at=at), rows)


def create_merchant(connection: Connection, merchant: Merchant, at: datetime) -> None:
    """Take a new merchant. Raises Taken when his id is another's."""
    fresh = UPSERTS[connection.dialect.name](merchants).on_conflict_do_nothing()
    row = {"id": merchant.id, "name": merchant.name, "updated_at": at}
    if connection.execute(fresh.returning(merchants.c.id), row).one_or_none() is None:
        raise Taken(f"there is a merchant {merchant.id} already", pointer="/id")


def list_merchants(connection: Connection, after: str | None, limit: int) -> list[Merchant]:
    """Merchants by id, those after an id."""
    query = select(merchants.c.id, merchants.c.name).order_by(merchants.c.id).limit(limit)
    if after is not None:
        query = query.where(merchants.c.id > after)
    return [Merchant(*row) for row in connection.execute(query)]


def _insert(connection: Connection, key: Key, digest: bytes) -> None:
    if key.role is Role.MERCHANT:
        owner = select(merchants.c.id).where(merchants.c.id == key.account)
        if connection.execute(owner).one_or_none() is None:
            raise MerchantNotFound(f"there is no merchant {key.account}")
    row = {
        "id": key.id,
        "digest": digest,
        "role": key.role.value,
        "account": key.account,
        "label": key.label,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
    connection.execute(insert(api_keys), row)


def _bump(connection: Connection) -> None:
    """Say that keys have changed: last in a transaction, for its lock lasts until the commit."""
    connection.execute(update(key_version).values(version=key_version.c.version + 1))


def _of(account: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if account is None else (api_keys.c.account == account,)


def _key_of(row: Any) -> Key:
    return Key(
        id=row.id,
        role=Role(row.role),
        account=row.account,
        label=row.label,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _not_found(key_id: str) -> KeyNotFound:
    return KeyNotFound(f"there is no key {key_id}")
