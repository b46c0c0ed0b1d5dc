"""The column types mean the same on SQLite and on PostGIS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import shapely
from sqlalchemy import Column, Connection, Integer, MetaData, Table, func, insert, select
from sqlalchemy.exc import DBAPIError, StatementError

from geo_offers.stores.column_types import GeometryWkb, UtcMilliseconds, json_object, key_text
from tests.builders import a_square
from tests.stores.engines import on_postgis, on_sqlite

things = Table(
    "things",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("at", UtcMilliseconds),
    Column("name", key_text()),
    Column("facts", json_object()),
    Column("area", GeometryWkb()),
)


@pytest.fixture(params=["sqlite", "postgis"])
def with_things(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[Callable[[Connection], None]], None]:
    """Runs a function on a connection to a database that has the table of things."""

    def and_the_table(function: Callable[[Connection], None]) -> Callable[[Connection], None]:
        def run(connection: Connection) -> None:
            things.create(connection)
            function(connection)

        return run

    if request.param == "sqlite":
        return lambda function: on_sqlite(tmp_path / "things.sqlite3", and_the_table(function))
    url = request.getfixturevalue("postgis_url")
    return lambda function: asyncio.run(on_postgis(url, and_the_table(function)))


def kept(connection: Connection, **values: object) -> object:
    """What comes back of one value in a row of its own."""
    (column,) = values
    number = connection.execute(insert(things).values(**values).returning(things.c.number)).scalar_one()
    return connection.execute(select(things.c[column]).where(things.c.number == number)).scalar_one()


def test_a_time_comes_back_in_utc_to_the_millisecond(with_things):
    shanghai = datetime(2026, 3, 29, 9, 0, 0, 123_999, tzinfo=ZoneInfo("Asia/Shanghai"))
    before_1970 = datetime(1969, 12, 31, 23, 59, 59, 999_500, tzinfo=UTC)
    far_off = datetime(2999, 1, 1, tzinfo=timezone(timedelta(hours=-9, minutes=-30)))

    def check(connection: Connection) -> None:
        assert kept(connection, at=shanghai) == datetime(2026, 3, 29, 1, 0, 0, 123_000, tzinfo=UTC)
        assert kept(connection, at=before_1970) == datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
        assert kept(connection, at=far_off) == far_off
        assert kept(connection, at=shanghai).utcoffset() == timedelta(0)
        assert kept(connection, at=None) is None
        earliest_first = select(things.c.at).where(things.c.at.is_not(None)).order_by(things.c.at)
        assert connection.execute(earliest_first).scalars().first() < datetime(1970, 1, 1, tzinfo=UTC)

    with_things(check)


def test_a_time_without_a_zone_is_refused(with_things):
    def check(connection: Connection) -> None:
        with pytest.raises(StatementError, match="has no time zone"):
            kept(connection, at=datetime(2026, 3, 29, 9, 0))  # noqa: DTZ001

    with_things(check)


def test_keys_are_ordered_by_code_point(with_things):
    names = ["Z", "_", "a", "a b", "aB", "ab", "é", "東", "𠮷"]

    def check(connection: Connection) -> None:
        connection.execute(insert(things), [{"name": name} for name in reversed(names)])
        found = connection.execute(select(things.c.name).order_by(things.c.name)).scalars()
        assert list(found) == sorted(names)

    with_things(check)


def test_an_object_comes_back_as_it_went_in(with_things):
    facts = {"zh": "☕ 咖啡", "empty": "", "quote": '"\\'}

    def check(connection: Connection) -> None:
        assert kept(connection, facts=facts) == facts
        assert kept(connection, facts={}) == {}

    with_things(check)


def test_a_geometry_comes_back_byte_for_byte(with_things):
    area = a_square()

    def check(connection: Connection) -> None:
        assert kept(connection, area=area) == area
        assert kept(connection, area=None) is None
        copied = insert(things).from_select(["area"], select(things.c.area).where(things.c.number == 1))
        connection.execute(copied)
        assert list(connection.execute(select(things.c.area)).scalars()) == [area, None, area]

    with_things(check)


def test_on_postgis_a_geometry_is_one_in_wgs_84(postgis_url: str):
    def check(connection: Connection) -> None:
        things.create(connection)
        area = a_square()
        connection.execute(insert(things).values(area=area))
        column = things.c.area
        facts = connection.execute(select(func.ST_SRID(column), func.ST_Area(column))).one()
        assert facts == (4326, pytest.approx(shapely.from_wkb(area).area, rel=1e-12))
        with pytest.raises(DBAPIError):
            connection.execute(insert(things).values(area=b"hello"))

    asyncio.run(on_postgis(postgis_url, check))
