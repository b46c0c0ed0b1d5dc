"""Serves the loaded town and, once it answers, prints keys for a new store, where it is and what to try."""

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

from geo_offers.bootstrap import open_key_desk, open_store
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


def ask(url: str, *, key: str | None = None, body: dict[str, Any] | None = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    sent = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, sent, headers), timeout=5) as answer:
        return json.load(answer)


def wait_ready(base: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"the server stopped with exit code {server.returncode}; its reason stands above")
        try:
            ask(f"{base}/readyz")
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


async def first_key(settings: Settings) -> str | None:
    """An operator's key for a store that never had a key; None for another store."""
    async with open_key_desk(settings) as desk:
        made = await desk.create_first()
        return None if made is None else made.secret


def main() -> int:
    port = free_port(chosen_port(os.environ.get("PORT", "8000")))
    base = f"http://{HOST}:{port}"
    program = Path(sys.executable).with_name("geo-offers")
    command = [str(program), "serve", "--host", HOST, "--port", str(port)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end by it as by Ctrl-C
    settings = Settings.from_environment(os.environ)
    admin = asyncio.run(first_key(settings))
    quietly = os.environ | {"GEO_OFFERS_LOG_LEVEL": "WARNING"}
    server = subprocess.Popen(command, env=quietly, stdout=subprocess.DEVNULL)
    try:
        wait_ready(base, server)
        place = asyncio.run(busiest_place(settings))
        print(f"\n{ask(f'{base}/readyz')['shops']:,} shops at {base} (Ctrl-C ends it).")
        if admin is None:
            print_old_keys(settings)
            print_questions(base, place)
        else:
            print_new_store(base, place, admin)
        print(flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def print_new_store(base: str, place: tuple[float, float], admin: str) -> None:
    """Make and print keys, one of each kind, and what to do with them."""

    def made(role: str, **whose: str) -> str:
        told: str = ask(f"{base}/v1/keys", key=admin, body={"role": role, "label": "demo", **whose})["key"]
        return told

    app = made("app", account="demo")
    offer = claimable_offer(base, place, app)
    print("\nIts keys, told this once:\n")
    print_key("APP", app, "an app: what is on offer, claims, its visitors' coupons")
    if offer is not None:
        merchant = offer["merchant"]
        print_key(
            "MERCHANT", made("merchant", merchant_id=merchant["id"]), f"the merchant {merchant['name']}"
        )
    print_key("PLANNER", made("planner"), "a planner: districts and offers")
    print_key("ADMIN", admin, "you, the operator: merchants and keys")
    print_questions(base, place)
    if offer is not None:
        print_till(base, place, offer)


def print_old_keys(settings: Settings) -> None:
    """Say that the keys were told before, and how there are new ones."""
    here = f"GEO_OFFERS_DATABASE_URL='{settings.database_url}' .venv/bin/geo-offers"
    print("\nIts keys were made and told when it was new. A new one, and all that there are:\n")
    print(f"  export APP_KEY=$({here} keys create --role app --account demo)")
    print(f"  export MERCHANT_KEY=$({here} keys create --role merchant --merchant mrc_…)")
    print(f"  export ADMIN_KEY=$({here} keys create --role admin)")
    print(f"  {here} keys list")


def print_key(name: str, secret: str, whose: str) -> None:
    print(f"  export {name}_KEY={secret}  # {whose}")


def print_questions(base: str, place: tuple[float, float]) -> None:
    lng, lat = place
    print("\nTry, in a shell that has the keys:\n")
    for question in (
        f"/v1/offers?lng={lng}&lat={lat}&limit=3",
        f"/v1/shops?lng={lng}&lat={lat}&category=food&limit=3",
        f"/v1/context?lng={lng}&lat={lat}",
    ):
        print(f"  curl -s -H \"Authorization: Bearer $APP_KEY\" '{base}{question}'")


def claimable_offer(base: str, place: tuple[float, float], app: str) -> dict[str, Any] | None:
    """An offer that anyone may claim at a place now, one that takes off money first; None where there is none."""
    lng, lat = place
    found = ask(f"{base}/v1/offers?lng={lng}&lat={lat}&limit=100", key=app)["items"]
    offers = [offer for offer in found if offer["claimable"] and offer["shop"]]
    offers.sort(key=lambda offer: offer["benefit"]["type"] not in ("amount_off", "percent_off"))
    return offers[0] if offers else None


def print_till(base: str, place: tuple[float, float], offer: dict[str, Any]) -> None:
    """How to claim an offer as a visitor who stands there, and to redeem the coupon at the till."""
    claim = {"promotion_id": offer["promotion_id"], "visitor_id": "anna"}
    claim |= {"lng": place[0], "lat": place[1], "accuracy_m": 10, "fix_at": "NOW"}
    till = {"code": "CODE", "shop_id": offer["shop"]["id"], "basket_minor": 50_000, "currency": "CNY"}
    print(f"\nClaim “{offer['title']}” for a visitor who stands there, and redeem the coupon at the till:\n")
    claimed = post(f"{base}/v1/coupons", "APP", claim)
    print(f'  CODE=$({claimed} | sed \'s/.*"code":"\\([^"]*\\).*/\\1/\'); echo $CODE')
    print(f"  {post(f'{base}/v1/redemptions', 'MERCHANT', till)}")


def post(url: str, name: str, body: dict[str, Any]) -> str:
    """The line that sends a body; NOW and CODE in it are put in by the shell."""
    shown = json.dumps(body).replace("NOW", "'$(date -u +%FT%TZ)'").replace("CODE", "'$CODE'")
    return (
        f'curl -s -H "Authorization: Bearer ${name}_KEY" -H "Idempotency-Key: $RANDOM$RANDOM"'
        f" -H 'Content-Type: application/json' -d '{shown}' {url}"
    )


if __name__ == "__main__":
    sys.exit(main())
