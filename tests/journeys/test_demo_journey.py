"""`scripts/demo` as a stranger runs it: with files from anywhere, wrong ports and a signal in the middle."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
TABLE = "id,name,category,lng,lat\n"
KEY = re.compile(r"export ([A-Z]+)_KEY=gok_")


@dataclass(frozen=True, slots=True)
class Demo:
    """A copy of the scripts in a folder of its own, whose set-up is done."""

    folder: Path

    def start(self, *words: str, port: str = "18000") -> subprocess.Popen[str]:
        env = {name: text for name, text in os.environ.items() if not name.startswith("GEO_OFFERS_")}
        return subprocess.Popen(
            [self.folder / "tree/scripts/demo", *words], cwd=self.folder, env=env | {"PORT": port},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def stores(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "tree").glob("output/*"))


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    scripts = tmp_path / "tree/scripts"
    scripts.mkdir(parents=True)
    for name in ("demo", "serve_demo.py", "__init__.py"):
        shutil.copy(SCRIPTS / name, scripts)
    (scripts / "setup").write_text("#!/bin/sh\n")
    (scripts / "setup").chmod(0o755)
    (tmp_path / "tree/.venv").symlink_to(sys.prefix)
    return Demo(tmp_path)


@pytest.mark.parametrize("port", ["abc", "70000", "0", "-1", "８０"])
def test_a_port_that_cannot_be_is_one_sentence_before_anything_is_done(demo, port):
    run = demo.start(port=port)
    out, errors = run.communicate(timeout=60)
    assert (run.returncode, out) == (1, "")
    assert errors == f"PORT is {port}: a whole number from 1 to 65535 is needed\n"
    assert demo.stores() == []


@pytest.mark.parametrize("port", ["abc", "70000"])
def test_the_server_of_the_demo_alone_refuses_such_a_port_alike(port):
    run = subprocess.run(
        [sys.executable, "-m", "scripts.serve_demo"], cwd=SCRIPTS.parent, env=os.environ | {"PORT": port},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (1, f"PORT is {port}: a whole number from 1 to 65535 is needed\n")


def test_a_file_that_is_not_there_is_one_sentence(demo):
    run = demo.start("nothing.csv")
    assert run.communicate(timeout=60)[1] == "there is no file nothing.csv\n"
    assert run.returncode == 1


def test_a_failed_import_of_a_relative_file_names_its_fault_and_leaves_no_store(demo):
    (demo.folder / "bad.csv").write_text(TABLE + "1,A,cafe,1,91\n")
    run = demo.start("bad.csv")
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    assert errors == "Error: bad.csv: lat 91.0 is outside -90 to 90; are lng and lat swapped? (line 2)\n"
    assert demo.stores() == []


def test_a_failed_import_leaves_the_store_of_an_earlier_one(demo):
    (demo.folder / "bad.csv").write_text(TABLE + "1,A,cafe,1,91\n")
    (demo.folder / "tree/output").mkdir()
    (demo.folder / "tree/output/demo-bad.csv.sqlite3").touch()
    run = demo.start("bad.csv")
    run.communicate(timeout=60)
    assert run.returncode == 1
    assert "demo-bad.csv.sqlite3" in demo.stores()


def test_sigterm_ends_the_demo_and_its_server(demo):
    (demo.folder / "good.csv").write_text(TABLE + "1,A,cafe,1,1\n")
    run = demo.start("good.csv")
    url = told_until(run, "1 shops at ")[-1].split()[3]
    run.send_signal(signal.SIGTERM)
    _, errors = run.communicate(timeout=20)
    assert (run.returncode, errors) == (0, "")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/readyz", timeout=5)


def test_keys_are_told_for_a_new_store_and_how_to_make_others_for_an_old_one(demo):
    (demo.folder / "good.csv").write_text(TABLE + "1,A,cafe,1,1\n")
    told = told_until(run := demo.start("good.csv"), "/v1/context?")
    try:
        assert KEY.findall("".join(told)) == ["APP", "PLANNER", "ADMIN"], "nobody gives anything here"
        shops = in_bash(told, "export", "/v1/shops?")
        assert json.loads(shops)["items"][0]["name"] == "A"
    finally:
        run.terminate()
        run.communicate(timeout=20)
    told = told_until(run := demo.start("good.csv"), "/v1/context?")
    run.terminate()
    _, errors = run.communicate(timeout=20)
    assert (KEY.findall("".join(told)), errors) == ([], "")
    assert "keys create --role app" in "".join(told)


def test_the_lines_of_the_sample_town_claim_and_redeem_as_they_stand_there(demo):
    told = told_until(run := demo.start(), "/v1/redemptions")
    try:
        assert KEY.findall("".join(told)) == ["APP", "MERCHANT", "PLANNER", "ADMIN"]
        assert json.loads(in_bash(told, "export", "/v1/offers?"))["items"]
        code, redemption = in_bash(told, "export", "CODE=", "/v1/redemptions").splitlines()
        assert json.loads(redemption)["code"] == code
    finally:
        run.terminate()
        run.communicate(timeout=20)


def told_until(run: subprocess.Popen[str], word: str) -> list[str]:
    """The lines that a demo prints, to the one with this word."""
    assert run.stdout is not None
    told = []
    for line in run.stdout:
        told.append(line)
        if word in line:
            return told
    raise AssertionError(run.communicate()[1])


def in_bash(told: list[str], *words: str) -> str:
    """What the indented lines with these words print."""
    lines = [line.strip() for line in told if line.startswith("  ") and any(word in line for word in words)]
    run = subprocess.run(
        ["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=True, timeout=30
    )
    return run.stdout
