"""`geo-offers doctor`: a line for each finding, the way out beside it, exit code 1 when something fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from geo_offers.cli import app
from geo_offers.cli_connections import in_transaction, on_file
from geo_offers.cli_doctor import of_redis
from geo_offers.stores import migrate, sqlite_files
from geo_offers.stores.checkup import Finding, Grade, examined

REDIS = {
    "redis_version": "7.2.4",
    "maxmemory": 256_000_000,
    "maxmemory_policy": "volatile-ttl",
    "aof_enabled": 0,
}


def asked(url: str, *words: str, **settings: str) -> Result:
    env = {f"GEO_OFFERS_{name.upper()}": text for name, text in settings.items()}
    return CliRunner().invoke(app, ["doctor", *words], env={"GEO_OFFERS_DATABASE_URL": url, **env})


def graded(end: Result) -> dict[str, str]:
    """What each subject is graded."""
    lines = [line.split(maxsplit=1) for line in end.stdout.splitlines()]
    return {rest.partition(":")[0]: grade for grade, rest in lines}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "town.sqlite3"
    sqlite_files.make_ready(path)
    sqlite_files.secret_beside(path)
    return path


def test_an_embedded_store_that_is_well(store: Path) -> None:
    end = asked(f"sqlite:///{store}", public_url="https://offers.example.org")
    assert end.exit_code == 0, end.output
    assert set(graded(end).values()) == {"ok"}, end.stdout
    assert {"versions", "file", "room", "database", "sqlite", "migrations", "secret file"} <= graded(
        end
    ).keys()


def test_a_store_that_is_not_there_yet_is_well_and_is_not_made(tmp_path: Path) -> None:
    end = asked(f"sqlite:///{tmp_path / 'later' / 'town.sqlite3'}")
    assert (end.exit_code, graded(end)["file"]) == (0, "ok")
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_with_an_embedded_store_is_named_with_the_way_out(store: Path) -> None:
    on_file(store, lambda connection: migrate.downgrade(connection, "0005"), writes=True)
    store.with_name("town.sqlite3.secret").chmod(0o644)
    end = asked(f"sqlite:///{store}", "--workers", "4", public_url="http://localhost:8000")
    assert end.exit_code == 1
    grades = graded(end)
    assert {name for name, grade in grades.items() if grade == "failure"} == {"migrations", "secret file"}
    assert {name for name, grade in grades.items() if grade == "warning"} == {
        "workers",
        "redis",
        "public URL",
    }
    assert "run `geo-offers migrate`" in end.stdout
    assert f"chmod 600 {store}.secret" in end.stdout
    assert end.stderr.startswith("2 of ")


def test_a_file_that_is_no_store_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader, " * 100)
    end = asked(f"sqlite:///{tmp_path / 'letter.txt'}")
    assert (end.exit_code, graded(end)["database"]) == (1, "failure")
    assert "is not a SQLite database; name another file" in end.stdout


def test_a_server_that_is_well(postgis_url: str) -> None:
    in_transaction(postgis_url, migrate.upgrade, writes=True)
    end = asked(postgis_url, secret="0" * 64, public_url="https://offers.example.org")
    assert end.exit_code == 0, end.output
    grades = graded(end)
    assert grades.pop("redis") == "warning"
    assert set(grades.values()) == {"ok"}, end.stdout
    expected = {"database", "server", "postgis", "migrations", "role", "temporary tables", "tables", "clock"}
    assert expected <= grades.keys()


def test_a_server_without_tables_secret_and_redis(postgis_url: str) -> None:
    end = asked(postgis_url, redis_url="redis://127.0.0.1:1")
    failures = {name for name, grade in graded(end).items() if grade == "failure"}
    assert (end.exit_code, failures) == (1, {"migrations", "secret", "redis"})
    assert in_transaction(postgis_url, migrate.version_of, writes=False) is None, "it changes nothing"


def test_a_server_that_is_not_there_is_one_line_among_the_others() -> None:
    end = asked("postgresql://me:s3cret@127.0.0.1:1/town", secret="0" * 64)
    assert (end.exit_code, graded(end)["database"]) == (1, "failure")
    assert "s3cret" not in end.output
    assert graded(end)["secret"] == "ok"


@pytest.mark.parametrize(
    ("off_s", "grade"),
    [(0.0, Grade.OK), (3.0, Grade.WARNING), (-3.0, Grade.WARNING), (3_600.0, Grade.FAILURE)],
)
def test_clocks_are_compared(postgis_url: str, off_s: float, grade: Grade) -> None:
    def now() -> datetime:
        return datetime.now(UTC) - timedelta(seconds=off_s)

    findings = in_transaction(postgis_url, lambda connection: examined(connection, now), writes=False)
    clock = next(one for one in findings if one.subject == "clock")
    assert clock.grade is grade
    assert ("behind" in clock.said) == (off_s < 0) or off_s == 0


@pytest.mark.parametrize(
    ("told", "warned"),
    [
        ({}, {}),
        ({"maxmemory": 0}, {"redis memory": "set maxmemory"}),
        ({"maxmemory_policy": "noeviction"}, {"redis memory": "volatile-ttl"}),
        ({"aof_enabled": 1}, {"redis disk": "appendonly no"}),
        ({"redis_version": "5.0.14"}, {"redis": "upgrade it"}),
    ],
)
def test_redis_is_to_have_a_bound_and_needs_no_disk(told: dict[str, object], warned: dict[str, str]) -> None:
    findings: dict[str, Finding] = {one.subject: one for one in of_redis(REDIS | told)}
    assert findings.keys() == {"redis", "redis memory", "redis disk"}
    for subject, one in findings.items():
        assert (one.grade is not Grade.OK) == (subject in warned), one
        assert warned.get(subject, "") in one.way_out
