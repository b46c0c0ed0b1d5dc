"""OSM tags become the parts of a shop: name, names by language, brand, address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from geo_offers.domain.categories import category_of_tags
from geo_offers.domain.errors import InvalidInput
from geo_offers.domain.place import MAX_NAME_LENGTH, LngLat, Shop, clean_text
from geodata.report import ReadReport
from geodata.rows import ReadOptions, Skip, make_shop

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_OLD_LANGUAGES = {"zh-simplified": "zh-Hans", "zh-traditional": "zh-Hant"}


def shop_of_tags(
    tags: Mapping[str, str], *, category: str | None, at: LngLat, source_id: str | None, options: ReadOptions
) -> Shop | Skip:
    """The shop that OSM-like tags describe, or why there is none; raises InvalidInput as Shop does.

    Without a name the brand or the operator stands in.
    """
    if category is None:
        return Skip.NO_CATEGORY
    name = name_in(tags)
    if name is None:
        return Skip.NO_NAME
    return make_shop(
        options,
        source_id=source_id,
        name=name,
        category=category,
        at=at,
        names=names_in(tags),
        brand=tags.get("brand"),
        address=address_in(tags),
        opening_hours=tags.get("opening_hours"),
    )


def forgiving_shop_of_tags(
    tags: Mapping[str, str], *, at: LngLat, source_id: str, options: ReadOptions, report: ReadReport
) -> Shop | Skip:
    """The same for a file that nobody here can mend: it never raises.

    A name that must not be stored makes a skipped row. Any other such text is left out and noted,
    because one stray mark in a translation is no reason to lose a shop, or a whole city.
    """
    category = category_of_tags(tags)
    try:
        return shop_of_tags(tags, category=category, at=at, source_id=source_id, options=options)
    except InvalidInput:
        sound = {key: text for key, text in tags.items() if _storable(text)}
    if name_in(sound) != name_in(tags):
        return Skip.TEXT_REFUSED
    report.noted["text left out"] += 1
    return shop_of_tags(sound, category=category, at=at, source_id=source_id, options=options)


def name_in(tags: Mapping[str, str]) -> str | None:
    """The name, else the brand, else the operator; None when all are blank."""
    for key in ("name", "brand", "operator"):
        name = tags.get(key, "").strip()
        if name:
            return name
    return None


def names_in(tags: Mapping[str, str]) -> dict[str, str]:
    """Names by BCP 47 tag, from `name:xx`; what is no language (name:left, name:zh_pinyin) is left out."""
    names = {}
    for key, text in tags.items():
        if key.startswith("name:") and text.strip():
            language = language_tag(key[5:])
            if language is not None:
                names[language] = text
    return names


@lru_cache(maxsize=1_024)
def language_tag(word: str) -> str | None:
    """The word as a BCP 47 tag in its usual case ("zh-hant-tw" is "zh-Hant-TW"), or None."""
    word = _OLD_LANGUAGES.get(word, word)
    if not _LANGUAGE.match(word):
        return None
    language, *rest = word.split("-")
    return "-".join([language, *map(_subtag, rest)])


def address_in(tags: Mapping[str, str]) -> str | None:
    """The address in one line: addr:full, else "street number, postcode city" as far as known."""
    if "addr:full" in tags:
        return tags["addr:full"]
    street = _joined(tags, "addr:street", "addr:housenumber")
    if "addr:street" not in tags and "addr:place" in tags:
        street = _joined(tags, "addr:place", "addr:housenumber")
    return ", ".join(filter(None, (street, _joined(tags, "addr:postcode", "addr:city")))) or None


def _joined(tags: Mapping[str, str], *keys: str) -> str:
    return " ".join(tags[key] for key in keys if key in tags)


def _subtag(word: str) -> str:
    if len(word) == 4 and word.isalpha():
        return word.title()
    return word.upper() if len(word) == 2 else word.lower()


def _storable(text: str) -> bool:
    try:
        clean_text(text, what="text", longest=MAX_NAME_LENGTH)
    except InvalidInput:
        return False
    return True
