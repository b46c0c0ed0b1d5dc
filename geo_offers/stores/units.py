"""What adapters over SQL stand on: units of work in transactions, whichever engine does them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Units(Protocol):
    """Runs functions on a connection, each in a transaction of its own that ends with it.

    Both raise StoreUnavailable and SchemaOutdated as every store does. A unit that raises has changed nothing.
    """

    async def read(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """A unit that sees one state of the store, and changes nothing."""

    async def write(
        self, function: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """A unit that writes: on SQLite it waits for its turn at the start; on PostgreSQL rows are locked as it goes.

        It may share a transaction with others, and be run again when that is not to be: a unit does nothing
        but read and write rows. It is answered after the commit.
        """
