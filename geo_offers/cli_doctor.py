"""The command that looks a deployment over, a line for each finding; it changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from geo_offers.bootstrap import utc_now
from geo_offers.cli_connections import in_transaction, is_server, sqlite_path
from geo_offers.cli_summary import printable
from geo_offers.domain.errors import GeoOffersError
from geo_offers.settings import Settings
from geo_offers.stores.checkup import Finding, Grade, examined

_LIBRARIES = ("geo-offers", "numpy", "numba", "h3", "shapely", "sqlalchemy", "fastapi", "uvicorn")
_SERVER_LIBRARIES = ("asyncpg", "redis")
_LITTLE_BYTES, _NOTED_BYTES = 100_000_000, 1_000_000_000
_OLDEST_REDIS = (6, 2)
_REDIS_PATIENCE_S = 3.0
_SHORTEST_SECRET = 16
_LOCAL = ("localhost", "127.0.0.1", "::1")


def doctor(
    workers: Annotated[int, typer.Option(min=1, help="How many workers are to serve.")] = 1,
) -> None:
    """Check a deployment: versions, database, permissions, clocks, Redis, secrets, room; exit code 1 on a failure."""
    findings = list(found(Settings.from_environment(os.environ), workers=workers))
    for one in findings:
        way_out = f"; {one.way_out}" if one.way_out else ""
        typer.echo(printable(f"{one.grade:8} {one.subject}: {one.said}{way_out}"))
    failures = sum(one.grade is Grade.FAILURE for one in findings)
    if failures:
        typer.echo(f"{failures} of {len(findings)} checks failed.", err=True)
        raise typer.Exit(1)


def found(settings: Settings, *, workers: int) -> Iterator[Finding]:
    """All findings about what these settings name."""
    server = is_server(settings.database_url)
    yield _versions(_LIBRARIES + (_SERVER_LIBRARIES if server or settings.redis_url else ()))
    if server:
        yield from _database(settings.database_url)
    else:
        path = sqlite_path(settings.database_url)
        yield from _file(path)
        if path.exists():
            yield from _database(settings.database_url)
        yield from _kept_secret(path, settings)
        if workers > 1:
            way_out = "they share one file and one writer; for more writes, or machines, use PostgreSQL"
            yield Finding(Grade.WARNING, "workers", f"{workers} workers on SQLite", way_out)
    yield _secret(settings, server=server)
    yield from _redis(settings, workers=workers, server=server)
    yield _public_url(settings)


def _versions(libraries: Sequence[str]) -> Finding:
    said = [f"Python {platform.python_version()}"]
    for library in libraries:
        try:
            said.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            way_out = f"{library} is not installed: pip install 'geo-offers[server]'"
            return Finding(Grade.FAILURE, "versions", ", ".join(said), way_out)
    return Finding(Grade.OK, "versions", ", ".join(said))


def _database(url: str) -> Iterator[Finding]:
    try:
        findings = in_transaction(url, lambda connection: examined(connection, utc_now), writes=False)
    except GeoOffersError as error:
        said, _, way_out = str(error).rpartition(": ")
        yield Finding(Grade.FAILURE, "database", said or way_out, way_out if said else "")
        return
    yield Finding(Grade.OK, "database", "can be reached")
    yield from findings


def _file(path: Path) -> Iterator[Finding]:
    """The file of the embedded store: may we write, and is there room?"""
    folder = next(one for one in (path.parent, *path.parent.parents) if one.exists())
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        way_out = f"let the user {os.getuid()} write it"
        yield Finding(Grade.FAILURE, "file", f"{path} cannot be written", way_out)
    elif not path.exists():
        yield Finding(Grade.OK, "file", f"{path} is not there yet; it is made at the first start")
    else:
        yield Finding(Grade.OK, "file", f"{path}, {path.stat().st_size / 1e6:,.1f} MB")
    free = shutil.disk_usage(folder).free
    grade = Grade.OK if free >= _NOTED_BYTES else Grade.WARNING if free >= _LITTLE_BYTES else Grade.FAILURE
    way_out = "" if grade is Grade.OK else "make room: an import needs twice what it brings"
    yield Finding(grade, "room", f"{free / 1e9:,.1f} GB free", way_out)


def _kept_secret(path: Path, settings: Settings) -> Iterator[Finding]:
    kept = path.with_name(path.name + ".secret")
    if settings.secret or not kept.exists():
        return
    mode = stat.S_IMODE(kept.stat().st_mode)
    if mode & 0o077:
        way_out = f"chmod 600 {kept}"
        yield Finding(Grade.FAILURE, "secret file", f"{kept} may be read by others ({mode:03o})", way_out)
    else:
        yield Finding(Grade.OK, "secret file", f"{kept}, for its owner alone")


def _secret(settings: Settings, *, server: bool) -> Finding:
    if settings.secret:
        if len(settings.secret) < _SHORTEST_SECRET:
            return Finding(
                Grade.WARNING,
                "secret",
                f"is of {len(settings.secret)} characters",
                "with a new store take a longer one, such as `openssl rand -hex 32` prints",
            )
        return Finding(Grade.OK, "secret", "is set")
    if server:
        way_out = "set GEO_OFFERS_SECRET, the same on every machine: visitors are known by it"
        return Finding(Grade.FAILURE, "secret", "is not set", way_out)
    return Finding(Grade.OK, "secret", "is kept beside the database")


def _redis(settings: Settings, *, workers: int, server: bool) -> Iterator[Finding]:
    if settings.redis_url is None:
        if server or workers > 1:
            way_out = "set GEO_OFFERS_REDIS_URL: changes are seen sooner, and rates are counted together"
            yield Finding(Grade.WARNING, "redis", "is not set", way_out)
        return
    try:
        import redis
    except ModuleNotFoundError:
        yield Finding(Grade.FAILURE, "redis", "no client is installed", "pip install 'geo-offers[server]'")
        return
    client = redis.Redis.from_url(
        settings.redis_url, socket_timeout=_REDIS_PATIENCE_S, socket_connect_timeout=_REDIS_PATIENCE_S
    )
    try:
        yield from of_redis(client.info())
    except redis.RedisError as error:
        way_out = "without it all goes on, changes are seen later and each worker counts rates for itself"
        yield Finding(Grade.FAILURE, "redis", f"cannot be reached: {error}", way_out)
    finally:
        client.close()


def of_redis(told: Mapping[str, Any]) -> Iterator[Finding]:
    """What a Redis says of itself. It holds nothing that may not be lost: it needs a bound, and no disk."""
    said = f"{told.get('server_name', 'redis')} {told.get('valkey_version', told['redis_version'])}"
    if tuple(int(part) for part in str(told["redis_version"]).split(".")[:2]) < _OLDEST_REDIS:
        yield Finding(Grade.FAILURE, "redis", said, "6.2 or newer is needed: upgrade it")
    else:
        yield Finding(Grade.OK, "redis", said)
    bound, policy = int(told.get("maxmemory", 0)), str(told.get("maxmemory_policy", "unknown"))
    if bound == 0:
        way_out = "set maxmemory, such as 256mb, and maxmemory-policy volatile-ttl"
        yield Finding(Grade.WARNING, "redis memory", "is without bound", way_out)
    elif policy == "noeviction":
        way_out = "set maxmemory-policy volatile-ttl: every key of ours has an end"
        yield Finding(Grade.WARNING, "redis memory", f"{bound / 1e6:,.0f} MB, then refuses writes", way_out)
    else:
        yield Finding(Grade.OK, "redis memory", f"{bound / 1e6:,.0f} MB, then {policy}")
    if int(told.get("aof_enabled", 0)):
        way_out = "harmless, and not needed: appendonly no"
        yield Finding(Grade.WARNING, "redis disk", "keeps every write", way_out)
    else:
        yield Finding(Grade.OK, "redis disk", "nothing of ours has to be kept there")


def _public_url(settings: Settings) -> Finding:
    if settings.public_url is None:
        way_out = "set GEO_OFFERS_PUBLIC_URL: QR codes then name it, whatever a request says"
        return Finding(Grade.WARNING, "public URL", "is not set", way_out)
    parts = urlsplit(settings.public_url)
    if parts.hostname in _LOCAL:
        way_out = "name the address that people's phones reach"
        return Finding(Grade.WARNING, "public URL", f"{settings.public_url} is this machine only", way_out)
    if parts.scheme != "https":
        way_out = "put TLS in front: keys and positions travel with every request"
        return Finding(Grade.WARNING, "public URL", f"{settings.public_url} is not https", way_out)
    return Finding(Grade.OK, "public URL", settings.public_url)
