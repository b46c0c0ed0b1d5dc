from __future__ import annotations

import pytest
import shapely

from geodata.shapes import point_amid, point_in_area, point_on_line


def test_the_point_of_a_horseshoe_is_inside_of_it_and_not_at_its_centre():
    ring = [(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3), (0, 0)]
    at = point_in_area([ring])
    assert at is not None
    assert shapely.Polygon(ring).contains(shapely.Point(at.lng, at.lat))


def test_the_point_of_an_area_with_a_hole_is_not_in_the_hole():
    outer = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)]
    hole = [(1, 1), (1, 3), (3, 3), (3, 1), (1, 1)]
    at = point_in_area([outer, hole])
    assert at is not None
    assert shapely.Polygon(outer, [hole]).contains(shapely.Point(at.lng, at.lat))


def test_a_ring_drawn_by_several_lines_is_one_area():
    at = point_in_area([[(0, 0), (2, 0), (2, 2)], [(0, 0), (0, 2), (2, 2)]])
    assert at is not None
    assert 0 < at.lng < 2
    assert 0 < at.lat < 2


def test_of_several_parts_the_largest_has_the_point():
    small = [(0, 0), (1, 0), (1, 1), (0, 0)]
    large = [(10, 10), (15, 10), (15, 15), (10, 10)]
    at = point_in_area([small, large])
    assert at is not None
    assert at.lng > 10


def test_an_area_across_the_antimeridian_has_its_point_there():
    at = point_in_area([[(179.9, -17), (-179.9, -17), (-179.9, -16), (179.9, -16), (179.9, -17)]])
    assert at is not None
    assert abs(at.lng) >= 179.9


def test_a_figure_of_eight_still_has_a_point():
    assert point_in_area([[(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)]]) is not None


@pytest.mark.parametrize("line", [[(0, 0), (1, 1)], [(0, 0)], [(1, 1), (1, 1)], [(0, 0), (1, 0), (0, 0)]])
def test_lines_that_enclose_nothing_have_no_point_inside(line):
    assert point_in_area([line]) is None


def test_what_is_left_of_an_outline_has_a_point_amid():
    assert point_amid([(5.0, 6.0)]).lng == 5.0
    assert point_amid([(0.0, 0.0), (2.0, 2.0)]).lng == pytest.approx(1.0)
    assert 0 < point_amid([(0, 0), (2, 0), (2, 2)]).lng < 2


def test_the_point_of_a_line_is_half_way():
    at = point_on_line([(0.0, 0.0), (0.0, 1.0), (0.0, 4.0)])
    assert (at.lng, at.lat) == (0.0, 2.0)
