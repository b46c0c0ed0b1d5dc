"""The commands about districts."""

from __future__ import annotations

import asyncio
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_offers.bootstrap import kernel_cache, open_store
from geo_offers.cli_summary import print_counts, print_discovered
from geo_offers.districts.parameters import Parameters
from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.named_place import NamedPlace
from geo_offers.settings import Settings
from geodata.osm_places import read_places

if TYPE_CHECKING:
    from geo_offers.services.discovery import Discovery

district_commands = typer.Typer(no_args_is_help=True, help="Find districts.", rich_markup_mode=None)


@district_commands.callback()
def _group() -> None:
    """Find districts."""


@district_commands.command("discover")
def discover(
    places: Annotated[
        list[Path] | None,
        typer.Option(
            "--places", metavar="FILE", help="An OpenStreetMap extract whose places may give names."
        ),
    ] = None,
    told: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter, such as fewest_shops=20."),
    ] = None,
) -> None:
    """Find merchant districts from the density of all shops; those found before keep their ids."""
    parameters = _parameters(told or [])
    named = [place for file in places or [] for place in read_places(file)]
    discovery = asyncio.run(_discover(named, parameters))
    print_discovered(discovery.districts, discovery.shops)
    print_counts({"districts": discovery.counts})


async def _discover(places: list[NamedPlace], parameters: Parameters) -> Discovery:
    settings = Settings.from_environment(os.environ)
    with kernel_cache(settings):
        # Here and not above: compiled kernels take half a second that the other commands need not wait for.
        from geo_offers.services.discovery import discover_districts

    store = await open_store(settings)
    try:
        return await discover_districts(store, places=places, parameters=parameters)
    finally:
        await store.close()


def _parameters(told: list[str]) -> Parameters:
    """Parameters from NAME=VALUE. Raises InvalidInput."""
    kinds = {one.name: int if one.type == "int" else float for one in fields(Parameters)}
    values: dict[str, Any] = {}
    for word in told:
        name, _, text = word.partition("=")
        if name not in kinds:
            raise InvalidInput(f"there is no parameter {name!r}; there are {', '.join(kinds)}")
        try:
            values[name] = kinds[name](text)
        except ValueError:
            raise InvalidInput(f"{name}={text}: a number is needed") from None
    return Parameters(**values)
