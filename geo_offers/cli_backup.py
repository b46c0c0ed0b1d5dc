"""The command that copies the embedded store to a file while it is used, with the secret that belongs to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from geo_offers.cli_connections import is_server, sqlite_path
from geo_offers.domain.errors import InvalidInput, OutputExists, StoreUnavailable
from geo_offers.settings import Settings
from geo_offers.stores.sqlite_engine import our_errors

_SECRET = ".secret"


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to make.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Copy the embedded store to a file, as it is at one moment, while it is used."""
    settings = Settings.from_environment(os.environ)
    if is_server(settings.database_url):
        raise InvalidInput(
            "the store is on a PostgreSQL server: use pg_dump --format=custom, as the README says"
        )
    path = sqlite_path(settings.database_url)
    if not path.exists():
        raise StoreUnavailable(f"the database {path} is not there")
    if not force:
        for there in filter(Path.exists, (file, _beside(file))):
            raise OutputExists(f"{there} is there already: name another file, or add --force", path=there)
    copy_store(path, file)
    typer.echo(f"{file} is a whole copy, {file.stat().st_size / 1e6:,.1f} MB, checked.")
    if settings.secret or not _beside(path).exists():
        typer.echo("Keep GEO_OFFERS_SECRET too: visitors are known by it.")
        return
    _copy_secret(_beside(path), _beside(file))
    typer.echo(f"{_beside(file)} is the secret by which visitors are known; keep it apart from the copy.")


def copy_store(path: Path, to: Path) -> None:
    """One file with all that was committed when the copying began; others read and write meanwhile.

    It is checked before it takes its name, so a file of this name is whole. Raises StoreUnavailable.
    """
    handle, new = tempfile.mkstemp(dir=_folder_of(to), prefix=f"{to.name}.")
    os.close(handle)
    try:
        with (
            our_errors(path),
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
            our_errors(Path(new)),
            closing(sqlite3.connect(new)) as copy,
        ):
            source.backup(copy)
            # One file, without a log beside it; who opens it as a store gives it one again.
            copy.execute("PRAGMA journal_mode = DELETE")
            said = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if said != "ok":
            raise StoreUnavailable(f"the database {path} is damaged ({said}): restore it from a backup")
        _keep(Path(new), to)
    finally:
        Path(new).unlink(missing_ok=True)


def _copy_secret(kept: Path, to: Path) -> None:
    handle, new = tempfile.mkstemp(dir=to.parent, prefix=f"{to.name}.")  # for its owner alone
    os.close(handle)
    try:
        shutil.copyfile(kept, new)
        _keep(Path(new), to)
    except OSError as error:
        raise StoreUnavailable(f"the secret {kept} cannot be copied: {error.strerror}") from error
    finally:
        Path(new).unlink(missing_ok=True)


def _keep(new: Path, to: Path) -> None:
    """Let a file that is whole and on the disk take its name."""
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(to)


def _folder_of(file: Path) -> Path:
    if not file.parent.is_dir():
        raise StoreUnavailable(f"the folder of {file} is not there: make it first")
    return file.parent


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _SECRET)
