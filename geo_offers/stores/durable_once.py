"""Writes that are done once a key, in SQLite and PostgreSQL: functions inside the caller's transaction."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    Connection,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    select,
    tuple_,
    update,
)

from geo_offers.stores.column_types import UtcMilliseconds
from geo_offers.stores.commerce_tables import kept_answers
from geo_offers.stores.durable_sql import UPSERTS
from geo_offers.stores.once import KEPT_FOR, Kept, Once, key_reused

T = TypeVar("T")
#: One write with a key in so many forgets old answers, and so many of them: more than come in meanwhile.
_SWEEPS_ONE_IN = 8
_SWEPT_AT_ONCE = 32


_ACCOUNT: BindParameter[str] = bindparam("of_account", type_=Text())
_KEY: BindParameter[str] = bindparam("of_key", type_=Text())
_OLD: BindParameter[datetime] = bindparam("old", type_=UtcMilliseconds())
_ITS_ROW = (kept_answers.c.account == _ACCOUNT, kept_answers.c.key == _KEY)
_KEEP = update(kept_answers).where(*_ITS_ROW).values(body=bindparam("answer", type_=LargeBinary()))
_ANSWER = select(kept_answers.c.asked, kept_answers.c.body).where(*_ITS_ROW, kept_answers.c.kept_at > _OLD)


def _taking(insert: Callable[[Table], Any]) -> Any:
    """Make the key's row, or make an old one new; no row comes back where there is one that counts."""
    asked = bindparam("digest", type_=LargeBinary())
    at = bindparam("at", type_=UtcMilliseconds())
    adding = insert(kept_answers).values(account=_ACCOUNT, key=_KEY, asked=asked, body=b"", kept_at=at)
    fresh = {name: adding.excluded[name] for name in ("asked", "body", "kept_at")}
    keys = [kept_answers.c.account, kept_answers.c.key]
    taking = adding.on_conflict_do_update(
        index_elements=keys, set_=fresh, where=kept_answers.c.kept_at <= _OLD
    )
    return taking.returning(kept_answers.c.key)


_TAKE = {dialect: _taking(insert) for dialect, insert in UPSERTS.items()}


def done_once(connection: Connection, once: Once[T], *, when: datetime, work: Callable[[], T]) -> Kept[T]:
    """Do the work, unless its key was answered in the last 24 hours: then give that answer again.

    Raises KeyReused when that was to another question, and what `work` raises; then no answer is kept.
    The first thing in a transaction: of two with one key the second waits here, until the first has ended,
    and holds nothing that the first could want.
    """
    if once.key is None:
        value = work()
        return Kept(once.answer(value), value)
    if not _take(connection, once, when):
        kept = kept_answer(connection, once, when=when)
        assert kept is not None, "a key that cannot be taken has an answer"
        return kept
    if zlib.crc32(once.key.encode()) % _SWEEPS_ONE_IN == 0:
        _forget_some(connection, when)
    value = work()
    body = once.answer(value)
    connection.execute(_KEEP, _row_of(once) | {"answer": body})
    return Kept(body, value)


def kept_answer(connection: Connection, once: Once[T], *, when: datetime) -> Kept[T] | None:
    """What a key's write came to in the last 24 hours; None when there was none, or there is no key.

    Raises KeyReused when it was another question's.
    """
    if once.key is None:
        return None
    row = connection.execute(_ANSWER, _row_of(once) | {"old": when - KEPT_FOR}).one_or_none()
    if row is None:
        return None
    if bytes(row.asked) != once.asked:
        raise key_reused(once.key)
    return Kept(bytes(row.body), None)


def _take(connection: Connection, once: Once[T], when: datetime) -> bool:
    """Whether the key's row is this transaction's to answer."""
    row = _row_of(once) | {"digest": once.asked, "at": when, "old": when - KEPT_FOR}
    return connection.execute(_TAKE[connection.dialect.name], row).one_or_none() is not None


def _forget_some(connection: Connection, when: datetime) -> None:
    row = tuple_(kept_answers.c.account, kept_answers.c.key)
    old = select(kept_answers.c.account, kept_answers.c.key).where(kept_answers.c.kept_at <= when - KEPT_FOR)
    # Locked ones are another sweep's, or about to be new: to wait for them could be to wait for each other.
    some = old.order_by(kept_answers.c.kept_at).limit(_SWEPT_AT_ONCE).with_for_update(skip_locked=True)
    connection.execute(delete(kept_answers).where(row.in_(some)))


def _row_of(once: Once[T]) -> dict[str, object]:
    return {"of_account": once.account, "of_key": once.key}
