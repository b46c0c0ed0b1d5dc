"""Which rows are a merchant's, and that his units reach no other's; how a statement is read is in `tenancy_rules`.

A unit of a merchant runs on a connection that is bound to him. There, every statement is looked at before it
goes to the database: each table of merchants' rows that it names must be restricted to this merchant by an
equality that holds for the whole statement. What cannot be read (text) is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, event
from sqlalchemy.sql.expression import ReleaseSavepointClause, RollbackToSavepointClause, SavepointClause

from geo_offers.stores.tenancy_rules import Rows, Rules, TenantForgotten, Through

__all__ = ["SHARED", "TENANT_OF", "TenantForgotten", "across_tenants", "bound", "guard", "tenant_of"]

_Statement = TypeVar("_Statement", bound=Executable)

_OF_ITS_PROMOTION = Through("promotion_id", owners="promotions", key="id")
#: Tables of merchants' rows: the column that says whose a row is, or the table that does.
TENANT_OF: Mapping[str, str | Through] = MappingProxyType(
    {
        "merchants": "id",
        "promotions": "merchant_id",
        "promotion_versions": "merchant_id",
        "shop_owners": "merchant_id",
        "shops": Through("id", owners="shop_owners", key="shop_id", made_first=True),
        "coupons": "merchant_id",
        "redemptions": "merchant_id",
        "ledger": "merchant_id",
        "pool_codes": _OF_ITS_PROMOTION,
        "usage_totals": _OF_ITS_PROMOTION,
        "usage_periods": _OF_ITS_PROMOTION,
        "usage_visitors": _OF_ITS_PROMOTION,
    }
)
#: Tables that a merchant's unit may use and that are nobody's. Any other table it may not touch.
SHARED = frozenset({"districts", "catalog_changes", "catalog_revision", "kept_answers"})

_TENANT = "tenant"
_ACROSS = "across_tenants"
_SAVEPOINTS = (SavepointClause, RollbackToSavepointClause, ReleaseSavepointClause)


@contextmanager
def bound(connection: Connection, merchant_id: str) -> Iterator[None]:
    """Inside, this connection serves one merchant and nobody else; it is not bound twice."""
    assert connection.get_execution_options().get(_TENANT) is None, "the connection serves a merchant already"
    connection.execution_options(**{_TENANT: merchant_id})
    try:
        yield
    finally:
        connection.execution_options(**{_TENANT: None})  # another unit may follow on it


def across_tenants(statement: _Statement, *, because: str) -> _Statement:
    """The statement, allowed to look at other merchants' rows in a unit of one; the reason is for readers."""
    return statement.execution_options(**{_ACROSS: because})


def tenant_of(options: Mapping[str, Any]) -> str:
    """The merchant for whom a statement with these options is; "" for nobody's, and for a look across."""
    tenant: str | None = options.get(_TENANT)
    return "" if tenant is None or _ACROSS in options else tenant


def guard(engine: Engine) -> None:
    """From now on refuse statements of a bound connection that forget whose rows they are for.

    They raise TenantForgotten before anything is sent. Connections that are not bound do as they like.
    A cursor of the driver itself is beyond this.
    """
    rules = Rules(Rows(TENANT_OF, SHARED))

    def look_at_statement(
        _connection: Connection,
        statement: Any,
        multiple: Sequence[Mapping[str, Any]],
        single: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        tenant = options.get(_TENANT)
        if tenant is not None and _ACROSS not in options and not isinstance(statement, _SAVEPOINTS):
            rules.require_restricted(statement, multiple or [single], tenant)

    event.listen(engine, "before_execute", look_at_statement)
    event.listen(engine, "before_cursor_execute", _refuse_text)


def _refuse_text(
    connection: Connection, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool
) -> None:
    tenant = connection.get_execution_options().get(_TENANT)
    if tenant is not None and getattr(context, "compiled", None) is None:
        raise TenantForgotten("a merchant's unit sends no text to the database: it cannot be looked at")
