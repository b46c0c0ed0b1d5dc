"""On PostgreSQL a merchant's unit finds no row of another merchant, whatever it asks the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.util import await_only

from geo_offers.domain.errors import Conflict
from geo_offers.stores import durable_owned, durable_sql
from geo_offers.stores.row_security import SETTING
from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.tables import metadata
from geo_offers.stores.tenancy import TENANT_OF, bound
from tests.builders import a_merchant
from tests.contract.commerce_asking import (
    MINE,
    NOW,
    OTHER,
    SHOP,
    SHOPS,
    an_offer,
    claimed,
    fill,
    once,
    redeemed,
)
from tests.stores.postgis_units import PostgisUnits, postgis_units

THEIRS = an_offer("theirs", merchant_id=OTHER.id, shop_ids=(SHOPS[1].id,))
KEYS = {name: next(iter(metadata.tables[name].primary_key)).name for name in TENANT_OF}


async def fill_every_table(units: PostgisUnits) -> None:
    """A row for each of two merchants in every table of merchants' rows, and a shop that is nobody's."""
    mine = an_offer("mine")
    await fill(units, mine, THEIRS)
    commerce = SqlCommerce(units)
    for offer, merchant, shop in ((mine, MINE, SHOPS[0]), (THEIRS, OTHER, SHOPS[1])):
        coupon = await claimed(commerce, offer, visitor_key=f"v-{merchant.id}")
        await redeemed(commerce, coupon.code, merchant_id=merchant.id, shop_id=shop.id)
        await commerce.add_codes(
            offer.id, [f"POOL{merchant.id}"], merchant_id=merchant.id, when=NOW, once=once()
        )

    def rest(connection: Connection) -> None:
        connection.execute(
            text(
                "INSERT INTO promotion_versions SELECT merchant_id, id, 1, '{}', updated_at, NULL FROM promotions"
            )
        )
        connection.execute(
            text(
                "INSERT INTO usage_periods SELECT id, starts_at, 1, 1 FROM promotions ON CONFLICT DO NOTHING"
            )
        )

    await units.write(rest)


def by_the_driver(connection: Connection, statement: str) -> list[Any]:
    """The first column of a statement that no guard of ours sees."""
    driver: Any = connection.connection.driver_connection
    return [row[0] for row in await_only(driver.fetch(statement))]


def everything(connection: Connection) -> dict[str, set[str]]:
    return {
        name: set(by_the_driver(connection, f"SELECT {key}::text FROM {name}")) for name, key in KEYS.items()
    }


def run(url: str, check: Callable[[PostgisUnits], Any]) -> None:
    async def filled() -> None:
        async with postgis_units(url) as units:
            await fill_every_table(units)
            await check(units)

    asyncio.run(filled())


def test_a_select_without_a_filter_sees_the_merchants_rows_only(postgis_url: str):
    def look(connection: Connection, merchant_id: str) -> dict[str, set[str]]:
        with bound(connection, merchant_id):
            return everything(connection)

    async def check(units: PostgisUnits) -> None:
        all_rows = await units.read(everything)
        mine = await units.read(look, MINE.id)
        theirs = await units.read(look, OTHER.id)
        nobodys = {SHOPS[2].id}
        assert mine.keys() == TENANT_OF.keys()
        for name in TENANT_OF:
            shared = nobodys if name == "shops" else set()
            assert mine[name] & theirs[name] == shared, name
            assert mine[name] | theirs[name] == all_rows[name], name
            assert mine[name] - shared, name
            assert theirs[name] - shared, name
        assert mine["shops"] == {SHOP} | nobodys
        assert await units.read(look, a_merchant("Third").id) == {
            name: nobodys if name == "shops" else set() for name in TENANT_OF
        }

    run(postgis_url, check)


def test_a_change_without_a_filter_reaches_the_merchants_rows_only(postgis_url: str):
    def change(connection: Connection) -> dict[str, int]:
        with bound(connection, MINE.id):
            return {
                name: len(by_the_driver(connection, f"UPDATE {name} SET {key} = {key} RETURNING 1"))
                for name, key in KEYS.items()
                if name not in ("ledger", "coupons", "merchants", "promotions")
            }

    async def check(units: PostgisUnits) -> None:
        changed = await units.write(change)
        assert set(changed.values()) == {1}, changed

    run(postgis_url, check)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO merchants VALUES ('stranger', 'Stranger', now())",
        f"INSERT INTO shop_owners VALUES ('{SHOPS[2].id}', '{OTHER.id}')",
        f"UPDATE promotions SET merchant_id = '{OTHER.id}'",
        f"INSERT INTO pool_codes VALUES ('NEW', '{THEIRS.id}', false)",
    ],
)
def test_a_row_of_another_merchant_cannot_be_made(postgis_url: str, statement: str):
    def make(connection: Connection) -> None:
        with bound(connection, MINE.id):
            by_the_driver(connection, statement)

    async def check(units: PostgisUnits) -> None:
        with pytest.raises(Conflict, match="another's"):
            await units.write(make)

    run(postgis_url, check)


def test_what_is_told_ends_with_the_unit_and_with_a_savepoint(postgis_url: str):
    def told(connection: Connection) -> str:
        (value,) = by_the_driver(connection, f"SELECT coalesce(current_setting('{SETTING}', true), '')")
        return value

    def units_in_turn(connection: Connection) -> list[str]:
        heard = [told(connection)]
        with bound(connection, MINE.id):
            heard.append(told(connection))
            savepoint = connection.begin_nested()
            durable_owned.get_merchant(connection, MINE.id)
            savepoint.rollback()
            durable_owned.get_merchant(connection, MINE.id)
            heard.append(told(connection))
        durable_sql.revision_of(connection)
        heard.append(told(connection))
        with bound(connection, OTHER.id):
            heard.append(told(connection))
        return heard

    async def check(units: PostgisUnits) -> None:
        assert await units.read(units_in_turn) == ["", MINE.id, MINE.id, "", OTHER.id]
        assert await units.read(told) == ""

    run(postgis_url, check)


def test_a_shop_of_nobody_is_seen_by_a_merchant_and_not_changed(postgis_url: str):
    def change(connection: Connection) -> list[Any]:
        with bound(connection, MINE.id):
            return by_the_driver(
                connection, f"UPDATE shops SET name = 'Mine' WHERE id = '{SHOPS[2].id}' RETURNING 1"
            )

    async def check(units: PostgisUnits) -> None:
        assert await units.write(change) == []
        assert await units.read(durable_sql.get_shop, SHOPS[2].id) == SHOPS[2]

    run(postgis_url, check)


def test_a_district_with_a_geometry_that_crosses_itself_is_refused_by_the_database(postgis_url: str):
    def spoil(connection: Connection) -> None:
        bow = "POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))"
        connection.execute(
            text(
                "INSERT INTO districts (id, source_provider, source_id, licence, name, names, kind, geom,"
                " west, south, east, north, fingerprint, updated_at) VALUES ('x', 'x', 'x', '', '', '{}',"
                f" 'custom', ST_GeomFromText('{bow}', 4326), 0, 0, 1, 1, 0, now())"
            )
        )

    async def check(units: PostgisUnits) -> None:
        with pytest.raises(Conflict, match="ck_districts_geom_valid"):
            await units.write(spoil)

    run(postgis_url, check)
