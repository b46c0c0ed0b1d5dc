"""A server on one core, `wrk` on the other: starting both, and what came out. Only to 127.0.0.1."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

HOST = "127.0.0.1"
CONNECTIONS = 16
_GIVE_UP_S = 120.0

_SCRIPT = """
local made = {}
local at = 0
init = function(args)
  for line in io.lines("%(questions)s") do
    if "%(method)s" == "GET" then
      made[#made + 1] = wrk.format("GET", line, {%(key)s})
    else
      made[#made + 1] = wrk.format("POST", "%(path)s", {["Content-Type"] = "application/json"}, line)
    end
  end
end
request = function()
  at = at %% #made + 1
  return made[at]
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests": %%d, "duration_us": %%d, "bytes": %%d, "failed": %%d, "p50_us": %%d, "p99_us": %%d}\\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """One run of wrk; times in microseconds."""

    rate: float
    p50_us: float
    p99_us: float
    requests: int
    failed: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, over and over: paths of GET, or bodies of POST to a path; a GET with a key, where one is given."""

    questions: Sequence[str]
    method: str = "GET"
    path: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers on a port of 127.0.0.1; `ready_s` after it was started."""

    port: int
    ready_s: float
    process: psutil.Process

    @property
    def resident_mb(self) -> float:
        return float(self.process.memory_info().rss) / 2**20

    def ask(self, method: str, path: str, body: str | None = None) -> bytes:
        """One answer. Raises AssertionError when it is not 200."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            read = answer.read()
            if answer.status != 200:
                raise AssertionError(f"{method} {path}: {answer.status} {read[:300]!r}")
            return read
        finally:
            connection.close()


def pinned(core: int) -> list[str]:
    """What to put before a command so that it runs on one core; nothing where there is only one."""
    taskset = shutil.which("taskset")
    cores = sorted(os.sched_getaffinity(0))
    return [taskset, "-c", str(cores[core])] if taskset and len(cores) > core else []


@contextmanager
def serving(command: Sequence[str], environment: Mapping[str, str], *, probe: str) -> Iterator[Server]:
    """Run a server on the first core until the block ends. `{port}` in the command is its port."""
    port = _free_port()
    words = [*pinned(0), *(word.format(port=port) for word in command)]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, env={**os.environ, **environment}, stdout=said, stderr=said)
        try:
            if not _until_ready(process, port, probe):
                said.seek(0)
                raise AssertionError(f"{words} did not come up: {said.read()[-2_000:].decode()}")
            yield Server(port, time.perf_counter() - started, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(15)


def uvicorn_of(app: str) -> list[str]:
    """The command that serves a factory as `geo-offers serve` serves ours: one worker, no access log."""
    return [
        sys.executable, "-m", "uvicorn", "--factory", app, "--host", HOST, "--port", "{port}",
        "--log-level", "warning", "--no-access-log",
    ]  # fmt: skip


def loaded(server: Server, asked: Asked, *, seconds: float, connections: int = CONNECTIONS) -> Loaded:
    """Ask as fast as it answers from the second core."""
    with tempfile.TemporaryDirectory(prefix="geo-offers-wrk-") as folder:
        questions, script = Path(folder) / "questions", Path(folder) / "ask.lua"
        questions.write_text("\n".join(asked.questions) + "\n", encoding="utf-8")
        key = f'["Authorization"] = "Bearer {asked.key}"' if asked.key else ""
        facts = {"questions": questions, "method": asked.method, "path": asked.path, "key": key}
        script.write_text(_SCRIPT % facts, encoding="utf-8")
        command = [
            *pinned(1), "wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "10s",
            "-s", str(script), f"http://{HOST}:{server.port}",
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    if ended.returncode:
        raise AssertionError(f"wrk ended with {ended.returncode}: {ended.stderr}{ended.stdout}")
    told = json.loads(ended.stdout.splitlines()[-1])
    rate = told["requests"] / (told["duration_us"] / 1e6)
    return Loaded(rate, told["p50_us"], told["p99_us"], told["requests"], told["failed"])


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as one:
        return int(one.getsockname()[1])


def _until_ready(process: subprocess.Popen[bytes], port: int, probe: str) -> bool:
    until = time.perf_counter() + _GIVE_UP_S
    while time.perf_counter() < until and process.poll() is None:
        try:
            connection = http.client.HTTPConnection(HOST, port, timeout=5)
            connection.request("GET", probe)
            if connection.getresponse().status == 200:
                return True
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    return False
