"""OpenStreetMap extracts (.osm.pbf, .osm, .osm.gz, .osm.bz2, .o5m, .opl) become shops.

A node is a shop where it stands. A way or a multipolygon relation is a shop at a point inside of its area.
The file is read three times: nodes with a shop's tags; ways and relations with a shop's tags; the outlines
of those. The last pass holds 16 bytes for each node of the file, the rest grows with the shops only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import osmium
from osmium.filter import EntityFilter, KeyFilter
from osmium.osm import NODE, RELATION, WAY, Node, Relation, Way

from geo_offers.domain.categories import TAG_KEYS, category_of_tags
from geo_offers.domain.place import LngLat, Shop
from geodata.osm_fault import osm_fault
from geodata.osm_tags import forgiving_shop_of_tags, name_in
from geodata.report import ReadReport
from geodata.rows import ReadOptions, Skip, sift
from geodata.shapes import Ring, point_amid, point_in_area, point_on_line

OSM_OPTIONS = ReadOptions(provider="osm", licence="ODbL-1.0")
DANGLING = "dangling node reference"


@dataclass(frozen=True, slots=True)
class _Outlined:
    """A way or relation with a shop's tags, and the ways that draw it."""

    tags: dict[str, str]
    ways: list[int]


@dataclass(frozen=True, slots=True)
class _Line:
    """A way as far as its nodes are in the file, and how many are not."""

    points: Ring
    dangling: int


@dataclass(frozen=True, slots=True)
class _Outlines:
    """The shops that are ways and relations by their ids, and the lines of all ways that draw them."""

    ways: dict[int, _Outlined] = field(default_factory=dict)
    relations: dict[int, _Outlined] = field(default_factory=dict)
    lines: dict[int, _Line] = field(default_factory=dict)


def read_osm(path: Path, report: ReadReport, options: ReadOptions = OSM_OPTIONS) -> Iterator[Shop]:
    """The shops of an extract: nodes first, then ways, then multipolygon relations.

    report.read counts the objects that have a key which can make a shop.
    Raises FileFault when the file is not OSM data or ends too early.
    """
    try:
        yield from _nodes(path, report, options)
        outlines = _outlines(path, report)
        yield from _ways(path, outlines, report, options)
        yield from _relations(path, outlines, report, options)
    except (RuntimeError, UnicodeDecodeError) as fault:
        raise osm_fault(path, fault) from fault


def _nodes(path: Path, report: ReadReport, options: ReadOptions) -> Iterator[Shop]:
    def shop_of(node: Node) -> Shop | Skip:
        if not node.location.valid():
            return Skip.NO_COORDINATES
        at = LngLat(node.location.lon, node.location.lat)
        return forgiving_shop_of_tags(
            _tags(node), at=at, source_id=f"node/{node.id}", options=options, report=report
        )

    things = osmium.FileProcessor(path, NODE).with_filter(KeyFilter(*TAG_KEYS))
    nodes = ((f"node/{thing.id}", thing) for thing in things if isinstance(thing, Node))
    return sift(nodes, shop_of, report, file=path.name, skip_bad_rows=True)


def _outlines(path: Path, report: ReadReport) -> _Outlines:
    outlines = _Outlines()
    for thing in osmium.FileProcessor(path, WAY | RELATION).with_filter(KeyFilter(*TAG_KEYS)):
        if not isinstance(thing, Way | Relation):
            continue
        tags = _tags(thing)
        why_not = _why_not_worth_a_point(tags)
        if why_not is not None:
            report.read += 1
            report.skip(why_not, f"{'way' if isinstance(thing, Way) else 'relation'}/{thing.id}")
        elif isinstance(thing, Way):
            outlines.ways[thing.id] = _Outlined(tags, [thing.id])
        else:
            outlines.relations[thing.id] = _Outlined(tags, _member_ways(thing))
    _draw(path, outlines)
    return outlines


def _why_not_worth_a_point(tags: dict[str, str]) -> Skip | None:
    if category_of_tags(tags) is None:
        return Skip.NO_CATEGORY
    return Skip.NO_NAME if name_in(tags) is None else None


def _member_ways(relation: Relation) -> list[int]:
    if relation.tags.get("type") != "multipolygon":
        return []
    return [member.ref for member in relation.members if member.type == "w"]


def _draw(path: Path, outlines: _Outlines) -> None:
    """Put the line of every way that is needed into `outlines`.

    All nodes are kept for it, by osmium: picking ids out beforehand (IdFilter) takes 4 MB for every
    33 million ids between the smallest and the largest, which is 300 MB for a small country.
    """
    things = [*outlines.ways.values(), *outlines.relations.values()]
    wanted = {way for thing in things for way in thing.ways}
    if not wanted:
        return
    for way in osmium.FileProcessor(path, NODE | WAY).with_locations().with_filter(EntityFilter(WAY)):
        if way.id in wanted and isinstance(way, Way):
            outlines.lines[way.id] = _line_of(way)


def _line_of(way: Way) -> _Line:
    points = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
    return _Line(points, len(way.nodes) - len(points))


def _ways(path: Path, outlines: _Outlines, report: ReadReport, options: ReadOptions) -> Iterator[Shop]:
    drawn_for_relations = {
        way: relation.tags for relation in outlines.relations.values() for way in relation.ways
    }

    def shop_of(row: tuple[int, _Outlined]) -> Shop | Skip:
        way, outlined = row
        if _same_shop(outlined.tags, drawn_for_relations.get(way)):
            return Skip.OUTLINE_OF_ANOTHER
        return _outlined_shop(f"way/{way}", outlined, outlines, report, options)

    return sift(_placed("way", outlines.ways), shop_of, report, file=path.name, skip_bad_rows=True)


def _relations(path: Path, outlines: _Outlines, report: ReadReport, options: ReadOptions) -> Iterator[Shop]:
    def shop_of(row: tuple[int, _Outlined]) -> Shop | Skip:
        relation, outlined = row
        if outlined.tags.get("type") != "multipolygon":
            return Skip.NOT_A_PLACE
        return _outlined_shop(f"relation/{relation}", outlined, outlines, report, options)

    return sift(_placed("relation", outlines.relations), shop_of, report, file=path.name, skip_bad_rows=True)


def _placed(kind: str, things: dict[int, _Outlined]) -> Iterator[tuple[str, tuple[int, _Outlined]]]:
    return ((f"{kind}/{number}", (number, thing)) for number, thing in things.items())


def _same_shop(tags: dict[str, str], others: dict[str, str] | None) -> bool:
    if others is None:
        return False
    return name_in(tags) == name_in(others) and category_of_tags(tags) == category_of_tags(others)


def _outlined_shop(
    source_id: str, outlined: _Outlined, outlines: _Outlines, report: ReadReport, options: ReadOptions
) -> Shop | Skip:
    lines, dangling = _located(outlined.ways, outlines)
    if dangling:
        report.noted[DANGLING] += dangling
    if not lines:
        return Skip.DANGLING_GEOMETRY
    at = _point_of(lines, whole=not dangling)
    return forgiving_shop_of_tags(outlined.tags, at=at, source_id=source_id, options=options, report=report)


def _point_of(lines: list[Ring], *, whole: bool) -> LngLat:
    if whole:
        inside = point_in_area(lines)
        if inside is not None:
            return inside
        if len(lines) == 1 and len(lines[0]) > 1:
            return point_on_line(lines[0])
    return point_amid([point for line in lines for point in line])


def _located(ways: Iterable[int], outlines: _Outlines) -> tuple[list[Ring], int]:
    """The lines of the ways as far as their nodes are known, and how many references led nowhere."""
    lines: list[Ring] = []
    dangling = 0
    for way in ways:
        line = outlines.lines.get(way, _Line((), 1))
        dangling += line.dangling
        if line.points:
            lines.append(line.points)
    return lines, dangling


def _tags(thing: Node | Way | Relation) -> dict[str, str]:
    return {tag.k: tag.v for tag in thing.tags}
