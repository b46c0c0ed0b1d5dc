from __future__ import annotations

import os
from pathlib import Path

import pytest

from geo_offers.domain.errors import FileFault
from geodata.files import Format, format_of, stem_of


def a_file(path: Path, content: bytes = b"x") -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        ("a.osm.pbf", Format.OSM),
        ("A.PBF", Format.OSM),
        ("a.osm.bz2", Format.OSM),
        ("a.geojson", Format.GEOJSON),
        ("a.json.gz", Format.GEOJSON),
        ("a.ndjson", Format.GEOJSON),
        ("a.csv", Format.CSV),
        ("a.CSV.GZ", Format.CSV),
        ("a.tsv", Format.CSV),
        ("a.parquet", Format.OVERTURE),
        ("a.geoparquet", Format.OVERTURE),
    ],
)
def test_the_name_tells_the_format(tmp_path, name, file_format):
    assert format_of(a_file(tmp_path / name)) is file_format


@pytest.mark.parametrize(
    ("head", "file_format"),
    [
        (b"PAR1\x15", Format.OVERTURE),
        (b"\x00\x00\x00\x0d\x0a\x09OSMHeader\x18", Format.OSM),
        (b'  {"type"', Format.GEOJSON),
    ],
)
def test_without_an_extension_the_content_tells_it(tmp_path, head, file_format):
    assert format_of(a_file(tmp_path / "download", head)) is file_format


@pytest.mark.parametrize("name", ["a.xlsx", "a.zip", "a", "a.shp"])
def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path, name):
    with pytest.raises(FileFault, match=r"known are \.osm\.pbf, \.geojson"):
        format_of(a_file(tmp_path / name, b"PK\x03\x04"))


def test_what_cannot_be_opened_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(FileFault, match="does not exist"):
        format_of(tmp_path / "a.csv")
    with pytest.raises(FileFault, match="is a folder"):
        format_of(tmp_path)
    with pytest.raises(FileFault, match="is empty"):
        format_of(a_file(tmp_path / "a.csv", b""))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = a_file(tmp_path / "a.csv")
    path.chmod(0)
    with pytest.raises(FileFault, match="Permission denied"):
        format_of(path)


def test_the_stem_is_the_name_without_all_extensions():
    assert stem_of(Path("x/city.osm.pbf")) == "city"
    assert stem_of(Path(".hidden")) == "hidden"
