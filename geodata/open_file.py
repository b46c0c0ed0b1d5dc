"""Files opened for reading, gzipped or not; what goes wrong with them becomes one sentence."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from geo_offers.domain.errors import FileFault

_LONGEST_LINE = 64 << 20
_CHUNK = 1 << 20


def check_readable(path: Path) -> None:
    """Raises FileFault when the path is absent, no regular file, unreadable or empty."""
    if not path.exists():
        raise FileFault(f"{path} does not exist")
    if path.is_dir():
        raise FileFault(f"{path} is a folder, a file is needed")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as fault:
        raise FileFault(f"{path} cannot be read: {fault.strerror}") from fault
    if empty:
        raise FileFault(f"{path.name} is empty")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of the file, unzipped when its name ends in .gz; raises FileFault while it is read, too."""
    check_readable(path)
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path) as unzipped:
                yield cast(BinaryIO, unzipped)
        else:
            with path.open("rb") as plain:
                yield plain
    except EOFError as fault:
        raise FileFault(f"{path.name} ends in the middle of its gzip stream") from fault
    except (gzip.BadGzipFile, zlib.error) as fault:
        raise FileFault(f"{path.name} is not a sound gzip file: {fault}") from fault
    except OSError as fault:
        raise FileFault(f"{path.name} cannot be read: {fault.strerror or fault}") from fault


def bytes_of(path: Path, *, most: int) -> bytes:
    """The whole content without a byte order mark; raises FileFault when it is more than `most` bytes."""
    with opened(path) as file:
        content = io.BytesIO()
        while chunk := file.read(_CHUNK):
            content.write(chunk)
            if content.tell() > most:
                raise FileFault(f"{path.name} has more than {most:,} bytes; one feature a line has no limit")
    return content.getvalue().removeprefix(b"\xef\xbb\xbf")


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of the file with their ends; raises FileFault for a line of more than 64 MiB."""
    with opened(path) as file:
        number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            if len(line) == _LONGEST_LINE:
                raise FileFault(
                    f"{path.name} has a line of more than {_LONGEST_LINE:,} bytes", place=f"line {number}"
                )
            yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
