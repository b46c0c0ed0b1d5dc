"""A promotion that will not compile is set aside by id until it is mended; all the others are live meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import shapely
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from geo_offers.bootstrap import Services, open_store
from geo_offers.domain.fence import DistrictFence
from geo_offers.domain.promotion import Promotion
from geo_offers.settings import Settings
from tests.builders import a_district, a_merchant, a_promotion, a_shop

_BOWTIE = shapely.Polygon([(24.9, 60.1), (25, 60.2), (25, 60.1), (24.9, 60.2)]).wkb_hex
#: What happens to the row of a circle.
_FAULTS = {
    "weekly hours": "weekly_hours = 'Mo-Fr at noon'",
    "time zone": "weekly_hours = 'Mo-Fr 09:00-18:00', time_zone = 'Moon/Base'",
    "fence kind": "fence_kind = 'spiral'",
    "circle without centre": "fence_lng = NULL",
    "broken WKB": "fence_kind = 'polygon', fence_geom = x'0103ff'",
    "no WKB": "fence_kind = 'polygon', fence_geom = NULL",
    "polygon that crosses itself": f"fence_kind = 'polygon', fence_geom = x'{_BOWTIE}'",
    "district that never was": "fence_kind = 'district', fence_district_id = 'dst_nowhere'",
    "status": "status = 'maybe'",
    "benefit": """benefit = '{"type":"kiss"}'""",
    "segments": """segments = '["UPPER CASE"]'""",
    "limits of a period": """per_period = '{"period":"blue moon","max_claims":1}'""",
}
_SICK, _SOUND = a_promotion("sick"), a_promotion("sound")
_WHERE_ALL_ARE = "/v1/offers?lng=24.9414&lat=60.1699&at=2026-06-01T09:00:00Z"


class Seen(NamedTuple):
    """What the world sees: ids of offers, and of what is quarantined, in /readyz; /metrics must agree with both."""

    offers: set[str]
    quarantined: list[str]


class Town:
    """A running service, and its store to spoil."""

    def __init__(self, client: httpx.AsyncClient, services: Services, file: Path) -> None:
        self._client = client
        self.services = services
        self._file = file

    def spoil(self, promotion: Promotion, fault: str) -> None:
        spoil(self._file, promotion, fault)

    async def at(self, revision: int) -> Seen:
        """What is seen as soon as this revision is served."""
        answer = await self._client.get(_WHERE_ALL_ARE, headers={"X-Min-Catalog-Revision": str(revision)})
        assert answer.status_code == 200, answer.text
        ready = (await self._client.get("/readyz")).json()
        assert (ready["catalog_revision"], ready["behind"]) == (revision, None)
        offers = {item["promotion_id"] for item in answer.json()["items"]}
        counts = await self._counts()
        assert counts["geo_offers_quarantined_rows", "promotion"] == len(ready["quarantined"])
        assert counts["geo_offers_promotions", ""] == len(offers)
        return Seen(offers, ready["quarantined"])

    async def now(self) -> Seen:
        return await self.at(await self.services.store.revision())

    async def _counts(self) -> dict[tuple[str, str], float]:
        text = (await self._client.get("/metrics")).text
        return {
            (sample.name, sample.labels.get("kind", "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def reload(self) -> int:
        """Have everything read again: a shop changed."""
        shops = self.services.catalog.current.shops
        return await self.services.store.put_shops([a_shop(f"node/{len(shops)}")])

    @property
    def compiled_together(self) -> bool:
        """False when the last change was added to what was there."""
        return len(self.services.catalog.current.promotions.segments) == 1


def spoil(file: Path, promotion: Promotion, fault: str) -> None:
    """Do to the row what no version of the program does; no step tells of it."""
    with sqlite3.connect(file) as store:
        store.execute("PRAGMA ignore_check_constraints = ON")
        done = store.execute(f"UPDATE promotions SET {fault} WHERE id = ?", (promotion.id,))
    assert done.rowcount == 1


@asynccontextmanager
async def a_town(
    folder: Path, promotions: Sequence[Promotion], fault: str | None = None
) -> AsyncIterator[Town]:
    """A service with these promotions, of which the first has the fault from the start."""
    file = folder / "store.sqlite3"
    settings = Settings(database_url=f"sqlite:///{file}", open_reads=True)
    store = await open_store(settings)
    await store.import_districts([a_district()], dataset="test")
    await store.import_promotions(promotions, [a_merchant()], dataset="test")
    await store.close()
    if fault is not None:
        spoil(file, promotions[0], fault)
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield Town(client, app.state.services, file)


@pytest.mark.parametrize("fault", _FAULTS.values(), ids=_FAULTS)
async def test_it_is_set_aside_from_the_start_until_it_is_mended(tmp_path: Path, fault: str) -> None:
    other = a_promotion("other")
    aside = Seen({_SOUND.id}, [_SICK.id])
    async with a_town(tmp_path, [_SICK, _SOUND], fault) as town:
        store = town.services.store
        assert await town.now() == aside
        assert await town.at(await store.put_promotion(other)) == Seen({_SOUND.id, other.id}, [_SICK.id])
        assert not town.compiled_together
        assert await town.at(await store.retire_promotion(other.id)) == aside
        assert await town.at(await town.reload()) == aside
        assert town.compiled_together
        mended = Seen({_SOUND.id, _SICK.id}, [])
        assert await town.at(await store.put_promotion(_SICK)) == mended
        assert not town.compiled_together
        assert await town.at(await town.reload()) == mended


@pytest.mark.parametrize("fault", _FAULTS.values(), ids=_FAULTS)
async def test_what_was_live_is_set_aside_when_its_change_will_not_compile(
    tmp_path: Path, fault: str
) -> None:
    async with a_town(tmp_path, [_SICK, _SOUND]) as town:
        assert await town.now() == Seen({_SICK.id, _SOUND.id}, [])
        town.spoil(_SICK, fault)
        # Every promotion of a merchant is told when the merchant has another name.
        renamed = await town.services.store.put_merchants(
            [a_merchant(id=_SICK.merchant_id, name="Ekberg Ab")]
        )
        assert await town.at(renamed) == Seen({_SOUND.id}, [_SICK.id])
        assert not town.compiled_together
        mended = await town.services.store.put_promotion(_SICK)
        assert await town.at(mended) == Seen({_SICK.id, _SOUND.id}, [])


async def test_what_was_live_is_set_aside_when_all_is_read_again(tmp_path: Path) -> None:
    async with a_town(tmp_path, [_SICK, _SOUND]) as town:
        town.spoil(_SICK, _FAULTS["broken WKB"])
        assert await town.at(await town.reload()) == Seen({_SOUND.id}, [_SICK.id])


async def test_a_change_that_mends_one_leaves_the_others_aside(tmp_path: Path) -> None:
    sick_too = a_promotion("sick too")
    async with a_town(tmp_path, [_SICK, sick_too, _SOUND], _FAULTS["weekly hours"]) as town:
        town.spoil(sick_too, _FAULTS["fence kind"])
        both = sorted([_SICK.id, sick_too.id])
        assert await town.at(await town.reload()) == Seen({_SOUND.id}, both)
        mended = await town.services.store.put_promotion(_SICK)
        assert await town.at(mended) == Seen({_SOUND.id, _SICK.id}, [sick_too.id])
        mended = await town.services.store.put_promotion(sick_too)
        assert await town.at(mended) == Seen({_SOUND.id, _SICK.id, sick_too.id}, [])


async def test_what_is_retired_is_no_longer_quarantined(tmp_path: Path) -> None:
    async with a_town(tmp_path, [_SICK, _SOUND], _FAULTS["weekly hours"]) as town:
        assert (await town.now()).quarantined == [_SICK.id]
        retired = await town.services.store.retire_promotion(_SICK.id)
        assert await town.at(retired) == Seen({_SOUND.id}, [])
        assert await town.at(await town.reload()) == Seen({_SOUND.id}, [])


async def test_a_promotion_of_a_district_goes_and_comes_with_it(tmp_path: Path) -> None:
    district = a_district()  # its hole ends just west of the place that is asked
    of_district = a_promotion("of a district", fence=DistrictFence(district.id))
    async with a_town(tmp_path, [of_district, _SOUND]) as town:
        store = town.services.store
        assert await town.now() == Seen({of_district.id, _SOUND.id}, [])
        await store.import_districts([], dataset="test", replace=True)
        assert await town.now() == Seen({_SOUND.id}, [of_district.id])
        other = await store.put_promotion(a_promotion("other"))
        assert (await town.at(other)).quarantined == [of_district.id]
        await store.import_districts([district], dataset="test")
        assert await town.now() == Seen({of_district.id, _SOUND.id, a_promotion("other").id}, [])
