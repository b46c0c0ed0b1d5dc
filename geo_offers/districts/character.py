"""What a district is like, measured against its city: what it has most of, how diverse it is, how high it ranks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from geo_offers.districts.discovered import CategoryShare, Rank

_MOST = 3
_FEWEST_SHOPS = 3
_OVER_CITY = 1.15
#: Of the weight of the city's heaviest district, and of shops: both must be reached.
_REGIONAL = (0.5, 80)
_TOWN = (0.12, 25)


def primary_groups(categories: Sequence[str], city: Sequence[str]) -> tuple[CategoryShare, ...]:
    """Up to three groups that stand out most against the city; the largest group when none does.

    Standing out is counted in standard deviations of a chance draw of as many shops from the city.
    """
    own, whole = Counter(map(_group, categories)), Counter(map(_group, city))
    total = len(categories)

    def stands_out(group: str) -> float:
        usual = whole[group] / len(city)
        return (own[group] - total * usual) / math.sqrt(max(total * usual * (1 - usual), 1e-9))

    shares = {
        group: CategoryShare(
            group, round(count / total, 4), round(count / total * len(city) / whole[group], 2)
        )
        for group, count in own.items()
    }
    high = [
        group
        for group in shares
        if own[group] >= _FEWEST_SHOPS and shares[group].over_city >= _OVER_CITY and stands_out(group) >= 1
    ]
    ordered = sorted(high, key=lambda group: (-stands_out(group), group))[:_MOST]
    return tuple(shares[group] for group in ordered or [min(own, key=lambda group: (-own[group], group))])


def kinds(categories: Sequence[str]) -> float:
    """How many equally common categories would be as diverse (Hill number of order 1)."""
    counts = Counter(categories)
    shares = [count / len(categories) for count in counts.values()]
    return math.exp(-sum(share * math.log(share) for share in shares))


def weight_of(shops: int, diversity: float) -> float:
    """What rank goes by: many shops of many kinds."""
    return shops * math.sqrt(diversity)


def rank_of(shops: int, diversity: float, *, heaviest: float) -> Rank:
    """The rank beside the heaviest district of the city; small absolute numbers never rank high."""
    relative = weight_of(shops, diversity) / heaviest
    if relative >= _REGIONAL[0] and shops >= _REGIONAL[1]:
        return "regional"
    return "town" if relative >= _TOWN[0] and shops >= _TOWN[1] else "local"


def _group(category: str) -> str:
    return category.partition(".")[0]
