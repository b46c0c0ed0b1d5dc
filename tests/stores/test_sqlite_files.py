"""Files that are not a store, not there, or out of reach: one clear sentence each, and the file as it was."""

from __future__ import annotations

import resource
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from geo_offers.domain.errors import SchemaOutdated, StoreUnavailable
from geo_offers.stores import migrate
from geo_offers.stores.durable_sqlite import SqliteStore
from geo_offers.stores.sqlite_engine import engine_of
from geo_offers.stores.sqlite_files import bring_up_to_date, make_ready, secret_beside
from tests.builders import a_shop, some_shops
from tests.contract.asking import shops_of


def test_the_first_start_makes_the_folder_and_the_file_in_wal_mode(tmp_path: Path):
    path = tmp_path / "not" / "yet" / "100% tówn ?#.sqlite3"
    assert make_ready(path) == migrate.newest_version()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT revision FROM catalog_revision").fetchone() == (0,)


def test_bringing_up_to_date_says_from_where_to_where(tmp_path: Path):
    newest = migrate.newest_version()
    assert bring_up_to_date(tmp_path / "town.sqlite3") == (None, newest)
    assert bring_up_to_date(tmp_path / "town.sqlite3") == (newest, newest)


def test_tables_of_an_older_version_name_the_way_out():
    assert "run `geo-offers migrate`" in str(migrate.schema_outdated("0001"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name,lng,lat\n" * 100, "is not a SQLite database"),
        (b"SQLite format 3\x00" + b"x" * 4_096, "SQLite|damaged"),
    ],
    ids=["a text file", "a damaged file"],
)
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(
    tmp_path: Path, content: bytes, words: str
):
    path = tmp_path / "town.sqlite3"
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match=words) as refused:
        await SqliteStore.open(path)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == content


async def test_the_database_of_another_program_is_refused_and_left_as_it_was(tmp_path: Path):
    path = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE shops (id)")
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="belongs to another program"):
        await SqliteStore.open(path)
    assert path.read_bytes() == before


def test_ten_first_starts_at_once_make_one_store(tmp_path: Path):
    path = tmp_path / "town.sqlite3"
    together = Barrier(10)

    def start(_: int) -> str:
        together.wait()
        return make_ready(path)

    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(start, range(10))) == {migrate.newest_version()}


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="folder of the database"):
        await SqliteStore.open(tmp_path / "file" / "town.sqlite3")


async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path):
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await SqliteStore.open(tmp_path)


async def test_a_writer_that_does_not_get_its_turn_says_that_the_store_is_busy(tmp_path: Path):
    path = tmp_path / "town.sqlite3"
    store = await SqliteStore.open(path, busy_s=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="busy"):
            await store.put_shops([a_shop()])
        with pytest.raises(StoreUnavailable, match="busy"):
            await store.import_shops([a_shop()], dataset="town")
        assert await shops_of(store) == []
        other.execute("ROLLBACK")
    assert await store.put_shops([a_shop()]) == 1
    await store.close()


async def test_a_full_disk_is_said_and_changes_nothing(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "town.sqlite3")
    await store.put_shops([a_shop()])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        with pytest.raises(StoreUnavailable, match="disk"):
            await store.import_shops(some_shops(6_000), dataset="town", replace=True)
        with pytest.raises(StoreUnavailable, match="disk"):
            await store.put_shops(some_shops(2_000, name="x" * 500))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await store.revision() == 1
    await store.import_shops([a_shop()], dataset="town", replace=True)
    await store.close()


async def test_a_store_whose_tables_vanish_says_so(tmp_path: Path):
    path = tmp_path / "town.sqlite3"
    store = await SqliteStore.open(path)
    engine = engine_of(path, busy_s=1)
    with engine.begin() as connection:
        migrate.downgrade(connection)
    engine.dispose()
    with pytest.raises(SchemaOutdated, match="no tables yet"):
        await store.revision()
    await store.close()


async def test_closing_leaves_one_file_and_no_log(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "town.sqlite3")
    await store.put_shops([a_shop()])
    async with store.reading() as reading:
        await anext(reading.shops())
    await store.close()
    assert names_in(tmp_path) == ["town.sqlite3"]


async def test_what_is_not_the_stores_fault_passes_as_it_is(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "town.sqlite3")

    def rows():
        yield a_shop()
        raise sqlite3.DatabaseError("file is not a database")  # of the importer's own file

    with pytest.raises(sqlite3.DatabaseError):
        await store.import_shops(rows(), dataset="town")
    await store.close()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_secret_beside_a_database_is_made_once_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "town.sqlite3"
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(lambda _: secret_beside(path), range(16)))
    assert len(secrets) == 1
    assert len(secrets.pop()) == 32
    assert [file.name for file in tmp_path.iterdir()] == ["town.sqlite3.secret"]
    assert (tmp_path / "town.sqlite3.secret").stat().st_mode & 0o777 == 0o600


def test_a_damaged_secret_is_said_and_not_replaced(tmp_path: Path):
    (tmp_path / "town.sqlite3.secret").write_text("not hex")
    with pytest.raises(StoreUnavailable, match="damaged"):
        secret_beside(tmp_path / "town.sqlite3")
    assert (tmp_path / "town.sqlite3.secret").read_text() == "not hex"
