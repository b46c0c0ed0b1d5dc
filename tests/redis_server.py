"""A Redis that tests need, started privately on a socket in a temporary folder, or in cluster mode on a port.

GEO_OFFERS_TEST_REDIS_URL names one to use in place of it, which tests empty. Where there is neither a test is
skipped with a clear word, and in CI it fails.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

URL_VARIABLE = "GEO_OFFERS_TEST_REDIS_URL"
_HOW = f"apt-get install --no-install-recommends redis-server, or set {URL_VARIABLE}"


@dataclass
class RedisServer:
    """A server that can be asked, and killed where it is ours."""

    url: str
    _command: list[str] | None = None
    _folder: Path | None = None
    _process: subprocess.Popen[bytes] | None = None
    client: Redis = field(init=False)

    def __post_init__(self) -> None:
        self.client = Redis.from_url(self.url, protocol=2, socket_timeout=5)

    def start(self) -> None:
        """It answers when this ends, and has nothing. About 0.05 s."""
        assert self._command is not None
        user = "nobody" if os.geteuid() == 0 else None
        self._process = subprocess.Popen(
            self._command, cwd=self._folder, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not self._answers():
            assert self._process.poll() is None, "redis-server does not start"

    def kill(self) -> None:
        """SIGKILL: no time for anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections and says nothing for as long as the block runs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def require_own(self) -> None:
        """Skips the test when the server is somebody else's, which must not be killed."""
        if self._command is None:
            pytest.skip("the Redis that was named is not ours to kill")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """The server that was named, or one of our own; skips the test (in CI: fails it) where there is none."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield RedisServer(given)
        return
    with _own("--port", "0", "--unixsocket", "{folder}/socket", "--unixsocketperm", "777") as server:
        yield server


@contextmanager
def redis_in_cluster_mode() -> Iterator[RedisServer]:
    """A cluster of one: it has all slots, and refuses what is for two of them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Its bus would listen on port + 10000, which need not be a port.
    bus = 1_024 + port % 30_000
    words = (
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        str(bus),
    )
    with _own(*words, url=f"redis://127.0.0.1:{port}") as server:
        client: Any = server.client
        client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
        while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            assert server._process is not None
            assert server._process.poll() is None
        yield server


@contextmanager
def _own(*words: str, url: str | None = None) -> Iterator[RedisServer]:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        word = f"no Redis on this machine: {_HOW}"
        if os.environ.get("CI"):
            pytest.fail(word)
        pytest.skip(word)
    # Not pytest's folder: the path of a socket may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="geo-offers-redis-"))
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        command = [
            program,
            "--save",
            "",
            "--dir",
            str(folder),
            *(word.format(folder=folder) for word in words),
        ]
        server = RedisServer(url or f"unix://{folder}/socket", command, folder)
        try:
            server.start()
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
