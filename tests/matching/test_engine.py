"""The engine against the rules, promotion by promotion: the same offers, the same reasons, the same order."""

from __future__ import annotations

import numpy as np
import pytest

from geo_offers.domain.offer import NOTHING_SPENT, MatchQuery, Reason, Spent
from geo_offers.domain.place import LngLat
from geo_offers.domain.rules import is_eligible
from geo_offers.index.cells import centre_of, pentagons
from geo_offers.index.promotions import Promotions
from geo_offers.kernels.distance import ecef
from geo_offers.matching.eligibility import reasons_of
from geo_offers.matching.engine import AfterOffer, Ranked, best_at_once, charged, select, shortlist
from tests.matching.towns import Town, a_town, questions, some_spending

_CENTRES = {
    "Helsinki": LngLat(24.94, 60.17),
    "the equator": LngLat(32.58, 0.0),
    "the antimeridian": LngLat(180.0, -16.8),
    "85 degrees north": LngLat(24.0, 85.0),
    "a pentagon": LngLat(*centre_of(pentagons(9)[4])),
}
_REACH_M = 1_000.0
_AGAINST_POSITION = {Reason.OUTSIDE_FENCE, Reason.POSITION_STALE, Reason.POSITION_VAGUE}


@pytest.mark.parametrize("name", _CENTRES)
@pytest.mark.parametrize("seed", range(6))
def test_the_engine_says_what_the_rules_say(name: str, seed: int) -> None:
    town = a_town(seed, _CENTRES[name])
    promotions = Promotions.compiled(town.rows, town.surroundings)
    assert promotions.quarantined == {}
    _compare(town, promotions, seed, 300)


def _compare(town: Town, promotions: Promotions, seed: int, count: int) -> None:
    spent = some_spending(town, seed)
    places = town.places
    shop_xyz = ecef(town.surroundings.lngs, town.surroundings.lats)
    for query in questions(town, count, seed):
        assert query.at is not None
        verdicts = {
            one.id: is_eligible(one, query, places, spent.get(one.id, NOTHING_SPENT))
            for one in town.promotions
        }
        explained = [
            charged(found, spent)
            for found in shortlist(promotions, query, query.at, reach_m=_REACH_M, everything=True)
        ]
        for found in explained:
            for slot, inside, bits in zip(
                found.slots.tolist(), found.inside.tolist(), found.against.tolist(), strict=True
            ):
                promotion_id = found.index.rows[slot].id
                assert reasons_of(bits) == verdicts[promotion_id].reasons, (promotion_id, query)
                assert inside == (Reason.OUTSIDE_FENCE not in verdicts[promotion_id].reasons)
        known = {found.index.rows[slot].id for found in explained for slot in found.slots.tolist()}
        held = {key for key, verdict in verdicts.items() if Reason.OUTSIDE_FENCE not in verdict.reasons}
        assert held <= known
        offers = _offers(promotions, query, spent, shop_xyz)
        assert {one.promotion_id for one in offers if one.inside} == {
            k for k, v in verdicts.items() if v.eligible
        }
        listed = {one.id for one in town.promotions if one.listed}
        near = {
            key
            for key in known & listed
            if set(verdicts[key].reasons) <= _AGAINST_POSITION and verdicts[key].reasons
        }
        assert {one.promotion_id for one in offers if not one.inside} == near
        assert [one.order for one in offers] == sorted(one.order for one in offers)
        quick = best_at_once(promotions, query, query.at, shop_xyz, reach_m=_REACH_M, limit=1_000)
        if quick is not None:
            assert quick == _offers(promotions, query, {}, shop_xyz)


def _offers(
    promotions: Promotions, query: MatchQuery, spent: dict[str, Spent], shop_xyz: np.ndarray, **more: object
) -> list[Ranked]:
    assert query.at is not None
    found = [charged(one, spent) for one in shortlist(promotions, query, query.at, reach_m=_REACH_M)]
    return select(found, query.at, shop_xyz, **({"limit": 1_000} | more))  # type: ignore[arg-type]


def test_a_changed_catalog_answers_as_one_that_is_made_anew() -> None:
    town, other = a_town(1, _CENTRES["Helsinki"]), a_town(2, _CENTRES["Helsinki"])
    promotions = Promotions.compiled(town.rows, town.surroundings)
    current = {one.id: one for one in town.promotions}
    rng = np.random.default_rng(4)
    for step in range(8):
        changed = [other.promotions[i] for i in rng.choice(60, 5, replace=False)]
        gone = rng.choice(sorted(current), 3, replace=False).tolist()
        current = {key: one for key, one in current.items() if key not in gone} | {
            one.id: one for one in changed
        }
        now = Town(town.shops, town.districts, tuple(current.values()))
        rows = [row for row in now.rows if row.id in {one.id for one in changed}]
        promotions = promotions.changed(rows, [*gone, *(one.id for one in changed)], town.surroundings)
        assert len(promotions) == len(current)
        _compare(now, promotions, step, 40)


def test_pages_of_offers_put_together_are_the_whole_list() -> None:
    town = a_town(3, _CENTRES["the antimeridian"])
    whole_index = Promotions.compiled(town.rows, town.surroundings)
    half = Promotions.compiled(town.rows[:40], town.surroundings).changed(
        town.rows[40:], [row.id for row in town.rows[40:]], town.surroundings
    )
    shop_xyz = ecef(town.surroundings.lngs, town.surroundings.lats)
    for query in questions(town, 60, 9):
        whole = [one.order for one in _offers(whole_index, query, {}, shop_xyz)]
        for promotions in (whole_index, half):
            pages: list[tuple[int, int, str]] = []
            after = None
            while page := _offers(promotions, query, {}, shop_xyz, limit=3, after=after):
                pages += [one.order for one in page]
                last = page[-1]
                after = AfterOffer(last.inside, last.near + last.worth, last.promotion_id)
            assert pages == whole


def test_a_batch_finds_what_single_questions_find() -> None:
    for name, centre in _CENTRES.items():
        town = a_town(7, centre)
        index = Promotions.compiled(town.rows, town.surroundings).segments[0].index
        at = [query.at for query in questions(town, 400, 5) if query.at is not None]
        fences = index.fences.only(np.ones(len(index), np.uint8))
        starts, slots = fences.holding_many(np.array([p.lng for p in at]), np.array([p.lat for p in at]))
        for i, here in enumerate(at):
            single = fences.around(here, 0.0)
            expected = sorted(single.slots[single.inside].tolist())
            assert sorted(slots[starts[i] : starts[i + 1]].tolist()) == expected, name
            assert sorted(fences.holding(here).tolist()) == expected, name


def test_moving_by_the_stated_metres_towards_the_fence_makes_it_an_offer() -> None:
    """The counterfactual of `outside_fence`."""
    town = a_town(5, _CENTRES["Helsinki"], promotions=80)
    promotions = Promotions.compiled(town.rows, town.surroundings)
    tried = 0
    for query in questions(town, 300, 6):
        assert query.at is not None
        found = shortlist(promotions, query, query.at, reach_m=_REACH_M, everything=True)[0]
        for slot, inside, most in zip(
            found.slots.tolist(), found.inside.tolist(), found.most_m.tolist(), strict=True
        ):
            if inside:
                continue
            nearest = found.index.fences.nearest_inside(slot, query.at)
            assert found.index.fences.distance_m(slot, nearest) == 0.0
            assert found.index.fences.distance_m(slot, query.at) <= most + 1e-6
            tried += 1
    assert tried > 1_000
