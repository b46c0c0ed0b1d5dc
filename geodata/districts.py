"""Files of polygons become districts: checked or refused, named in several languages, each with its parent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import shapely

from geo_offers.domain.errors import FileFault, InvalidInput, PolygonFault, PolygonInvalid
from geo_offers.domain.place import District, DistrictKind, LngLat, Source, district_id_of
from geo_offers.domain.polygon import Polygonal, area_m2, checked_polygon
from geodata.district_features import DistrictFeature, district_features
from geodata.district_properties import OwnRow, id_of, name_of, names_of
from geodata.district_relations import holders, overlapping, parents
from geodata.files import stem_of
from geodata.rows import shown

NO_LICENCE = "unstated"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictOptions:
    """How to read a file of districts that does not say so itself.

    provider, licence     of every district; else what a row of our own export says, else the file's name
    kind                  of every district; else what a row of our own export says, else official
    name_field, id_field  the file's fields; else guessed
    layer, crs, encoding  as district_features has them
    repair                take the repaired polygon where one is faulty
    """

    provider: str | None = None
    licence: str | None = None
    kind: DistrictKind | None = None
    name_field: str | None = None
    id_field: str | None = None
    layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Repair:
    """A district whose polygon was repaired: why, and where the fault was."""

    name: str
    reason: PolygonFault
    at: LngLat | None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two districts that share area although neither holds the other."""

    one: str
    other: str
    area_m2: float


@dataclass(slots=True)
class DistrictReport:
    """What a reading of districts saw; overlaps are ordered by area, the largest first."""

    read: int = 0
    with_parent: int = 0
    repaired: list[Repair] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Read:
    """A district without its parent, and what is needed to find that."""

    feature: DistrictFeature
    district: District
    shape: Polygonal
    is_own: bool
    named_by: str


def read_districts(path: Path, report: DistrictReport, options: DistrictOptions) -> list[District]:
    """The districts of a file, all or none.

    A parent is the smallest other district of the file that covers a district; equal areas have none between
    them. Raises FileFault, with the number and name of the feature and the place of the fault, for what
    district_features refuses, a feature that is no valid polygon or has no name, two with one id and an empty file.
    """
    features = district_features(path, layer=options.layer, crs=options.crs, encoding=options.encoding)
    found = list(_districts(features, path, report, options))
    if not found:
        raise FileFault(f"there is no district in {path.name}; it has no rows")
    _require_ids_apart(found, path)
    shapes = [one.shape for one in found]
    report.overlaps = _overlaps(found, shapes)
    districts = _with_parents(found, shapes)
    report.with_parent = sum(district.parent_id is not None for district in districts)
    return districts


def _districts(
    features: Iterator[DistrictFeature], path: Path, report: DistrictReport, options: DistrictOptions
) -> Iterator[_Read]:
    for feature in features:
        report.read += 1
        try:
            yield _district(feature, path, report, options)
        except FileFault:
            raise
        except InvalidInput as fault:
            which = f"feature {feature.number}{_called(feature, options)}"
            raise FileFault(f"{path.name}: {which}: {fault}", place=feature.place or None) from fault


def _called(feature: DistrictFeature, options: DistrictOptions) -> str:
    try:
        name = name_of(feature, options.name_field)
    except InvalidInput:
        return ""
    return f" {shown(name)}" if name else ""


def _district(
    feature: DistrictFeature, path: Path, report: DistrictReport, options: DistrictOptions
) -> _Read:
    name = name_of(feature, options.name_field) or ""
    shape = _polygon_of(feature, name, report, repair=options.repair)
    own = OwnRow.of(feature.properties)
    given = id_of(feature, options.id_field)
    provider = options.provider or (own and own.source_provider) or f"file:{stem_of(path)}"
    source = Source(
        provider,
        (own.source_id if own and options.id_field is None else given) or name or "-",
        options.licence or (own and own.licence) or NO_LICENCE,
    )
    ours = own is not None and options.provider is None and options.id_field is None
    district = District(
        id=own.id if own and ours else district_id_of(source.provider, source.id),
        name=name,
        kind=options.kind or (own and own.kind) or "official",
        wkb=shapely.to_wkb(shape, byte_order=1),
        source=source,
        names=names_of(feature),
        parent_id=own.parent_id if own and ours else None,
        facts=own.facts if own else {},
    )
    return _Read(feature, district, shape, ours, "id" if own or given else "name")


def _polygon_of(feature: DistrictFeature, name: str, report: DistrictReport, *, repair: bool) -> Polygonal:
    if feature.geometry is None:
        raise InvalidInput("it has no geometry; a district needs a polygon")
    try:
        return checked_polygon(feature.geometry)
    except PolygonInvalid as fault:
        if fault.repaired is None or not repair:
            way_out = "" if fault.repaired is None else "; --repair would mend it"
            raise InvalidInput(f"{fault} [{fault.reason}]{way_out}") from fault
        report.repaired.append(Repair(name or f"feature {feature.number}", fault.reason, fault.at))
        return fault.repaired


def _require_ids_apart(found: Sequence[_Read], path: Path) -> None:
    seen: dict[tuple[str, str], _Read] = {}
    for one in found:
        source = one.district.source
        before = seen.setdefault((source.provider, source.id), one)
        if before is not one:
            raise FileFault(
                f"{path.name}: features {before.feature.number} and {one.feature.number} have the same"
                f" {one.named_by} {shown(source.id)}; name a field that tells them apart with --id-field"
            )


def _overlaps(found: Sequence[_Read], shapes: Sequence[Polygonal]) -> list[Overlap]:
    overlaps = [
        Overlap(found[i].district.name, found[j].district.name, _shared_m2(shapes[i], shapes[j]))
        for i, j in overlapping(shapes).tolist()
    ]
    return sorted(overlaps, key=lambda pair: (-pair.area_m2, pair.one, pair.other))


def _shared_m2(one: Polygonal, other: Polygonal) -> float:
    parts = shapely.get_parts(shapely.intersection(one, other)).tolist()
    return sum(area_m2(part) for part in parts if part.geom_type == "Polygon")


def _with_parents(found: Sequence[_Read], shapes: Sequence[Polygonal]) -> list[District]:
    ids = [one.district.id for one in found]
    known = set(ids)
    districts = []
    for one, holder in zip(found, parents(shapes, ids, holders(shapes)), strict=True):
        if one.is_own:  # its parent was found before, perhaps not by containment
            parent_id = one.district.parent_id if one.district.parent_id in known else None
        else:
            parent_id = None if holder is None else ids[holder]
        districts.append(replace(one.district, parent_id=parent_id))
    return districts
