"""Keys from the command line and at the first start: told once, good in a running server, gone when revoked."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from geo_offers.cli import app
from geo_offers.cli_keys import span_of
from geo_offers.domain.errors import InvalidInput
from tests.journeys.test_serve_journey import ended, environment, serving

SECRET = re.compile(r"gok_(admin|merchant|app|planner)_[0-9a-z]{32}")


def status_with(url: str, secret: str | None) -> int:
    request = urllib.request.Request(f"{url}/v1/districts")
    if secret is not None:
        request.add_header("Authorization", f"Bearer {secret}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def told(*words: str, env: dict[str, str]) -> Result:
    """What a command says, run in this process."""
    return CliRunner().invoke(app, words, env=env)


def rows_of(listed: Result) -> list[list[str]]:
    """The lines of the table, cell by cell."""
    return [re.split(r" {2,}", line.strip()) for line in listed.stdout.splitlines()]


def becomes(url: str, secret: str, status: int) -> bool:
    """Whether a running server answers with this status within some polls of its keys."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if status_with(url, secret) == status:
            return True
    return False


def test_a_first_start_tells_one_operators_key_and_no_other_does(tmp_path: Path) -> None:
    env = environment(tmp_path)
    with serving(env=env) as (server, url):
        server.terminate()
        _, errors = server.communicate(timeout=20)
    assert SECRET.findall(errors) == ["admin"], errors
    line = next(line for line in errors.splitlines() if SECRET.search(line))
    assert not line.startswith("{"), "it is not in the log"
    secret = SECRET.search(line)
    assert secret is not None
    with serving(env=env) as (server, url):
        assert status_with(url, None) == 401
        assert status_with(url, secret[0]) == 200
        server.terminate()
        _, errors = server.communicate(timeout=20)
    assert not SECRET.search(errors)


def test_a_key_lives_its_life_from_the_command_line_while_a_server_runs(tmp_path: Path) -> None:
    env = environment(tmp_path)
    with serving(env=env) as (_, url):
        made = ended("keys", "create", "--role", "app", "--account", "lakeside", "--label", "tills", env=env)
        secret = made.stdout.rstrip("\n")
        assert SECRET.fullmatch(secret), made
        assert becomes(url, secret, 200)

        header, row, first = rows_of(told("keys", "list", env=env))
        assert header == ["id", "role", "account", "label", "created", "expires", "revoked", "last used"]
        assert row[1:4] == ["app", "lakeside", "tills"]
        assert row[5:7] == ["-", "-"]
        assert first[1:3] == ["admin", "admin"]

        rotated = told("keys", "rotate", row[0], "--overlap", "1h", env=env)
        newer = rotated.stdout.rstrip("\n")
        assert SECRET.fullmatch(newer), rotated
        assert becomes(url, newer, 200)
        assert status_with(url, secret) == 200

        revoked = told("keys", "revoke", row[0], env=env)
        assert (revoked.exit_code, revoked.stdout.count(row[0])) == (0, 1)
        assert becomes(url, secret, 401)
        assert status_with(url, newer) == 200


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("keys", "create", "--role", "merchant"), "name his id"),
        (("keys", "create", "--role", "merchant", "--merchant", "mrc_0000000000000000"), "merchant"),
        (("keys", "create", "--role", "app", "--merchant", "mrc_0000000000000000"), "not a merchant's"),
        (("keys", "create", "--role", "app", "--expires-in", "soon"), "write 90d, 12h, 30m or 45s"),
        (("keys", "create", "--role", "app", "--expires-in", "0d"), "in the future"),
        (("keys", "revoke", "key_0000000000000000"), "key_0000000000000000"),
        (("keys", "rotate", "key_0000000000000000"), "key_0000000000000000"),
        (("keys", "rotate", "key_0000000000000000", "--overlap", "31d"), "30 days"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    end = told(*words, env=environment(tmp_path))
    assert (end.exit_code, end.stdout, end.stderr.count("\n")) == (1, "", 1), end.stderr
    assert said in end.stderr


def test_spans_are_read_as_people_write_them() -> None:
    assert [span_of(text).total_seconds() for text in ("90d", "12h", "30m", "45s", "0s")] == [
        7_776_000,
        43_200,
        1_800,
        45,
        0,
    ]
    for text in ("", "d", "-1d", "1.5h", "1w", "９d", "1 d", "999999d"):
        with pytest.raises(InvalidInput):
            span_of(text)
