"""Servers that tests need, started privately: PostgreSQL with PostGIS on a socket in a temporary folder.

GEO_OFFERS_TEST_POSTGIS_URL names a server to use in place of it (its role may create databases). Where there
is neither a test is skipped with a clear word, and in CI it fails.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

URL_VARIABLE = "GEO_OFFERS_TEST_POSTGIS_URL"
_HOW = f"apt-get install --no-install-recommends postgresql-15-postgis-3, or set {URL_VARIABLE}"
_SETTINGS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off"


@dataclass(frozen=True, slots=True)
class PostgisServer:
    """A server, and a template database with PostGIS in it.

    url       of a database to connect to for making others: postgresql://…
    template  name of the template
    """

    url: str
    template: str

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL of a new empty database with PostGIS, dropped afterwards. About 0.1 s."""
        name = f"geo_offers_test_{uuid4().hex}"
        _run(self.url, f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        try:
            yield _with_database(self.url, name)
        finally:
            _run(self.url, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def postgis_server() -> Iterator[PostgisServer]:
    """The server that was named, or one of our own; skips the test (in CI: fails it) where there is none."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        with _with_template(given) as server:
            yield server
        return
    binaries = _binaries()
    if binaries is None:
        _do_without("no PostgreSQL on this machine")
        return
    with _private_server(binaries) as url, _with_template(url) as server:
        yield server


@contextmanager
def _with_template(url: str) -> Iterator[PostgisServer]:
    template = f"geo_offers_template_{os.getpid()}"
    _run(url, f'CREATE DATABASE "{template}"')
    try:
        try:
            _run(_with_database(url, template), "CREATE EXTENSION postgis")
        except _postgres_error() as error:
            _do_without(f"this PostgreSQL has no PostGIS ({error})")
        yield PostgisServer(url, template)
    finally:
        _run(url, f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)')


@contextmanager
def _private_server(binaries: Path) -> Iterator[str]:
    """A server of our own, without network, that goes when the block ends; its URL. About 1.6 s."""
    # Not pytest's folder: the path of a socket may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="geo-offers-pg-"))
    user = _unprivileged_user(folder)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), *arguments]
        done = subprocess.run(command, user=user, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            log = folder / "log"
            pytest.fail(f"{program} failed: {done.stderr}{log.read_text() if log.exists() else ''}")

    try:
        run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        # Port 5432 is only a part of the socket's name here.
        run(
            "pg_ctl",
            "-D",
            str(data),
            "-l",
            str(folder / "log"),
            "-o",
            f"{_SETTINGS} -k {folder}",
            "-w",
            "start",
        )
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path and shutil.which("pg_ctl"):
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda path: path.parent.name, default=None)


def _unprivileged_user(folder: Path) -> str | None:
    """Who runs the server: `postgres` when we are root, which PostgreSQL refuses; else ourselves (None)."""
    if os.geteuid() != 0:
        return None
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError:
        _do_without("we are root, and there is no user postgres to run PostgreSQL")
        return None
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return owner.pw_name


def _do_without(why: str) -> None:
    word = f"{why}: {_HOW}"
    if os.environ.get("CI"):
        pytest.fail(word)
    pytest.skip(word)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _postgres_error() -> type[Exception]:
    import asyncpg

    error: type[Exception] = asyncpg.PostgresError
    return error


def _run(url: str, statement: str) -> None:
    """Run one statement outside a transaction, on a connection and an event loop of its own."""
    import asyncpg

    async def run() -> None:
        connection: Any = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
