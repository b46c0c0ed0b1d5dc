"""The command that compares what was spent with the ledger that proves it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import typer

from geo_offers.bootstrap import open_stores
from geo_offers.cli_summary import printable
from geo_offers.settings import Settings
from geo_offers.stores.commerce_ports import Disagreement


def verify() -> None:
    """Compare every counter, coupon and redemption with the ledger; exit code 1 when they disagree."""
    settings = Settings.from_environment(os.environ)
    found = asyncio.run(_verify(settings))
    typer.echo("Checked counters, visitors' counts, coupons, redemptions and budgets against the ledger.")
    for one in found:
        typer.echo(
            printable(f"{one.what} of {one.of}: the ledger says {one.ledger:,}, it says {one.other:,}")
        )
    if found:
        typer.echo(f"{len(found):,} of them disagree.", err=True)
        raise typer.Exit(1)
    typer.echo("All agree.")


async def _verify(settings: Settings) -> Sequence[Disagreement]:
    stores = await open_stores(settings)
    try:
        return await stores.commerce.verify()
    finally:
        await stores.catalog.close()
