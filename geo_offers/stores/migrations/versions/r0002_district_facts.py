"""What else the maker of a district knows: rank, level, primary categories, method, parameters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geo_offers.stores.column_types import json_object

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("districts", sa.Column("facts", json_object(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("districts", "facts")
