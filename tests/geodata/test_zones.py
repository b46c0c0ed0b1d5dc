from __future__ import annotations

import pytest
import tzfpy

from geo_offers.domain.place import LngLat
from geodata.zones import country_of_zone, zone_at


@pytest.mark.parametrize(
    ("lng", "lat", "zone", "country"),
    [
        (24.9414, 60.1699, "Europe/Helsinki", "FI"),
        (9.5209, 47.1410, "Europe/Vaduz", "LI"),
        (7.4246, 43.7384, "Europe/Monaco", "MC"),
        (116.3912, 39.9062, "Asia/Shanghai", "CN"),
        (114.1694, 22.3193, "Asia/Hong_Kong", "HK"),
        (121.5654, 25.0330, "Asia/Taipei", "TW"),
        (139.7671, 35.6812, "Asia/Tokyo", "JP"),
        (-30.0, 40.0, "Etc/GMT+2", None),
    ],
)
def test_a_point_has_the_zone_and_country_of_its_place(lng, lat, zone, country):
    assert zone_at(LngLat(lng, lat)) == zone
    assert country_of_zone(zone) == country


def test_every_zone_on_land_has_a_country():
    zones = [zone for zone in tzfpy.timezonenames() if not zone.startswith("Etc/")]
    assert [zone for zone in zones if country_of_zone(zone) is None] == []


@pytest.mark.parametrize(("lng", "lat"), [(180, 90), (-180, -90), (180, 0), (-180, 0), (0, 90)])
def test_the_corners_of_the_world_have_a_zone(lng, lat):
    assert zone_at(LngLat(lng, lat))
