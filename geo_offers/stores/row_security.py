"""Whose unit it is, told to PostgreSQL, whose policies then show and take that merchant's rows only.

The second lock behind `tenancy`: what slips through there, or goes around it with the driver's own cursor,
finds no row of another merchant. A superuser, and a role that may bypass row security, it does not bind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, NestedTransaction, RootTransaction, bindparam, event, func, select

from geo_offers.stores.tenancy import tenant_of

#: The setting that the policies read; empty or not there is an operator, who sees everything.
SETTING = "geo_offers.tenant"
_OURS = "tells_tenant"
_TELL = select(func.set_config(SETTING, bindparam("tenant"), True)).execution_options(**{_OURS: True})
_TOLD = "geo_offers_told"


class _Told(NamedTuple):
    """What the database was told last on a connection, and in which transaction."""

    root: RootTransaction | None
    savepoint: NestedTransaction | None
    value: str


def tell_database(engine: Engine) -> None:
    """From now on say to the database, before a statement, whose unit it is in, where that has changed."""

    def at_binding(connection: Connection, options: Mapping[str, Any]) -> None:
        if tenant_of(options):
            _tell(connection, tenant_of(options))

    def at_statement(
        connection: Connection, _statement: Any, _many: Any, _one: Any, options: Mapping[str, Any]
    ) -> None:
        if _OURS not in options:
            _tell(connection, tenant_of(options))

    event.listen(engine, "set_connection_execution_options", at_binding)
    event.listen(engine, "before_execute", at_statement)


def _tell(connection: Connection, tenant: str) -> None:
    told: _Told | None = connection.info.get(_TOLD)
    root = connection.get_transaction()
    # What was told is forgotten with its transaction, and perhaps with the savepoint in which it was told.
    if told is None or told.root is not root:
        if not tenant:
            return
    elif told.value == tenant and told.savepoint is connection.get_nested_transaction():
        return
    connection.execute(_TELL, {"tenant": tenant})
    told = _Told(connection.get_transaction(), connection.get_nested_transaction(), tenant)
    connection.info[_TOLD] = told
