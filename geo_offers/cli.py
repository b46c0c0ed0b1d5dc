"""The command line: thin, one function a command; what a command does lives elsewhere."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from geo_offers.cli_backup import backup
from geo_offers.cli_districts import district_commands
from geo_offers.cli_doctor import doctor
from geo_offers.cli_export import export_commands
from geo_offers.cli_import import import_commands
from geo_offers.cli_keys import key_commands
from geo_offers.cli_migrate import migrate
from geo_offers.cli_sample import load_sample_town
from geo_offers.cli_serve import answer
from geo_offers.cli_summary import printable
from geo_offers.cli_verify import verify
from geo_offers.domain.errors import GeoOffersError, Interrupted
from geo_offers.settings import Settings


class _OneSentence(TyperGroup):
    """Prints an error of ours as one sentence on stderr and ends with exit code 1, never with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Interrupted as ended:
            typer.echo(str(ended), err=True)
            raise typer.Exit(130) from ended
        except GeoOffersError as error:
            typer.echo(f"Error: {printable(str(error))}", err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_OneSentence,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Real merchant districts as a virtual commerce zone: nearby shops, promotions, local search.",
)
app.add_typer(import_commands, name="import")
app.add_typer(export_commands, name="export")
app.add_typer(district_commands, name="districts")
app.add_typer(key_commands, name="keys")
app.command()(verify)
app.command()(migrate)
app.command()(backup)
app.command()(doctor)


def main() -> None:
    """The program `geo-offers`."""
    app()


@app.command()
def sample(
    seed: Annotated[int, typer.Option(help="Another number, another town.")] = 7,
) -> None:
    """Load the generated sample town."""
    load_sample_town(settings_here(), seed=seed)


@app.command()
def settings() -> None:
    """List the settings with their values; secrets are hidden."""
    for row in settings_here().described():
        typer.echo(f"{row.name}={row.value}\n    {row.meaning}{'' if row.is_default else ' (set)'}")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else GEO_OFFERS_HOST.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port to listen on, 0 for any; else GEO_OFFERS_PORT."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes that answer, each with the whole catalog.")
    ] = 1,
) -> None:
    """Answer over HTTP until Ctrl-C."""
    chosen = settings_here()
    answer(chosen, host=host or chosen.host, port=chosen.port if port is None else port, workers=workers)


def settings_here() -> Settings:
    """The settings of this process's environment; raises InvalidInput for one that cannot be."""
    return Settings.from_environment(os.environ)
