"""A store moved to the other engine and back: all rows, the same sums, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import Connection, insert, select, update
from typer.testing import CliRunner

from geo_offers.cli import app
from geo_offers.cli_connections import in_transaction, on_file
from geo_offers.domain.errors import GeoOffersError
from geo_offers.stores import migrate, sqlite_files
from geo_offers.stores.account_tables import api_keys, key_version, promotion_versions, shop_owners
from geo_offers.stores.commerce_tables import (
    ALL_TIME,
    coupons,
    kept_answers,
    ledger,
    pool_codes,
    redemptions,
    usage_periods,
    usage_totals,
    usage_visitors,
)
from geo_offers.stores.moving import TABLES, digest_of
from geo_offers.stores.tables import (
    catalog_changes,
    catalog_revision,
    districts,
    merchants,
    promotions,
    shops,
)

AT = datetime(2026, 7, 4, 12, 30, 15, 123_000, tzinfo=UTC)
SQUARE = shapely.box(120.1, 31.1, 120.2 + 1e-13, 31.3).wkb
#: What engines keep in different ways: numbers in JSON, times, marks of other alphabets.
AWKWARD = {
    "一": 1.0,
    "b": -0.0,
    "a": [1e22, 1e-7, 0.1 + 0.2, 2**53 + 1, None, True],
    "é": {"z": "😀", "y": ""},
}
SOURCE = {"source_provider": "osm", "licence": "ODbL-1.0", "names": {"zh": "店", "en": ""}}
KEPT = {"fingerprint": -(2**63), "dataset": None, "updated_at": AT}
PROMOTION: dict[str, Any] = {
    "id": "prm_1", "merchant_id": "mrc_1", "known_as": "prm_1", "title": "满50元减10元", "title_i18n": {},
    "benefit": AWKWARD, "fence_kind": "polygon", "fence_geom": SQUARE, "shop_ids": ["shp_1"], "starts_at": AT,
    "ends_at": AT + timedelta(days=3_000), "time_zone": "Asia/Shanghai", "listed": True, "max_accuracy_m": 0.1 + 0.2,
    "status": "active", "segments": [], "visitors": "all", "per_period": {"day": {"max_claims": 3}}, **KEPT,
}  # fmt: skip
CIRCLE = PROMOTION | {
    "id": "prm_2", "known_as": "x", "external_id": "x", "fence_kind": "circle", "fence_geom": None, "listed": False,
    "fence_lng": -180.0, "fence_lat": -0.0, "fence_radius_m": 1e-9, "retired_at": AT, "dataset": "d",
}  # fmt: skip
SPENT = {"promotion_id": "prm_1", "merchant_id": "mrc_1", "code": "CODE1", "visitor_key": "v"}
ROWS: Mapping[Any, list[dict[str, Any]]] = {
    merchants: [{"id": "mrc_1", "name": "湖滨\u202e'\\\"", "updated_at": AT}],
    shops: [
        {"id": f"shp_{n}", "source_id": f"{n}", "name": "A", "category": "food.cafe", "lng": 1 / 3 + n,
         "lat": -5e-324, "cell": 2**62 + n, "time_zone": "UTC", **SOURCE, **KEPT} for n in range(4_500)
    ],
    districts: [
        {"id": "dst_a", "parent_id": "dst_b", "source_id": "a", "name": "小", "kind": "custom", "facts": AWKWARD,
         "geom": SQUARE, "west": 120.1, "south": 31.1, "east": 120.2, "north": 31.3, **SOURCE, **KEPT},
        {"id": "dst_b", "parent_id": None, "source_id": "b", "name": "大", "kind": "official", "facts": {},
         "geom": shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]).wkb, "west": 0.0,
         "south": 0.0, "east": 3.0, "north": 3.0, **SOURCE, **KEPT},
    ],
    promotions: [PROMOTION],
    catalog_changes: [{"revision": 7, "kind": "all", "entity_id": None, "changed_at": AT}],
    api_keys: [{"id": "key_1", "digest": bytes(range(32)), "role": "app", "account": "a", "label": "", "created_at": AT}],
    shop_owners: [{"shop_id": "shp_1", "merchant_id": "mrc_1"}],
    promotion_versions: [
        {"merchant_id": "mrc_1", "promotion_id": "prm_1", "number": 1, "document": '{"b":1.0,  "a":2}', "changed_at": AT}
    ],
    coupons: [
        {"code": "CODE1", "promotion_id": "prm_1", "merchant_id": "mrc_1", "account": "a", "visitor_key": "v",
         "state": "redeemed", "cell": 2**59, "issued_at": AT, "expires_at": AT}
    ],
    redemptions: [
        {"id": "red_1", "code": "CODE1", "promotion_id": "prm_1", "merchant_id": "mrc_1", "shop_id": "shp_1",
         "key_id": "key_1", "budget_minor": 5, "redeemed_at": AT}
    ],
    usage_totals: [
        {"promotion_id": f"prm_{n}", "claims": 1, "redemptions": 1, "budget_minor": 5, "step": 2**40 - n} for n in (1, 2)
    ],
    usage_periods: [{"promotion_id": "prm_1", "period_start": AT, "claims": 1, "redemptions": 1}],
    usage_visitors: [{"visitor_key": "v", "promotion_id": "prm_1", "period_start": ALL_TIME, "claims": 1}],
    ledger: [
        {"step": 41, "kind": "claim", "budget_minor": 0, "at": AT, **SPENT},
        {"step": 43, "kind": "redeem", "budget_minor": 5, "at": AT, "redemption_id": "red_1", "key_id": "key_1", **SPENT},
    ],
    pool_codes: [{"code": "OWN1", "promotion_id": "prm_1", "taken": True}],
    kept_answers: [{"account": "a", "key": "k", "asked": b"\x00\xff", "body": b"{}", "kept_at": AT}],
}  # fmt: skip


def fill(connection: Connection) -> None:
    """At least one row in every table."""
    for table, rows in ROWS.items():
        connection.execute(insert(table), rows)
    connection.execute(insert(promotions), [CIRCLE])
    connection.execute(update(catalog_revision).values(revision=7))
    connection.execute(update(key_version).values(version=2))


def sums(connection: Connection) -> dict[str, str]:
    return {table.name: f"{(found := digest_of(connection, table)).rows} {found}" for table in TABLES}


def moved(source: str, target: str) -> Any:
    return CliRunner().invoke(
        app, ["migrate", "--from", source, "--to", target], env={"GEO_OFFERS_SECRET": "kept"}
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An embedded store with rows in every table."""
    path = tmp_path / "town.sqlite3"
    sqlite_files.make_ready(path)
    on_file(path, fill, writes=True)
    return path


def test_all_rows_go_to_postgis_and_come_back(store: Path, postgis_url: str, tmp_path: Path) -> None:
    there = on_file(store, sums, writes=False)
    assert all(not told.startswith("0 ") for told in there.values()), "every table has a row"
    end = moved(f"sqlite:///{store}", postgis_url)
    assert end.exit_code == 0, end.output
    assert "4,521 rows are copied, read back and the same." in end.stdout
    assert in_transaction(postgis_url, sums, writes=False) == there
    back = tmp_path / "back.sqlite3"
    end = moved(postgis_url, f"sqlite:///{back}")
    assert end.exit_code == 0, end.output
    assert on_file(back, sums, writes=False) == there


def test_counting_goes_on_after_a_move(store: Path, postgis_url: str) -> None:
    assert moved(f"sqlite:///{store}", postgis_url).exit_code == 0

    def next_step(connection: Connection) -> tuple[int, list[int]]:
        row = {"kind": "claim", "budget_minor": 0, "at": AT, **SPENT}
        step = connection.execute(insert(ledger).returning(ledger.c.step), row).scalar_one()
        marks = connection.execute(select(usage_totals.c.step).order_by(usage_totals.c.promotion_id.desc()))
        return int(step), list(marks.scalars())

    assert in_transaction(postgis_url, next_step, writes=True) == (44, [1, 2]), "marks anew, in their order"


def test_a_target_that_is_not_empty_is_refused_and_left_as_it_is(store: Path, postgis_url: str) -> None:
    def one_merchant(connection: Connection) -> None:
        migrate.upgrade(connection)
        connection.execute(insert(merchants), {"id": "mrc_x", "name": "theirs", "updated_at": AT})

    in_transaction(postgis_url, one_merchant, writes=True)
    before = in_transaction(postgis_url, sums, writes=False)
    end = moved(f"sqlite:///{store}", postgis_url)
    assert (end.exit_code, end.stdout) == (1, "")
    assert end.stderr == "Error: the target is not empty, it has rows in merchants: name an empty one\n"
    assert in_transaction(postgis_url, sums, writes=False) == before


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            {"geom": shapely.to_wkb(shapely.box(0, 0, 1, 1), byte_order=0)},
            "the copy of districts is not the same",
        ),
        ({"name": "a\x00b"}, "U+0000"),
    ],
)
def test_a_row_that_would_not_be_the_same_there_leaves_nothing(
    store: Path, postgis_url: str, fault: dict[str, Any], said: str
) -> None:
    on_file(store, lambda connection: connection.execute(update(districts).values(fault)), writes=True)
    end = moved(f"sqlite:///{store}", postgis_url)
    assert (end.exit_code, end.stdout) == (1, "")
    assert said in end.stderr
    assert in_transaction(postgis_url, migrate.version_of, writes=False) is None, "no tables either"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "sqlite:////nowhere/a"), "name both"),
        (
            ("--from", "sqlite:////nowhere/a", "--to", "sqlite:////nowhere/b"),
            "from sqlite: to postgresql: or back",
        ),
        (("--from", "postgresql://h/a", "--to", "postgresql://h/b"), "pg_dump and pg_restore"),
        (("--from", "sqlite:////nowhere/a", "--to", "postgresql://h/b"), "is not there"),
    ],
)
def test_what_cannot_be_moved_is_one_sentence(words: tuple[str, ...], said: str) -> None:
    end = CliRunner().invoke(app, ["migrate", *words], env={})
    assert (end.exit_code, end.stdout, end.stderr.count("\n")) == (1, "", 1), end.stderr
    assert said in end.stderr


def test_an_older_store_is_not_moved(store: Path, postgis_url: str) -> None:
    on_file(store, lambda connection: migrate.downgrade(connection, "0006"), writes=True)
    end = moved(f"sqlite:///{store}", postgis_url)
    assert end.exit_code == 1
    assert "run `geo-offers migrate`" in end.stderr


def test_the_order_of_rows_does_not_matter_to_a_sum_and_every_value_does(store: Path) -> None:
    def sum_of(connection: Connection) -> str:
        return sums(connection)["merchants"]

    def again(connection: Connection, *rows: dict[str, Any]) -> str:
        connection.execute(insert(merchants), list(rows))
        told = sum_of(connection)
        connection.execute(merchants.delete().where(merchants.c.id.in_([row["id"] for row in rows])))
        return told

    a, b = ({"id": f"mrc_{name}", "name": name, "updated_at": AT} for name in "ab")
    with pytest.raises(GeoOffersError, match="is not there"):
        on_file(store.with_name("other"), sum_of, writes=False)
    one = on_file(store, lambda connection: again(connection, a, b), writes=True)
    assert on_file(store, lambda connection: again(connection, b, a), writes=True) == one
    later = a | {"updated_at": AT + timedelta(milliseconds=1)}
    assert on_file(store, lambda connection: again(connection, later, b), writes=True) != one
