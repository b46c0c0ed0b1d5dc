"""Which of a thing's names a reader wants: language tags (BCP 47) and the Accept-Language header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

# A region or a bare language that says which Chinese script is read there.
_SCRIPTS = {
    "zh-cn": "zh-hans",
    "zh-sg": "zh-hans",
    "zh-my": "zh-hans",
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
}
# What a reader of the key also reads, nearest first, when his own is not there.
_NEAR = {"zh": ("zh-hans", "zh-hant"), "zh-hans": ("zh", "zh-hant"), "zh-hant": ("zh", "zh-hans")}
_MOST_TAGS = 16
_LONGEST_HEADER = 1_000
_LONGEST_TAG = 35  # RFC 5646, 4.4.1


def accepted_languages(header: str) -> tuple[str, ...]:
    """Language tags of an Accept-Language header, lower case, the most wanted first.

    Parts that cannot be read are passed over (RFC 9110 12.5.4 makes the header advice, not a demand).
    """
    return _accepted(header[:_LONGEST_HEADER])


@lru_cache(maxsize=1_024)
def _accepted(header: str) -> tuple[str, ...]:
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:_MOST_TAGS]):
        tag, _, quality = part.strip().partition(";")
        weight = _weight(quality.strip())
        if 0 < len(tag.strip()) <= _LONGEST_TAG and weight > 0:
            wanted.append((-weight, place, tag.strip().lower()))
    return tuple(tag for _, _, tag in sorted(wanted))


def _weight(quality: str) -> float:
    if not quality:
        return 1.0
    name, _, number = quality.partition("=")
    try:
        return float(number) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0


def name_for(name: str, names: Mapping[str, str], languages: Sequence[str]) -> str:
    """The name for the first language that the thing has one in; else its own name."""
    if not languages or not names:
        return name
    by_tag = {tag.lower(): text for tag, text in names.items()}
    for language in languages:
        for tag in _lookups(language):
            if tag in by_tag:
                return by_tag[tag]
    return name


@lru_cache(maxsize=1_024)
def _lookups(language: str) -> tuple[str, ...]:
    """The tags under which a name for this language may stand, nearest first (RFC 4647, lookup)."""
    tags = [language]
    if language in _SCRIPTS:
        tags.append(_SCRIPTS[language])
    parts = language.split("-")
    tags.extend("-".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
    for tag in tuple(tags):
        tags.extend(_NEAR.get(tag, ()))
    return tuple(dict.fromkeys(tags))
