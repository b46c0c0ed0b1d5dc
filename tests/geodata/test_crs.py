from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.crs import (
    Crs,
    bd09_of_gcj02,
    gcj02_of_bd09,
    gcj02_of_wgs84,
    to_wgs84,
    wgs84_of_gcj02,
)

# A hundredth of a metre on a meridian; on a parallel it is less.
CENTIMETRE = 0.01 / 111_320
in_china = st.tuples(st.floats(73.5, 134.5), st.floats(18.5, 53.0))


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
        ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),
    ],
)
def test_gcj02_agrees_with_the_published_points_in_both_directions(wgs84, gcj02):
    assert gcj02_of_wgs84(*wgs84) == pytest.approx(gcj02, abs=1e-12)
    assert wgs84_of_gcj02(*gcj02) == pytest.approx(wgs84, abs=CENTIMETRE)


def test_bd09_agrees_with_the_published_point():
    assert bd09_of_gcj02(116.404, 39.915) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-12)


@given(in_china)
def test_every_point_in_china_comes_back_to_the_centimetre_from_both_systems(point):
    gcj02 = gcj02_of_wgs84(*point)
    bd09 = bd09_of_gcj02(*gcj02)
    assert to_wgs84(*gcj02, Crs.GCJ02) == pytest.approx(point, rel=0, abs=CENTIMETRE)
    assert to_wgs84(*bd09, Crs.BD09) == pytest.approx(point, rel=0, abs=CENTIMETRE)
    assert gcj02_of_bd09(*bd09) == pytest.approx(gcj02, rel=0, abs=CENTIMETRE)


@given(in_china)
def test_the_shift_in_china_is_some_hundred_metres(point):
    lng, lat = gcj02_of_wgs84(*point)
    assert 0 < abs(lng - point[0]) + abs(lat - point[1]) < 0.03


@pytest.mark.parametrize("point", [(139.7671, 35.6812), (24.94, 60.17), (-122.4, 37.8), (0.0, 0.0)])
def test_outside_of_china_gcj02_is_wgs84(point):
    assert gcj02_of_wgs84(*point) == point
    assert to_wgs84(*point, Crs.GCJ02) == point


def test_wgs84_stays_as_it_is_to_the_last_bit():
    assert to_wgs84(116.4, 39.9, Crs.WGS84) == (116.4, 39.9)
