"""`geo-offers verify` says what it checked, and names every disagreement with the ledger."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from geo_offers.bootstrap import open_stores
from geo_offers.cli import app
from geo_offers.domain.codes import new_code
from geo_offers.domain.coupon import Claim
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Promotion
from geo_offers.settings import Settings
from geo_offers.stores.once import Once
from tests.builders import a_merchant, a_promotion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def _claim_once(url: str, promotion: Promotion) -> None:
    stores = await open_stores(Settings(database_url=url))
    await stores.catalog.import_promotions([promotion], [a_merchant()], dataset="test")
    claim = Claim(
        promotion_id=promotion.id,
        account="lakeside",
        visitor_key="anna",
        segments=frozenset(),
        at=LngLat(24.9414, 60.1699),
        cell=None,
        accuracy_m=5.0,
        fix_at=NOON,
        code=new_code(),
        when=NOON,
    )
    await stores.commerce.claim(claim, once=Once("", None, b"", lambda _: b""))
    await stores.catalog.close()


def test_a_counter_that_was_tampered_with_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, promotion = tmp_path / "store.sqlite3", a_promotion()
    url = f"sqlite:///{file}"
    monkeypatch.setenv("GEO_OFFERS_DATABASE_URL", url)
    asyncio.run(_claim_once(url, promotion))
    clean = CliRunner().invoke(app, ["verify"])
    assert (clean.exit_code, clean.stdout.splitlines()[-1]) == (0, "All agree.")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE usage_totals SET claims = claims + 6")
    tampered = CliRunner().invoke(app, ["verify"])
    assert tampered.exit_code == 1
    assert any(
        promotion.id in line and line.endswith("the ledger says 1, it says 7")
        for line in tampered.stdout.splitlines()
    ), tampered.stdout
