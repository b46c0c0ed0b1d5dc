"""The rows of a CSV file: encoding, delimiter and quotes; knows nothing of shops."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from geo_offers.domain.errors import FileFault
from geodata.open_file import opened

_DELIMITERS = ",;\t"
_HEAD = 65_536
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Tried in this order to suggest one; never used without being asked for, since wrong ones decode, too.
_USUAL = ("cp932", "euc_jp", "gb18030", "big5", "euc_kr", "cp1252")


def csv_rows(path: Path, encoding: str | None) -> Iterator[tuple[int, list[str]]]:
    """(line, row) of every row that is not blank, the header first; the line is where the row ends.

    encoding  None: by the byte order mark, else UTF-8

    Raises FileFault with the line for bytes of another encoding, quotes that do not balance, a field of
    more than 131,072 characters and NUL in the header.
    """
    known = _known(encoding) or _marked(path)
    try:
        with opened(path) as file:
            text = io.TextIOWrapper(file, encoding=known, newline="")
            yield from _rows(text, path)
    except UnicodeDecodeError as fault:
        raise FileFault(_other_encoding(path, known), place=_undecodable(path, known)) from fault


def _rows(text: TextIO, path: Path) -> Iterator[tuple[int, list[str]]]:
    header = text.readline()
    if not header.strip():
        raise FileFault(f"{path.name} has no header", place="line 1")
    if "\x00" in header:
        raise FileFault(f"{path.name} has NUL in its header; is it --encoding utf-16-le?", place="line 1")
    text.seek(0)
    reader = csv.reader(text, delimiter=max(_DELIMITERS, key=header.count), strict=True)
    sound = 0
    try:
        for row in reader:
            sound = reader.line_num
            if row:
                yield sound, row
    except csv.Error as fault:
        raise FileFault(f"{path.name}: {_explained(fault)}", place=f"line {sound + 1}") from fault


def _explained(fault: csv.Error) -> str:
    word = str(fault)
    if "field limit" in word:
        return f"a field has more than {csv.field_size_limit():,} characters; is a quote not closed?"
    return "a quote is opened and never closed" if "end of data" in word else word


def _known(encoding: str | None) -> str | None:
    try:
        return codecs.lookup(encoding).name if encoding else None
    except LookupError as fault:
        raise FileFault(
            f"{encoding!r} is not an encoding; usual ones are utf-8, {', '.join(_USUAL)}"
        ) from fault


def _marked(path: Path) -> str:
    with opened(path) as file:
        head = file.read(4)
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")


def _other_encoding(path: Path, encoding: str) -> str:
    with opened(path) as file:
        head = file.read(_HEAD)
    fitting = [name for name in _USUAL if name != encoding and _decodes(head, name)]
    way_out = f"; try --encoding {' or '.join(fitting)}" if fitting else ""
    return f"{path.name} is not in {encoding.removesuffix('-sig')}{way_out}"


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _undecodable(path: Path, encoding: str) -> str | None:
    """The first line that is not in this encoding; None for UTF-16, whose lines are not split by one byte."""
    if encoding.startswith(("utf-16", "utf-32")):
        return None
    with opened(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return f"line {number}"
    return None
