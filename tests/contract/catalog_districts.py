"""Clauses: districts and their geometry."""

from __future__ import annotations

import struct

import pytest
import shapely

from geo_offers.domain.errors import DistrictNotFound, InvalidInput
from geo_offers.stores.ports import CatalogStore, Change, ImportCounts
from tests.builders import a_district, a_square
from tests.contract.asking import districts_of, steps_of

ACROSS_THE_ANTIMERIDIAN = shapely.to_wkb(
    shapely.MultiPolygon([shapely.box(179.5, -17, 180, -16), shapely.box(-180, -17, -179.25, -16)]),
    byte_order=1,
)
NOT_POLYGONS = {
    "no wkb": b"hello",
    "empty": shapely.to_wkb(shapely.Polygon()),
    "a point": shapely.to_wkb(shapely.Point(24.94, 60.17)),
    "a collection": shapely.to_wkb(shapely.GeometryCollection([shapely.box(0, 0, 1, 1)])),
    "off the Earth": shapely.to_wkb(shapely.box(0, 0, 1, 91)),
    "not finite": a_square(hole=False).replace(struct.pack("<d", 24.945), struct.pack("<d", float("nan"))),
}


class DistrictClauses:
    async def test_a_hole_survives_the_round_trip(self, store: CatalogStore):
        district = a_district(wkb=a_square(hole=True))
        await store.import_districts([district], dataset="town")
        assert await store.get_district(district.id) == district
        assert await districts_of(store) == [district]

    async def test_a_district_across_the_antimeridian_survives_the_round_trip(self, store: CatalogStore):
        district = a_district(wkb=ACROSS_THE_ANTIMERIDIAN)
        await store.import_districts([district], dataset="fiji")
        assert await store.get_district(district.id) == district

    async def test_every_way_of_writing_wkb_comes_back_as_little_endian_in_two_dimensions(
        self, store: CatalogStore
    ):
        shape = shapely.from_wkb(a_square())
        big_endian = shapely.to_wkb(shape, byte_order=0)
        with_height = shapely.to_wkb(shapely.force_3d(shape, 7.0))
        with_srid = shapely.to_wkb(shapely.set_srid(shape, 4326), include_srid=True)
        for wkb in (big_endian, with_height, with_srid):
            await store.import_districts([a_district(wkb=wkb)], dataset="town")
            assert (await store.get_district(a_district().id)).wkb == a_square()
        assert await store.revision() == 1

    @pytest.mark.parametrize("wkb", NOT_POLYGONS.values(), ids=NOT_POLYGONS.keys())
    async def test_what_is_no_polygon_on_the_earth_is_refused_by_name(self, store: CatalogStore, wkb: bytes):
        bad = a_district("way/2", wkb=wkb)
        with pytest.raises(InvalidInput, match=bad.id):
            await store.import_districts([a_district("way/1"), bad], dataset="town")
        assert await districts_of(store) == []
        assert await store.revision() == 0

    async def test_districts_come_in_the_order_of_their_ids_by_code_point(self, store: CatalogStore):
        ids = ["Z", "_", "a", "a b", "aB", "ab", "é", "東", "𠮷"]
        districts = [a_district(f"way/{place}", id=name) for place, name in enumerate(ids)]
        await store.import_districts(districts[::-1], dataset="town")
        assert [district.id for district in await districts_of(store)] == sorted(ids)

    async def test_an_import_of_districts_counts_and_tells_as_one_of_shops(self, store: CatalogStore):
        one, two, three = (a_district(f"way/{number}") for number in (1, 2, 3))
        first = await store.import_districts([one, two], dataset="town")
        assert first == ImportCounts(added=2, updated=0, unchanged=0, retired=0)
        renamed = a_district("way/2", name="Renamed")
        second = await store.import_districts([renamed, three], dataset="town", replace=True)
        assert second == ImportCounts(added=1, updated=1, unchanged=0, retired=1)
        touched = sorted(district.id for district in (one, two, three))
        assert await steps_of(store, after=2) == [
            Change(revision, "district", district_id) for revision, district_id in enumerate(touched, start=3)
        ]
        with pytest.raises(DistrictNotFound, match=one.id):
            await store.get_district(one.id)
        again = await store.import_districts([one], dataset="town")
        assert again == ImportCounts(added=1, updated=0, unchanged=0, retired=0)
        assert await store.get_district(one.id) == one

    async def test_a_parent_may_come_after_its_child(self, store: CatalogStore):
        parent = a_district("way/1")
        child = a_district("way/2", parent_id=parent.id)
        await store.import_districts([child, parent], dataset="town")
        assert (await store.get_district(child.id)).parent_id == parent.id

    async def test_a_parent_that_nobody_knows_is_refused_by_name(self, store: CatalogStore):
        orphan = a_district("way/2", parent_id="nobody")
        with pytest.raises(InvalidInput, match=f"{orphan.id} has the parent nobody"):
            await store.import_districts([a_district("way/1"), orphan], dataset="town")
        assert await districts_of(store) == []

    async def test_a_district_that_is_not_there_is_named(self, store: CatalogStore):
        with pytest.raises(DistrictNotFound, match="Kamppi"):
            await store.get_district("Kamppi")
