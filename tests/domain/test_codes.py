"""Coupon codes: a typo is caught, what people type is read as they mean it, own codes stay what they are."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_offers.domain.codes import (
    ALPHABET,
    LENGTH,
    RANDOM,
    canonical,
    code_of,
    is_mistyped,
    new_code,
    own_code,
    readings,
    shown,
)
from geo_offers.domain.errors import CodeInvalid

CODES = st.lists(st.integers(0, 31), min_size=RANDOM, max_size=RANDOM).map(code_of)


def is_code(text: str) -> bool:
    try:
        return canonical(text) == text
    except CodeInvalid:
        return False


def replaced(code: str, *changes: tuple[int, str]) -> str:
    symbols = list(code)
    for place, symbol in changes:
        symbols[place] = symbol
    return "".join(symbols)


def test_the_alphabet_is_crockfords():
    assert len(set(ALPHABET)) == 32
    assert set(ALPHABET) == set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set("ILOU")
    assert "".join(sorted(ALPHABET)) == ALPHABET


def test_new_codes_are_canonical_and_differ():
    codes = [new_code() for _ in range(5_000)]
    assert len(set(codes)) == len(codes)
    assert all(len(code) == LENGTH == 12 and canonical(code) == code for code in codes)
    assert all({code[place] for code in codes} == set(ALPHABET) for place in range(LENGTH))


@settings(max_examples=20)
@given(CODES)
def test_any_one_wrong_character_is_caught(code: str):
    wrong = [replaced(code, (place, symbol)) for place in range(LENGTH) for symbol in ALPHABET]
    assert [one for one in wrong if is_code(one)] == [code] * LENGTH


@settings(max_examples=50)
@given(CODES)
def test_any_swap_of_two_characters_is_caught(code: str):
    for one, other in combinations(range(LENGTH), 2):
        swapped = replaced(code, (one, code[other]), (other, code[one]))
        assert swapped == code or not is_code(swapped)


def test_any_two_wrong_characters_are_caught():
    code = new_code()
    for one, other in combinations(range(LENGTH), 2):
        for a in ALPHABET.replace(code[one], ""):
            for b in ALPHABET.replace(code[other], ""):
                assert not is_code(replaced(code, (one, a), (other, b)))


@given(CODES, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_a_character_too_many_or_too_few_is_caught(code: str, place: int, symbol: str):
    for wrong in (code[:place] + code[place + 1 :], code[:place] + symbol + code[place:]):
        with pytest.raises(CodeInvalid, match=f"12 characters, this has {len(wrong)}"):
            canonical(wrong)


@given(CODES, st.data())
def test_a_code_is_read_however_it_was_typed(code: str, data: st.DataObject):
    meant = {"0": "0oOＯ０", "1": "1iIlLｌ１"}
    typed = ""
    for symbol in code:
        wide = chr(ord(symbol) - ord("!") + ord("！"))
        typed += data.draw(st.sampled_from(meant.get(symbol, symbol + symbol.lower() + wide)))
        typed += data.draw(st.sampled_from(["", "", "-", " ", "－", "–", "ー", "\u3000", "\u00a0", "\n"]))
    assert canonical(typed) == code


@given(CODES)
def test_a_code_is_shown_in_groups_of_four_and_read_again(code: str):
    assert shown(code) == f"{code[:4]}-{code[4:8]}-{code[8:]}"
    assert canonical(shown(code)) == code
    assert shown("SUMMER-26") == "SUMMER-26"
    assert shown(replaced(code, (3, "0" if code[3] != "0" else "1"))).count("-") == 0


STRANGE = [
    "",
    " ",
    "U" * 12,
    "3FKW90TQXAKU",
    "3FKW90TQXAK9!",
    "É" * 12,
    "\ud800" * 12,
    "\x00" * 12,
    "½" * 6,
    "三" * 12,
]


@pytest.mark.parametrize("text", [*STRANGE, "A" * 11, "A" * 13, "0" * 11 + "1", "A" * 101, "ﷺ" * 100])
def test_what_is_no_code_is_refused_in_a_few_words(text: str):
    with pytest.raises(CodeInvalid) as refused:
        canonical(text)
    assert refused.value.pointer == "/code"
    assert len(str(refused.value)) < 70
    assert str(refused.value).isascii()


@given(st.text(max_size=30))
def test_any_text_is_a_code_or_refused(text: str):
    try:
        code = canonical(text)
    except CodeInvalid:
        return
    assert canonical(code) == code


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("summer-26", "SUMMER-26"),
        ("ＬＯＯＫ１", "LOOK1"),
        (" VIP0 ", "VIP0"),
        ("a–b–c", "A-B-C"),
        ("x" * 40, "X" * 40),
        ("ILOU", "ILOU"),
    ],
)
def test_a_merchants_own_code_keeps_its_letters_and_hyphens(typed: str, code: str):
    assert own_code(typed) == code
    assert own_code(code) == code
    assert shown(code) == code


@pytest.mark.parametrize(
    "text", ["", "ABC", "A" * 41, "A BC", "-ABC", "ABC-", "A_BC", "ÀBCD", "straße", "ABCD\n-", "A.BC", "ı234"]
)
def test_an_own_code_of_another_form_is_refused(text: str):
    with pytest.raises(CodeInvalid, match="4 to 40") as refused:
        own_code(text)
    assert refused.value.pointer == "/code"


def test_a_typed_text_is_looked_up_as_ours_and_as_somebodys_own():
    code = new_code()
    assert readings(code) == (code,)
    assert readings(shown(code).lower()) == (code, shown(code))
    assert readings("summer-26") == ("SUMMER-26",)
    with pytest.raises(CodeInvalid, match="'!'"):
        readings("!" * 12)


@given(CODES)
def test_a_typo_in_a_code_of_ours_is_told_from_another_word(code: str):
    wrong = replaced(code, (0, "0" if code[0] != "0" else "1"))
    assert is_mistyped(shown(wrong).lower())
    assert not is_mistyped(code)
    assert not is_mistyped("SUMMER-26")
    assert not is_mistyped("U" * 12)
