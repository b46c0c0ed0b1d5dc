"""PostgreSQL through SQLAlchemy and asyncpg: how a connection is made, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import asyncpg
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from geo_offers.domain.errors import Conflict, GeoOffersError, InvalidInput, StoreUnavailable
from geo_offers.stores import row_security, tenancy
from geo_offers.stores.migrate import schema_outdated
from geo_offers.stores.postgis_types import WGS84 as WGS84  # also hooks in, before the first CREATE TABLE

#: How long a reading or an import may rest between two of its steps, and wait for another import.
_APART_IDLE_S = 600.0
_APART_LOCK_S = 60.0
#: Our units are of some 150 different statements; each is parsed once a connection.
_STATEMENTS_KEPT = 400


@dataclass(frozen=True, slots=True)
class PostgisLimits:
    """How much of the server one process takes, and how long it waits.

    pool              connections for units; a reading and each import have one more
    pool_timeout_s    for a connection of the pool to be free
    connect_timeout_s for a connection to be made
    statement_timeout_s, lock_timeout_s   for one statement of a unit, and for rows that another one holds
    idle_timeout_s    until the server ends a transaction that asks nothing
    """

    pool: int = 10
    pool_timeout_s: float = 5.0
    connect_timeout_s: float = 5.0
    statement_timeout_s: float = 30.0
    lock_timeout_s: float = 10.0
    idle_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class PostgisAddress:
    """A database on a server. url: as libpq knows it, postgresql://…"""

    url: str
    limits: PostgisLimits = PostgisLimits()

    @property
    def where(self) -> str:
        """What messages call it: without name and password."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", [""])[0] or "localhost"
        return f"{parts.path.lstrip('/') or 'of the same name'} at {host}"

    def pooled(self) -> AsyncEngine:
        """An engine for units, in this event loop. Opens nothing yet."""
        limits = self.limits
        timeouts = (limits.statement_timeout_s, limits.lock_timeout_s, limits.idle_timeout_s)
        return self._engine(
            timeouts, pool_size=limits.pool, max_overflow=0, pool_timeout=limits.pool_timeout_s
        )

    def apart(self) -> AsyncEngine:
        """An engine whose connections are made when asked for and closed after use, without hurry."""
        return self._engine((0.0, _APART_LOCK_S, _APART_IDLE_S), poolclass=NullPool)

    def _engine(self, timeouts_s: tuple[float, float, float], **pool: Any) -> AsyncEngine:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        told = {name: str(round(1_000 * s)) for name, s in zip(names, timeouts_s, strict=True)}
        # The driver reads the URL itself, with all that libpq understands: sslmode, several hosts, passfile.
        url = self.url.replace("postgresql+asyncpg:", "postgresql:", 1)
        engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            creator=lambda: engine.sync_engine.dialect.loaded_dbapi.connect(
                url,
                async_creator_fn=asyncpg.connect,
                prepared_statement_cache_size=_STATEMENTS_KEPT,
                timeout=self.limits.connect_timeout_s,
                server_settings=told | {"application_name": "geo-offers", "jit": "off"},
            ),
            **pool,
        )
        tenancy.guard(engine.sync_engine)
        row_security.tell_database(engine.sync_engine)
        return engine


class FaultKind(Enum):
    """What may be done about a fault of the server."""

    CUT = auto()  # the connection is gone; an uncommitted transaction with it
    CONTENDED = auto()  # two waited for each other: this one was undone
    STALE = auto()  # the statement was prepared for other tables
    TAKEN = auto()  # a key is another row's, perhaps since a moment
    OTHER = auto()


class Fault(NamedTuple):
    """A driver's error, and the error of ours that it is; None where it is none of the store's."""

    kind: FaultKind
    ours: GeoOffersError | None


#: All that may come out of the driver, the pool and the network.
FAULTS = (
    DBAPIError,
    PoolTimeout,
    InvalidRequestError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
_WORDS = {
    "08": "cannot be reached: the connection was cut",
    "25006": "cannot be written: it is read-only; is it a replica?",
    "25P03": "has ended a transaction that asked nothing for too long",
    "28": "refuses us: check the name and the password in its URL",
    "3D000": "is not there: create it",
    "53100": "cannot grow: the disk is full",
    "53200": "is out of memory",
    "53300": "has too many connections: raise its max_connections or lower GEO_OFFERS_POSTGIS_POOL",
    "53": "is short of resources",
    "55P03": "is busy: another transaction has kept rows locked for too long",
    "57014": "took too long for a statement",
    "57P": "cannot be reached: it is shutting down or starting up",
    "58": "reports an error of its disk",
    "40": "is busy: transactions waited for each other again and again",
}
_CUT = ("08", "57P01", "57P02", "25P03")
_UNREACHABLE = "cannot be reached"


def fault_of(error: BaseException, where: str) -> Fault:
    """What an error of FAULTS means for the database `where`."""
    if isinstance(error, PoolTimeout):
        words = "is busy: no connection became free in time; raise GEO_OFFERS_POSTGIS_POOL if this lasts"
        return Fault(FaultKind.OTHER, StoreUnavailable(f"the database {where} {words}"))
    if isinstance(error, OSError):
        words = f"{_UNREACHABLE}: {error.strerror or 'it does not answer'}"
        return Fault(FaultKind.CUT, StoreUnavailable(f"the database {where} {words}"))
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or ""
    if state:
        return _fault_of_state(state, str(cause), where)
    if "closed" in str(cause) or "released" in str(cause) or getattr(error, "connection_invalidated", False):
        words = "cannot be reached: the connection was cut"
        return Fault(FaultKind.CUT, StoreUnavailable(f"the database {where} {words}"))
    return Fault(FaultKind.OTHER, None)


def _fault_of_state(state: str, text: str, where: str) -> Fault:
    if state.startswith("23"):
        kind = FaultKind.TAKEN if state == "23505" else FaultKind.OTHER
        return Fault(kind, Conflict(f"the store already has a row in the way: {text.splitlines()[0]}"))
    if state == "42501" and "row-level security" in text:
        return Fault(FaultKind.TAKEN, Conflict("the store already has a row in the way: it is another's"))
    if state == "42501" or state.startswith("XX"):
        words = f"refuses this: {text.splitlines()[0]}"
        return Fault(FaultKind.OTHER, StoreUnavailable(f"the database {where} {words}"))
    if state in ("22021", "22P05"):
        return Fault(FaultKind.OTHER, InvalidInput("text with the character U+0000 cannot be kept"))
    if state == "42703" or (state == "42P01" and "alembic_version" in text):
        return Fault(FaultKind.OTHER, schema_outdated(None))
    if state == "0A000" and "cached" in text:
        return Fault(FaultKind.STALE, StoreUnavailable(f"the tables of the database {where} were changed"))
    known = next((_WORDS[one] for one in (state, state[:3], state[:2]) if one in _WORDS), None)
    ours = None if known is None else StoreUnavailable(f"the database {where} {known}")
    if state in ("40001", "40P01"):
        return Fault(FaultKind.CONTENDED, ours)
    return Fault(FaultKind.CUT if state.startswith(_CUT) else FaultKind.OTHER, ours)


@contextmanager
def our_errors(where: str) -> Iterator[None]:
    """Turns what the driver raises inside into our errors; what is not the store's fault passes as it is."""
    try:
        yield
    except FAULTS as error:
        ours = fault_of(error, where).ours
        if ours is None:
            raise
        raise ours from error
