"""Processes that spend until they are killed; as a program, the parent that forks and kills them as it is told.

A parent that has everything imported has a new process at work in some hundredths of a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import msgspec

from geo_offers.bootstrap import open_stores
from geo_offers.settings import Settings
from tests.journeys.spending import Line, Market, Said, Spender, written

_HANDS = 6
_GIVE_UP_S = 60.0


class Spenders:
    """Some places, each with one process at a time; what they said is in a file for each process."""

    def __init__(self, parent: subprocess.Popen[str], folder: Path, rng: random.Random) -> None:
        self._parent = parent
        self._folder = folder
        self._rng = rng
        self._at: dict[int, tuple[str, Path]] = {}
        self.ended: list[int] = []

    def start(self, place: int) -> None:
        """A process at a free place: it asks first what the one before it there was not answered."""
        log = self._folder / f"{place}-{len(list(self._folder.glob(f'{place}-*.log')))}.log"
        pid = self._tell("start", place, log, self._rng.randrange(2**32))
        self._at[place] = pid, log

    def kill(self, place: int) -> None:
        """Kill the process at a place, at a moment of no meaning, once it was answered anything."""
        pid, log = self._at.pop(place)
        self._await_an_answer(log)
        time.sleep(self._rng.uniform(0, 0.03))  # not for anything: the moment is what chance is about
        self.ended.append(int(self._tell("kill", pid)))

    def said(self) -> Said:
        return Said.of(*self._folder.glob("*.log"))

    def _await_an_answer(self, log: Path) -> None:
        give_up = time.monotonic() + _GIVE_UP_S
        while not log.exists() or b'"answered"' not in log.read_bytes():
            assert time.monotonic() < give_up, f"{log.name} says nothing"
            time.sleep(0.002)

    def _tell(self, *words: object) -> str:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(f"{' '.join(map(str, words))}\n")
        self._parent.stdin.flush()
        return self._parent.stdout.readline().strip()


@contextmanager
def spenders_at(url: str, market: Market, folder: Path, rng: random.Random) -> Iterator[Spenders]:
    """Spenders of a market in the store with this URL; they say what they do in this folder."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.journeys.spenders", url, msgspec.json.encode(market).decode()]
    with (
        (folder / "errors.txt").open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as parent,
    ):
        try:
            yield Spenders(parent, folder, rng)
        finally:
            parent.kill()


def main(url: str, market: Market) -> None:
    """Start and kill as stdin says, line by line: `start PLACE LOG SEED`, answered by a pid, `kill PID`, by how it ended."""
    for line in sys.stdin:
        match line.split():
            case ["start", place, log, seed]:
                parent, pid = os.getpid(), os.fork()
                if pid == 0:
                    _spend(url, market, int(place), Path(log), int(seed), parent)
                _tell(pid)
            case ["kill", pid]:
                os.kill(int(pid), signal.SIGKILL)
                _tell(os.waitstatus_to_exitcode(os.waitpid(int(pid), 0)[1]))


def _spend(url: str, market: Market, place: int, log: Path, seed: int, parent: int) -> NoReturn:
    """The life of a process; it ends by itself only when it fails, or its parent has gone."""
    try:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), sys.stdout.fileno())
        asyncio.run(_spending(url, market, place, log, seed, parent))
    except BaseException:  # noqa: BLE001  # whatever it is, it is not the parent's
        traceback.print_exc()
    os._exit(1)


async def _spending(url: str, market: Market, place: int, log: Path, seed: int, parent: int) -> None:
    def say(line: Line) -> None:
        _tell(written(line))

    watching = asyncio.create_task(_until_orphaned(parent))
    stores = await open_stores(Settings(database_url=url))
    spender = Spender(stores.commerce, market, log.stem, seed, say)
    logs = [one for one in log.parent.glob("*.log") if one != log]
    spender.know(Said.of(*logs))
    await spender.settle(Said.of(*(one for one in logs if one.name.startswith(f"{place}-"))))
    await asyncio.gather(watching, *(spender.spend() for _ in range(_HANDS)))


async def _until_orphaned(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  # nobody tells a process that its parent has gone
        await asyncio.sleep(0.5)
    os._exit(1)


def _tell(what: object) -> None:
    """One line, said when this returns: it outlives the process."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], msgspec.convert(json.loads(sys.argv[2]), Market))
