"""Keys, whose shops are whose, and how promotions were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geo_offers.stores.column_types import UtcMilliseconds, counting_key, key_text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_keys()
    op.create_table(
        "shop_owners",
        sa.Column("shop_id", key_text(), nullable=False),
        sa.Column("merchant_id", key_text(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", name="pk_shop_owners"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_shop_owners_shop_id_shops"),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_shop_owners_merchant_id_merchants"
        ),
    )
    op.create_index("ix_shop_owners_merchant_id_shop_id", "shop_owners", ["merchant_id", "shop_id"])
    _create_versions()


def downgrade() -> None:
    op.drop_table("promotion_versions")
    op.drop_table("shop_owners")
    op.drop_table("key_version")
    op.drop_table("api_keys")


def _create_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", key_text(), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("account", key_text(), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created_at", UtcMilliseconds, nullable=False),
        sa.Column("expires_at", UtcMilliseconds),
        sa.Column("revoked_at", UtcMilliseconds),
        sa.Column("last_used_at", UtcMilliseconds),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.CheckConstraint(
            "role IN ('admin', 'merchant', 'app', 'planner')", name=op.f("ck_api_keys_role_known")
        ),
    )
    op.create_index("uq_api_keys_digest", "api_keys", ["digest"], unique=True)
    counter = op.create_table(
        "key_version",
        sa.Column("id", counting_key(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_key_version"),
        sa.CheckConstraint("id = 1", name=op.f("ck_key_version_one_row")),
    )
    op.bulk_insert(counter, [{"id": 1, "version": 0}])


def _create_versions() -> None:
    op.create_table(
        "promotion_versions",
        sa.Column("merchant_id", key_text(), nullable=False),
        sa.Column("promotion_id", key_text(), nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("changed_at", UtcMilliseconds, nullable=False),
        sa.Column("key_id", key_text()),
        sa.PrimaryKeyConstraint("merchant_id", "promotion_id", "number", name="pk_promotion_versions"),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_promotion_versions_merchant_id_merchants"
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotions.id"], name="fk_promotion_versions_promotion_id_promotions"
        ),
    )
