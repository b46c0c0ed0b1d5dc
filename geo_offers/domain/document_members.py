"""The members of a decoded JSON object, taken one by one by their type; a fault names its member by a JSON Pointer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from geo_offers.domain.errors import InvalidInput, PromotionInvalid, ScheduleInvalid
from geo_offers.domain.place import MAX_NAME_LENGTH, clean_text

_LONGEST_SHOWN = 40
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z")


class Members:
    """The members of one object of a promotion document.

    pointer  where the object is in the document; "" is the document itself
    only     the members that it may have

    Every method raises InvalidInput, with the pointer of the member, for one that is missing (unless there is
    a default) or of another type: a bool is no number, 2.0 is no whole number, null is nothing but null.
    """

    __slots__ = ("_object", "_pointer")

    def __init__(self, value: object, pointer: str) -> None:
        if not isinstance(value, Mapping):
            raise _wrong(value, "an object", pointer)
        self._object: Mapping[str, Any] = value
        self._pointer = pointer

    def only(self, *names: str) -> None:
        """Refuse every other member by name."""
        others = self._object.keys() - set(names)
        if others:
            other = min(map(str, others))
            raise PromotionInvalid(
                f"there is no member {_shown(other)} here; there are {', '.join(names)}",
                pointer=self.pointer_of(other),
            )

    def pointer_of(self, name: str) -> str:
        """The JSON Pointer of a member (RFC 6901)."""
        return f"{self._pointer}/{name.replace('~', '~0').replace('/', '~1')}"

    def inner(self, name: str, *, default: Mapping[str, Any] | None = None) -> Members:
        """A member that is an object."""
        return Members(self._given(name, default), self.pointer_of(name))

    def anything(self, name: str) -> Any:
        """A member of any type; None when it is missing."""
        return self._object.get(name)

    def text(self, name: str, *, default: str | None = None, longest: int = MAX_NAME_LENGTH) -> str:
        """A member that is a text of at least one character, in NFC and without outer blanks."""
        return _clean(self._given(name, default), self.pointer_of(name), longest)

    def optional_text(self, name: str, *, longest: int = MAX_NAME_LENGTH) -> str | None:
        """A text, or None for null and for nothing."""
        return None if self._object.get(name) is None else self.text(name, longest=longest)

    def texts(self, name: str) -> tuple[str, ...]:
        """A member that is a list of texts; () when it is missing."""
        values = self._given(name, [])
        if not isinstance(values, list | tuple):
            raise _wrong(values, "a list of texts", self.pointer_of(name))
        pointer = self.pointer_of(name)
        return tuple(
            _clean(value, f"{pointer}/{place}", MAX_NAME_LENGTH) for place, value in enumerate(values)
        )

    def by_language(self) -> dict[str, str]:
        """All members as texts by the language tag (BCP 47) that is their name."""
        for tag in self._object:
            if not _LANGUAGE_TAG.match(tag):
                raise PromotionInvalid(
                    f"{_shown(tag)} is no language tag; write such as en or zh-Hant",
                    pointer=self.pointer_of(tag),
                )
        return {tag: self.text(tag) for tag in self._object}

    def word(self, name: str, words: Sequence[str], *, default: str | None = None) -> str:
        """A member that is one of these words."""
        value = self._given(name, default)
        if not isinstance(value, str) or value not in words:
            raise _wrong(value, f"one of {', '.join(words)}", self.pointer_of(name))
        return value

    def truth(self, name: str, *, default: bool) -> bool:
        """A member that is true or false."""
        value = self._given(name, default)
        if not isinstance(value, bool):
            raise _wrong(value, "true or false", self.pointer_of(name))
        return value

    def whole(self, name: str) -> int:
        """A member that is a whole number, written as one."""
        value = self._given(name, None)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(value, "a whole number", self.pointer_of(name))
        return value

    def optional_whole(self, name: str) -> int | None:
        """A whole number, or None for null and for nothing."""
        return None if self._object.get(name) is None else self.whole(name)

    def number(self, name: str, *, default: float | None = None) -> float:
        """A member that is a finite number."""
        return _number(self._given(name, default), self.pointer_of(name))

    def numbers(self, name: str, *, count: int) -> list[float]:
        """A member that is a list of so many numbers."""
        values = self._given(name, None)
        if not isinstance(values, list | tuple) or len(values) != count:
            raise _wrong(values, f"a list of {count} numbers", self.pointer_of(name))
        return [_number(value, f"{self.pointer_of(name)}/{place}") for place, value in enumerate(values)]

    def time(self, name: str) -> datetime:
        """A member that is a time with its zone, as RFC 3339 writes it; cut to the millisecond."""
        value, pointer = self._given(name, None), self.pointer_of(name)
        word = f"{name} is {_shown(value)}; write a time with its zone, such as 2026-12-01T00:00:00+08:00"
        if not isinstance(value, str) or not _RFC_3339.match(value):
            raise ScheduleInvalid(word, pointer=pointer)
        try:
            at = datetime.fromisoformat(value.upper())
            at.astimezone(UTC)
        except (ValueError, OverflowError) as fault:
            raise ScheduleInvalid(word, pointer=pointer) from fault
        return at.replace(microsecond=at.microsecond // 1_000 * 1_000)

    def _given(self, name: str, default: object) -> Any:
        if name in self._object:
            return self._object[name]
        if default is None:
            raise PromotionInvalid(f"{name} is missing", pointer=self.pointer_of(name))
        return default


@contextmanager
def faults_at(root: str) -> Iterator[None]:
    """Faults raised inside point into `root`, whoever found them."""
    try:
        yield
    except InvalidInput as fault:
        inner = fault.pointer or ""
        fault.pointer = inner if inner.startswith(root) else root + inner
        raise


def _number(value: object, pointer: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, "a number", pointer)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _wrong(value, "a finite number", pointer)
    return number


def _clean(value: object, pointer: str, longest: int) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "a text", pointer)
    what = pointer.rpartition("/")[2]
    with faults_at(pointer):
        cleaned = clean_text(clean_text(value, what=what, longest=longest), what=what, longest=longest)
    if not cleaned:
        raise PromotionInvalid(f"{what} is empty", pointer=pointer)
    return cleaned


def _wrong(value: object, wanted: str, pointer: str) -> PromotionInvalid:
    what = pointer.rpartition("/")[2] or "the document"
    return PromotionInvalid(f"{what} is {_shown(value)}, not {wanted}", pointer=pointer)


def _shown(value: object) -> str:
    """The value in a few characters of JSON's words."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case _:
            text = repr(value[: _LONGEST_SHOWN + 1] if isinstance(value, str) else value)
            return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
