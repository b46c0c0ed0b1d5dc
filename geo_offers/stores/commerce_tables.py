"""The tables of coupons, redemptions, their counters and their ledger, and of kept answers; nothing that reads or writes.

The migration adds triggers by which the database itself refuses to change or delete a row of the ledger.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    false,
)

from geo_offers.stores.column_types import UtcMilliseconds, counting_key, key_text
from geo_offers.stores.tables import metadata

#: The `period_start` of what a visitor has claimed in all.
ALL_TIME = datetime(1970, 1, 1, tzinfo=UTC)

#: What one app's visitor, or a pool's next code, became. An issued one past `expires_at` is expired.
coupons = Table(
    "coupons",
    metadata,
    Column("code", key_text(), primary_key=True),
    Column("promotion_id", key_text(), ForeignKey("promotions.id"), nullable=False),
    Column("merchant_id", key_text(), nullable=False),
    Column("account", key_text(), nullable=False),
    Column("visitor_key", key_text(), nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('issued', 'redeemed')", name="state_known"),
        nullable=False,
    ),
    Column("cell", BigInteger),  # H3, resolution 11: where it was claimed
    Column("issued_at", UtcMilliseconds, nullable=False),
    Column("expires_at", UtcMilliseconds, nullable=False),
)

redemptions = Table(
    "redemptions",
    metadata,
    Column("id", key_text(), primary_key=True),
    Column("code", key_text(), ForeignKey("coupons.code"), nullable=False),
    Column("promotion_id", key_text(), nullable=False),
    Column("merchant_id", key_text(), nullable=False),
    Column("shop_id", key_text(), nullable=False),
    Column("key_id", key_text(), nullable=False),
    Column("basket_minor", BigInteger),
    Column(
        "discount_minor", BigInteger, CheckConstraint("discount_minor >= 0", name="discount_not_negative")
    ),
    Column("currency", Text),
    Column("period_start", UtcMilliseconds),  # of the period that it counts in; NULL where none is counted
    Column("budget_minor", BigInteger, nullable=False),  # what it took of the budget
    Column("redeemed_at", UtcMilliseconds, nullable=False),
    Column("rolled_back_at", UtcMilliseconds),
)

#: `step` is for `counted_since` and says when the row was last changed: see durable_ledger.ChangeMark.
usage_totals = Table(
    "usage_totals",
    metadata,
    Column("promotion_id", key_text(), primary_key=True),
    Column("claims", BigInteger, CheckConstraint("claims >= 0", name="claims_counted"), nullable=False),
    Column(
        "redemptions",
        BigInteger,
        CheckConstraint("redemptions >= 0 AND redemptions <= claims", name="redemptions_counted"),
        nullable=False,
    ),
    Column(
        "budget_minor",
        BigInteger,
        CheckConstraint("budget_minor >= 0", name="budget_counted"),
        nullable=False,
    ),
    Column("step", BigInteger, nullable=False, index=True),
)

usage_periods = Table(
    "usage_periods",
    metadata,
    Column("promotion_id", key_text(), primary_key=True),
    Column("period_start", UtcMilliseconds, primary_key=True, autoincrement=False),
    Column("claims", BigInteger, CheckConstraint("claims >= 0", name="claims_counted"), nullable=False),
    Column(
        "redemptions",
        BigInteger,
        CheckConstraint("redemptions >= 0", name="redemptions_counted"),
        nullable=False,
    ),
)

#: In all (see ALL_TIME) and, where a promotion has limits for a period, in each period.
usage_visitors = Table(
    "usage_visitors",
    metadata,
    Column("visitor_key", key_text(), primary_key=True),
    Column("promotion_id", key_text(), primary_key=True),
    Column("period_start", UtcMilliseconds, primary_key=True, autoincrement=False),
    Column("claims", BigInteger, CheckConstraint("claims >= 0", name="claims_counted"), nullable=False),
)

#: One row for each claim, redemption and roll-back; only ever added to. `budget_minor` is negative for a
#: roll-back. On SQLite steps are without gaps and in the order of the commits; on PostgreSQL neither.
ledger = Table(
    "ledger",
    metadata,
    Column("step", counting_key(), primary_key=True, autoincrement=True),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('claim', 'redeem', 'roll_back')", name="kind_known"),
        nullable=False,
    ),
    Column("promotion_id", key_text(), nullable=False),
    Column("merchant_id", key_text(), nullable=False),
    Column("code", key_text(), nullable=False),
    Column("redemption_id", key_text()),
    Column("visitor_key", key_text(), nullable=False),
    Column("period_start", UtcMilliseconds),
    Column("budget_minor", BigInteger, nullable=False),
    Column("at", UtcMilliseconds, nullable=False),
    Column("key_id", key_text()),  # whose till; NULL for a claim
)

#: Merchants' own codes, each of one promotion; taken when a coupon has it.
pool_codes = Table(
    "pool_codes",
    metadata,
    Column("code", key_text(), primary_key=True),
    Column("promotion_id", key_text(), ForeignKey("promotions.id"), nullable=False),
    Column("taken", Boolean, nullable=False, server_default=false()),
)

#: What a key's write was answered with, for 24 hours.
kept_answers = Table(
    "kept_answers",
    metadata,
    Column("account", key_text(), primary_key=True),
    Column("key", key_text(), primary_key=True),
    Column("asked", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("kept_at", UtcMilliseconds, nullable=False, index=True),
)

Index("ix_coupons_visitor_key_issued_at", coupons.c.visitor_key, coupons.c.issued_at)
# What a funnel counts: those of a promotion that were not used, by their end.
Index(
    "ix_coupons_promotion_id_state_expires_at", coupons.c.promotion_id, coupons.c.state, coupons.c.expires_at
)
Index("ix_redemptions_promotion_id", redemptions.c.promotion_id)
# A coupon has one redemption that stands, whatever the program thinks.
Index(
    "uq_redemptions_standing",
    redemptions.c.code,
    unique=True,
    sqlite_where=redemptions.c.rolled_back_at.is_(None),
    postgresql_where=redemptions.c.rolled_back_at.is_(None),
)
Index(
    "ix_pool_codes_promotion_id_taken_code", pool_codes.c.promotion_id, pool_codes.c.taken, pool_codes.c.code
)
