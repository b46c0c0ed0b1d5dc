"""GET /v1/districts/{id}/offers, as a client sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from geo_offers.domain.fence import CircleFence, DistrictFence
from geo_offers.domain.place import LngLat
from geo_offers.domain.promotion import Audience, PercentOff, Status
from geo_offers.domain.schedule import Schedule
from tests.api.conftest import Serving
from tests.builders import a_district, a_promotion, a_shop, a_square

_AT = "2026-06-01T09:00:00Z"
_WHEN = datetime(2026, 6, 1, 9, tzinfo=UTC)
_DISTRICT = a_district("way/1", wkb=a_square(24.94, 60.17, side=0.02, hole=False))
_HERE = a_shop("node/1", at=LngLat(24.941, 60.17), opening_hours="24/7")
_ALSO_HERE = a_shop("node/2", at=LngLat(24.942, 60.17))
_AWAY = a_shop("node/3", at=LngLat(24.99, 60.17))
_FAR = CircleFence(LngLat(25.3, 60.3), 100.0)


def _off(basis_points: int) -> PercentOff:
    return PercentOff(basis_points)


def _schedule(days: int) -> Schedule:
    return Schedule(_WHEN - timedelta(days=30), _WHEN + timedelta(days=days), None, "UTC")


async def test_offers_of_a_district_are_those_of_its_shops_and_those_fenced_around_it(serving: Serving):
    always = {"schedule": _schedule(30), "status": Status.ACTIVE}
    promotions = [
        a_promotion("small", shop_ids=(_AWAY.id, _HERE.id), benefit=_off(500), fence=_FAR, **always),
        a_promotion("great", shop_ids=(_ALSO_HERE.id,), benefit=_off(5_000), fence=_FAR, **always),
        a_promotion("fenced", shop_ids=(), benefit=_off(2_000), fence=DistrictFence(_DISTRICT.id), **always),
        a_promotion("away", shop_ids=(_AWAY.id,), fence=_FAR, **always),
        a_promotion(
            "staff", shop_ids=(_HERE.id,), fence=_FAR, audience=Audience(frozenset({"staff"})), **always
        ),
        a_promotion("ended", shop_ids=(_HERE.id,), fence=_FAR, schedule=_schedule(-1), status=Status.ACTIVE),
        a_promotion("paused", shop_ids=(_HERE.id,), fence=_FAR, schedule=_schedule(30), status=Status.PAUSED),
    ]
    names = {one.id: one.external_id for one in promotions}
    async with serving([_HERE, _ALSO_HERE, _AWAY], [_DISTRICT], promotions) as client:
        address = f"/v1/districts/{_DISTRICT.id}/offers?at={_AT}"
        answer = await client.get(address)
        assert answer.status_code == 200
        items = answer.json()["items"]
        assert [names[item["promotion_id"]] for item in items] == ["great", "fenced", "small"]
        assert [item["worth"] for item in items] == [15.0, 6.0, 1.5]
        shops = [item["shop"] and (item["shop"]["id"], item["shop"]["open"]) for item in items]
        assert shops[1] is None
        assert shops[2] == (_HERE.id, True)

        seen, address_of_page = [], f"{address}&limit=1"
        while address_of_page:
            page = await client.get(address_of_page)
            seen += page.json()["items"]
            following = page.links.get("next")
            address_of_page = following["url"] if following else ""
        assert seen == items

        foreign = await client.get(f"/v1/districts/{_DISTRICT.id[:-1]}0/offers")
        assert (foreign.status_code, foreign.json()["code"]) == (404, "district_not_found")
