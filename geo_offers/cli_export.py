"""The commands that write what the store holds to a file."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from geo_offers.bootstrap import open_store
from geo_offers.domain.place import District, DistrictKind
from geo_offers.domain.promotion import Merchant, Promotion
from geo_offers.settings import Settings
from geodata.exports import ExportFormat, attribution, export_format_of, require_room, write_districts
from geodata.promotion_exports import promotion_format_of, write_promotions

export_commands = typer.Typer(
    no_args_is_help=True, help="Write a file for GIS programs.", rich_markup_mode=None
)


@export_commands.command("districts")
def export_districts(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="What to write.", show_default=False)],
    file_format: Annotated[
        ExportFormat | None, typer.Option("--format", help="Else by the file's ending.", show_default=False)
    ] = None,
    kind: Annotated[
        DistrictKind | None, typer.Option(help="Only districts of this kind.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Export districts as GeoJSON, GeoPackage or GeoParquet, with those who must be named."""
    chosen = file_format or export_format_of(to)
    require_room(to, overwrite=force)
    districts = [one for one in asyncio.run(_districts()) if kind in (None, one.kind)]
    write_districts(districts, to, chosen, overwrite=force)
    typer.echo(f"{len(districts):,} districts are in {to}.")
    for named in attribution(districts):
        typer.echo(f"  {named['provider']}: {named['licence']}")


async def _districts() -> list[District]:
    store = await open_store(Settings.from_environment(os.environ))
    try:
        async with store.reading() as reading:
            return list(await reading.districts())
    finally:
        await store.close()


@export_commands.command("promotions")
def export_promotions(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="What to write.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Export promotions, drafts among them, as NDJSON or GeoJSON that can be imported again."""
    file_format = promotion_format_of(to)
    require_room(to, overwrite=force)
    promotions, merchants = asyncio.run(_promotions())
    write_promotions(promotions, merchants, to, file_format, overwrite=force)
    typer.echo(f"{len(promotions):,} promotions are in {to}.")


async def _promotions() -> tuple[list[Promotion], dict[str, Merchant]]:
    store = await open_store(Settings.from_environment(os.environ))
    try:
        async with store.reading() as reading:
            promotions = [promotion async for chunk in reading.promotions() for promotion in chunk]
            return promotions, {merchant.id: merchant for merchant in await reading.merchants()}
    finally:
        await store.close()
