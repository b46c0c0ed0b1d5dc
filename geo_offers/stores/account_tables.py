"""The tables of accounts: keys, whose shops are whose, and how promotions were; nothing that reads or writes.

Merchants and promotions themselves are in `tables.py`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text

from geo_offers.stores.column_types import UtcMilliseconds, counting_key, key_text
from geo_offers.stores.tables import metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", key_text(), primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the secret, which is nowhere
    Column(
        "role",
        Text,
        CheckConstraint("role IN ('admin', 'merchant', 'app', 'planner')", name="role_known"),
        nullable=False,
    ),
    Column("account", key_text(), nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", UtcMilliseconds, nullable=False),
    Column("expires_at", UtcMilliseconds),
    Column("revoked_at", UtcMilliseconds),
    Column("last_used_at", UtcMilliseconds),
)

#: One row. It grows with every change of keys; 0 is a store that never had one.
key_version = Table(
    "key_version",
    metadata,
    Column(
        "id", counting_key(), CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False
    ),
    Column("version", BigInteger, nullable=False),
)

#: A shop that is not here is nobody's. A retired shop stays its owner's.
shop_owners = Table(
    "shop_owners",
    metadata,
    Column("shop_id", key_text(), ForeignKey("shops.id"), primary_key=True),
    Column("merchant_id", key_text(), ForeignKey("merchants.id"), nullable=False),
)

#: `merchant_id` is the promotion's, here too so that a merchant's rows are known by a column of their own.
promotion_versions = Table(
    "promotion_versions",
    metadata,
    Column("merchant_id", key_text(), ForeignKey("merchants.id"), primary_key=True),
    Column("promotion_id", key_text(), ForeignKey("promotions.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("changed_at", UtcMilliseconds, nullable=False),
    Column("key_id", key_text()),
)

Index("uq_api_keys_digest", api_keys.c.digest, unique=True)
Index("ix_shop_owners_merchant_id_shop_id", shop_owners.c.merchant_id, shop_owners.c.shop_id)
