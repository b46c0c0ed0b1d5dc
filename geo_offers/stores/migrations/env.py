"""Runs migrations on the connection that `migrate.py` hands over, inside the transaction that it began."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from alembic import context

from geo_offers.stores import account_tables, commerce_tables  # noqa: F401  their tables are in the metadata too
from geo_offers.stores.tables import metadata

# Made by migrations on PostgreSQL alone; tables.py says why.
_ONLY_ON_POSTGRESQL = {("column", "shops", "geom"), ("index", "shops", "ix_shops_geom")}


def _is_compared(item: Any, name: str | None, type_: str, reflected: bool, _: Any) -> bool:
    """Whether autogenerate looks at this: only at what is ours, and not at what this dialect lacks."""
    if type_ == "table":
        return name in metadata.tables
    if (type_, item.table.name, name) in _ONLY_ON_POSTGRESQL:
        return False
    if type_ == "index" and not reflected and context.get_context().dialect.name != "postgresql":
        return bool(item.dialect_options["postgresql"]["using"] != "gist")  # autogenerate knows no ddl_if
    return True


connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # GeoAlchemy2 hooks into CREATE TABLE: it must be there before the first.
    import_module("geo_offers.stores.postgis_types")
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_object=_is_compared,
    compare_type=True,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
