"""Coupons, redemptions, their ledger and counters, and the answers to keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geo_offers.stores.column_types import UtcMilliseconds, counting_key, key_text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_REFUSAL = "the ledger is only ever added to"


def upgrade() -> None:
    _create_coupons()
    _create_redemptions()
    _create_counters()
    _create_ledger()
    _create_pools()
    _create_answers()
    if op.get_context().dialect.name == "postgresql":
        _guard_ledger_on_postgresql()
    else:
        _guard_ledger_on_sqlite()


def downgrade() -> None:
    tables = ("kept_answers", "pool_codes", "ledger", "usage_visitors", "usage_periods", "usage_totals")
    for table in (*tables, "redemptions", "coupons"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION geo_offers_refuse_change_of_ledger()")


def _create_coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("code", key_text(), nullable=False),
        sa.Column("promotion_id", key_text(), nullable=False),
        sa.Column("merchant_id", key_text(), nullable=False),
        sa.Column("account", key_text(), nullable=False),
        sa.Column("visitor_key", key_text(), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cell", sa.BigInteger),
        sa.Column("issued_at", UtcMilliseconds, nullable=False),
        sa.Column("expires_at", UtcMilliseconds, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_coupons"),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotions.id"], name="fk_coupons_promotion_id_promotions"
        ),
        sa.CheckConstraint("state IN ('issued', 'redeemed')", name=op.f("ck_coupons_state_known")),
    )
    op.create_index("ix_coupons_visitor_key_issued_at", "coupons", ["visitor_key", "issued_at"])
    op.create_index(
        "ix_coupons_promotion_id_state_expires_at", "coupons", ["promotion_id", "state", "expires_at"]
    )


def _create_redemptions() -> None:
    op.create_table(
        "redemptions",
        sa.Column("id", key_text(), nullable=False),
        sa.Column("code", key_text(), nullable=False),
        sa.Column("promotion_id", key_text(), nullable=False),
        sa.Column("merchant_id", key_text(), nullable=False),
        sa.Column("shop_id", key_text(), nullable=False),
        sa.Column("key_id", key_text(), nullable=False),
        sa.Column("basket_minor", sa.BigInteger),
        sa.Column("discount_minor", sa.BigInteger),
        sa.Column("currency", sa.Text),
        sa.Column("period_start", UtcMilliseconds),
        sa.Column("budget_minor", sa.BigInteger, nullable=False),
        sa.Column("redeemed_at", UtcMilliseconds, nullable=False),
        sa.Column("rolled_back_at", UtcMilliseconds),
        sa.PrimaryKeyConstraint("id", name="pk_redemptions"),
        sa.ForeignKeyConstraint(["code"], ["coupons.code"], name="fk_redemptions_code_coupons"),
        sa.CheckConstraint("discount_minor >= 0", name=op.f("ck_redemptions_discount_not_negative")),
    )
    op.create_index("ix_redemptions_promotion_id", "redemptions", ["promotion_id"])
    stands = sa.text("rolled_back_at IS NULL")
    op.create_index(
        "uq_redemptions_standing",
        "redemptions",
        ["code"],
        unique=True,
        sqlite_where=stands,
        postgresql_where=stands,
    )


def _create_counters() -> None:
    op.create_table(
        "usage_totals",
        sa.Column("promotion_id", key_text(), nullable=False),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.Column("redemptions", sa.BigInteger, nullable=False),
        sa.Column("budget_minor", sa.BigInteger, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("promotion_id", name="pk_usage_totals"),
        sa.CheckConstraint("claims >= 0", name=op.f("ck_usage_totals_claims_counted")),
        sa.CheckConstraint(
            "redemptions >= 0 AND redemptions <= claims", name=op.f("ck_usage_totals_redemptions_counted")
        ),
        sa.CheckConstraint("budget_minor >= 0", name=op.f("ck_usage_totals_budget_counted")),
    )
    op.create_index("ix_usage_totals_step", "usage_totals", ["step"])
    op.create_table(
        "usage_periods",
        sa.Column("promotion_id", key_text(), nullable=False),
        sa.Column("period_start", UtcMilliseconds, autoincrement=False, nullable=False),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.Column("redemptions", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("promotion_id", "period_start", name="pk_usage_periods"),
        sa.CheckConstraint("claims >= 0", name=op.f("ck_usage_periods_claims_counted")),
        sa.CheckConstraint("redemptions >= 0", name=op.f("ck_usage_periods_redemptions_counted")),
    )
    op.create_table(
        "usage_visitors",
        sa.Column("visitor_key", key_text(), nullable=False),
        sa.Column("promotion_id", key_text(), nullable=False),
        sa.Column("period_start", UtcMilliseconds, autoincrement=False, nullable=False),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("visitor_key", "promotion_id", "period_start", name="pk_usage_visitors"),
        sa.CheckConstraint("claims >= 0", name=op.f("ck_usage_visitors_claims_counted")),
    )


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("step", counting_key(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("promotion_id", key_text(), nullable=False),
        sa.Column("merchant_id", key_text(), nullable=False),
        sa.Column("code", key_text(), nullable=False),
        sa.Column("redemption_id", key_text()),
        sa.Column("visitor_key", key_text(), nullable=False),
        sa.Column("period_start", UtcMilliseconds),
        sa.Column("budget_minor", sa.BigInteger, nullable=False),
        sa.Column("at", UtcMilliseconds, nullable=False),
        sa.Column("key_id", key_text()),
        sa.PrimaryKeyConstraint("step", name="pk_ledger"),
        sa.CheckConstraint("kind IN ('claim', 'redeem', 'roll_back')", name=op.f("ck_ledger_kind_known")),
    )


def _create_pools() -> None:
    op.create_table(
        "pool_codes",
        sa.Column("code", key_text(), nullable=False),
        sa.Column("promotion_id", key_text(), nullable=False),
        sa.Column("taken", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("code", name="pk_pool_codes"),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotions.id"], name="fk_pool_codes_promotion_id_promotions"
        ),
    )
    op.create_index("ix_pool_codes_promotion_id_taken_code", "pool_codes", ["promotion_id", "taken", "code"])


def _create_answers() -> None:
    op.create_table(
        "kept_answers",
        sa.Column("account", key_text(), nullable=False),
        sa.Column("key", key_text(), nullable=False),
        sa.Column("asked", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("kept_at", UtcMilliseconds, nullable=False),
        sa.PrimaryKeyConstraint("account", "key", name="pk_kept_answers"),
    )
    op.create_index("ix_kept_answers_kept_at", "kept_answers", ["kept_at"])


def _guard_ledger_on_sqlite() -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    op.execute(f"CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger {refuse}")
    op.execute(f"CREATE TRIGGER ledger_is_not_deleted BEFORE DELETE ON ledger {refuse}")
    # INSERT OR REPLACE deletes without asking the trigger above.
    there = "WHEN EXISTS (SELECT 1 FROM ledger WHERE step = NEW.step)"
    op.execute(f"CREATE TRIGGER ledger_is_not_replaced BEFORE INSERT ON ledger {there} {refuse}")


def _guard_ledger_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION geo_offers_refuse_change_of_ledger() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER ledger_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger"
        " FOR EACH STATEMENT EXECUTE FUNCTION geo_offers_refuse_change_of_ledger()"
    )
