"""Serves the loaded town and, once it answers, prints where it is and three questions to try."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

from geo_offers.bootstrap import open_store
from geo_offers.domain.place import ShopRow
from geo_offers.index.cells import FINEST
from geo_offers.settings import Settings

HOST = "127.0.0.1"
PATIENCE_S = 120


def chosen_port(text: str) -> int:
    """The port that PORT says; ends the program with a sentence for what is none."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535):
        sys.exit(f"PORT is {text}: a whole number from 1 to 65535 is needed")
    return int(text)


def free_port(first: int) -> int:
    """The first port from this one on that nobody listens on."""
    last = min(first + 99, 65_535)
    for port in range(first, last + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    sys.exit(f"no free port between {first} and {last}")


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def wait_ready(base: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"the server stopped with exit code {server.returncode}; its reason stands above")
        try:
            get(f"{base}/readyz")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    sys.exit(f"the server was not ready within {PATIENCE_S} s")


async def busiest_place(settings: Settings) -> tuple[float, float]:
    """The middle of the H3 cell (resolution 9, some 300 m wide) with the most shops: a place worth asking about."""
    shops_of_cell: dict[int, list[ShopRow]] = defaultdict(list)
    store = await open_store(settings)
    async with store.reading() as reading:
        async for rows in reading.shop_rows():
            for row in rows:
                shops_of_cell[row.cell >> 3 * (FINEST - 9)].append(row)
    await store.close()
    if not shops_of_cell:
        return 0.0, 0.0
    busiest = max(shops_of_cell.values(), key=len)
    return round(mean(row.lng for row in busiest), 4), round(mean(row.lat for row in busiest), 4)


def main() -> int:
    port = free_port(chosen_port(os.environ.get("PORT", "8000")))
    base = f"http://{HOST}:{port}"
    program = Path(sys.executable).with_name("geo-offers")
    command = [str(program), "serve", "--host", HOST, "--port", str(port)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end by it as by Ctrl-C
    # The questions below are to be asked without a key; who says otherwise means it.
    quietly = {"GEO_OFFERS_OPEN_READS": "true"} | os.environ | {"GEO_OFFERS_LOG_LEVEL": "WARNING"}
    server = subprocess.Popen(command, env=quietly, stdout=subprocess.DEVNULL)
    try:
        wait_ready(base, server)
        print_questions(base)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def print_questions(base: str) -> None:
    ready = get(f"{base}/readyz")
    lng, lat = asyncio.run(busiest_place(Settings.from_environment(os.environ)))
    print(f"\n{ready['shops']:,} shops at {base} (Ctrl-C ends it). Try:\n")
    for question in (
        f"/v1/shops?lng={lng}&lat={lat}&category=food&limit=3",
        f"/v1/shops?lng={lng}&lat={lat}&open_now=true&radius_m=300",
        f"/v1/context?lng={lng}&lat={lat}",
    ):
        print(f"  curl -s '{base}{question}'")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
