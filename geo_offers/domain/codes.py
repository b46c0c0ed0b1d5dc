"""Coupon codes as people type them: codes of ours, which show a typo, and codes that merchants bring along."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence

from geo_offers.domain.errors import CodeInvalid

#: Crockford's base 32: no I, L, O or U. A symbol's place is its number, an element of GF(32).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = 10  # characters of 5 bits: nobody guesses one of 2**50
LENGTH = RANDOM + 2
_NUMBERS = {symbol: number for number, symbol in enumerate(ALPHABET)}
_POLYNOMIAL = 0b100101  # x**5 + x**2 + 1: its root generates all 31 nonzero elements of GF(32)
_GROUP = 4

_LONGEST_TYPED = 100
_DASHES = re.compile("[\u2010-\u2015\u2212\u30fc]")  # also what a Japanese keyboard writes for a hyphen
_LEFT_OUT = re.compile(r"[-\s]")
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_READ_AS = str.maketrans("ILO", "110")
_OWN = re.compile(r"[A-Z0-9][A-Z0-9-]{2,38}[A-Z0-9]\Z")


def new_code() -> str:
    """A code that nobody can guess, canonical: 10 random characters and 2 that check them."""
    return code_of([secrets.randbelow(32) for _ in range(RANDOM)])


def code_of(numbers: Sequence[int]) -> str:
    """The code of 10 numbers from 0 to 31, with its check characters."""
    return "".join(ALPHABET[number] for number in (*numbers, *_checks(numbers)))


def canonical(text: str) -> str:
    """The code of ours that was typed: 12 characters, upper case, without hyphens.

    Small letters, hyphens, blanks and full-width characters are read as they are meant; I and L as 1, O as 0.
    Any one or two wrong characters, and so any swap of two, are caught. Raises CodeInvalid.
    """
    code = _squeezed(text)
    stranger = next((one for one in code if one not in _NUMBERS), None)
    if stranger is not None:
        raise CodeInvalid(f"no code has the character {stranger!a}", pointer="/code")
    if len(code) != LENGTH:
        raise CodeInvalid(f"a code has {LENGTH} characters, this has {len(code)}", pointer="/code")
    if not _is_sound(code):
        raise CodeInvalid("there is a typo in the code; read it again", pointer="/code")
    return code


def own_code(text: str) -> str:
    """A merchant's own code, canonical: 4 to 40 of A-Z, 0-9 and, between them, hyphens, which are kept.

    Small letters and full-width characters are read as they are meant, letters and digits stay apart (O is no 0).
    Raises CodeInvalid.
    """
    code = _DASHES.sub("-", _folded(text)).strip()
    if not _OWN.match(code):
        raise CodeInvalid(
            "a code of your own has 4 to 40 letters A-Z, digits and, between them, hyphens", pointer="/code"
        )
    return code


def readings(text: str) -> tuple[str, ...]:
    """The canonical codes that a typed text may stand for, ours first; a look-up tries all of them.

    A merchant's own code may look like one of ours: the form does not tell them apart, only whose list it is in.
    Raises CodeInvalid when there is none. See `is_mistyped` for what a look-up in vain means.
    """
    found: list[str] = []
    fault: CodeInvalid | None = None
    for read in (canonical, own_code):
        try:
            found.append(read(text))
        except CodeInvalid as caught:
            fault = fault or caught
    if not found and fault is not None:
        raise fault
    return tuple(dict.fromkeys(found))


def is_mistyped(text: str) -> bool:
    """Whether this is of the form of our codes but for its check characters; of an own code, that is chance."""
    code = _squeezed(text)
    return _has_form(code) and not _is_sound(code)


def shown(code: str) -> str:
    """A canonical code as people read it: ours in groups of 4 with hyphens between, a merchant's own as it is."""
    if not (_has_form(code) and _is_sound(code)):
        return code
    return "-".join(code[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))


def _checks(numbers: Sequence[int]) -> tuple[int, int]:
    """Two sums over GF(32) that check random characters c: of all c[i], and of all a**i * c[i], a the root.

    Proof: an error at place i changes the sums by e * (1, a**i), at the check characters by e * (1, 0) or e * (0, 1);
    no two of these 12 vectors are multiples of each other, so two errors never cancel; and a swap is two errors.
    """
    total = weighted = 0
    for number in reversed(numbers):  # Horner's rule: place 0 has the weight 1
        total ^= number
        weighted = _times_root(weighted) ^ number
    return total, weighted


def _times_root(number: int) -> int:
    doubled = number << 1
    return doubled ^ _POLYNOMIAL if doubled & 32 else doubled


def _has_form(code: str) -> bool:
    return len(code) == LENGTH and all(one in _NUMBERS for one in code)


def _is_sound(code: str) -> bool:
    numbers = [_NUMBERS[symbol] for symbol in code]
    return tuple(numbers[RANDOM:]) == _checks(numbers[:RANDOM])


def _squeezed(text: str) -> str:
    """The characters that count, read as symbols of ours where they can be."""
    return _LEFT_OUT.sub("", _folded(text)).translate(_READ_AS)


def _folded(text: str) -> str:
    """The text in upper case ASCII as far as it is meant so."""
    if len(text) > _LONGEST_TYPED:
        raise CodeInvalid(f"a code is not {len(text):,} characters long", pointer="/code")
    return _DASHES.sub("-", unicodedata.normalize("NFKC", text)).translate(_UPPER)
