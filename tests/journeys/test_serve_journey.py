"""The server as a person starts it: what it cannot have is one sentence, and a signal ends it cleanly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from geo_offers.cli_serve import listen
from geo_offers.domain.errors import AddressUnavailable

PROGRAM = Path(sys.executable).with_name("geo-offers")
#: With this alone numba keeps kernels where it is told to, and nowhere when it is not told.
TOLD_ONLY = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}


def environment(folder: Path, **more: str) -> dict[str, str]:
    foreign = ("GEO_OFFERS_", "NUMBA_")
    ours = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    return ours | {"GEO_OFFERS_DATABASE_URL": f"sqlite:///{folder / 'store.sqlite3'}"} | more


def ended(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], env=env, capture_output=True, text=True, check=False, timeout=60)


@contextmanager
def serving(*words: str, env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that answers, and its URL."""
    command = [PROGRAM, "serve", "--port", "0", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None
        try:
            told = server.stdout.readline()
            assert told.startswith("Answering on http://"), server.communicate()[1]
            yield server, told.split()[2]
        finally:
            server.kill()


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("sqlite:///{folder}/letter.txt", "is not a SQLite database"),
        ("sqlite:///{folder}/letter.txt/store.sqlite3", "cannot be made"),
        ("postgresql://me:s3cret@db/town", "needs GEO_OFFERS_SECRET"),
    ],
)
def test_a_store_that_cannot_be_had_is_one_sentence(tmp_path, url, word):
    (tmp_path / "letter.txt").write_text("Dear reader, " * 100)
    env = environment(tmp_path, GEO_OFFERS_DATABASE_URL=url.format(folder=tmp_path))
    end = ended("serve", "--port", "0", env=env)
    assert (end.returncode, end.stdout, end.stderr.count("\n")) == (1, "", 1), end.stderr
    assert end.stderr.startswith("Error: ")
    assert word in end.stderr


def test_a_taken_port_is_one_sentence_with_the_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        end = ended("serve", "--port", str(port), env=environment(tmp_path))
    assert (end.returncode, end.stdout) == (1, "")
    assert end.stderr == (
        f"Error: cannot listen on http://127.0.0.1:{port}: "
        "the port is taken; name another one with --port, or 0 for any that is free\n"
    )


@pytest.mark.parametrize("port", ["65536", "99999", "-1", "http"])
def test_a_port_that_cannot_be_is_refused(tmp_path, port):
    end = ended("serve", "--port", port, env=environment(tmp_path))
    assert end.returncode == 2
    assert "Invalid value for '--port'" in end.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "word"),
    [
        ("no-such-host.invalid", "there is no such host"),
        ("192.0.2.1", "cannot assign"),
        ("a..b", "no such host"),
    ],
)
def test_a_host_that_is_not_this_machine_is_refused(host, word):
    with pytest.raises(AddressUnavailable, match=word) as refused:
        listen(host, 0)
    assert (refused.value.host, refused.value.port) == (host, 0)


def test_all_addresses_of_a_host_are_listened_on_at_one_port():
    sockets = listen("localhost", 0)
    try:
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert all(one.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) for one in sockets)
    finally:
        for one in sockets:
            one.close()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_with_0_and_without_a_traceback(tmp_path, stop):
    with serving(env=environment(tmp_path)) as (server, url):
        assert json.load(urllib.request.urlopen(f"{url}/readyz"))["shops"] == 0
        server.send_signal(stop)
        _, errors = server.communicate(timeout=20)
    assert server.returncode == 0
    assert "Traceback" not in errors
    assert "ERROR" not in errors


def test_an_ipv6_host_is_answered_on(tmp_path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving("--host", "::1", env=environment(tmp_path)) as (_, url):
        assert url.startswith("http://[::1]:")
        assert json.load(urllib.request.urlopen(f"{url}/readyz"))["shops"] == 0


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["districts", "discover"]])
def test_without_a_folder_for_kernels_the_setting_is_named(tmp_path, words):
    end = ended(*words, env=environment(tmp_path, **TOLD_ONLY))
    assert (end.returncode, end.stdout, end.stderr.count("\n")) == (1, "", 1), end.stderr
    assert "GEO_OFFERS_NUMBA_CACHE_DIR" in end.stderr


def test_the_folder_for_kernels_that_is_set_is_used(tmp_path):
    folder = tmp_path / "kernels"
    env = environment(tmp_path, GEO_OFFERS_NUMBA_CACHE_DIR=str(folder), **TOLD_ONLY)
    assert "GEO_OFFERS_NUMBA_CACHE_DIR" not in ended("districts", "discover", env=env).stderr
    assert folder.is_dir()
