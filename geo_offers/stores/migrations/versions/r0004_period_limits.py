"""Limits of a promotion within a period."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geo_offers.stores.column_types import json_object

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("promotions", sa.Column("per_period", json_object(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("promotions", "per_period")
