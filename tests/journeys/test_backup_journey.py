"""Backups made under load and restored: whole, of one moment, with the secret; on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from click.testing import Result
from sqlalchemy import Connection, func, select
from typer.testing import CliRunner

from geo_offers.cli import app
from geo_offers.cli_connections import in_transaction, on_file
from geo_offers.stores import sqlite_files
from geo_offers.stores.durable_sql import revision_of
from geo_offers.stores.durable_sqlite import SqliteStore
from geo_offers.stores.moving import TABLES, digest_of
from geo_offers.stores.tables import catalog_changes
from tests.builders import a_shop
from tests.servers import PostgisServer


def told(url: str, *words: str, **settings: str) -> Result:
    env = {f"GEO_OFFERS_{name.upper()}": text for name, text in settings.items()}
    return CliRunner().invoke(app, words, env={"GEO_OFFERS_DATABASE_URL": url, **env})


def sums(connection: Connection) -> dict[str, str]:
    return {table.name: str(digest_of(connection, table)) for table in TABLES}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An embedded store with shops in it."""
    path = tmp_path / "town.sqlite3"
    sqlite_files.secret_beside(path)

    async def fill() -> None:
        opened = await SqliteStore.open(path)
        await opened.import_shops([a_shop(f"node/{n}") for n in range(3_000)], dataset="town")
        await opened.close()

    asyncio.run(fill())
    return path


def test_a_backup_made_while_others_write_is_whole_and_of_one_moment(store: Path, tmp_path: Path) -> None:
    begun, stop = threading.Event(), threading.Event()

    async def keep_writing() -> None:
        opened = await SqliteStore.open(store)
        n = 0
        while not stop.is_set():
            await opened.put_shops([a_shop(f"way/{n}-{part}") for part in range(20)])
            begun.set()
            n += 1
        await opened.close()

    writing = threading.Thread(target=lambda: asyncio.run(keep_writing()))
    writing.start()
    try:
        assert begun.wait(30)
        copies = [tmp_path / f"copy-{n}.sqlite3" for n in range(3)]
        for copy in copies:
            end = told(f"sqlite:///{store}", "backup", str(copy))
            assert end.exit_code == 0, end.output
    finally:
        stop.set()
        writing.join()

    def told_and_counted(connection: Connection) -> tuple[int, int]:
        steps = connection.execute(select(func.max(catalog_changes.c.revision))).scalar_one()
        return revision_of(connection), int(steps)

    found = [on_file(copy, told_and_counted, writes=False) for copy in copies]
    assert all(revision == newest for revision, newest in found), found
    assert found == sorted(found)


def test_a_restored_backup_is_the_store_as_it_was(store: Path, tmp_path: Path) -> None:
    before = on_file(store, sums, writes=False)
    copy = tmp_path / "safe" / "copy.sqlite3"
    copy.parent.mkdir()
    assert told(f"sqlite:///{store}", "backup", str(copy)).exit_code == 0
    secret = sqlite_files.secret_beside(store)
    assert {one.name for one in copy.parent.iterdir()} == {"copy.sqlite3", "copy.sqlite3.secret"}
    assert (copy.parent / "copy.sqlite3.secret").stat().st_mode & 0o077 == 0
    for gone in tmp_path.glob("town.sqlite3*"):
        gone.unlink()
    shutil.copy2(copy, store)
    shutil.copy2(f"{copy}.secret", f"{store}.secret")
    end = told(f"sqlite:///{store}", "verify")
    assert (end.exit_code, end.stdout.splitlines()[-1]) == (0, "All agree.")
    assert on_file(store, sums, writes=False) == before
    assert sqlite_files.secret_beside(store) == secret


def test_a_backup_is_overwritten_only_when_told_to(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite3"
    copy.write_text("last year's")
    end = told(f"sqlite:///{store}", "backup", str(copy))
    assert (end.exit_code, copy.read_text()) == (1, "last year's")
    assert "--force" in end.stderr
    assert told(f"sqlite:///{store}", "backup", str(copy), "--force").exit_code == 0
    assert on_file(copy, sums, writes=False) == on_file(store, sums, writes=False)


def test_a_damaged_store_gives_no_backup(store: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(store)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store.open("r+b") as file:
        file.seek(4_096 * 20)
        file.write(b"\xaa" * 4_096 * 40)
    end = told(f"sqlite:///{store}", "backup", str(tmp_path / "copy.sqlite3"))
    assert (end.exit_code, end.stderr.count("\n")) == (1, 1), end.output
    assert "damaged" in end.stderr
    assert [one.name for one in tmp_path.iterdir() if "copy" in one.name] == []


@pytest.mark.parametrize(
    ("url", "said"),
    [("sqlite:////nowhere/town.sqlite3", "is not there"), ("postgresql://db/town", "use pg_dump")],
)
def test_what_cannot_be_copied_is_one_sentence(tmp_path: Path, url: str, said: str) -> None:
    end = told(url, "backup", str(tmp_path / "copy.sqlite3"))
    assert (end.exit_code, end.stderr.count("\n")) == (1, 1), end.output
    assert said in end.stderr


def test_pg_dump_and_pg_restore_bring_a_server_back(
    store: Path, postgis: PostgisServer, tmp_path: Path
) -> None:
    if not shutil.which("pg_dump"):
        pytest.skip("there is no pg_dump")

    def run(program: str, url: str, *words: str) -> None:
        # As the superuser: row-level security binds the role that we are.
        database = urlunsplit(urlsplit(postgis.url)._replace(path=urlsplit(url).path))
        command = [program, *words, f"--dbname={database}"]
        end = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (end.returncode, end.stderr) == (0, "")

    file = str(tmp_path / "town.dump")
    with postgis.fresh_database() as url, postgis.fresh_database() as restored:
        assert told(url, "migrate", "--from", f"sqlite:///{store}", "--to", url, secret="kept").exit_code == 0
        run("pg_dump", url, "--format=custom", f"--file={file}")
        run("pg_restore", restored, "--exit-on-error", "--single-transaction", file)
        assert in_transaction(restored, sums, writes=False) == on_file(store, sums, writes=False)
        assert told(restored, "verify").exit_code == 0
        health = told(restored, "doctor", secret="0" * 64)
        assert (health.exit_code, "failure" in health.stdout) == (0, False), health.output
