"""Shops, districts, and the feed of their changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geo_offers.stores.column_types import GeometryWkb, UtcMilliseconds, counting_key, json_object, key_text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_shops()
    _create_districts()
    _create_feed()
    if op.get_context().dialect.name == "postgresql":
        _create_geometry_of_postgis()


def downgrade() -> None:
    op.drop_table("catalog_revision")
    op.drop_table("catalog_changes")
    op.drop_table("districts")
    op.drop_table("shops")


def _create_shops() -> None:
    op.create_table(
        "shops",
        sa.Column("id", key_text(), nullable=False),
        sa.Column("source_provider", key_text(), nullable=False),
        sa.Column("source_id", key_text(), nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("names", json_object(), nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("lng", sa.Double, nullable=False),
        sa.Column("lat", sa.Double, nullable=False),
        sa.Column("cell", sa.BigInteger, nullable=False),
        sa.Column("brand", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("opening_hours", sa.Text),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("country", sa.Text),
        sa.Column("fingerprint", sa.BigInteger, nullable=False),
        sa.Column("dataset", sa.Text),
        sa.Column("retired_at", UtcMilliseconds),
        sa.Column("updated_at", UtcMilliseconds, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shops"),
    )
    op.create_index("uq_shops_source", "shops", ["source_provider", "source_id"], unique=True)
    live = sa.text("retired_at IS NULL")
    op.create_index("ix_shops_cell_id", "shops", ["cell", "id"], sqlite_where=live, postgresql_where=live)


def _create_districts() -> None:
    op.create_table(
        "districts",
        sa.Column("id", key_text(), nullable=False),
        sa.Column("source_provider", key_text(), nullable=False),
        sa.Column("source_id", key_text(), nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("names", json_object(), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("parent_id", key_text()),
        sa.Column("geom", GeometryWkb(), nullable=False),
        sa.Column("west", sa.Double, nullable=False),
        sa.Column("south", sa.Double, nullable=False),
        sa.Column("east", sa.Double, nullable=False),
        sa.Column("north", sa.Double, nullable=False),
        sa.Column("fingerprint", sa.BigInteger, nullable=False),
        sa.Column("dataset", sa.Text),
        sa.Column("retired_at", UtcMilliseconds),
        sa.Column("updated_at", UtcMilliseconds, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_districts"),
        sa.CheckConstraint(
            "kind IN ('official', 'discovered', 'custom')", name=op.f("ck_districts_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["districts.id"],
            name="fk_districts_parent_id_districts",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("uq_districts_source", "districts", ["source_provider", "source_id"], unique=True)
    op.create_index("ix_districts_parent_id", "districts", ["parent_id"])


def _create_feed() -> None:
    op.create_table(
        "catalog_changes",
        sa.Column("revision", counting_key(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("entity_id", key_text()),
        sa.Column("changed_at", UtcMilliseconds, nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_catalog_changes"),
    )
    counter = op.create_table(
        "catalog_revision",
        sa.Column("id", counting_key(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_revision"),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalog_revision_one_row")),
    )
    op.bulk_insert(counter, [{"id": 1, "revision": 0}])


def _create_geometry_of_postgis() -> None:
    point = "ST_SetSRID(ST_MakePoint(lng, lat), 4326)"
    op.execute(
        f"ALTER TABLE shops ADD COLUMN geom geometry(Point, 4326) GENERATED ALWAYS AS ({point}) STORED"
    )
    op.create_index("ix_shops_geom", "shops", ["geom"], postgresql_using="gist")
    op.create_index("ix_districts_geom", "districts", ["geom"], postgresql_using="gist")
