from __future__ import annotations

from pathlib import Path

import osmium
import pytest
import shapely

from geo_offers.domain.errors import FileFault
from geodata.osm_places import read_places
from tests.geodata.reading import by_source, read
from tests.shared_data import shared

CAFE = {"amenity": "cafe", "name": "Kaffe"}


def extract(path: Path, *things: osmium.osm.mutable.OSMObject) -> Path:
    """An OSM file of these nodes, ways and relations."""
    with osmium.SimpleWriter(path) as writer:
        for thing in things:
            writer.add(thing)
    return path


def node(number, lng, lat, **tags):
    return osmium.osm.mutable.Node(id=number, location=(lng, lat), tags=tags)


def way(number, *refs, **tags):
    return osmium.osm.mutable.Way(id=number, nodes=refs, tags=tags)


def relation(number, *members, **tags):
    return osmium.osm.mutable.Relation(id=number, members=members, tags=tags)


def square(first, west, south, side=0.001):
    corners = [(0, 0), (side, 0), (side, side), (0, side)]
    return [node(first + i, west + x, south + y) for i, (x, y) in enumerate(corners)]


def test_a_node_keeps_its_names_brand_address_and_hours(tmp_path):
    tags = {
        "shop": "bakery", "name": "面包坊", "name:en": "Bakery",
        "name:zh-simplified": "面包坊", "name:zh_pinyin": "x", "brand": "Brot",
        "addr:street": "Hauptstrasse", "addr:housenumber": "7", "addr:postcode": "9490",
        "addr:city": "Vaduz", "opening_hours": "Mo-Fr 08:00-18:00",
    }  # fmt: skip
    shops, report = read(extract(tmp_path / "a.osm.pbf", node(3, 9.5209, 47.141, **tags)))
    (shop,) = shops
    assert (shop.source.provider, shop.source.id, shop.source.licence) == ("osm", "node/3", "ODbL-1.0")
    assert (shop.name, shop.names) == ("面包坊", {"en": "Bakery", "zh-Hans": "面包坊"})
    assert (shop.brand, shop.address) == ("Brot", "Hauptstrasse 7, 9490 Vaduz")
    assert (shop.opening_hours, shop.time_zone, shop.country) == ("Mo-Fr 08:00-18:00", "Europe/Vaduz", "LI")
    assert (shop.at.lng, shop.at.lat) == (9.5209, 47.141)
    assert (report.read, report.kept.total(), report.skipped.total()) == (1, 1, 0)


def test_the_brand_stands_in_for_a_name_and_without_either_there_is_no_shop(tmp_path):
    shops, report = read(
        extract(
            tmp_path / "a.osm.pbf",
            node(1, 1, 1, shop="supermarket", brand="Coop"),
            node(2, 1, 1, amenity="atm", operator="UBS"),
            node(3, 1, 1, amenity="cafe"),
            node(4, 1, 1, amenity="bench", name="Bench"),
        )
    )
    assert [shop.name for shop in shops] == ["Coop", "UBS"]
    assert report.skipped == {"no name": 1, "no category": 1}
    assert report.first_skipped == {"no name": "node/3", "no category": "node/4"}


def test_a_closed_way_is_one_shop_inside_of_its_outline(tmp_path):
    path = extract(tmp_path / "a.osm.pbf", *square(1, 10, 50), way(5, 1, 2, 3, 4, 1, **CAFE))
    shops, _ = read(path)
    assert [shop.source.id for shop in shops] == ["way/5"]
    assert shapely.box(10, 50, 10.001, 50.001).contains(shapely.Point(shops[0].at.lng, shops[0].at.lat))


def test_a_multipolygon_is_one_shop_that_is_not_in_its_courtyard(tmp_path):
    path = extract(
        tmp_path / "a.osm.pbf",
        *square(1, 10, 50, side=0.004),
        *square(11, 10.001, 50.001, side=0.002),
        way(5, 1, 2, 3),
        way(6, 3, 4, 1),
        way(7, 11, 12, 13, 14, 11),
        relation(9, ("w", 5, "outer"), ("w", 6, "outer"), ("w", 7, "inner"), type="multipolygon", **CAFE),
    )
    shops, report = read(path)
    assert [shop.source.id for shop in shops] == ["relation/9"]
    at = shapely.Point(shops[0].at.lng, shops[0].at.lat)
    assert shapely.box(10, 50, 10.004, 50.004).contains(at)
    assert not shapely.box(10.001, 50.001, 10.003, 50.003).intersects(at)
    assert report.noted.total() == 0


def test_an_outline_with_the_tags_of_its_relation_is_not_counted_twice(tmp_path):
    path = extract(
        tmp_path / "a.osm.pbf",
        *square(1, 10, 50),
        way(5, 1, 2, 3, 4, 1, **CAFE),
        relation(9, ("w", 5, "outer"), type="multipolygon", **CAFE),
    )
    shops, report = read(path)
    assert [shop.source.id for shop in shops] == ["relation/9"]
    assert report.skipped == {"outline of another shop": 1}


def test_a_broken_outline_uses_what_is_left_of_it_and_counts_what_is_missing(tmp_path):
    path = extract(
        tmp_path / "a.osm.pbf",
        node(1, 10, 50),
        way(5, 1, 2, 3, 1, **CAFE),
        way(6, 7, 8, 9, 7, **CAFE),
        relation(9, ("w", 77, "outer"), type="multipolygon", **CAFE),
    )
    shops, report = read(path)
    assert {key: (shop.at.lng, shop.at.lat) for key, shop in by_source(shops).items()} == {"way/5": (10, 50)}
    assert report.skipped == {"dangling geometry": 2}
    assert report.noted == {"dangling node reference": 2 + 4 + 1}


def test_a_relation_that_is_no_area_is_not_a_shop(tmp_path):
    shops, report = read(
        extract(tmp_path / "a.osm.pbf", node(1, 1, 1, **CAFE), relation(9, ("n", 1, ""), type="site", **CAFE))
    )
    assert [shop.source.id for shop in shops] == ["node/1"]
    assert report.skipped == {"neither point nor area": 1}


def test_a_stray_mark_in_a_translation_loses_the_translation_and_not_the_shop(tmp_path):
    path = extract(
        tmp_path / "a.osm.pbf",
        node(1, 1, 1, **CAFE, **{"name:ar": "مقهى\u200f", "name:de": "Kaffee"}),
        node(2, 1, 1, amenity="cafe", name="A\u202eB"),
    )
    shops, report = read(path)
    assert [(shop.name, shop.names) for shop in shops] == [("Kaffe", {"de": "Kaffee"})]
    assert report.noted == {"text left out": 1}
    assert report.skipped == {"text refused": 1}


@pytest.mark.parametrize("ending", [".osm", ".osm.gz", ".osm.bz2", ".opl"])
def test_the_other_formats_of_osm_are_read_alike(tmp_path, ending):
    shops, _ = read(extract(tmp_path / f"a{ending}", node(1, 1, 1, **CAFE)))
    assert [shop.source.id for shop in shops] == ["node/1"]


@pytest.mark.parametrize(
    ("bytes_left", "words"),
    [
        (3, "is no PBF file: its 3 bytes do not begin with an OSMHeader"),
        (20, "(after all of its 20 bytes)"),
        (200, "(after all of its 200 bytes)"),
        (200_000, "(after all of its 200,000 bytes)"),
        (-5, "(after all of its 445,310 bytes)"),
    ],
)
def test_a_truncated_pbf_is_refused_with_how_far_it_goes(tmp_path, bytes_left, words):
    whole = shared("osm/monaco_2021.osm.pbf").read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[:bytes_left])
    for reader in (read, read_places):
        with pytest.raises(FileFault) as fault:
            reader(tmp_path / "cut.osm.pbf")
        assert str(fault.value).endswith(words)
        assert ("is cut off in the middle of a block" in str(fault.value)) == (bytes_left != 3)


def test_a_damaged_pbf_is_refused_with_its_size(tmp_path):
    damaged = bytearray(shared("osm/monaco_2021.osm.pbf").read_bytes())
    damaged[150_000:150_050] = bytes(50)
    (tmp_path / "a.osm.pbf").write_bytes(damaged)
    with pytest.raises(FileFault, match=r"not sound OSM data: .* \(within its 445,315 bytes\)"):
        read(tmp_path / "a.osm.pbf")


def test_a_text_named_pbf_is_refused(tmp_path):
    (tmp_path / "a.osm.pbf").write_text("name,lng,lat\n" * 100)
    with pytest.raises(FileFault, match="is no PBF file: its 1,300 bytes"):
        read(tmp_path / "a.osm.pbf")


def test_broken_xml_is_refused_with_its_line(tmp_path):
    (tmp_path / "a.osm").write_text('<osm version="0.6">\n<node id="1"\n</osm>\n')
    with pytest.raises(FileFault) as fault:
        read(tmp_path / "a.osm")
    assert fault.value.place == "line 3"


def test_helsinki_has_at_least_900_named_shops():
    shops, report = read(shared("osm/helsinki_centre.osm.pbf"))
    assert len(shops) == report.kept.total() >= 900
    assert len(by_source(shops)) == len(shops)
    assert {shop.country for shop in shops} == {"FI"}
    assert report.read == report.kept.total() + report.skipped.total()


@pytest.mark.parametrize(
    ("extract_name", "least", "zone"),
    [("monaco_2021", 330, "Europe/Monaco"), ("liechtenstein_2015", 150, "Europe/Vaduz")],
)
def test_a_whole_country_is_read(extract_name, least, zone):
    shops, report = read(shared(f"osm/{extract_name}.osm.pbf"))
    zones = [shop.time_zone for shop in shops]
    assert len(shops) >= least
    assert zones.count(zone) > 0.9 * len(zones)
    assert report.noted["text left out"] == 0


def test_beijing_survives_that_every_way_lacks_some_of_its_nodes():
    shops, report = read(shared("osm/beijing_sample_2017.osm.pbf"))
    assert len(shops) >= 150
    assert report.noted["dangling node reference"] > 100
    assert {shop.country for shop in shops} == {"CN"}
    assert sum("zh" in shop.names or not shop.name.isascii() for shop in shops) > 100
