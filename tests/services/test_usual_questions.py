"""What apps ask most is answered from a plan, and the plan is never older than what it was made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from geo_offers.bootstrap import Services, build
from geo_offers.domain.fence import DistrictFence
from geo_offers.domain.place import LngLat, Shop
from geo_offers.domain.promotion import Promotion
from geo_offers.services.write_answers import Usual
from geo_offers.settings import Settings
from tests.builders import a_merchant, a_promotion, a_shop
from tests.matching.towns import NOW, a_town, positions

_HERE = Usual(24.9414, 60.1699, 1_000.0, 20)


class _Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def _process(
    folder: Path, clock: _Clock, shops: Sequence[Shop], promotions: Sequence[Promotion]
) -> AsyncIterator[Services]:
    settings = Settings(database_url=f"sqlite:///{folder / 'store.sqlite3'}", secret="s")
    services = await build(settings, now=clock)
    await services.store.put_shops(shops)
    await services.store.import_promotions(promotions, [a_merchant()], dataset="test")
    await services.follower.advance()
    try:
        yield services
    finally:
        await services.store.close()


def _offered(services: Services) -> int:
    page = services.write_answers.usual_offers(_HERE, named=False)
    assert page is not None
    return page.items.count(b'"promotion_id":')


@pytest.mark.parametrize("seed", range(3))
async def test_a_usual_question_is_answered_as_the_same_question_in_full(tmp_path: Path, seed: int) -> None:
    town = a_town(seed, LngLat(24.94, 60.17))
    hours = ("24/7", "Mo 09:00-12:00", None)
    shops = [
        a_shop(f"node/{n}", at=one.at, names={}, opening_hours=hours[n % 3])
        for n, one in enumerate(town.shops)
    ]
    promotions = [
        replace(one, title_i18n={}) for one in town.promotions if not isinstance(one.fence, DistrictFence)
    ]
    async with _process(tmp_path, _Clock(), shops, promotions) as services:
        write, answered = services.write_answers, 0
        for n, at in enumerate(positions(town, 150, seed)):
            asked = Usual(at.lng, at.lat, (1.0, 300.0, 3_000.0)[n % 3], (1, 3, 20, 100)[n % 4])
            offers = write.usual_offers(asked, named=n % 2 == 0)
            assert offers == await write.offers(asked.for_offers(), named=n % 2 == 0)
            assert write.usual_shops(asked, named=False) == write.shops(asked.for_shops(), named=False)
            answered += offers is not None
    assert answered > 100


async def test_an_offer_ends_to_the_millisecond(tmp_path: Path) -> None:
    clock = _Clock()
    ends_at = NOW.astimezone(UTC).replace(second=30, microsecond=5_000)
    promotions = [a_promotion("short", ends_at=ends_at), a_promotion("long")]
    async with _process(tmp_path, clock, [a_shop()], promotions) as services:
        told = []
        for before in (timedelta(seconds=2), timedelta(microseconds=1), timedelta(0), -timedelta(seconds=1)):
            clock.now = ends_at - before
            told.append(_offered(services))
        clock.now = ends_at - timedelta(seconds=1)
        told.append(_offered(services))
    assert told == [2, 2, 1, 1, 2]


async def test_what_is_used_up_is_no_offer_from_the_next_question_on(tmp_path: Path) -> None:
    promotions = [a_promotion("near"), a_promotion("far", shop_ids=(a_shop().id,))]
    async with _process(tmp_path, _Clock(), [a_shop()], promotions) as services:
        assert _offered(services) == 2
        await services.match_offers._usage.note_redemption(promotions[0].id, 50_000)
        assert services.write_answers.usual_offers(_HERE, named=False) is None  # left to MatchOffers
        await services.match_offers._usage.note_rollback(promotions[0].id, 50_000)
        assert _offered(services) == 2


async def test_a_new_promotion_is_offered_from_the_next_snapshot_on(tmp_path: Path) -> None:
    async with _process(tmp_path, _Clock(), [a_shop()], [a_promotion("one")]) as services:
        assert _offered(services) == 1
        await services.store.put_promotion(a_promotion("two"))
        assert _offered(services) == 1
        await services.follower.advance()
        assert _offered(services) == 2


async def test_the_hours_of_shops_are_those_of_the_minute(tmp_path: Path) -> None:
    clock = _Clock()
    shop = a_shop(opening_hours="Mo 00:00-12:00", names={})
    async with _process(tmp_path, clock, [shop], []) as services:
        noon = datetime(2026, 11, 23, 10, tzinfo=UTC)  # in Helsinki
        told = []
        for clock.now in (noon - timedelta(microseconds=1), noon):
            page = services.write_answers.usual_shops(_HERE, named=False)
            assert page is not None
            told.append(b'"open":true' in page.items)
    assert told == [True, False]


async def test_the_cursor_of_a_usual_question_is_that_of_the_question_in_full(tmp_path: Path) -> None:
    async with _process(tmp_path, _Clock(), [a_shop()], [a_promotion("one"), a_promotion("two")]) as services:
        asked = _HERE._replace(limit=1)
        page = services.write_answers.usual_offers(asked, named=False)
        assert page is not None
        assert page.next is not None
        assert page == await services.write_answers.offers(asked.for_offers(), named=False)
