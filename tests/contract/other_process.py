"""What other processes do to a store: run as `python -m tests.contract.other_process <url> <deed> [number]`.

Each says "ready", waits for a line, does its deed and says "done"; those that hang do so at the worst moment.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, event

from geo_offers.domain.place import Shop
from geo_offers.stores.ports import CatalogStore
from tests.builders import some_shops
from tests.contract.asking import opened


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def hang() -> None:
    say("hanging")
    sys.stdin.read()


async def put(store: CatalogStore, number: int) -> None:
    for shop in some_shops(25, first=number):
        await store.put_shops([shop])


async def import_and_hang_while_rows_come(store: CatalogStore, number: int) -> None:
    def rows() -> Iterator[Shop]:
        yield from some_shops(6_000, first=number)
        hang()

    await store.import_shops(rows(), dataset="town", replace=True)


async def import_and_hang_before_the_commit(store: CatalogStore, number: int) -> None:
    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO catalog_changes"):
            hang()

    event.listen(Engine, "before_cursor_execute", before)
    await store.import_shops(some_shops(6_000, first=number), dataset="town", replace=True)


DEEDS = {
    deed.__name__: deed for deed in (put, import_and_hang_while_rows_come, import_and_hang_before_the_commit)
}


async def main(url: str, deed: str, number: int) -> None:
    say("ready")
    sys.stdin.readline()
    async with opened(url) as store:
        await DEEDS[deed](store, number)
    say("done")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
