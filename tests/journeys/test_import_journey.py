"""From a file to the catalog by the command line, and what a broken file does: nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from geo_offers.bootstrap import open_store
from geo_offers.cli import app
from geo_offers.domain.place import Shop
from geo_offers.settings import Settings
from tests.shared_data import shared

HEADER = "id,name,category,lng,lat\n"
THREE = HEADER + "1,A,cafe,24.94,60.17\n2,B,bakery,24.95,60.17\n3,C,pharmacy,24.96,60.17\n"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """A store of its own, the commands on it and a look into it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"GEO_OFFERS_DATABASE_URL": f"sqlite:///{self.folder / 'store.sqlite3'}"}

    def run(self, *words: str | Path) -> Ended:
        result = CliRunner().invoke(app, [str(word) for word in words], env=self.environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    def file(self, text: str | bytes, name: str = "shops.csv") -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def shops(self) -> dict[str, Shop]:
        return asyncio.run(self._read())[1]

    def revision(self) -> int:
        return asyncio.run(self._read())[0]

    async def _read(self) -> tuple[int, dict[str, Shop]]:
        store = await open_store(Settings.from_environment(self.environment))
        try:
            async with store.reading() as reading:
                return reading.revision, {s.source.id: s async for some in reading.shops() for s in some}
        finally:
            await store.close()


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path)


def counts(out: str) -> dict[str, int]:
    """The numbers of a summary by their names."""
    words = [line.rsplit(maxsplit=1) for line in out.splitlines()]
    return {
        word[0].strip(): int(word[1].replace(",", ""))
        for word in words
        if len(word) == 2 and word[1][0].isdigit()
    }


def test_an_import_ends_with_a_summary_and_the_same_again_changes_nothing(catalog):
    file = catalog.file(THREE + "4,,cafe,1,1\n5,E,cafe,,\n")
    first = counts(catalog.run("import", "shops", file).out)
    assert (first["read"], first["kept"], first["no name"], first["coordinates missing"]) == (5, 3, 1, 1)
    assert (first["food.cafe"], first["grocery.bakery"], first["health.pharmacy"]) == (1, 1, 1)
    assert (first["added"], first["updated"], first["unchanged"], first["retired"]) == (3, 0, 0, 0)
    revision = catalog.revision()
    again = counts(catalog.run("import", "shops", file).out)
    assert (again["added"], again["updated"], again["unchanged"], again["retired"]) == (0, 0, 3, 0)
    assert catalog.revision() == revision
    assert len(catalog.shops()) == 3


def test_a_changed_row_updates_its_shop_and_only_replace_retires_what_vanished(catalog):
    catalog.run("import", "shops", catalog.file(THREE))
    before = catalog.shops()
    changed = catalog.file(THREE.replace(",B,", ",Bee,").replace("3,C,pharmacy,24.96,60.17\n", ""))
    kept = counts(catalog.run("import", "shops", changed).out)
    assert (kept["added"], kept["updated"], kept["unchanged"], kept["retired"]) == (0, 1, 1, 0)
    assert {key: shop.name for key, shop in catalog.shops().items()} == {"1": "A", "2": "Bee", "3": "C"}
    replaced = counts(catalog.run("import", "shops", changed, "--replace").out)
    assert (replaced["unchanged"], replaced["retired"]) == (2, 1)
    assert {key: shop.id for key, shop in catalog.shops().items()} == {key: before[key].id for key in "12"}


def test_two_files_with_the_same_ids_are_different_shops(catalog):
    catalog.run("import", "shops", catalog.file(THREE, "north.csv"))
    out = counts(catalog.run("import", "shops", catalog.file(THREE, "south.csv"), "--replace").out)
    assert (out["added"], out["retired"]) == (3, 0)


def test_two_files_of_one_name_are_one_source_unless_a_provider_tells_them_apart(catalog):
    (catalog.folder / "north").mkdir()
    (catalog.folder / "south").mkdir()
    north, south = catalog.file(THREE, "north/shops.csv"), catalog.file(THREE, "south/shops.csv")
    catalog.run("import", "shops", north)
    assert counts(catalog.run("import", "shops", south).out)["unchanged"] == 3
    assert counts(catalog.run("import", "shops", south, "--provider", "south").out)["added"] == 3
    for command in ("shops", "districts"):
        assert "files of one name are one source" in " ".join(
            catalog.run("import", command, "--help").out.split()
        )


def test_an_id_that_comes_again_in_one_file_is_noted_and_the_last_row_counts(catalog):
    again = catalog.file(THREE + "2,Bee,bakery,24.95,60.17\n2,Beee,bakery,24.95,60.17\n")
    for _ in range(2):
        numbers = counts(catalog.run("import", "shops", again).out)
        assert (numbers["kept"], numbers["same id again"]) == (5, 2)
    assert catalog.shops()["2"].name == "Beee"
    assert "same id again" not in counts(catalog.run("import", "shops", catalog.file(THREE)).out)


@pytest.mark.parametrize("option", ["--dataset", "--provider"])
@pytest.mark.parametrize(
    ("given", "word"),
    [("a\x1b[31mb", "U+001B"), ("a\u202eb", "U+202E"), ("", "is empty"), ("  ", "is empty")],
)
@pytest.mark.parametrize("command", ["shops", "districts"])
def test_a_name_that_must_not_be_stored_is_refused_and_never_shown_raw(catalog, option, given, word, command):
    ended = catalog.run("import", command, catalog.file(THREE), option, given)
    assert (ended.code, ended.out) == (1, "")
    assert word in ended.err
    assert "\x1b" not in ended.err
    assert [path.name for path in catalog.folder.iterdir()] == ["shops.csv"]


def test_names_of_datasets_are_kept_as_text_is_kept(catalog):
    ended = catalog.run("import", "shops", catalog.file(THREE), "--dataset", " cafe\u0301s ")
    assert "dataset caf\u00e9s" in (line.strip() for line in ended.out.splitlines())


def test_the_name_of_a_file_does_not_steer_the_terminal(catalog):
    ended = catalog.run("import", "shops", catalog.file(THREE, "a\x1b[31m.csv"))
    assert ended.code == 1
    assert "\x1b" not in ended.err + ended.out


def test_the_options_of_the_command_reach_the_reader(catalog):
    file = catalog.file("店;东经;北纬;种类\n茶馆;116.397641;39.907307;tea\n".encode("gb18030"))
    words = catalog.file("from,to\ntea,food.bar\n", "words.csv")
    ended = catalog.run(
        "import", "shops", file, "--encoding", "gb18030", "--crs", "gcj02", "--category-map", words,
        "--map", "name=店", "--map", "lng=东经", "--map", "lat=北纬", "--map", "category=种类",
        "--provider", "amap", "--licence", "ours", "--dataset", "teahouses",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    (shop,) = catalog.shops().values()
    assert (shop.name, shop.category) == ("茶馆", "food.bar")
    assert (shop.source.provider, shop.source.licence) == ("amap", "ours")
    assert shop.at.lng == pytest.approx(116.3914, abs=1e-3)
    assert "dataset teahouses" in ended.out


def test_bad_rows_are_skipped_and_counted_when_asked(catalog):
    file = catalog.file(THREE + "4,D,cafe,1,91\n5,E\u202e,cafe,1,1\n6,F,cafe\n")
    numbers = counts(catalog.run("import", "shops", file, "--skip-bad-rows").out)
    assert numbers["added"] == 3
    assert (numbers["faulty coordinates"], numbers["text refused"], numbers["faulty row"]) == (1, 1, 1)


def broken_files(catalog: Catalog) -> dict[str, Path]:
    pbf = shared("osm/monaco_2021.osm.pbf").read_bytes()
    bad_json = json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature"}]})
    rows = {
        "lat_91": "9,A,cafe,1,91",
        "lat_nan": "9,A,cafe,1,nan",
        "swapped": "9,A,cafe,31.2,121.5",
        "nul": "9,a\x00b,cafe,1,1",
        "bidi": "9,a\u202eb,cafe,1,1",
        "long_name": f"9,{'x' * 100_000},cafe,1,1",
        "10_mb_name": f"9,{'x' * 10_000_000},cafe,1,1",
        "open_quote": '9,"A,cafe,1,1',
    }
    return {name: catalog.file(f"{THREE}{row}\n", f"{name}.csv") for name, row in rows.items()} | {
        "truncated": catalog.file(pbf[:200_000], "truncated.osm.pbf"),
        "text": catalog.file("hello\n" * 1_000, "text.osm.pbf"),
        "empty": catalog.file("", "empty.csv"),
        "columns": catalog.file("a,b\n1,2\n", "columns.csv"),
        "bytes": catalog.file(THREE.replace("C", "茶").encode("gb18030"), "bytes.csv"),
        "json": catalog.file(bad_json, "bad.geojson"),
        "parquet": catalog.file(b"PAR1 not really", "bad.parquet"),
        "kind": catalog.file(b"PK\x03\x04", "shops.xlsx"),
        "missing": catalog.folder / "missing.csv",
        "folder": catalog.folder,
    }


def test_a_broken_file_is_one_sentence_and_changes_nothing(catalog):
    catalog.run("import", "shops", catalog.file(THREE))
    revision, shops = catalog.revision(), catalog.shops()
    for name, file in broken_files(catalog).items():
        ended = catalog.run("import", "shops", file, "--replace", "--dataset", "file:shops")
        assert ended.code == 1, name
        assert ended.out == "", name
        assert ended.err.startswith("Error: "), name
        assert ended.err.count("\n") == 1, ended.err
        assert len(ended.err) < 400, name
        assert (catalog.revision(), catalog.shops()) == (revision, shops), name


def test_none_of_the_74_geojson_samples_has_a_shop(catalog):
    samples = sorted(shared("geometry/geojson_invalid").rglob("*.geojson"))
    assert len(samples) == 74
    for sample in samples:
        ended = catalog.run("import", "shops", sample, "--category", "food.cafe")
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1), sample.name
        assert sample.name in ended.err
    assert catalog.shops() == {}


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["import", "shops"], 2, "Missing argument"),
        (["import", "shops", "a.csv", "--crs", "mars"], 2, "--crs"),
        (["import", "shops", "a.csv", "--map", "name"], 2, "FIELD=COLUMN"),
        (["import", "shops", "a.csv"], 1, "does not exist"),
        (["import", "nothing"], 2, "No such command"),
    ],
)
def test_a_command_that_cannot_be_says_so_and_makes_no_store(catalog, words, code, word):
    ended = catalog.run(*words)
    assert ended.code == code
    assert word in ended.err
    assert list(catalog.folder.iterdir()) == []


def test_an_unknown_category_is_refused_before_anything_is_read(catalog):
    ended = catalog.run("import", "shops", catalog.file(THREE), "--category", "food.caffe")
    assert ended.code == 1
    assert "food.caffe" in ended.err
    words = catalog.file("from,to\ntea,food.nonsense\n", "words.csv")
    ended = catalog.run("import", "shops", catalog.file(THREE), "--category-map", words)
    assert ended.code == 1
    assert "(line 2)" in ended.err


def test_helsinki_is_imported_and_imported_again(catalog):
    extract = shared("osm/helsinki_centre.osm.pbf")
    first = counts(catalog.run("import", "osm", extract).out)
    assert first["added"] >= 900
    again = counts(catalog.run("import", "shops", extract, "--replace").out)
    assert (again["added"], again["updated"], again["retired"]) == (0, 0, 0)
    assert again["unchanged"] == first["added"] == len(catalog.shops())


def test_the_sample_town_is_loaded_once_and_another_seed_replaces_it(catalog):
    first = counts(catalog.run("sample").out)
    assert len(catalog.shops()) > 1_000
    assert "districts" in catalog.run("sample").out
    names = {shop.name for shop in catalog.shops().values()}
    assert catalog.run("sample", "--seed", "8").code == 0
    assert {shop.name for shop in catalog.shops().values()} != names
    assert first["retired"] == 0


def test_settings_are_listed_and_migrate_tells_the_version(catalog):
    assert (
        f"GEO_OFFERS_DATABASE_URL={catalog.environment['GEO_OFFERS_DATABASE_URL']}"
        in catalog.run("settings").out
    )
    assert "they were not there" in catalog.run("migrate").out
    assert "up to date" in catalog.run("migrate").out


def test_the_installed_program_ends_with_1_and_without_a_traceback(catalog):
    program = Path(sys.executable).with_name("geo-offers")
    ended = subprocess.run(
        [program, "import", "shops", catalog.file(HEADER + "1,A,cafe,1,91\n")],
        env=catalog.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "Error: shops.csv: lat 91.0 is outside -90 to 90; are lng and lat swapped? (line 2)\n"
    )


# Presses Ctrl-C when the rows are being read, which is the fourth time that the file is opened.
INTERRUPTED = """
import os, signal, sys
from geo_offers.cli import main
times = []
def press(event, words):
    if event == "open" and str(words[0]).endswith("many.csv"):
        times.append(1)
        if len(times) == 4:
            os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(press)
sys.argv = ["geo-offers", "import", "shops", sys.argv[1]]
main()
"""


def test_an_import_that_is_interrupted_says_so_and_leaves_nothing(catalog):
    rows = "".join(f"{i},Shop {i},cafe,24.9,60.1\n" for i in range(60_000))
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, catalog.file(HEADER + rows, "many.csv")],
        env=catalog.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "Interrupted: nothing was imported.\n"
    assert (catalog.revision(), catalog.shops()) == (0, {})


# Not ru_maxrss, which a child inherits from the process that started it.
COUNTRY = """
import sys
from pathlib import Path
from geo_offers.cli import app
try:
    app(["import", "osm", sys.argv[1]])
finally:
    print(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def test_a_country_imports_within_400_mb(catalog):
    ended = subprocess.run(
        [sys.executable, "-c", COUNTRY, shared("osm/liechtenstein_2015.osm.pbf")],
        env=catalog.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    peak_kb = int(ended.stdout.split()[-2])
    assert peak_kb <= 400 * 1024
    assert len(catalog.shops()) > 200
