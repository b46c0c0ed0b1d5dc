"""The tables of the durable store, for SQLite and for PostgreSQL with PostGIS; nothing that reads or writes.

On PostgreSQL the first migration adds `shops.geom`, a point generated from lng and lat, with a GiST index:
SQLite has no use for it, so it is no column here and `migrations/env.py` knows to expect it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
)

from geo_offers.stores.column_types import GeometryWkb, UtcMilliseconds, counting_key, json_object, key_text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

shops = Table(
    "shops",
    metadata,
    Column("id", key_text(), primary_key=True),
    Column("source_provider", key_text(), nullable=False),
    Column("source_id", key_text(), nullable=False),
    Column("licence", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("names", json_object(), nullable=False),
    Column("category", Text, nullable=False),
    Column("lng", Double, nullable=False),
    Column("lat", Double, nullable=False),
    Column("cell", BigInteger, nullable=False),  # H3, resolution 15
    Column("brand", Text),
    Column("address", Text),
    Column("opening_hours", Text),
    Column("time_zone", Text, nullable=False),
    Column("country", Text),
    Column("fingerprint", BigInteger, nullable=False),  # of everything above but id and cell
    Column("dataset", Text),  # the import that owns the row; NULL when put one by one
    Column("retired_at", UtcMilliseconds),
    Column("updated_at", UtcMilliseconds, nullable=False),
)

districts = Table(
    "districts",
    metadata,
    Column("id", key_text(), primary_key=True),
    Column("source_provider", key_text(), nullable=False),
    Column("source_id", key_text(), nullable=False),
    Column("licence", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("names", json_object(), nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('official', 'discovered', 'custom')", name="kind_known"),
        nullable=False,
    ),
    Column(
        "parent_id", key_text(), ForeignKey("districts.id", deferrable=True, initially="DEFERRED"), index=True
    ),
    Column("facts", json_object(), nullable=False, server_default="{}"),
    Column("geom", GeometryWkb(), nullable=False),
    Column("west", Double, nullable=False),
    Column("south", Double, nullable=False),
    Column("east", Double, nullable=False),
    Column("north", Double, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("dataset", Text),
    Column("retired_at", UtcMilliseconds),
    Column("updated_at", UtcMilliseconds, nullable=False),
)

merchants = Table(
    "merchants",
    metadata,
    Column("id", key_text(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("updated_at", UtcMilliseconds, nullable=False),
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", key_text(), primary_key=True),
    Column(
        "merchant_id",
        key_text(),
        ForeignKey("merchants.id", deferrable=True, initially="DEFERRED"),
        nullable=False,
    ),
    Column("known_as", key_text(), nullable=False),  # external_id, else id: with the merchant it is unique
    Column("external_id", Text),
    Column("title", Text, nullable=False),
    Column("title_i18n", json_object(), nullable=False),
    Column("benefit", json_object(), nullable=False),
    Column(
        "fence_kind",
        Text,
        CheckConstraint(
            "fence_kind IN ('circle', 'polygon', 'district', 'around_shops')", name="fence_known"
        ),
        nullable=False,
    ),
    Column("fence_lng", Double),
    Column("fence_lat", Double),
    Column("fence_radius_m", Double),
    Column("fence_geom", GeometryWkb()),  # of a polygon only
    Column(
        "fence_district_id",
        key_text(),
        ForeignKey("districts.id", deferrable=True, initially="DEFERRED"),
        index=True,
    ),
    Column("shop_ids", json_object(), nullable=False),
    Column("starts_at", UtcMilliseconds, nullable=False),
    Column("ends_at", UtcMilliseconds, nullable=False),
    Column("weekly_hours", Text),
    Column("time_zone", Text, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("max_accuracy_m", Double, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('draft', 'active', 'paused', 'ended')", name="status_known"),
        nullable=False,
    ),
    Column("max_claims", BigInteger),
    Column("max_redemptions", BigInteger),
    Column("max_per_visitor", BigInteger),
    Column("budget_minor", BigInteger),
    Column("currency", Text),
    Column("segments", json_object(), nullable=False),
    Column(
        "visitors",
        Text,
        CheckConstraint("visitors IN ('all', 'new', 'returning')", name="visitors_known"),
        nullable=False,
    ),
    Column("per_period", json_object(), nullable=False, server_default="{}"),
    Column("fingerprint", BigInteger, nullable=False),  # of everything above but id
    Column("dataset", Text),
    Column("retired_at", UtcMilliseconds),
    Column("updated_at", UtcMilliseconds, nullable=False),
)

catalog_changes = Table(
    "catalog_changes",
    metadata,
    Column("revision", counting_key(), primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("entity_id", key_text()),
    Column("changed_at", UtcMilliseconds, nullable=False),
)

#: One row. It is bumped last in a writing transaction, and its lock lasts until the commit:
#: so revisions become visible in their order, which an auto-increment id does not promise.
catalog_revision = Table(
    "catalog_revision",
    metadata,
    Column(
        "id", counting_key(), CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False
    ),
    Column("revision", BigInteger, nullable=False),
)

Index("uq_shops_source", shops.c.source_provider, shops.c.source_id, unique=True)
Index("uq_districts_source", districts.c.source_provider, districts.c.source_id, unique=True)
Index("uq_promotions_known_as", promotions.c.merchant_id, promotions.c.known_as, unique=True)
# The order in which a catalog is read; only of live shops.
Index(
    "ix_shops_cell_id",
    shops.c.cell,
    shops.c.id,
    sqlite_where=shops.c.retired_at.is_(None),
    postgresql_where=shops.c.retired_at.is_(None),
)
Index("ix_districts_geom", districts.c.geom, postgresql_using="gist").ddl_if(dialect="postgresql")
Index("ix_promotions_fence_geom", promotions.c.fence_geom, postgresql_using="gist").ddl_if(
    dialect="postgresql"
)
