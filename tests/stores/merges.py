"""An import without an adapter: rows are staged the slow way, the same on both dialects, and merged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from geo_offers.stores import merging
from geo_offers.stores.merging import Staging
from geo_offers.stores.ports import ImportCounts
from geo_offers.stores.promotion_rows import IncomingPromotion
from geo_offers.stores.rows import IncomingDistrict, IncomingShop

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JSON_COLUMNS = ("names", "facts", "title_i18n", "benefit", "shop_ids", "segments", "per_period")
TIMES = ("starts_at", "ends_at")


def merged(
    connection: Connection,
    staging: Staging,
    rows: Sequence[IncomingShop] | Sequence[IncomingDistrict] | Sequence[IncomingPromotion],
    *,
    dataset: str = "town",
    replace: bool = False,
) -> ImportCounts:
    """Stage these rows and merge them."""
    staging.create(connection)
    if rows:
        connection.execute(insert(staging.incoming), [as_values(row._asdict()) for row in rows])
    counts = merging.merge(connection, staging, dataset=dataset, replace=replace, at=NOW)
    staging.incoming.drop(connection)
    staging.changing.drop(connection)
    return counts


def as_values(row: dict[str, Any]) -> dict[str, Any]:
    """The columns as the types of the table want them."""
    decoded = {name: json.loads(row[name]) for name in JSON_COLUMNS if name in row}
    times = {name: EPOCH + timedelta(milliseconds=row[name]) for name in TIMES if name in row}
    return row | decoded | times
