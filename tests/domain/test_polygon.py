"""The check of polygons: what passes unchanged, what is refused and why, what is offered instead."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
import shapely
from hypothesis import assume, example, given
from hypothesis import strategies as st
from shapely.affinity import scale, translate

from geo_offers.domain.errors import PolygonFault, PolygonInvalid
from geo_offers.domain.place import LngLat
from geo_offers.domain.polygon import Bounds, area_m2, bounds, checked_polygon
from tests.shared_data import shared

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]


def square(x: float, y: float, side: float) -> list[list[float]]:
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def parts(*polygons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": [one["coordinates"] for one in polygons]}


def refused(shape: Any) -> PolygonInvalid:
    with pytest.raises(PolygonInvalid) as caught:
        checked_polygon(shape)
    return caught.value


@st.composite
def stars(draw: st.DrawFn) -> shapely.Polygon:
    """Valid polygons around (0, 0), of some metres to some degrees, now and then with a hole."""
    count = draw(st.integers(3, 20))
    reach = 10 ** draw(st.floats(-5, 1))
    radii = draw(st.lists(st.floats(0.2, 1), min_size=count, max_size=count))
    turns = [2 * math.pi * i / count for i in range(count)]
    ring = [
        (reach * r * math.cos(turn), reach * r * math.sin(turn)) for turn, r in zip(turns, radii, strict=True)
    ]
    star = shapely.Polygon(ring)
    if draw(st.booleans()):
        star = shapely.Polygon(ring, [scale(star, 0.4, 0.4, origin=(0, 0)).exterior])
    return star.reverse() if draw(st.booleans()) else star


places = st.tuples(st.floats(-169, 169), st.floats(-79, 79))


@given(stars(), places)
def test_a_valid_polygon_passes_with_the_same_numbers_in_geojson_and_in_shapely(star, place):
    star = translate(star, *place)
    assume(star.is_valid)
    checked = checked_polygon(star)
    assert shapely.to_wkb(checked) == shapely.to_wkb(shapely.orient_polygons(star))
    assert checked_polygon(shapely.geometry.mapping(star)) == checked
    assert checked.exterior.is_ccw
    assert not any(hole.is_ccw for hole in checked.interiors)


coordinates = st.one_of(st.integers(-4, 4).map(float), st.floats(-100, 100).map(lambda x: round(x, 3)))


@given(st.lists(st.lists(st.tuples(coordinates, coordinates), max_size=8), max_size=3))
@example([[(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)]])
@example([[(0, 0), (2, 2), (2, 0)]])
@example(
    [[(0, 0), (170, 0), (-170, 4), (0, 9), (0, 0)], [(179, 2), (-179, 2), (179, 3), (-179, 3), (179, 2)]]
)
def test_whatever_is_drawn_passes_or_is_refused_with_a_repair_that_passes(rings):
    try:
        accepted = checked_polygon(polygon(*rings))
    except PolygonInvalid as fault:
        accepted = fault.repaired
    if accepted is not None:
        assert accepted.is_valid
        assert shapely.to_wkb(checked_polygon(accepted)) == shapely.to_wkb(accepted)


@given(st.floats(0.1, 5), places)
def test_a_bow_tie_is_refused_where_it_crosses_and_both_its_wings_are_offered(size, place):
    x, y = place
    bow = [[x, y], [x + size, y + size], [x + size, y], [x, y + size], [x, y]]
    fault = refused(polygon(bow))
    assert fault.reason is PolygonFault.SELF_INTERSECTION
    assert (fault.at.lng, fault.at.lat) == pytest.approx((x + size / 2, y + size / 2), abs=1e-9)
    assert len(fault.repaired.geoms) == 2
    assert fault.repaired.area == pytest.approx(size * size / 2)


FAULTS = {
    "bow tie": (polygon([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]), "self_intersection", (1, 1), 2),
    "spike": (polygon([*SQUARE[:3], [4, 8], [4, 4], *SQUARE[3:]]), "ring_touches_itself", (4, 4), 16),
    "open": (polygon(SQUARE[:4]), "ring_not_closed", (0, 4), 16),
    "two positions": (polygon([[1, 2], [3, 3], [1, 2], [1, 2]]), "too_few_points", (1, 2), None),
    "no position": (polygon([]), "too_few_points", None, None),
    "a hole of two positions": (
        polygon(SQUARE, [[1, 1], [2, 2], [1, 1], [1, 1]]),
        "too_few_points",
        (1, 1),
        16,
    ),
    "a line": (polygon([[0, 0], [1, 1], [2, 2], [0, 0]]), "zero_area", (0, 0), None),
    "hole outside": (polygon(SQUARE, square(5, 5, 1)), "hole_outside_shell", (5, 5), 17),
    "hole across": (polygon(SQUARE, square(3, 3, 2)), "self_intersection", (3, 4), 15),
    "hole in hole": (polygon(SQUARE, square(0.5, 0.5, 3), square(1, 1, 1)), "nested_holes", (1, 1), 7),
    "hole twice": (polygon(SQUARE, square(1, 1, 1), square(1, 1, 1)), "duplicate_rings", (2, 2), 15),
    "hole as large": (polygon(SQUARE, SQUARE), "duplicate_rings", (4, 4), None),
    "cut in four": (
        polygon(SQUARE, [[0, 2], [2, 4], [4, 2], [2, 0], [0, 2]]),
        "interior_disconnected",
        (2, 4),
        8,
    ),
    "same part twice": (parts(polygon(SQUARE), polygon(SQUARE)), "duplicate_rings", (4, 4), 16),
    "parts overlap": (parts(polygon(SQUARE), polygon(square(2, 2, 4))), "overlapping_parts", (2, 4), 28),
    "parts share an edge": (
        parts(polygon(SQUARE), polygon(square(4, 0, 4))),
        "overlapping_parts",
        (4, 4),
        32,
    ),
    "part in part": (parts(polygon(SQUARE), polygon(square(1, 1, 1))), "nested_shells", (1, 1), 16),
    "touches the pole": (polygon([[0, 80], [9, 80], [5, 90], [0, 80]]), "touches_pole", (5, 90), None),
    "around the pole": (
        polygon([[-120, 80], [0, 70], [120, 80], [-120, 80]]),
        "touches_pole",
        (-120, 80),
        None,
    ),
    "lat 91": (polygon([[0, 0], [4, 0], [4, 91], [0, 0]]), "outside_earth", None, None),
    "lng 361": (polygon([[300, 0], [361, 0], [361, 4], [300, 0]]), "outside_earth", None, None),
    "wider than the Earth": (
        polygon([[-190, 0], [-10, 1], [170, 0], [300, 4], [170, 3], [-10, 3], [-190, 0]]),
        "outside_earth",
        None,
        None,
    ),
    "long edge past 180": (
        polygon([[-190, 0], [12, 0], [12, 4], [-190, 0]]),
        "ambiguous_crossing",
        (170, 0),
        None,
    ),
    "not finite": (polygon([[0, 0], [4, 0], [4, math.nan], [0, 0]]), "not_finite", None, None),
    "beyond floats": (polygon([[0, 0], [4, 0], [4, 10**400], [0, 0]]), "not_finite", None, None),
    "no rings": (polygon(), "empty", None, None),
    "no parts": (parts(), "empty", None, None),
    "an empty part": (parts(polygon(SQUARE), polygon()), "empty", None, None),
    "a point": ({"type": "Point", "coordinates": [1, 2]}, "wrong_type", None, None),
    "a feature": ({"type": "Feature", "geometry": polygon(SQUARE)}, "wrong_type", None, None),
    "no type": ({"coordinates": [SQUARE]}, "wrong_type", None, None),
    "text": (polygon([["0", "0"], [4, 0], [4, 4], [0, 0]]), "malformed", None, None),
    "true": (polygon([[True, 0], [4, 0], [4, 4], [True, 0]]), "malformed", None, None),
    "too shallow": ({"type": "Polygon", "coordinates": SQUARE}, "malformed", None, None),
    "too deep": (parts(polygon(SQUARE), {"coordinates": [[SQUARE]]}), "malformed", None, None),
    "no coordinates": ({"type": "Polygon"}, "malformed", None, None),
}


@pytest.mark.parametrize(("shape", "reason", "at", "repaired"), FAULTS.values(), ids=FAULTS.keys())
def test_each_fault_has_its_reason_its_place_and_the_area_of_what_is_offered(shape, reason, at, repaired):
    fault = refused(shape)
    assert (fault.reason, fault.at) == (reason, LngLat(*at) if at else None)
    assert (fault.repaired and fault.repaired.area) == repaired


def test_every_reason_is_tested():
    assert {PolygonFault(reason) for _, reason, _, _ in FAULTS.values()} == set(PolygonFault)


def test_what_is_malformed_is_pointed_at():
    fault = refused(parts(polygon(SQUARE), polygon([[0, 0], [1, 0], [1], [0, 0]])))
    assert fault.pointer == "/coordinates/1/0/2"
    assert "/coordinates/1/0/2" in str(fault)


@pytest.mark.parametrize(
    "shape",
    [shapely.Point(1, 2), shapely.GeometryCollection([shapely.box(0, 0, 1, 1)]), shapely.LineString(SQUARE)],
    ids=lambda shape: shape.geom_type,
)
def test_another_shapely_geometry_is_refused_by_its_type(shape):
    fault = refused(shape)
    assert fault.reason is PolygonFault.WRONG_TYPE
    assert shape.geom_type in str(fault)


def test_an_empty_shapely_polygon_is_refused():
    assert refused(shapely.Polygon()).reason is PolygonFault.EMPTY
    assert refused(shapely.MultiPolygon()).reason is PolygonFault.EMPTY


def test_heights_are_left_out_and_a_multipolygon_of_one_stays_one():
    high = parts(polygon([[*at, 7.0, 1] for at in SQUARE]))
    assert shapely.to_wkt(checked_polygon(high)) == "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)))"


SPLITS = [
    "almost-180", "complex-split", "cw-only", "great-circle", "issues-174", "issues-230", "latitude-band",
    "multi-split", "over-180", "point-on-antimeridian", "split",
]  # fmt: skip


def sample(folder: str, name: str) -> Any:
    return json.loads(shared(f"geometry/antimeridian/{folder}/{name}.json").read_text())


def normal(shape: Any) -> shapely.Geometry:
    return shapely.normalize(shapely.orient_polygons(shape))


@pytest.mark.parametrize("name", SPLITS)
def test_a_polygon_across_the_antimeridian_is_split_as_expected_and_then_stays(name):
    checked = checked_polygon(sample("input", name))
    expected = shapely.geometry.shape(sample("expected_flat", name))
    assert normal(checked).equals_exact(normal(expected), 1e-7)  # theirs is rounded to 7 digits
    assert checked_polygon(checked) == checked


@pytest.mark.parametrize("name", ["one-ccw-hole", "simple-with-ccw-hole"])
def test_a_hole_stays_a_hole_whichever_way_it_turns(name):
    shell, hole = (
        shapely.Polygon([(x % 360, y) for x, y in ring]) for ring in sample("input", name)["coordinates"]
    )
    assert checked_polygon(sample("input", name)).area == shell.area - hole.area


def test_an_open_ring_across_the_antimeridian_is_offered_closed_and_split():
    fault = refused(sample("input", "issues-187"))
    assert fault.reason is PolygonFault.RING_NOT_CLOSED
    expected = shapely.geometry.shape(sample("expected_flat", "issues-187"))
    assert normal(fault.repaired).equals_exact(normal(expected), 1e-7)


@pytest.mark.parametrize("name", ["extra-crossing", "issues-164"])
def test_a_polygon_around_a_pole_is_refused_by_name(name):
    fault = refused(sample("input", name))
    assert (fault.reason, fault.repaired) == ("touches_pole", None)
    assert "pole" in str(fault)


@given(stars(), st.floats(-1, 1), st.floats(-79, 79), st.booleans())
@example(shapely.box(-1, -1, 1, 1).difference(shapely.box(0, -0.5, 0.5, 0.5)), 1e-9, 0.0, True)
@example(shapely.box(-1, -1, 1, 1).difference(shapely.box(0, -0.5, 0.5, 0.5)), 1e-12, 0.0, False)
@example(shapely.box(-1, -1, 1, 1), -1 + 1e-13, 0.0, True)
def test_a_polygon_across_the_antimeridian_is_the_same_area_as_anywhere_else(star, shift, lat, literal):
    star = translate(star, shift * star.bounds[2], lat)
    east = translate(star, 180)
    assume(star.is_valid and east.is_valid)
    given = east if literal else shapely.transform(east, wrapped)
    checked = checked_polygon(given)
    assert checked.is_valid
    west, _, east_end, _ = checked.bounds
    assert -180 <= west < east_end <= 180
    back = shapely.union_all([shapely.transform(part, unwrapped) for part in shapely.get_parts(checked)])
    assert back.symmetric_difference(star).area <= 1e-9 * star.area + 1e-11 * star.length


def wrapped(at: Any) -> Any:
    at = at.copy()
    at[at[:, 0] > 180, 0] -= 360
    return at


def unwrapped(at: Any) -> Any:
    at = at.copy()
    at[:, 0] += -180 if at[:, 0].mean() > 0 else 180
    return at


def test_both_sides_of_a_split_meet_at_the_same_latitudes():
    checked = checked_polygon(
        polygon([[179.3, 1.1], [-179.1, 1.7], [-179.6, 2.9], [179.9, 2.3], [179.3, 1.1]])
    )
    west, east = (
        {lat for lng, lat in shapely.get_coordinates(part).tolist() if abs(lng) == 180}
        for part in checked.geoms
    )
    assert west == east
    assert len(west) == 2


def test_bounds_are_the_box_and_go_across_the_antimeridian_when_the_polygon_does():
    assert bounds(checked_polygon(polygon(SQUARE))) == Bounds(0, 0, 4, 4)
    fiji = checked_polygon(polygon([[177, -18], [-179, -18], [-179, -16], [177, -16], [177, -18]]))
    assert bounds(fiji) == Bounds(177, -18, -179, -16)
    apart = shapely.MultiPolygon([shapely.box(170, 0, 171, 1), shapely.box(-171, 0, -170, 1)])
    assert bounds(checked_polygon(apart)) == Bounds(-171, 0, 171, 1)
    band = checked_polygon(polygon([[-180, 40], [180, 40], [180, 50], [-180, 50], [-180, 40]]))
    assert bounds(band) == Bounds(-180, 40, 180, 50)


def zone_m2(south: float, north: float, width: float) -> float:
    """The area between two parallels and two meridians on WGS 84, in closed form."""
    flattening = 1 / 298.257223563
    b = 6_378_137.0 * (1 - flattening)
    e = math.sqrt(flattening * (2 - flattening))

    def upto(lat: float) -> float:
        s = math.sin(math.radians(lat))
        return s / (1 - (e * s) ** 2) + math.atanh(e * s) / e

    return b * b / 2 * math.radians(width) * (upto(north) - upto(south))


@pytest.mark.parametrize(
    "box",
    [(24.93, 60.16, 24.95, 60.18), (120, 30, 122, 32), (-100, -60, 60, 70), (0, 0, 1e-6, 1e-6)],
    ids=["quarter", "city", "continent", "a hand"],
)
def test_the_area_is_that_of_the_ellipsoid_whichever_way_the_rings_turn(box):
    west, south, east, north = box
    whole = shapely.box(*box)
    expected = zone_m2(south, north, east - west)
    assert area_m2(whole) == pytest.approx(expected, rel=1e-4)
    hole = scale(whole, 0.5, 0.5)
    holed = shapely.Polygon(whole.exterior, [hole.exterior])
    for turned in (holed, holed.reverse()):
        assert area_m2(turned) == pytest.approx(area_m2(whole) - area_m2(hole), rel=1e-9)


def test_a_split_polygon_has_the_area_of_the_whole():
    here = shapely.box(9, 10, 12, 13)
    there = checked_polygon(translate(here, 170))
    assert len(there.geoms) == 2
    assert area_m2(there) == pytest.approx(area_m2(here), rel=1e-9)


@pytest.mark.parametrize("side", [1e-6, 2.0, 100.0], ids=["smaller than a cell", "a city", "a continent"])
def test_a_polygon_may_be_of_any_size(side):
    box = shapely.box(-side / 2, 0, side / 2, side / 2)
    assert checked_polygon(box) == shapely.orient_polygons(box)


def test_rings_of_the_result_never_jump():
    checked = checked_polygon(sample("input", "complex-split"))
    for ring in shapely.get_rings(shapely.get_parts(checked)).tolist():
        assert all(abs(b[0] - a[0]) <= 180 for a, b in pairwise(ring.coords))
