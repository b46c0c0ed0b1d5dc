"""What SQLite and PostGIS share does the same on both: the merge of an import, single shops, the feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import Connection, text

from geo_offers.domain.errors import InvalidInput, ShopNotFound
from geo_offers.domain.place import District, Shop, ShopRow
from geo_offers.stores import durable_sql, merging, migrate
from geo_offers.stores.ports import Change, ImportCounts
from geo_offers.stores.rows import incoming_districts, incoming_shops, shop_of
from tests.builders import a_district, a_shop, some_shops
from tests.contract.catalog_readings import cell_then_id
from tests.stores.engines import InTransaction, on_postgis
from tests.stores.merges import NOW, merged


def shops_in(connection: Connection) -> list[Shop]:
    return [shop_of(ShopRow._make(row)) for row in connection.execute(durable_sql.LIVE_SHOP_ROWS)]


def import_shops(connection: Connection, shops: Sequence[Shop], *, replace: bool = False) -> ImportCounts:
    return merged(connection, merging.staging_of_shops(), incoming_shops(shops), replace=replace)


def import_districts(connection: Connection, districts: Sequence[District]) -> ImportCounts:
    return merged(connection, merging.staging_of_districts(), incoming_districts(districts))


def test_a_merge_adds_changes_revives_and_retires(with_tables: Callable[[InTransaction], None]):
    def check(connection: Connection) -> None:
        zero, one, two, three = some_shops(4)
        assert import_shops(connection, [zero, one, two]) == ImportCounts(3, 0, 0, 0)
        assert durable_sql.retire_shop(connection, two.id, NOW) == 4
        renamed = a_shop(one.source.id, name="Renamed", at=one.at)
        counts = import_shops(connection, [renamed, two, three], replace=True)
        assert counts == ImportCounts(added=2, updated=1, unchanged=0, retired=1)
        assert shops_in(connection) == sorted([renamed, two, three], key=cell_then_id)
        assert import_shops(connection, [renamed, two, three], replace=True) == ImportCounts(0, 0, 3, 0)
        touched = sorted(shop.id for shop in (zero, one, two, three))
        expected = [Change(revision, "shop", shop_id) for revision, shop_id in enumerate(touched, start=5)]
        assert durable_sql.changes_since(connection, 4, 10) == expected
        assert durable_sql.revision_of(connection) == 8

    with_tables(check)


def test_many_changes_are_one_step(with_tables: Callable[[InTransaction], None]):
    def check(connection: Connection) -> None:
        assert import_shops(connection, some_shops(1_001)) == ImportCounts(1_001, 0, 0, 0)
        assert durable_sql.changes_since(connection, 0, 10) == [Change(1, "all", None)]

    with_tables(check)


def test_single_shops_are_put_found_and_retired(with_tables: Callable[[InTransaction], None]):
    def check(connection: Connection) -> None:
        assert durable_sql.put_shops(connection, some_shops(2), NOW) == 2
        renamed = some_shops(2, name="星巴克")
        assert durable_sql.put_shops(connection, renamed, NOW) == 4
        assert durable_sql.get_shop(connection, renamed[0].id) == renamed[0]
        assert durable_sql.retire_shop(connection, renamed[0].id, NOW) == 5
        with pytest.raises(ShopNotFound):
            durable_sql.get_shop(connection, renamed[0].id)
        with pytest.raises(ShopNotFound):
            durable_sql.retire_shop(connection, renamed[0].id, NOW)
        assert shops_in(connection) == renamed[1:]

    with_tables(check)


def test_districts_keep_their_geometry_and_their_parents(with_tables: Callable[[InTransaction], None]):
    def check(connection: Connection) -> None:
        parent, child = a_district("way/1"), a_district("way/2", parent_id=a_district("way/1").id)
        assert import_districts(connection, [child, parent]) == ImportCounts(2, 0, 0, 0)
        assert import_districts(connection, [child, parent]) == ImportCounts(0, 0, 2, 0)
        assert durable_sql.live_districts(connection) == sorted([parent, child], key=lambda one: one.id)
        assert durable_sql.get_district(connection, child.id) == child
        with pytest.raises(InvalidInput, match="which is not known"):
            import_districts(connection, [a_district("way/3", parent_id="nobody")])
        connection.execute(text("DELETE FROM districts WHERE parent_id = 'nobody'"))

    with_tables(check)


def test_on_postgis_a_shop_is_a_point(postgis_url: str):
    def check(connection: Connection) -> None:
        migrate.upgrade(connection)
        durable_sql.put_shops(connection, [a_shop()], NOW)
        assert (
            connection.execute(text("SELECT ST_AsText(geom) FROM shops")).scalar() == "POINT(24.9414 60.1699)"
        )

    asyncio.run(on_postgis(postgis_url, check))
