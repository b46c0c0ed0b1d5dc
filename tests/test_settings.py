"""Settings are read once, by name, and tell what is wrong with them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from geo_offers.bootstrap import migrate_store, open_store
from geo_offers.domain.errors import InvalidInput
from geo_offers.settings import Settings
from geo_offers.stores.migrate import newest_version


def test_without_any_variable_everything_has_a_default():
    settings = Settings.from_environment({"PATH": "/bin", "HOME": "/home/me"})
    assert settings == Settings()
    assert settings.database_url.startswith("sqlite:///")
    assert settings.database_url.endswith("geo-offers.sqlite3")
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 8000, "info")
    assert (settings.numba_cache_dir, settings.redis_url, settings.secret) == (None, None, None)
    assert not settings.open_reads
    assert (settings.rate_app, settings.rate_merchant) == (60_000, 6_000)
    assert (settings.rate_planner, settings.rate_admin) == (6_000, 6_000)
    assert all(row.is_default for row in settings.described())


def test_every_setting_is_read_from_its_variable():
    settings = Settings.from_environment(
        {
            "GEO_OFFERS_DATABASE_URL": "sqlite:////data/town.sqlite3",
            "GEO_OFFERS_HOST": "0.0.0.0",
            "GEO_OFFERS_PORT": " 80 ",
            "GEO_OFFERS_PUBLIC_URL": "https://offers.example",
            "GEO_OFFERS_LOG_LEVEL": "WARNING",
            "GEO_OFFERS_NUMBA_CACHE_DIR": "/cache",
            "GEO_OFFERS_REDIS_URL": "redis://redis:6379/0",
            "GEO_OFFERS_SECRET": "s3cret",
            "GEO_OFFERS_OPEN_READS": "True",
            "GEO_OFFERS_MOST_IMPORT_BYTES": "1000",
            "GEO_OFFERS_POSTGIS_POOL": "3",
            "GEO_OFFERS_POSTGIS_POOL_TIMEOUT_S": "1.5",
            "GEO_OFFERS_POSTGIS_STATEMENT_TIMEOUT_S": "2",
            "GEO_OFFERS_POSTGIS_LOCK_TIMEOUT_S": "4",
            "GEO_OFFERS_POSTGIS_IDLE_TIMEOUT_S": "5",
            "GEO_OFFERS_RATE_APP": "0",
            "GEO_OFFERS_RATE_MERCHANT": "1",
            "GEO_OFFERS_RATE_PLANNER": "2",
            "GEO_OFFERS_RATE_ADMIN": "3",
        }
    )
    assert settings == Settings(
        database_url="sqlite:////data/town.sqlite3",
        host="0.0.0.0",
        port=80,
        public_url="https://offers.example",
        log_level="warning",
        numba_cache_dir=Path("/cache"),
        redis_url="redis://redis:6379/0",
        secret="s3cret",
        open_reads=True,
        most_import_bytes=1_000,
        postgis_pool=3,
        postgis_pool_timeout_s=1.5,
        postgis_statement_timeout_s=2,
        postgis_lock_timeout_s=4,
        postgis_idle_timeout_s=5,
        rate_app=0,
        rate_merchant=1,
        rate_planner=2,
        rate_admin=3,
    )
    assert not any(row.is_default for row in settings.described())


def test_an_empty_variable_is_as_if_it_were_not_there():
    assert Settings.from_environment({"GEO_OFFERS_REDIS_URL": "", "GEO_OFFERS_PORT": " "}) == Settings()


def test_a_variable_that_is_no_setting_is_refused_with_the_nearest_one():
    with pytest.raises(
        InvalidInput, match=r"GEO_OFFERS_DATABASE is no setting; did you mean GEO_OFFERS_DATABASE_URL\?"
    ):
        Settings.from_environment({"GEO_OFFERS_DATABASE": "sqlite:///x"})
    with pytest.raises(
        InvalidInput, match=r"GEO_OFFERS_ZZZ is no setting; there are GEO_OFFERS_DATABASE_URL, "
    ):
        Settings.from_environment({"GEO_OFFERS_ZZZ": "1"})


def test_the_tests_own_variables_are_left_to_them():
    theirs = {"GEO_OFFERS_TEST_POSTGIS_URL": "postgresql://…", "GEO_OFFERS_SHARED_DATA": "/data"}
    assert Settings.from_environment(theirs) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GEO_OFFERS_PORT", "99999"),
        ("GEO_OFFERS_PORT", "-1"),
        ("GEO_OFFERS_PORT", "８０"),
        ("GEO_OFFERS_PORT", "http"),
        ("GEO_OFFERS_LOG_LEVEL", "loud"),
        ("GEO_OFFERS_DATABASE_URL", "mysql://localhost/town"),
        ("GEO_OFFERS_DATABASE_URL", "town.sqlite3"),
        ("GEO_OFFERS_REDIS_URL", "http://redis"),
        ("GEO_OFFERS_OPEN_READS", "yes"),
        ("GEO_OFFERS_POSTGIS_POOL", "0"),
        ("GEO_OFFERS_POSTGIS_POOL", "1001"),
        ("GEO_OFFERS_POSTGIS_LOCK_TIMEOUT_S", "0"),
        ("GEO_OFFERS_POSTGIS_IDLE_TIMEOUT_S", "nan"),
        ("GEO_OFFERS_POSTGIS_STATEMENT_TIMEOUT_S", "soon"),
        ("GEO_OFFERS_RATE_APP", "-1"),
        ("GEO_OFFERS_RATE_ADMIN", "1e3"),
        ("GEO_OFFERS_RATE_MERCHANT", "100000001"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str):
    with pytest.raises(InvalidInput, match=name) as refused:
        Settings.from_environment({name: value})
    assert refused.value.pointer == name
    assert value in str(refused.value)


def test_secrets_and_passwords_are_never_shown():
    settings = Settings.from_environment(
        {
            "GEO_OFFERS_SECRET": "s3cret",
            "GEO_OFFERS_REDIS_URL": "redis://user:s3cret@redis/0",
            "GEO_OFFERS_DATABASE_URL": "postgresql://me:s3cret@db/town",
        }
    )
    shown = {row.name: row.value for row in settings.described()}
    assert shown["GEO_OFFERS_SECRET"] == "(hidden)"
    assert shown["GEO_OFFERS_REDIS_URL"] == "redis://user:(hidden)@redis/0"
    assert shown["GEO_OFFERS_DATABASE_URL"] == "postgresql://me:(hidden)@db/town"
    assert "s3cret" not in repr(settings)
    with pytest.raises(InvalidInput) as refused:
        Settings.from_environment({"GEO_OFFERS_REDIS_URL": "http://user:s3cret@redis/0"})
    assert "s3cret" not in str(refused.value)


def test_what_is_not_set_is_listed_as_that():
    rows = {row.name: row for row in Settings().described()}
    assert rows["GEO_OFFERS_SECRET"].value == "(not set)"
    assert rows["GEO_OFFERS_PORT"] == ("GEO_OFFERS_PORT", "8000", True, "the port to listen on")


def test_the_secret_is_not_said_to_sign_anything():
    rows = {row.name: row for row in Settings().described()}
    assert (
        rows["GEO_OFFERS_SECRET"].meaning
        == "turns visitors' ids into keys; kept in a file beside the database when not set, but PostgreSQL needs one"
    )


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:////x?mode=ro", "sqlite:x"]
)
async def test_a_url_that_names_no_file_is_refused(url: str):
    with pytest.raises(InvalidInput, match="sqlite:////path/to/file"):
        await open_store(Settings(database_url=url))


async def test_a_store_can_be_migrated_by_its_url(tmp_path: Path):
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'town.sqlite3'}")
    assert await migrate_store(settings) == (None, newest_version())
    assert await migrate_store(settings) == (newest_version(), newest_version())
