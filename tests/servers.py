"""Servers that tests need, started privately: PostgreSQL with PostGIS on a socket in a temporary folder.

GEO_OFFERS_TEST_POSTGIS_URL names a server to use in place of it (its role may create databases). Where there
is neither a test is skipped with a clear word, and in CI it fails.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

URL_VARIABLE = "GEO_OFFERS_TEST_POSTGIS_URL"
_HOW = f"apt-get install --no-install-recommends postgresql-15-postgis-3, or set {URL_VARIABLE}"
_DURABLE = "-c fsync=off -c full_page_writes=off"  # but for a loss of power
_GONE_WITHIN_S = 2.0
_QUICK = f"{_DURABLE} -c synchronous_commit=off"


@dataclass(frozen=True, slots=True)
class PostgisServer:
    """A server, a template database with PostGIS in it, and a role as an operator would give us.

    url       of a database to connect to for making others: postgresql://…
    template  name of the template
    owner     of fresh databases: no superuser, so that row security binds it; its password is its name
    """

    url: str
    template: str
    owner: str

    def as_superuser(self, url: str) -> str:
        """The URL of a fresh database for the one who may do everything in it."""
        return _with_database(self.url, urlsplit(url).path.lstrip("/"))

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL, as its owner, of a new empty database with PostGIS, dropped afterwards. About 0.2 s."""
        name = f"geo_offers_test_{uuid4().hex}"
        _run(self.url, f'CREATE DATABASE "{name}" TEMPLATE "{self.template}" OWNER "{self.owner}"')
        try:
            yield _as_role(_with_database(self.url, name), self.owner)
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
    with _private_server(binaries) as private, _with_template(private.url) as server:
        yield server


@dataclass(frozen=True)
class RestartableServer:
    """A server that may be killed; its answers are on the disk, but for a loss of power.

    kill   end all its processes at once with SIGKILL
    start  let it recover, and wait until it answers
    """

    server: PostgisServer
    kill: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def restartable_server() -> Iterator[RestartableServer]:
    """A private server to be killed; skips the test (in CI: fails it) where there is no PostgreSQL."""
    binaries = _binaries()
    if binaries is None:
        _do_without("no PostgreSQL on this machine")
        return
    with _private_server(binaries, _DURABLE) as private, _with_template(private.url) as server:
        yield RestartableServer(server, private.kill, private.start)


@contextmanager
def durable_server(place: Path) -> Iterator[PostgisServer]:
    """A private server that waits for the disk at each commit, in a folder of its own within a place."""
    binaries = _binaries()
    if binaries is None:
        _do_without("no PostgreSQL on this machine")
        return
    with _private_server(binaries, "", place=place) as private, _with_template(private.url) as server:
        yield server


@contextmanager
def _with_template(url: str) -> Iterator[PostgisServer]:
    template = f"geo_offers_template_{os.getpid()}"
    owner = f"geo_offers_owner_{os.getpid()}"
    _run(url, f'CREATE DATABASE "{template}"')
    _run(url, f"CREATE ROLE \"{owner}\" LOGIN PASSWORD '{owner}'")
    try:
        try:
            _run(_with_database(url, template), "CREATE EXTENSION postgis")
        except _postgres_error() as error:
            _do_without(f"this PostgreSQL has no PostGIS ({error})")
        yield PostgisServer(url, template, owner)
    finally:
        _run(url, f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)')
        _run(url, f'DROP ROLE IF EXISTS "{owner}"')


@dataclass(frozen=True)
class _Private:
    """A server of our own, without network, in a folder of its own."""

    binaries: Path
    folder: Path
    user: str | None
    options: str

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def make(self) -> None:
        self._run("initdb", "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C.UTF-8")

    def start(self) -> None:
        # Port 5432 is only a part of the socket's name here.
        options = f"-c listen_addresses='' {self.options} -k {self.folder}"
        self._run("pg_ctl", "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def kill(self) -> None:
        """End it and all that it started with SIGKILL, as a loss of power would."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
        )
        ended = [pid, *map(int, listed.stdout.split())]
        for one in ended:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        deadline = time.monotonic() + _GONE_WITHIN_S
        while any(Path(f"/proc/{one}").exists() for one in ended) and time.monotonic() < deadline:
            time.sleep(0.01)
        # Where nobody reaps what was killed, the server would take its dead predecessor for a living one.
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.folder / "data"), *arguments]
        done = subprocess.run(
            command, user=self.user, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            log = self.folder / "log"
            pytest.fail(f"{program} failed: {done.stderr}{log.read_text() if log.exists() else ''}")


@contextmanager
def _private_server(
    binaries: Path, options: str = _QUICK, *, place: Path | None = None
) -> Iterator[_Private]:
    """It runs when the block begins, and goes when it ends. About 1.6 s."""
    # Not pytest's folder: the path of a socket may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="geo-offers-pg-", dir=place))
    try:
        private = _Private(binaries, folder, _unprivileged_user(folder), options)
        private.make()
        private.start()
        try:
            yield private
        finally:
            private.stop()
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


def _as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{role}@{host}"))


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
