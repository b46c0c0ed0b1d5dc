"""Merchants and their promotions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geo_offers.stores.column_types import GeometryWkb, UtcMilliseconds, json_object, key_text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "merchants",
        sa.Column("id", key_text(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("updated_at", UtcMilliseconds, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_merchants"),
    )
    op.create_table(
        "promotions",
        *_identity_and_content(),
        *_fence(),
        *_when_and_to_whom(),
        sa.Column("fingerprint", sa.BigInteger, nullable=False),
        sa.Column("dataset", sa.Text),
        sa.Column("retired_at", UtcMilliseconds),
        sa.Column("updated_at", UtcMilliseconds, nullable=False),
        *_constraints(),
    )
    op.create_index("uq_promotions_known_as", "promotions", ["merchant_id", "known_as"], unique=True)
    op.create_index("ix_promotions_fence_district_id", "promotions", ["fence_district_id"])
    if op.get_context().dialect.name == "postgresql":
        op.create_index("ix_promotions_fence_geom", "promotions", ["fence_geom"], postgresql_using="gist")


def downgrade() -> None:
    op.drop_table("promotions")
    op.drop_table("merchants")


def _identity_and_content() -> list[sa.Column[object]]:
    return [
        sa.Column("id", key_text(), nullable=False),
        sa.Column("merchant_id", key_text(), nullable=False),
        sa.Column("known_as", key_text(), nullable=False),
        sa.Column("external_id", sa.Text),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_i18n", json_object(), nullable=False),
        sa.Column("benefit", json_object(), nullable=False),
        sa.Column("shop_ids", json_object(), nullable=False),
    ]


def _fence() -> list[sa.Column[object]]:
    return [
        sa.Column("fence_kind", sa.Text, nullable=False),
        sa.Column("fence_lng", sa.Double),
        sa.Column("fence_lat", sa.Double),
        sa.Column("fence_radius_m", sa.Double),
        sa.Column("fence_geom", GeometryWkb()),
        sa.Column("fence_district_id", key_text()),
    ]


def _when_and_to_whom() -> list[sa.Column[object]]:
    return [
        sa.Column("starts_at", UtcMilliseconds, nullable=False),
        sa.Column("ends_at", UtcMilliseconds, nullable=False),
        sa.Column("weekly_hours", sa.Text),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("max_accuracy_m", sa.Double, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("max_claims", sa.BigInteger),
        sa.Column("max_redemptions", sa.BigInteger),
        sa.Column("max_per_visitor", sa.BigInteger),
        sa.Column("budget_minor", sa.BigInteger),
        sa.Column("currency", sa.Text),
        sa.Column("segments", json_object(), nullable=False),
        sa.Column("visitors", sa.Text, nullable=False),
    ]


def _constraints() -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name="pk_promotions"),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name="fk_promotions_merchant_id_merchants",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["fence_district_id"],
            ["districts.id"],
            name="fk_promotions_fence_district_id_districts",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.CheckConstraint(
            "fence_kind IN ('circle', 'polygon', 'district', 'around_shops')",
            name=op.f("ck_promotions_fence_known"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'paused', 'ended')", name=op.f("ck_promotions_status_known")
        ),
        sa.CheckConstraint(
            "visitors IN ('all', 'new', 'returning')", name=op.f("ck_promotions_visitors_known")
        ),
    ]
