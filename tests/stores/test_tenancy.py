"""A merchant's unit reaches no other merchant's rows: a statement that forgets whose rows it is for is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Connection,
    Executable,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects import sqlite

from geo_offers.stores import account_tables, commerce_tables, migrate
from geo_offers.stores.account_tables import promotion_versions, shop_owners
from geo_offers.stores.commerce_tables import pool_codes
from geo_offers.stores.sqlite_engine import engine_of
from geo_offers.stores.tables import districts, merchants, metadata, promotions, shops
from geo_offers.stores.tenancy import SHARED, TENANT_OF, TenantForgotten, across_tenants, bound
from geo_offers.stores.tenancy_rules import Rows, Rules, Through
from tests.builders import a_merchant
from tests.stores.postgis_units import postgis_units

MINE, THEIRS = a_merchant().id, a_merchant("Other Oy").id
NOT_FOR_MERCHANTS = {account_tables.api_keys.name, account_tables.key_version.name}
OWNED_DIRECTLY = sorted(name for name, whose in TENANT_OF.items() if isinstance(whose, str))
OWNED_THROUGH = sorted(name for name, whose in TENANT_OF.items() if isinstance(whose, Through))
RULES = Rules(Rows(TENANT_OF, SHARED))
his_shops = select(shop_owners.c.shop_id).where(shop_owners.c.merchant_id == MINE)
other = promotions.alias("other")


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A connection to an empty store, bound to a merchant; what is refused never gets to the database."""
    engine = engine_of(tmp_path_factory.mktemp("tenancy") / "town.sqlite3", busy_s=1)
    with engine.begin() as connection:
        migrate.upgrade(connection)
        with bound(connection, MINE):
            yield connection
    engine.dispose()


def table_of(name: str) -> Table:
    return metadata.tables[name]


def tenant_column(name: str) -> Any:
    whose = TENANT_OF[name]
    assert isinstance(whose, str)
    return table_of(name).c[whose]


def through(name: str, tenant: str = MINE) -> Any:
    """That a row is the tenant's, by the table that says whose it is."""
    whose = TENANT_OF[name]
    assert isinstance(whose, Through)
    keys = select(table_of(whose.owners).c[whose.key]).where(tenant_column(whose.owners) == tenant)
    return table_of(name).c[whose.column].in_(keys)


def test_every_table_is_a_merchants_or_shared_or_not_for_merchants():
    assert commerce_tables.ledger.metadata is metadata
    assert TENANT_OF.keys() | SHARED | NOT_FOR_MERCHANTS == metadata.tables.keys()
    assert not TENANT_OF.keys() & SHARED


@pytest.mark.parametrize("name", [*OWNED_DIRECTLY, *OWNED_THROUGH])
@pytest.mark.parametrize("kind", ["select", "count", "update", "delete", "aliased", "nested", "cte"])
def test_a_statement_without_the_merchant_is_refused_on_every_table(
    connection: Connection, name: str, kind: str
):
    table = table_of(name)
    column = next(iter(table.primary_key))
    statements: dict[str, Executable] = {
        "select": select(table).where(column == "x"),
        "count": select(func.count()).select_from(table),
        "update": update(table).where(column == "x").values({column.name: "y"}),
        "delete": delete(table),
        "aliased": select(table.alias("a")),
        "nested": select(districts.c.id).where(districts.c.id.in_(select(column))),
        "cte": select(select(table).cte("c")),
    }
    with pytest.raises(TenantForgotten):
        connection.execute(statements[kind])


@pytest.mark.parametrize("name", OWNED_DIRECTLY)
def test_a_statement_for_the_merchant_passes_and_for_another_is_refused(connection: Connection, name: str):
    column = tenant_column(name)
    connection.execute(select(table_of(name)).where(column == MINE))
    connection.execute(select(table_of(name)).where(literal(MINE) == column))
    connection.execute(select(table_of(name)).where(column == bindparam("whose")), {"whose": MINE})
    connection.execute(update(table_of(name)).where(column == MINE).values({column.name: MINE}))
    for refused in (
        select(table_of(name)).where(column == THEIRS),
        select(table_of(name)).where(column != MINE),
        select(table_of(name)).where(~(column == MINE)),
        select(table_of(name)).where(column.is_not(None)),
        select(table_of(name)).where(or_(column == MINE, column == THEIRS)),
        select(table_of(name)).where(column.in_([MINE, THEIRS])),
        delete(table_of(name)).where(column == THEIRS),
        update(table_of(name)).where(column == MINE).values({column.name: THEIRS}),
    ):
        with pytest.raises(TenantForgotten):
            connection.execute(refused)
    with pytest.raises(TenantForgotten):
        connection.execute(select(table_of(name)).where(column == bindparam("whose")), {"whose": THEIRS})
    with pytest.raises(TenantForgotten):
        connection.execute(update(table_of(name)).where(column == MINE), {column.name: THEIRS})


@pytest.mark.parametrize("name", OWNED_DIRECTLY)
def test_a_new_row_is_said_to_be_the_merchants(connection: Connection, name: str):
    table, column = table_of(name), tenant_column(name)
    for refused in (
        insert(table),
        insert(table).values({column.name: THEIRS}),
        insert(table).values([{column.name: MINE}, {column.name: THEIRS}]),
        insert(table).from_select([column.name], select(districts.c.id)),
    ):
        with pytest.raises(TenantForgotten):
            connection.execute(refused)
    with pytest.raises(TenantForgotten):
        connection.execute(insert(table), [{column.name: MINE}, {column.name: THEIRS}])
    for values in ([{column.name: MINE}], [{column.name: MINE}] * 2):
        RULES.require_restricted(insert(table), values, MINE)
        RULES.require_restricted(insert(table).values(values), [{}], MINE)


@pytest.mark.parametrize("name", OWNED_THROUGH)
def test_rows_that_are_his_through_another_table_are_found_by_it(connection: Connection, name: str):
    whose = TENANT_OF[name]
    assert isinstance(whose, Through)
    table, owners = table_of(name), table_of(whose.owners)
    same = table.c[whose.column] == owners.c[whose.key]
    his = tenant_column(whose.owners) == MINE
    connection.execute(select(table).where(through(name)))
    connection.execute(select(table).join(owners, same).where(his))
    connection.execute(delete(table).where(through(name)))
    for refused in (
        select(table).where(through(name, THEIRS)),
        select(table).where(~through(name)),
        select(table).join(owners, same),
        select(table, owners).where(his),
        select(table).where(table.c[whose.column].in_(select(districts.c.id))),
        delete(table).where(through(name, THEIRS)),
        update(table).where(through(name)).values({whose.column: "x"}),
    ):
        with pytest.raises(TenantForgotten):
            connection.execute(refused)


def test_a_row_that_is_his_only_through_another_is_not_made_in_his_unit(connection: Connection):
    with pytest.raises(TenantForgotten):
        connection.execute(insert(pool_codes).values(code="X", promotion_id="x"))


UPSERT = sqlite.insert(promotions).values(merchant_id=MINE)
SHOP_UPSERT = sqlite.insert(shops).values(id="x")


@pytest.mark.parametrize(
    "statement",
    [
        UPSERT.on_conflict_do_update(index_elements=["id"], set_={"title": "x"}),
        UPSERT.on_conflict_do_update(
            index_elements=["id"], set_={"title": "x"}, where=promotions.c.merchant_id == THEIRS
        ),
        UPSERT.on_conflict_do_update(
            index_elements=["id"], set_={"merchant_id": THEIRS}, where=promotions.c.merchant_id == MINE
        ),
        SHOP_UPSERT.on_conflict_do_update(index_elements=["id"], set_={"name": "x"}),
        SHOP_UPSERT.on_conflict_do_update(
            index_elements=["id"], set_={"id": "y"}, where=shops.c.id.in_(his_shops)
        ),
    ],
    ids=["anybody's", "another's", "handed over", "anybody's shop", "another shop"],
)
def test_an_upsert_changes_no_row_of_another(connection: Connection, statement: Executable):
    with pytest.raises(TenantForgotten):
        connection.execute(statement)


MY_PROMOTIONS = select(promotions.c.id).where(promotions.c.merchant_id == MINE)
RIGHT: dict[str, Executable] = {
    "join": MY_PROMOTIONS.join(merchants, promotions.c.merchant_id == merchants.c.id),
    "join with the filter on its ON": select(districts.c.id).join(
        promotions, and_(promotions.c.merchant_id == MINE, promotions.c.fence_district_id == districts.c.id)
    ),
    "outer join": MY_PROMOTIONS.outerjoin(
        promotion_versions, promotion_versions.c.merchant_id == promotions.c.merchant_id
    ),
    "with itself": MY_PROMOTIONS.where(other.c.merchant_id == promotions.c.merchant_id, other.c.title == "x"),
    "exists": MY_PROMOTIONS.where(
        exists().where(
            promotion_versions.c.merchant_id == MINE, promotion_versions.c.promotion_id == promotions.c.id
        )
    ),
    "subquery": select(MY_PROMOTIONS.subquery()),
    "union": union_all(MY_PROMOTIONS, MY_PROMOTIONS),
    "cte": select(MY_PROMOTIONS.cte("his")),
    "shops of a promotion": select(shops.c.id, promotions.c.id).where(
        promotions.c.merchant_id == MINE, shops.c.id.in_(his_shops), shops.c.name == promotions.c.title
    ),
    "shared": select(districts),
    "update from": update(promotions)
    .where(promotions.c.merchant_id == MINE, merchants.c.id == promotions.c.merchant_id)
    .values(title=merchants.c.name),
}
WRONG: dict[str, Executable] = {
    "join": MY_PROMOTIONS.join(merchants, promotions.c.title == merchants.c.name),
    "outer join, filter on the wrong side": select(promotions.c.id).outerjoin(
        merchants, and_(promotions.c.merchant_id == MINE, merchants.c.id == MINE)
    ),
    "full join": select(promotions.c.id).join(
        merchants, and_(promotions.c.merchant_id == MINE, merchants.c.id == MINE), full=True
    ),
    "with itself": MY_PROMOTIONS.where(other.c.title == promotions.c.title),
    "exists": MY_PROMOTIONS.where(exists().where(promotion_versions.c.promotion_id == promotions.c.id)),
    "not correlated": MY_PROMOTIONS.where(
        exists(select(promotions.c.id).correlate(None).where(promotions.c.title == "x"))
    ),
    "in its columns": select(select(func.count(promotions.c.id)).scalar_subquery()),
    "subquery": select(select(promotions).subquery()),
    "subquery beside the same table": MY_PROMOTIONS.join(select(promotions).subquery(), literal(1) == 1),
    "union": union_all(MY_PROMOTIONS, select(promotions.c.id)),
    "two that say each other": select(promotions.c.id).where(promotions.c.merchant_id == merchants.c.id),
    "another column of a restricted table": select(merchants.c.id).join(
        promotions, and_(promotions.c.merchant_id == MINE, merchants.c.id == promotions.c.title)
    ),
    "text": text("SELECT id FROM promotions"),
    "text as a condition": MY_PROMOTIONS.where(text("1 OR 1")),
    "text as a column": MY_PROMOTIONS.where(literal_column("1 OR 1") == 1),
    "text as a query": select(text("id FROM promotions").columns().subquery()),
    "update from": update(promotions)
    .where(promotions.c.merchant_id == MINE, merchants.c.name == "x")
    .values(title=merchants.c.name),
    "a value of another": update(promotions)
    .where(promotions.c.merchant_id == MINE)
    .values(title=select(merchants.c.name).limit(1).scalar_subquery()),
    "keys": select(account_tables.api_keys),
    "a table that nobody knows": select(Table("passing", type(metadata)())),
}


@pytest.mark.parametrize("statement", RIGHT.values(), ids=RIGHT.keys())
def test_statements_that_are_restricted_all_through_pass(connection: Connection, statement: Executable):
    connection.execute(statement)


@pytest.mark.parametrize("statement", WRONG.values(), ids=WRONG.keys())
def test_statements_with_a_way_around_are_refused(connection: Connection, statement: Executable):
    with pytest.raises(TenantForgotten):
        connection.execute(statement)


def test_what_passed_for_one_merchant_passes_in_the_same_form_for_him_only():
    rules = Rules(Rows(TENANT_OF, SHARED))

    def of(tenant: str, title: str = "x") -> Executable:
        return select(promotions).where(promotions.c.title == title, promotions.c.merchant_id == tenant)

    for tenant, another in ((MINE, THEIRS), (THEIRS, MINE)):
        for title in (tenant, another, tenant):
            rules.require_restricted(of(tenant, title), [{}], tenant)
            with pytest.raises(TenantForgotten):
                rules.require_restricted(of(another, title), [{}], tenant)
    change = update(promotions).where(promotions.c.merchant_id == MINE)
    rules.require_restricted(change, [{"title": "x"}], MINE)
    with pytest.raises(TenantForgotten):
        rules.require_restricted(change, [{"title": "x"}, {"title": "x", "merchant_id": THEIRS}], MINE)
    new = insert(promotions)
    rules.require_restricted(new, [{"merchant_id": MINE}], MINE)
    for rows in (
        [{"merchant_id": THEIRS}],
        [{"merchant_id": MINE}, {"merchant_id": THEIRS}],
        [{"id": "x"}],
        [{}],
    ):
        with pytest.raises(TenantForgotten):
            rules.require_restricted(new, rows, MINE)


def test_no_more_forms_are_kept_than_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Rules, "FORMS", 3)
    rules = Rules(Rows(TENANT_OF, SHARED))
    for column in list(promotions.c)[2:9]:
        his = select(column).where(promotions.c.merchant_id == MINE)
        rules.require_restricted(his, [{}], MINE)
        assert 1 <= len(rules._forms) <= 3


def test_text_for_the_driver_is_refused(connection: Connection):
    with pytest.raises(TenantForgotten):
        connection.exec_driver_sql("SELECT 1")


def test_savepoints_are_no_statements_about_rows(connection: Connection):
    with connection.begin_nested():
        connection.execute(MY_PROMOTIONS)


def test_a_look_across_merchants_is_said_to_be_one(connection: Connection):
    everybodys = across_tenants(select(func.count()).select_from(shops), because="this is a test")
    assert connection.execute(everybodys).scalar_one() == 0


def test_a_connection_is_bound_as_long_as_the_unit_lasts(tmp_path: Path):
    engine = engine_of(tmp_path / "town.sqlite3", busy_s=1)
    with engine.begin() as connection:
        migrate.upgrade(connection)
        with pytest.raises(TenantForgotten), bound(connection, MINE):
            connection.execute(select(shops))
        connection.execute(select(shops))
        with bound(connection, THEIRS):
            connection.execute(select(merchants).where(merchants.c.id == THEIRS))
            with pytest.raises(AssertionError), bound(connection, MINE):
                pass
    engine.dispose()


def test_on_postgresql_the_same_statements_pass_and_are_refused(postgis_url: str):
    def check(connection: Connection) -> None:
        with bound(connection, MINE):
            for statement in RIGHT.values():
                connection.execute(statement)
            for statement in WRONG.values():
                with pytest.raises(TenantForgotten):
                    connection.execute(statement)
            with pytest.raises(TenantForgotten):
                connection.exec_driver_sql("SELECT 1")

    async def run(function: Callable[[Connection], None]) -> None:
        async with postgis_units(postgis_url) as units:
            await units.write(function)

    asyncio.run(run(check))
