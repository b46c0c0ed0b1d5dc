"""The street, or where streets have no names the neighbourhood, that an address names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_SPLIT = re.compile(r"\s*[,;，、；]\s*")
_HOUSE_LAST = re.compile(
    r"(.*?[^\W\d].*?)\s+(?:no\.?\s*)?\d+\s*[a-zA-Z]?(?:\s*[-–/+].*|\s+.*)?\Z", re.IGNORECASE
)
_HOUSE_FIRST = re.compile(
    r"\d{1,5}\s?(?:bis|ter|[a-zA-Z])?(?:\s?[-–/]\s?\d+\s?[a-zA-Z]?)?\s+(.*[^\W\d].*)\Z", re.IGNORECASE
)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)\b", re.IGNORECASE)
_POSTCODE_FIRST = re.compile(r"(?:[A-Z]{1,2}-)?\d{3,7}(?:[- ]\d{2,4})?\s+(\D.*)\Z")
_ZH_STREET = re.compile(
    r"(?:[^省市区區]{2,8}?(?:省|自治区|自治區))?(?:[^省市区區]{1,6}市)?(?:[^市区區县縣镇鎮]{1,6}[区區县縣镇鎮]){0,2}"
    r"([\u3400-\u9fff]{1,10}?(?:大道|大街|胡同|路|街|巷|弄|道)"
    r"(?:[东西南北中東]段|[一二三四五六七八九十]段)?)(?=[\d０-９\s]|\Z)"
)
_JA_PREFECTURE = re.compile(r"\A(?:東京都|北海道|(?:大阪|京都)府|[\u3400-\u9fff]{2,3}県)")
_JA_TOWN = re.compile(
    r"\A(?:[^\d\s]{1,7}?郡)?(?:[^\d\s]{1,7}?市(?!市))?(?:[^\d\s]{1,6}?区)?(?:[^\d\s]{1,6}?[町村](?=[^\d\s]))?"
)
_JA_AREA = re.compile(
    r"([\u3400-\u9fff\u3040-\u30ffヶケノ々]{1,12}?)"
    r"(?=[\d０-９]|[一二三四五六七八九十]+丁目|[一二三四五六七八九十]+条|\Z)"
)


def streets_of(addresses: Sequence[str | None]) -> list[str | None]:
    """The street of each address; a lone word that other addresses use as their city is no street."""
    cities = cities_of(addresses)
    found = (street_of(address) if address else None for address in addresses)
    return [None if street in cities else street for street in found]


def cities_of(addresses: Iterable[str | None]) -> set[str]:
    """The cities that addresses end with."""
    return {city for city in map(_city_of, filter(None, addresses)) if city}


@lru_cache(maxsize=65_536)
def street_of(address: str) -> str | None:
    """The street of one address, such as "Mannerheimintie" of "Mannerheimintie 5, 00100 Helsinki".

    Reads "street number, postcode city", "number street, city", 上海市黄浦区南京东路299号 (南京东路) and
    東京都新宿区西新宿1-1-3 (西新宿). None when only a postcode, a city or a number is there.
    """
    if _HAN.search(address):
        return _east_asian(address)
    parts = [part for part in _SPLIT.split(address.strip()) if part]
    if not parts:
        return None
    first = parts[0]
    if len(parts) == 1 and _POSTCODE_FIRST.match(first) and not first[:3].strip().isalpha():
        return _first_number(first) if _looks_like_house(first) else None
    street = _HOUSE_LAST.match(first)
    if street and (not first[0].isdigit() or _ORDINAL.match(first)):
        return street[1].strip()
    if first[0].isdigit():
        return _first_number(first) or (street_of(parts[1]) if len(parts) > 2 else None)
    return first


def most_named(streets: Iterable[str | None]) -> list[tuple[str, int]]:
    """Streets with how often they are named, the most first; equals by name."""
    counts: dict[str, int] = {}
    for street in streets:
        if street:
            counts[street] = counts.get(street, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _first_number(text: str) -> str | None:
    found = _HOUSE_FIRST.match(text)
    return found[1].strip() if found else None


def _looks_like_house(text: str) -> bool:
    """Whether digits before a name are a house number, as in "5 Main Street": short, or several words after."""
    number, _, rest = text.partition(" ")
    return len(number) < 4 or len(rest.split()) > 1


def _city_of(address: str) -> str | None:
    parts = [part for part in _SPLIT.split(address.strip()) if part]
    if not parts:
        return None
    last = _POSTCODE_FIRST.match(parts[-1])
    if last:
        return last[1].strip()
    return parts[-1] if len(parts) > 1 else None


def _east_asian(address: str) -> str | None:
    text = re.sub(r"\A〒?\s*\d{3}-?\d{4}\s*", "", address.strip())
    chinese = _ZH_STREET.match(text)
    if chinese and not _JA_PREFECTURE.match(text) and not _KANA.search(text):
        return chinese[1]
    text = _JA_PREFECTURE.sub("", text)
    area = _JA_AREA.match(text[_town_end(text) :].strip())
    return area[1] if area else None


def _town_end(text: str) -> int:
    town = _JA_TOWN.match(text)
    end = town.end() if town else 0
    return end if end < len(text) and not text[end].isdigit() else 0
