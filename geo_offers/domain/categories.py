"""Our category tree, and the leaf that a place's OSM tags stand for; the tables are beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from geo_offers.domain.category_tags import TAG_ROWS
from geo_offers.domain.category_tree import GROUP_ROWS, LANGUAGES, LEAF_ROWS
from geo_offers.domain.errors import CategoryUnknown


@dataclass(frozen=True, slots=True)
class Category:
    """A leaf such as "food.cafe" or a group such as "food".

    names  by BCP 47 tag: en, zh-Hans, zh-Hant, ja
    """

    key: str
    names: Mapping[str, str]


def _category(key: str, *names: str) -> Category:
    return Category(key, MappingProxyType(dict(zip(LANGUAGES, names, strict=True))))


GROUPS: tuple[Category, ...] = tuple(_category(*row) for row in GROUP_ROWS)
LEAVES: tuple[Category, ...] = tuple(_category(*row) for row in LEAF_ROWS)
LEAF_INDEX: Mapping[str, int] = MappingProxyType({leaf.key: position for position, leaf in enumerate(LEAVES)})

TAG_KEYS = ("shop", "amenity", "tourism", "leisure", "craft", "healthcare", "office", "information")
"""The OSM keys that are looked at, the strongest first."""

_LEAF_OF_TAG: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (key, value): leaf
        for leaf, values_by_key in TAG_ROWS.items()
        for key, values in values_by_key.items()
        for value in values.split()
    }
)
_REST_OF_KEY: Mapping[str, str] = MappingProxyType({"shop": "shop.other", "craft": "services.other"})
_NOT_IN_USE = frozenset(
    {
        "",
        "no",
        "none",
        "vacant",
        "empty",
        "closed",
        "disused",
        "abandoned",
        "demolished",
        "former",
        "construction",
    }
)
_WHOLE_PLACE = frozenset(
    {"stay.hotel", "stay.guesthouse", "health.pharmacy", "mobility.fuel", "culture.museum"}
)
_AT_LAST = frozenset(
    {"shop.other", "services.other", "services.atm", "services.post", "culture.attraction"}
    | {"mobility.parking", "mobility.charging"}
)


def leaves_of(key: str) -> tuple[str, ...]:
    """The leaf keys that a key stands for: a leaf itself, a group all of its leaves.

    Raises CategoryUnknown, which names keys that are spelled alike.
    """
    if key in LEAF_INDEX:
        return (key,)
    leaves = tuple(leaf for leaf in LEAF_INDEX if leaf.partition(".")[0] == key)
    if leaves:
        return leaves
    raise CategoryUnknown(_unknown(key))


def category_of_tags(tags: Mapping[str, str]) -> str | None:
    """The leaf of a place with these OSM tags; None when it is no merchant, out of use or not for visitors.

    Several tags may name a leaf, and each may be a list ("books;stationery"). Then decides, in this order:
    1. what makes the whole place: somewhere to stay, a pharmacy, a fuel station, a museum
       (amenity=fuel + shop=convenience is mobility.fuel)
    2. the first leaf by TAG_KEYS, within a list from the left
       (shop=bakery + amenity=cafe is grocery.bakery)
    3. what is often a mere addition: a cash machine, parcels, parking, charging, an attraction, and the
       leaves for the rest (shop=yes + craft=tailor is services.repair)
    An unknown value of shop is shop.other, of craft services.other; of another key it is nothing.
    """
    if (
        tags.get("disused") == "yes"
        or tags.get("abandoned") == "yes"
        or tags.get("access") in ("private", "no")
    ):
        return None
    found = [leaf for key in TAG_KEYS for leaf in _leaves_of_tag(key, tags.get(key))]
    return min(found, key=_rank, default=None)  # the first of those that rank alike


def _leaves_of_tag(key: str, listed: str | None) -> Iterator[str]:
    for written in (listed or "").split(";"):
        value = "_".join(written.lower().split())
        leaf = _LEAF_OF_TAG.get((key, value)) or _REST_OF_KEY.get(key)
        if leaf and value not in _NOT_IN_USE:
            yield leaf


def _rank(leaf: str) -> int:
    return 0 if leaf in _WHOLE_PLACE else 2 if leaf in _AT_LAST else 1


def _unknown(key: str) -> str:
    keys = [category.key for category in (*GROUPS, *LEAVES)]
    by_last_part = {leaf.rpartition(".")[2]: leaf for leaf in LEAF_INDEX}
    word = key[:64].lower()
    near = get_close_matches(word, keys, n=3) or [
        by_last_part[part] for part in get_close_matches(word.rpartition(".")[2], by_last_part, n=3)
    ]
    advice = (
        f"did you mean {', '.join(near)}?"
        if near
        else f"groups are {', '.join(group.key for group in GROUPS)}"
    )
    return f"there is no category {key[:64]!r}; {advice}"
