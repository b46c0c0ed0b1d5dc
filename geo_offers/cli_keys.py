"""The commands about keys: a secret is printed once, by the command that makes it, and nothing else with it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from geo_offers.bootstrap import open_key_desk, utc_now
from geo_offers.cli_summary import printable
from geo_offers.domain.account import Key, Role
from geo_offers.domain.errors import InvalidInput
from geo_offers.services.key_desk import KeyDesk, account_of
from geo_offers.settings import Settings

_T = TypeVar("_T")
_SPAN = re.compile(r"(\d{1,6})([smhd])\Z", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=36_500)

key_commands = typer.Typer(
    no_args_is_help=True, help="Make, list, rotate and revoke keys.", rich_markup_mode=None
)


@key_commands.callback()
def _group() -> None:
    """Make, list, rotate and revoke keys."""


@key_commands.command("create")
def create(
    role: Annotated[Role, typer.Option(help="What the key is for.")],
    merchant: Annotated[
        str | None, typer.Option(metavar="ID", help="For role merchant: whose key it is.")
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Else: whose key it is; the role's name when not given."),
    ] = None,
    label: Annotated[str, typer.Option(metavar="TEXT", help="A word for people.")] = "",
    expires_in: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Such as 90d or 12h; never when not given.")
    ] = None,
) -> None:
    """Print a new key, and nothing else; it is not shown again."""
    expires_at = None if expires_in is None else utc_now() + span_of(expires_in)
    whose = account_of(role, account=account, merchant_id=merchant)
    made = _at_the_desk(lambda desk: desk.create(role, whose, label=label, expires_at=expires_at))
    typer.echo(made.secret)


@key_commands.command("list")
def list_keys() -> None:
    """List every key that there ever was, newest first."""
    table = Table("id", "role", "account", "label", "created", "expires", "revoked", "last used", box=None)
    for key in _at_the_desk(lambda desk: desk.list()):
        table.add_row(*_row(key))
    # As wide as its rows: a table that is cut off is no use to a script.
    Console(width=1_000, highlight=False, markup=False).print(table)


@key_commands.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `keys list` says it; not the key itself.")],
) -> None:
    """Take a key's power at once, in every process."""
    revoked = _at_the_desk(lambda desk: desk.revoke(key_id))
    typer.echo(f"The key {revoked.id} lets nobody in any more.")


@key_commands.command("rotate")
def rotate(
    key_id: Annotated[str, typer.Argument(help="As `keys list` says it; not the key itself.")],
    overlap: Annotated[
        str, typer.Option(metavar="SPAN", help="How long the old key stays good, such as 24h.")
    ] = "24h",
) -> None:
    """Print a new key in an old one's place, and nothing else; the old one is good for a while yet."""
    span = span_of(overlap)
    typer.echo(_at_the_desk(lambda desk: desk.rotate(key_id, overlap=span)).secret)


def span_of(text: str) -> timedelta:
    """A span of time as people write it: 90d, 12h, 30m, 45s. Raises InvalidInput."""
    found = _SPAN.match(text.strip())
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if span is None or span > _LONGEST:
        raise InvalidInput(f"{text!r} is no span of time: write 90d, 12h, 30m or 45s")
    return span


def _row(key: Key) -> tuple[str, ...]:
    times = (key.created_at, key.expires_at, key.revoked_at, key.last_used_at)
    return (key.id, key.role.value, key.account, printable(key.label), *map(_shown, times))


def _shown(moment: datetime | None) -> str:
    return "-" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%SZ")


def _at_the_desk(work: Callable[[KeyDesk], Awaitable[_T]]) -> _T:
    async def run() -> _T:
        async with open_key_desk(Settings.from_environment(os.environ)) as desk:
            return await work(desk)

    return asyncio.run(run())
