"""CSV tables become shops; the columns are told or guessed, coordinates converted to WGS 84."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from geo_offers.domain.errors import CoordinateInvalid
from geo_offers.domain.place import LngLat, Shop
from geodata.category_words import CategoryWords
from geodata.crs import Crs, to_wgs84
from geodata.csv_columns import Columns, columns_of
from geodata.csv_text import csv_rows
from geodata.report import ReadReport
from geodata.rows import ReadOptions, RowFault, Skip, make_shop, shown, sift

_MOST_NOTED_WORDS = 20


def read_csv(path: Path, report: ReadReport, options: ReadOptions) -> Iterator[Shop]:
    """The shops of a CSV file, in its order; streams.

    A row without name, coordinates or category is skipped and counted. Raises FileFault with the line for
    a file that is no table or lacks columns and, unless options.skip_bad_rows, for the first row with
    coordinates that cannot be, text that must not be stored or a wrong number of fields.
    """
    rows = csv_rows(path, options.encoding)
    _, header = next(rows)
    columns = columns_of(header, options.columns, file=path.name)
    shop_of = _Table(columns, options, report)
    placed = ((f"line {line}", row) for line, row in rows)
    return sift(placed, shop_of, report, file=path.name, skip_bad_rows=options.skip_bad_rows)


class _Table:
    """From a row of one table to a shop."""

    def __init__(self, columns: Columns, options: ReadOptions, report: ReadReport) -> None:
        self._columns = columns
        self._options = options
        self._report = report
        self._words = CategoryWords(options.category_words)

    def __call__(self, row: Sequence[str]) -> Shop | Skip:
        columns = self._columns
        if len(row) != columns.width:
            raise RowFault(f"the row has {len(row)} fields, the header {columns.width}")
        name = row[columns.name]
        if not name or name.isspace():
            return Skip.NO_NAME
        at = position(row[columns.lng], row[columns.lat], self._options.crs)
        if at is None:
            return Skip.NO_COORDINATES
        category = self._category(row)
        if category is None:
            return Skip.NO_CATEGORY
        return make_shop(
            self._options,
            source_id=_field(row, columns.id),
            name=name,
            category=category,
            at=at,
            names=self._names(row),
            brand=_field(row, columns.brand),
            address=_field(row, columns.address),
            opening_hours=_field(row, columns.opening_hours),
        )

    def _names(self, row: Sequence[str]) -> dict[str, str]:
        places = self._columns.names
        if not places:
            return {}
        return {tag: row[place] for tag, place in places.items() if row[place].strip()}

    def _category(self, row: Sequence[str]) -> str | None:
        word = _field(row, self._columns.category)
        leaf = self._words.leaf_of(word) if word else None
        key, value = _field(row, self._columns.key), _field(row, self._columns.value)
        if leaf is None and key and value:
            word = f"{key}={value}"
            leaf = self._words.leaf_of(word)
        if leaf is None and word:
            self._note(word)
        return leaf or self._options.category

    def _note(self, word: str) -> None:
        noted = self._report.noted
        note = f"category {shown(word)} is not known"
        noted[note if note in noted or len(noted) < _MOST_NOTED_WORDS else "other categories not known"] += 1


def position(lng: str, lat: str, crs: Crs) -> LngLat | None:
    """The point that two fields of a table give, in WGS 84; None when either is blank.

    Raises CoordinateInvalid for what is no number, not finite or off the Earth.
    """
    if not lng or not lat or lng.isspace() or lat.isspace():
        return None
    x, y = _degrees(lng, "lng"), _degrees(lat, "lat")
    at = LngLat(x, y)
    return at if crs is Crs.WGS84 else LngLat(*to_wgs84(x, y, crs))


def _degrees(text: str, what: str) -> float:
    try:
        # float() would take 1_2 for 12, and digits of other scripts, which may have been meant as words.
        degrees = float(text if text.strip().isascii() and "_" not in text else "")
    except ValueError as fault:
        way_out = "; write 139.7, not 139,7" if "," in text else ""
        raise CoordinateInvalid(f"{what} {shown(text)} is not a number{way_out}") from fault
    return degrees


def _field(row: Sequence[str], place: int) -> str | None:
    """The field at a position, None when the table does not have it or it is blank."""
    if place < 0:
        return None
    return row[place].strip() or None
