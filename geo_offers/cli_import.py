"""The commands that bring data in: which file and how to read it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, overload

import typer
from typer.core import TyperGroup

from geo_offers.bootstrap import Stores, open_store, open_stores
from geo_offers.cli_summary import (
    print_counts,
    print_districts,
    print_promotions,
    print_report,
    printable,
    progress,
)
from geo_offers.domain.errors import Interrupted, InvalidInput
from geo_offers.domain.place import MAX_NAME_LENGTH, clean_text
from geo_offers.settings import Settings
from geo_offers.stores.ports import CatalogStore, ImportCounts
from geodata.category_words import checked_leaf, read_category_words
from geodata.crs import Crs
from geodata.districts import DistrictOptions, DistrictReport, read_districts
from geodata.files import Format, default_options, format_of, open_shops, stem_of
from geodata.promotions import PromotionReport, read_promotions
from geodata.report import ReadReport
from geodata.rows import ReadOptions


class _Interruptible(TyperGroup):
    """Ctrl-C ends an import in one sentence, with exit code 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as pressed:
            raise Interrupted("Interrupted: nothing was imported.") from pressed


import_commands = typer.Typer(
    cls=_Interruptible,
    no_args_is_help=True,
    help="Bring shops, districts or promotions in from a file.",
    rich_markup_mode=None,
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="What to import.", show_default=False)]
DatasetOption = Annotated[
    str | None, typer.Option(help="What this import belongs to; else provider:file name.", show_default=False)
]
ProviderOption = Annotated[
    str | None,
    typer.Option(
        help="Where the rows come from; ids are of a provider. Else files of one name are one source:"
        " give --provider to tell them apart.",
        show_default=False,
    ),
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Retire what is in the dataset and no longer in the file.")
]
_Loaded = TypeVar("_Loaded")
ImportedKind = Literal["official", "custom"]


@import_commands.command("shops")
def import_shops(
    file: FileArgument,
    dataset: DatasetOption = None,
    replace_dataset: ReplaceOption = False,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Which column is which field, as in name=店名."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV, such as gb18030 or cp932.")] = None,
    crs: Annotated[Crs, typer.Option(help="The coordinate system of a CSV or GeoJSON.")] = Crs.WGS84,
    category: Annotated[
        str | None, typer.Option(help="For rows without one, such as food.restaurant.")
    ] = None,
    category_map: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Two columns: the file's word, our category.")
    ] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Count faulty rows instead of refusing the file.")
    ] = False,
    provider: ProviderOption = None,
    licence: Annotated[str | None, typer.Option(help="The licence they come under.")] = None,
) -> None:
    """Import shops from CSV, GeoJSON, OpenStreetMap or Overture places."""
    told = _mapping(columns or [])
    file_format = format_of(file)
    defaults = default_options(file, file_format)
    options = replace(
        defaults,
        provider=_given("provider", provider, else_=defaults.provider),
        licence=_given("licence", licence, else_=defaults.licence),
        columns=told,
        category=checked_leaf(category) if category else None,
        category_words=read_category_words(category_map) if category_map else {},
        encoding=encoding,
        crs=crs,
        skip_bad_rows=skip_bad_rows,
    )
    _import(file, file_format, options, dataset=dataset, replace_dataset=replace_dataset)


@import_commands.command("osm")
def import_osm(
    file: FileArgument, dataset: DatasetOption = None, replace_dataset: ReplaceOption = False
) -> None:
    """Import the shops of an OpenStreetMap extract."""
    options = default_options(file, Format.OSM)
    _import(file, Format.OSM, options, dataset=dataset, replace_dataset=replace_dataset)


@import_commands.command("districts")
def import_districts(
    file: FileArgument,
    dataset: DatasetOption = None,
    replace_dataset: ReplaceOption = False,
    name_field: Annotated[str | None, typer.Option(help="Which field is the name, as in 名称.")] = None,
    id_field: Annotated[str | None, typer.Option(help="Which field tells districts apart.")] = None,
    kind: Annotated[
        ImportedKind | None, typer.Option(help="What they are; else official.", show_default=False)
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend faulty polygons and list them.")] = False,
    layer: Annotated[str | None, typer.Option(help="Of a file that has several.")] = None,
    crs: Annotated[str | None, typer.Option(help="Of a file that does not say, such as EPSG:2263.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a shapefile that does not say.")] = None,
    provider: ProviderOption = None,
    licence: Annotated[str | None, typer.Option(help="The licence they come under.")] = None,
) -> None:
    """Import district polygons from GeoJSON, GeoPackage, GeoParquet or shapefile."""
    options = DistrictOptions(
        provider=_given("provider", provider),
        licence=_given("licence", licence),
        kind=kind,
        name_field=name_field,
        id_field=id_field,
        layer=layer,
        crs=crs,
        encoding=encoding,
        repair=repair,
    )
    report = DistrictReport()
    name = _given("dataset", dataset, else_=_dataset_of(file, options.provider))
    districts = read_districts(file, report, options)

    async def load(store: CatalogStore) -> ImportCounts:
        return await store.import_districts(districts, dataset=name, replace=replace_dataset)

    counts = into_store(Settings.from_environment(os.environ), load)
    print_districts(report)
    print_counts({f"dataset {name}": counts})


@import_commands.command("promotions")
def import_promotions(
    file: FileArgument,
    dataset: DatasetOption = None,
    replace_dataset: ReplaceOption = False,
    merchant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose they are, for rows that do not say.")
    ] = None,
) -> None:
    """Import promotions: one document a line (NDJSON), or GeoJSON whose geometry is the fence."""
    report = PromotionReport()
    name = _given("dataset", dataset, else_=_dataset_of(file, None))
    found = read_promotions(file, report, merchant=_given("merchant", merchant))
    merchants = list(found.merchants.values())

    async def load(store: CatalogStore) -> ImportCounts:
        with progress(printable(file.name), unit="promotions") as on_rows:
            return await store.import_promotions(
                found.promotions, merchants, dataset=name, replace=replace_dataset, on_rows=on_rows
            )

    counts = into_store(Settings.from_environment(os.environ), load)
    print_promotions(report)
    print_counts({f"dataset {name}": counts})


def _import(
    file: Path, file_format: Format, options: ReadOptions, *, dataset: str | None, replace_dataset: bool
) -> None:
    report = ReadReport()
    settings = Settings.from_environment(os.environ)
    name = _given("dataset", dataset, else_=_dataset_of(file, options.provider))

    async def load(store: CatalogStore) -> ImportCounts:
        with progress(printable(file.name)) as on_rows:
            shops = open_shops(file, report, options, file_format=file_format)
            return await store.import_shops(shops, dataset=name, replace=replace_dataset, on_rows=on_rows)

    counts = into_store(settings, load)
    _note_repeated(report, counts)
    print_report(report)
    print_counts({f"dataset {name}": counts})


def into_store(settings: Settings, load: Callable[[CatalogStore], Awaitable[_Loaded]]) -> _Loaded:
    """What `load` does with the catalog, as `into_stores` has it."""
    return into_stores(settings, lambda stores: load(stores.catalog))


def into_stores(settings: Settings, load: Callable[[Stores], Awaitable[_Loaded]]) -> _Loaded:
    """What `load` does with the stores. Raises Interrupted when Ctrl-C came too late for nothing to be done."""

    async def run() -> _Loaded:
        stores = await open_stores(settings)
        store = stores.catalog
        before = await store.revision()
        try:
            return await load(stores)
        except asyncio.CancelledError:
            await store.close()  # which waits for what was being committed
            if await _revision(settings) != before:
                raise Interrupted(
                    "Interrupted, but the store has changed meanwhile: import again to be sure."
                ) from None
            raise
        finally:
            await store.close()

    return asyncio.run(run())


async def _revision(settings: Settings) -> int:
    store = await open_store(settings)
    try:
        return await store.revision()
    finally:
        await store.close()


def _note_repeated(report: ReadReport, counts: ImportCounts) -> None:
    """Of rows with one id the store keeps the last; how many were lost so is the difference."""
    repeated = report.kept.total() - counts.added - counts.updated - counts.unchanged
    if repeated:
        report.noted["same id again"] += repeated


@overload
def _given(what: str, text: str | None, *, else_: str) -> str: ...
@overload
def _given(what: str, text: str | None) -> str | None: ...
def _given(what: str, text: str | None, *, else_: str | None = None) -> str | None:
    """A name that was given, cleaned, or the other when none was. Raises InvalidInput for an empty one."""
    name = else_ if text is None else text
    if name is None:
        return None
    cleaned = clean_text(name, what=f"the {what}", longest=MAX_NAME_LENGTH)
    if not cleaned:
        raise InvalidInput(f"the {what} is empty: give it a name or leave --{what} out")
    return cleaned


def _dataset_of(file: Path, provider: str | None) -> str:
    stem = stem_of(file)
    return f"file:{stem}" if provider in (None, f"file:{stem}") else f"{provider}:{stem}"


def _mapping(words: list[str]) -> dict[str, str]:
    columns = {}
    for word in words:
        name, equals, column = word.partition("=")
        if not equals or not name or not column:
            raise typer.BadParameter(f"{word!r} is not of the form FIELD=COLUMN", param_hint="--map")
        columns[name.strip()] = column
    return columns
