"""Promotions do the same on SQLite and on PostGIS: what comes back, the merge, and who is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import Connection, text

from geo_offers.domain.errors import InvalidInput, PromotionNotFound
from geo_offers.domain.fence import DistrictFence
from geo_offers.domain.promotion import Promotion, PromotionRow, Status
from geo_offers.stores import durable_promotions, durable_sql, merging, migrate
from geo_offers.stores.ports import Change, ImportCounts
from geo_offers.stores.promotion_rows import incoming_promotions, promotion_of_row, promotion_row_of
from geo_offers.stores.rows import incoming_districts
from tests.builders import a_district, a_merchant, a_promotion, a_shop, some_promotions, some_shops
from tests.contract.catalog_promotions import CONTENTS, FENCES, SHOP_IDS, as_written, row_of
from tests.stores.engines import InTransaction, on_postgis
from tests.stores.merges import NOW, merged


def fill(connection: Connection) -> None:
    """A merchant, a district and three shops."""
    durable_promotions.put_merchants(connection, [a_merchant()], NOW)
    merged(connection, merging.staging_of_districts(), incoming_districts([a_district()]))
    durable_sql.put_shops(connection, some_shops(3), NOW)


def import_promotions(
    connection: Connection, promotions: Sequence[Promotion], *, replace: bool = False
) -> ImportCounts:
    rows = incoming_promotions(promotions)
    return merged(connection, merging.staging_of_promotions(), rows, replace=replace)


def promotions_in(connection: Connection) -> list[Promotion]:
    return [promotion_of_row(row) for row in connection.execute(durable_promotions.LIVE_PROMOTIONS)]


def rows_in(connection: Connection) -> list[PromotionRow]:
    return [promotion_row_of(tuple(row)) for row in connection.execute(durable_promotions.PROMOTION_ROWS)]


def every_kind() -> list[Promotion]:
    fences = [a_promotion(name, fence=fence, shop_ids=SHOP_IDS) for name, fence in FENCES.items()]
    return fences + [a_promotion(**{"external_id": name} | content) for name, content in CONTENTS.items()]


def test_promotions_of_every_kind_come_back_imported_or_put(with_tables: Callable[[InTransaction], None]):
    def check(connection: Connection) -> None:
        fill(connection)
        promotions = sorted(every_kind(), key=lambda one: one.id)
        assert import_promotions(connection, promotions) == ImportCounts(len(promotions), 0, 0, 0)
        assert import_promotions(connection, promotions) == ImportCounts(0, 0, len(promotions), 0)
        assert promotions_in(connection) == promotions
        for promotion in promotions:
            durable_promotions.put_promotion(connection, promotion, NOW)
            assert durable_promotions.get_promotion(connection, promotion.id) == promotion
        assert import_promotions(connection, promotions) == ImportCounts(0, 0, len(promotions), 0)
        shown = [promotion for promotion in promotions if promotion.status is not Status.DRAFT]
        assert [as_written(row) for row in rows_in(connection)] == [as_written(row_of(one)) for one in shown]
        ids = [promotion.id for promotion in promotions]
        assert durable_promotions.promotion_rows_of(connection, ids) == rows_in(connection)

    with_tables(check)


def test_a_merge_of_promotions_adds_changes_revives_and_retires(with_tables: Callable[[InTransaction], None]):
    def check(connection: Connection) -> None:
        durable_promotions.put_merchants(connection, [a_merchant()], NOW)
        zero, one, two, three = some_promotions(4)
        assert import_promotions(connection, [zero, one, two]) == ImportCounts(3, 0, 0, 0)
        assert durable_promotions.retire_promotion(connection, two.id, NOW) == 4
        renamed = a_promotion(one.external_id, title="Renamed")
        counts = import_promotions(connection, [renamed, two, three], replace=True)
        assert counts == ImportCounts(added=2, updated=1, unchanged=0, retired=1)
        assert promotions_in(connection) == sorted([renamed, two, three], key=lambda one: one.id)
        touched = sorted(promotion.id for promotion in (zero, one, two, three))
        expected = [Change(revision, "promotion", which) for revision, which in enumerate(touched, start=5)]
        assert durable_sql.changes_since(connection, 4, 10) == expected
        with pytest.raises(PromotionNotFound):
            durable_promotions.get_promotion(connection, zero.id)
        karl = a_merchant("Karl", id=a_merchant().id)
        assert durable_promotions.put_merchants(connection, [karl], NOW) == 11
        assert {row.merchant_name for row in rows_in(connection)} == {"Karl"}
        assert durable_promotions.all_merchants(connection) == [karl]

    with_tables(check)


@pytest.mark.parametrize(
    "over",
    [
        {"merchant_id": a_merchant("Nobody").id},
        {"fence": DistrictFence("nowhere")},
        {"shop_ids": (*SHOP_IDS, a_shop("node/99").id)},
    ],
    ids=["merchant", "district", "shop"],
)
def test_strangers_are_refused_by_name(with_tables: Callable[[InTransaction], None], over: dict[str, object]):
    class UndoneError(Exception):
        """Ends the transaction, whose constraints would not hold at its end."""

    def put(connection: Connection) -> None:
        fill(connection)
        with pytest.raises(InvalidInput, match="spring-9 names the"):
            durable_promotions.put_promotion(connection, a_promotion("spring-9", **over), NOW)
        raise UndoneError

    def import_(connection: Connection) -> None:
        fill(connection)
        with pytest.raises(InvalidInput, match="spring-9 names the"):
            import_promotions(connection, [a_promotion(), a_promotion("spring-9", **over)])
        raise UndoneError

    for refused in (put, import_):
        with pytest.raises(UndoneError):
            with_tables(refused)


def test_on_postgis_a_polygon_fence_is_a_geometry(postgis_url: str):
    def check(connection: Connection) -> None:
        migrate.upgrade(connection)
        fill(connection)
        import_promotions(connection, [a_promotion("hole", fence=FENCES["hole"])])
        durable_promotions.put_promotion(connection, a_promotion("circle"), NOW)
        inside = text(
            "SELECT external_id FROM promotions WHERE ST_Covers(fence_geom, ST_Point(24.1, 60.1, 4326))"
        )
        assert list(connection.execute(inside).scalars()) == ["hole"]

    asyncio.run(on_postgis(postgis_url, check))
