"""Several workers on one port: one key, one sum of numbers, one stop; and none of them is missed for long."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_serve_journey import PROGRAM, ended, environment

WORKERS = 2
SECRET = re.compile(r"gok_admin_[0-9a-z]{32}")
PATIENCE_S = 60.0


@dataclass
class Together:
    """A server with several workers, and what it wrote."""

    process: subprocess.Popen[str]
    port: int
    folder: Path

    @property
    def errors(self) -> str:
        return (self.folder / "errors.txt").read_text()

    def get(self, path: str) -> tuple[int, str]:
        """An answer, on a connection of its own."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()

    def number(self, name: str) -> float:
        """A number that /metrics tells, summed over its labels."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[{{ ]", line))

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.errors.splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def answered_by(self) -> set[int]:
        return {line["worker"] for line in self.lines("request")}

    def pids(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        words = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
        return {pid for pid, command in words.items() if "spawn_main" in command}


def becomes(true: Callable[[], bool]) -> bool:
    """Whether it is so within our patience."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)  # another process is at it
    return True


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    """The server, as soon as its port is bound; it begins to load then."""
    folder, port = tmp_path_factory.mktemp("together"), free_port()
    env = environment(folder, GEO_OFFERS_OPEN_READS="true", TMPDIR=str(folder))
    command = [PROGRAM, "serve", "--port", str(port), "--workers", str(WORKERS)]
    with (folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield Together(process, port, folder)
    finally:
        process.kill()
        process.communicate()


def test_who_connects_before_there_is_a_snapshot_is_answered_when_there_is(together: Together) -> None:
    def connected() -> bool:
        with socket.socket() as trying:
            return trying.connect_ex(("127.0.0.1", together.port)) == 0

    assert becomes(connected)
    assert "Application startup complete" not in together.errors
    status, body = together.get("/readyz")
    assert (status, json.loads(body)["status"]) == (200, "ready")
    assert together.process.stdout is not None
    said = together.process.stdout.readline()
    assert said == f"Answering on http://127.0.0.1:{together.port} with {WORKERS} workers until Ctrl-C.\n"


def test_the_first_key_is_told_once(together: Together) -> None:
    assert len(SECRET.findall(together.errors)) == 1


def test_any_worker_tells_the_numbers_of_all(together: Together) -> None:
    before = together.number("geo_offers_http_requests_total")
    assert becomes(lambda: together.get("/readyz")[0] == 200 and len(together.answered_by()) == WORKERS)
    assert together.answered_by() == together.pids()
    asked = 40
    for _ in range(asked):
        together.get("/healthz")
    name = 'geo_offers_http_requests_total{method="GET",route="/healthz",status="200"}'
    assert becomes(lambda: f"{name} {asked}.0" in together.get("/metrics")[1])
    count = name.replace("requests_total", "request_seconds_count")
    body = together.get("/metrics")[1]
    assert f"{count} {asked}.0" in body
    bucket = name.replace("requests_total{", 'request_seconds_bucket{le="+Inf",')
    assert f"{bucket} {asked}.0" in body
    assert together.number("geo_offers_http_requests_total") >= before + asked
    assert together.number("geo_offers_workers") == WORKERS
    assert together.number("geo_offers_catalog_revision") == 0
    assert re.search(r"^geo_offers_catalog_revision 0\.0$", body, re.MULTILINE), "one number for all"


def test_one_that_dies_is_replaced_and_its_numbers_stay(together: Together) -> None:
    counted = together.number("geo_offers_http_requests_total")
    victim = min(together.pids())
    os.kill(victim, signal.SIGKILL)
    assert becomes(lambda: len(together.pids() - {victim}) == WORKERS)
    assert together.get("/readyz")[0] == 200, "the other one answers meanwhile"
    assert becomes(lambda: together.number("geo_offers_workers") == WORKERS)
    assert together.number("geo_offers_http_requests_total") >= counted
    assert victim not in together.pids()


def test_one_whose_store_is_away_waits_for_it_and_the_others_go_on(together: Together) -> None:
    store, away = together.folder / "store.sqlite3", together.folder / "away.sqlite3"
    victim = min(together.pids())
    store.rename(away)
    store.write_text("Dear reader, " * 100)
    try:
        os.kill(victim, signal.SIGKILL)
        assert becomes(lambda: bool(together.lines("worker_waits")))
        assert together.get("/readyz")[0] == 200
    finally:
        away.rename(store)
    assert becomes(lambda: together.number("geo_offers_workers") == WORKERS)
    waiting = together.lines("worker_waits")[0]
    assert "is not a SQLite database" in waiting["reason"]


def test_a_signal_lets_a_request_under_way_end_and_nobody_new_in(together: Together) -> None:
    body = json.dumps({"positions": [{"lng": 120.1541, "lat": 31.1981}]}).encode()
    half = http.client.HTTPConnection("127.0.0.1", together.port, timeout=PATIENCE_S)
    half.putrequest("POST", "/v1/offers/match")
    half.putheader("Content-Type", "application/json")
    half.putheader("Content-Length", str(len(body)))
    half.endheaders(body[:10])
    assert together.get("/healthz")[0] == 200  # by now a worker has the other one too
    together.process.send_signal(signal.SIGTERM)

    def refused() -> bool:
        with socket.socket() as trying:
            return trying.connect_ex(("127.0.0.1", together.port)) != 0

    assert becomes(refused)
    assert together.process.poll() is None, "it waits for the request"
    half.send(body[10:])
    answer = half.getresponse()
    assert answer.status in (200, 422), answer.read()
    answer.read()
    half.close()
    assert together.process.wait(timeout=PATIENCE_S) == 0
    assert "Traceback" not in together.errors
    assert [one for one in together.folder.iterdir() if "numbers" in one.name] == []


def test_what_cannot_be_had_is_one_sentence_before_there_are_workers(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").write_text("Dear reader, " * 100)
    end = ended("serve", "--port", "0", "--workers", "2", env=environment(tmp_path))
    assert (end.returncode, end.stdout, end.stderr.count("\n")) == (1, "", 1), end.stderr
    assert "is not a SQLite database" in end.stderr
