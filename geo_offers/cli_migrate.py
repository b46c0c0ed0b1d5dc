"""The command that brings tables up to date, and moves a store from one engine to the other."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection

from geo_offers.bootstrap import migrate_store
from geo_offers.cli_connections import in_transaction, is_server, on_file, sqlite_path
from geo_offers.domain.errors import InvalidInput, StoreUnavailable
from geo_offers.settings import Settings
from geo_offers.stores import sqlite_files
from geo_offers.stores.moving import Moved, begin, move


def migrate(
    from_: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="A store to copy, sqlite: or postgresql:.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="An empty store of the other kind.")
    ] = None,
) -> None:
    """Bring the tables of the store up to date; with --from and --to, copy a store to the other engine."""
    settings = Settings.from_environment(os.environ)
    if from_ is None and to is None:
        _bring_up_to_date(settings)
        return
    if from_ is None or to is None:
        raise InvalidInput("name both: --from, the store to copy, and --to, an empty one")
    _print_moved(_moved(from_, to))
    _tell_about_the_secret(from_, to)


def _bring_up_to_date(settings: Settings) -> None:
    before, after = asyncio.run(migrate_store(settings))
    if before == after:
        typer.echo(f"The tables are up to date: version {after}.")
    else:
        typer.echo(f"The tables are now of version {after}, they were {before or 'not there'}.")


def _moved(source_url: str, target_url: str) -> Sequence[Moved]:
    """Copy one store into the other: one transaction that reads, one that writes, and both end together."""
    if is_server(source_url) == is_server(target_url):
        raise InvalidInput(
            "a store is moved from sqlite: to postgresql: or back;"
            " for two of one kind use `geo-offers backup`, or pg_dump and pg_restore"
        )
    embedded = sqlite_path(target_url if is_server(source_url) else source_url)
    if is_server(target_url):
        return on_file(
            embedded,
            lambda source: in_transaction(
                target_url, lambda target: _with_progress(source, target), writes=True
            ),
            writes=False,
        )
    sqlite_files.make_ready(embedded)
    return in_transaction(
        source_url,
        lambda source: on_file(embedded, lambda target: _with_progress(source, target), writes=True),
        writes=False,
    )


def _with_progress(source: Connection, target: Connection) -> Sequence[Moved]:
    with _bar(begin(source)) as more:
        return move(source, target, on_rows=more)


@contextmanager
def _bar(rows: int) -> Iterator[Callable[[int], None]]:
    """Where the copying says how many rows more it took; shown on stderr if that is a terminal."""
    with Progress(
        TextColumn("copying rows"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("", total=rows)
        yield lambda more: bar.advance(task, more)


def _print_moved(tables: Sequence[Moved]) -> None:
    for moved in tables:
        typer.echo(f"{moved.table:20} {moved.digest.rows:>12,} rows  {moved.digest}")
    rows = sum(moved.digest.rows for moved in tables)
    typer.echo(f"{rows:,} rows are copied, read back and the same.")


def _tell_about_the_secret(source_url: str, target_url: str) -> None:
    """Visitors' ids are known by the secret: what it turned into keys moves, so it must too."""
    if os.environ.get("GEO_OFFERS_SECRET") or is_server(source_url):
        typer.echo("Keep GEO_OFFERS_SECRET as it is: visitors are known by it.")
        return
    kept = sqlite_path(source_url)
    kept = kept.with_name(kept.name + ".secret")
    if not kept.exists():
        raise StoreUnavailable(f"the secret {kept} is not there: set GEO_OFFERS_SECRET for {target_url}")
    typer.echo(f"Set GEO_OFFERS_SECRET to the text in {kept}: visitors are known by it.")
