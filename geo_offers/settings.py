"""One frozen Settings, read from the environment once; nothing else in the house reads the environment."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path

from geo_offers.domain.errors import InvalidInput

PREFIX = "GEO_OFFERS_"
#: Names with our prefix that are somebody else's to read: the tests'.
_NOT_OURS = ("GEO_OFFERS_TEST_", "GEO_OFFERS_SHARED_DATA")
_MOST_BYTES = 1_000_000_000
_MOST_A_MINUTE = 100_000_000
_MOST_CONNECTIONS = 1_000
_LONGEST_S = 3_600
_LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingRow(NamedTuple):
    """One setting as a person reads it; the value of a secret is hidden."""

    name: str
    value: str
    is_default: bool
    meaning: str


def _default_database_url() -> str:
    return f"sqlite:///{user_data_path('geo-offers') / 'geo-offers.sqlite3'}"


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise ValueError("a port is a whole number from 0 to 65535; 0 takes any that is free")
    return int(text)


def _log_level(text: str) -> str:
    if text.lower() not in _LOG_LEVELS:
        raise ValueError(f"a log level is one of {', '.join(_LOG_LEVELS)}")
    return text.lower()


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("write true or false")
    return text.lower() == "true"


def _rate(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_A_MINUTE):
        raise ValueError(
            f"a rate is a whole number of requests a minute, at most {_MOST_A_MINUTE:,}; 0 is without end"
        )
    return int(text)


def _bytes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST_BYTES):
        raise ValueError(f"a size is a whole number of bytes from 1 to {_MOST_BYTES:,}")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST_CONNECTIONS):
        raise ValueError(f"a number of connections is a whole number from 1 to {_MOST_CONNECTIONS:,}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError(f"a time is a number of seconds above 0, at most {_LONGEST_S:,}")
    return seconds


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text.startswith(tuple(f"{scheme}:" for scheme in schemes)):
            raise ValueError(f"the URL begins with {' or '.join(f'{scheme}:' for scheme in schemes)}")
        return text

    return parse


def _setting(meaning: str, parse: Callable[[str], Any] = str, *, secret: bool = False, **default: Any) -> Any:
    return field(metadata={"meaning": meaning, "parse": parse, "secret": secret}, **default)


def _rate_of(whose: str, default: int) -> Any:
    meaning = f"requests a minute of {whose}, each process counting for itself unless they share a Redis; 0 is without end"
    return _setting(meaning, _rate, default=default)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """What an operator can choose: each field is a variable, GEO_OFFERS_ and the field's name in capitals."""

    database_url: str = _setting(
        "where the durable store is: sqlite:////path/to/file or postgresql://user@host/database",
        _url("sqlite", "postgresql", "postgresql+asyncpg"),
        default_factory=_default_database_url,
    )
    host: str = _setting("the address to listen on", default="127.0.0.1")
    port: int = _setting("the port to listen on", _port, default=8000)
    public_url: str | None = _setting(
        "where people find this service, for QR codes; as each request says when not set",
        _url("http", "https"),
        default=None,
    )
    log_level: str = _setting(f"how much to log: {', '.join(_LOG_LEVELS)}", _log_level, default="info")
    numba_cache_dir: Path | None = _setting(  # noqa: RUF009  # it is a field()
        "where compiled kernels are kept; beside the code when not set", Path, default=None
    )
    redis_url: str | None = _setting(
        "Redis for nudges, shared rates and answers to keys; in this process when not set",
        _url("redis", "rediss", "unix"),
        default=None,
    )
    open_reads: bool = _setting(
        "whether shops, districts and offers may be read without a key: true or false", _flag, default=False
    )
    most_import_bytes: int = _setting(
        "the greatest import over HTTP, bytes; it is held in memory", _bytes, default=20_000_000
    )
    rate_app: int = _rate_of("an app's key, or an address without a key", 60_000)
    rate_merchant: int = _rate_of("a merchant's key", 6_000)
    rate_planner: int = _rate_of("a planner's key", 6_000)
    rate_admin: int = _rate_of("an operator's key", 6_000)
    postgis_pool: int = _setting(
        "connections to PostgreSQL that one process keeps for requests", _count, default=10
    )
    postgis_pool_timeout_s: float = _setting(
        "seconds to wait for one of them to be free", _seconds, default=5.0
    )
    postgis_statement_timeout_s: float = _setting(
        "seconds that PostgreSQL may take for a statement of a request", _seconds, default=30.0
    )
    postgis_lock_timeout_s: float = _setting(
        "seconds to wait for rows that another transaction has locked", _seconds, default=10.0
    )
    postgis_idle_timeout_s: float = _setting(
        "seconds after which PostgreSQL ends a transaction that asks nothing", _seconds, default=60.0
    )
    secret: str | None = _setting(
        "turns visitors' ids into keys; kept in a file beside the database when not set, but PostgreSQL needs one",
        secret=True,
        default=None,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings that these variables say; an empty variable is as if it were not there.

        Raises InvalidInput for a value that cannot be and for a variable of ours that does not exist.
        """
        known = {PREFIX + one.name.upper(): one for one in fields(cls)}
        given = {name: text for name, text in environment.items() if _is_ours(name)}
        for name in sorted(given.keys() - known.keys()):
            raise InvalidInput(_unknown(name, list(known)), pointer=name)
        values: dict[str, Any] = {}
        for name, text in given.items():
            if text.strip():
                values[known[name].name] = _parsed(name, text.strip(), known[name].metadata["parse"])
        return cls(**values)

    def described(self) -> list[SettingRow]:
        """Every setting for a person to read: secrets, and passwords in URLs, are hidden."""
        return [self._described(one) for one in fields(self)]

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{row.name}={row.value}' for row in self.described())})"

    def _described(self, one: Any) -> SettingRow:
        value = getattr(self, one.name)
        default = one.default if one.default_factory is MISSING else one.default_factory()
        name = PREFIX + one.name.upper()
        return SettingRow(
            name, _shown(value, secret=one.metadata["secret"]), value == default, one.metadata["meaning"]
        )


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX) and not name.startswith(_NOT_OURS)


def _parsed(name: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidInput(f"{name} is {_shown(text, secret=False)!r}: {error}", pointer=name) from error


def _unknown(name: str, known: list[str]) -> str:
    endings = [one.removeprefix(PREFIX) for one in known]
    near = difflib.get_close_matches(name.removeprefix(PREFIX), endings, n=1)
    way_out = f"did you mean {PREFIX}{near[0]}?" if near else f"there are {', '.join(known)}"
    return f"the environment variable {name} is no setting; {way_out}"


def _shown(value: object, *, secret: bool) -> str:
    if value is None:
        return "(not set)"
    if secret:
        return "(hidden)"
    text = str(value)
    password = urlsplit(text).password if "://" in text else None
    return text.replace(f":{password}@", ":(hidden)@") if password else text
