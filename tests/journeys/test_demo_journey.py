"""`scripts/demo` as a stranger runs it: with files from anywhere, wrong ports and a signal in the middle."""

from __future__ import annotations

import os
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
    assert run.stdout is not None
    try:
        where = next((line for line in run.stdout if line.startswith("1 shops at ")), None)
        assert where is not None, run.communicate()[1]
        url = where.split()[3]
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=20)
    finally:
        run.kill()
    assert (run.returncode, errors) == (0, "")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/readyz", timeout=5)
