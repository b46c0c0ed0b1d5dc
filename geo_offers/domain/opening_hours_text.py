"""How opening_hours are really written, turned into rules that the evaluator understands; decides no state.

The grammar is the OSM specification of opening_hours. Two kinds of change are made before evaluation:
slips of the pen whose meaning is plain ("Mo - Fr 9am-5pm", "Mo-Sa 09:30–19:30", "周一至周五 9:00-18:00"),
and forms that the specification defines but the evaluator reads otherwise (bare comments, open ends, PH,
hours after midnight). What stays ambiguous ("7:00-21", "9-5pm", "Seasonal") is left as it is, and is invalid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from types import MappingProxyType

_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = rf"(?:{'|'.join(_WEEKDAYS)})"
_ANY_DAY = rf"(?:{'|'.join(_WEEKDAYS)}|PH|SH)"
_DAYS = rf"(?:{_DAY}(?:-{_DAY})?|PH|SH)"
_TIME = r"\d{1,2}:\d{2}"

_DAY_NAMES = """
    mon monday mondays montag lundi, tue tues tuesday tuesdays dienstag mardi,
    wed weds wednesday wednesdays mittwoch mercredi, thu thur thurs thursday thursdays donnerstag jeudi,
    fri friday fridays freitag vendredi, sat saturday saturdays samstag samedi,
    sun sunday sundays sonntag dimanche
"""
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **{name.lower(): name for name in (*_WEEKDAYS, *_MONTHS, "PH", "SH")},
        **{name: name for name in ("off", "closed", "open", "unknown")},
        **{
            name: day
            for day, names in zip(_WEEKDAYS, _DAY_NAMES.split(","), strict=True)
            for name in names.split()
        },
        **dict.fromkeys(("to", "till", "until", "bis"), "-"),
        **dict.fromkeys(("and", "und", "et"), ","),
        **dict.fromkeys(("daily", "everyday"), "Mo-Su"),
    }
)
_CJK_DAYS: Mapping[str, str] = MappingProxyType(
    {
        sign: day
        for signs, day in zip(
            ("一月", "二火", "三水", "四木", "五金", "六土", "日天"), _WEEKDAYS, strict=True
        )
        for sign in signs
    }
)

_SIGNS: Mapping[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # full width to ASCII
    **dict.fromkeys(map(ord, "‐‑‒–—―−〜～∼至到"), "-"),
    **dict.fromkeys(map(ord, "“”„«»"), '"'),
    ord("、"): ",",
    ord("。"): ".",
}
_ALWAYS = re.compile(
    rf"(^|[;,] ?|{_ANY_DAY} )24 ?(?:h|hours|hrs|小时|小時|時間|x7)(?:/24)?(?![\w:.-])", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z]+")
_CHINESE_DAYS = re.compile(r"(?:周|週|星期|礼拜|禮拜)([一二三四五六日天])(?: ?- ?([一二三四五六日天]))?")
_JAPANESE_DAY = re.compile(r"([月火水木金土日])曜日?")
_CLOCK = r"(\d{1,2})(?:[:.h](\d{2})|(h))?(?: ?(am|pm|a\.m\.|p\.m\.))?"
_SPAN = re.compile(rf"(?<![\d:./\[]){_CLOCK} ?- ?{_CLOCK}(?![\d:.\w])", re.IGNORECASE)
_BARE_HOURS_MAY_FOLLOW = re.compile(rf"(?:^|[;|]|{_ANY_DAY}|\d,) ?$")
_HAS_DATES = re.compile(rf"{'|'.join(_MONTHS)}|week|easter|\d{{4}}")

# In this order; each sees what those above it have left.
_DAY_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"({_ANY_DAY})\.? ?- ?(?={_DAY})"), r"\1-"),
    (re.compile(rf"({_ANY_DAY}) ?[,&] ?(?={_ANY_DAY})"), r"\1,"),
    (re.compile(rf"({_ANY_DAY})(?:\.?:|\.)? ?(?=\d)"), r"\1 "),
)
_RULE_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"({_TIME}) ?(?:hrs|Uhr|h)\b", re.IGNORECASE), r"\1"),
    (re.compile(rf"({_TIME}\+?|off|closed|unknown|\") (?={_ANY_DAY})"), r"\1; "),
    (re.compile(rf"({_DAYS}) 24/7"), r"\1 00:00-24:00"),
    (re.compile(r"^[\s;,]+|[\s;,]+$"), ""),
    (re.compile(r";[\s;,]*;"), ";"),
)

_COMMENT = re.compile(r'"[^"]*"')
_SEPARATOR = re.compile(r" *(;|\|\|) *")
_RULE_MAY_START = re.compile(rf", *(?={_ANY_DAY}\b|(?:{'|'.join(_MONTHS)})\b|\d{{4}} |week |easter)")
_RULE_IS_FULL = re.compile(rf"{_TIME}|off|closed|open|unknown|\"|24/7|sun(?:rise|set)")
_STATE = re.compile(r"\b(?:off|closed|open|unknown)\b")
_MONTH = rf"(?:{'|'.join(_MONTHS)})"
_BY_WEEKDAY = re.compile(
    rf"({_MONTH}(?:-{_MONTH})?(?:,{_MONTH}(?:-{_MONTH})?)* )?({_DAYS}(?:,{_DAYS})*)(?: +|$)(.*)", re.DOTALL
)
_SPAN_OF_TIME = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_TIMES_ALONE = re.compile(rf"{_TIME}-{_TIME}(?:, ?{_TIME}-{_TIME})*")
_SPANS_ALONE = re.compile(rf"{_TIME}(?:-{_TIME})?\+?(?:, ?{_TIME}(?:-{_TIME})?\+?)*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a value, and the sign that joins it to the rules before: ";", "," or "||"."""

    joiner: str
    body: str


def rules_of(text: str) -> tuple[Rule, ...]:
    """The rules of a value as the evaluator can read them; nothing promises that each is valid."""
    rules = _split(_tidied(text.translate(_SIGNS)))
    defined = (_defined(rule, first=number == 0) for number, rule in enumerate(rules))
    return tuple(chain.from_iterable(defined))


def texts_of(rules: Sequence[Rule], holidays: Sequence[date] = ()) -> tuple[str, ...]:
    """The rules as texts for the evaluator: the first decides, each further one where all before say closed.

    holidays  what PH means; PH is spelled out as these days where it stands among a rule's weekdays

    A rule after ";" owns its days whole, from midnight on, and may itself go on into a day that another rule
    owns. The evaluator forgets the latter, so such a rule is written as two: its days are closed, then its
    hours are added. "Mo-Th 17:00-03:00; Fr-Su 15:00-03:00" becomes
    "Mo-Th 17:00-03:00; Fr-Su off, Fr-Su 15:00-03:00", which is open on Monday at 01:00.
    """
    texts: list[str] = []
    for rule in rules:
        bodies = _bodies(rule.body, holidays)
        if not texts or rule.joiner == "||":
            texts.append(", ".join(bodies))
        elif rule.joiner == ";" and _passes_midnight(rule.body):
            closed = "".join(f"; {_selector(body)} off" for body in bodies)
            texts[-1] += f"{closed}, {', '.join(bodies)}"
        else:
            texts[-1] += "".join(f"{rule.joiner} {body}" for body in bodies)
    return tuple(texts)


def names_holidays(rules: Sequence[Rule]) -> bool:
    """True when a rule names PH, whose days differ from country to country."""
    return any("PH" in _COMMENT.sub("", rule.body) for rule in rules)


def names_sun(rules: Sequence[Rule]) -> bool:
    """True when a rule names sunrise, sunset, dawn or dusk, whose times differ from place to place."""
    return any(re.search("sunrise|sunset|dawn|dusk", _COMMENT.sub("", rule.body)) for rule in rules)


def _tidied(text: str) -> str:
    comments = _COMMENT.findall(text)
    text = " ".join(_COMMENT.sub('"', text).split())  # one quote holds the place of each comment
    text = _CHINESE_DAYS.sub(lambda m: "-".join(_CJK_DAYS[sign] for sign in m.groups() if sign), text)
    text = _JAPANESE_DAY.sub(lambda m: _CJK_DAYS[m[1]], text)
    text = _WORD.sub(lambda m: _WORDS.get(m[0].lower(), m[0]), text)
    text = _rewritten(text, _DAY_REWRITES)
    text = _ALWAYS.sub(r"\g<1>24/7", text)
    text = _rewritten(_SPAN.sub(_span, text), _RULE_REWRITES)
    if text.count('"') != len(comments):
        return text
    waiting = iter(comments)
    return re.sub('"', lambda _: next(waiting), text)


def _rewritten(text: str, rewrites: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, replacement in rewrites:
        text = pattern.sub(replacement, text)
    return text


def _span(match: re.Match[str]) -> str:
    """A span of time as HH:MM-HH:MM, when its ends are written alike and it cannot be a span of dates."""
    start, end = match.groups()[:4], match.groups()[4:]
    bare = [not any(clock[1:]) for clock in (start, end)]
    if bare[0] != bare[1] or bool(start[3]) != bool(end[3]):
        return match[0]
    if all(bare) and not _bare_hours_may_stand(match.string[: match.start()]):
        return match[0]
    times = [_hh_mm(*clock) for clock in (start, end)]
    return "-".join(times) if all(times) else match[0]


def _bare_hours_may_stand(before: str) -> bool:
    rule = re.split(r"[;|]", before)[-1]
    after_day = re.search(rf"{_ANY_DAY} ?$", before) is not None
    return after_day or (_BARE_HOURS_MAY_FOLLOW.search(before) is not None and not _HAS_DATES.search(rule))


def _hh_mm(hour: str, minute: str | None, _h: str | None, half: str | None) -> str:
    number = int(hour)
    if half:
        if not 1 <= number <= 12:
            return ""
        number = number % 12 + (12 if half[0] in "pP" else 0)
    return f"{number:02d}:{minute or '00'}"


def _split(text: str) -> Iterator[Rule]:
    joiner = ";"
    comments = iter(_COMMENT.findall(text))
    for piece in _SEPARATOR.split(_COMMENT.sub('"', text)):
        if piece in (";", "||"):
            joiner = piece
            continue
        for body in _split_at_commas(piece):
            yield Rule(joiner, re.sub('"', lambda _: next(comments, '"'), body).strip())
            joiner = ","


def _split_at_commas(piece: str) -> Iterator[str]:
    """Parts of "Mo 10:00-12:00, Tu 11:00-12:00": a comma starts a rule only after a rule that is complete."""
    begin = 0
    for comma in _RULE_MAY_START.finditer(piece):
        if _RULE_IS_FULL.search(piece, begin, comma.start()):
            yield piece[begin : comma.start()]
            begin = comma.end()
    yield piece[begin:]


def _defined(rule: Rule, *, first: bool) -> tuple[Rule, ...]:
    """The rule in forms that need no defaults.

    A bare comment says unknown, an open end is unknown from where it begins. Times alone add to the rules
    before them, every day: overriding, they would make all of those void.
    """
    if rule.joiner == ";" and not first and _TIMES_ALONE.fullmatch(rule.body):
        return (Rule(",", f"Mo-Su {rule.body}"),)
    comment = _COMMENT.search(rule.body)
    if comment and not _STATE.search(_COMMENT.sub("", rule.body)):
        return (replace(rule, body=f"{rule.body[: comment.start()]}unknown {rule.body[comment.start() :]}"),)
    days = _selector(rule.body)
    times = rule.body[len(days) :].strip()
    if "+" not in times or not _SPANS_ALONE.fullmatch(times):
        return (rule,)
    spans = [span.strip() for span in times.split(",")]
    fixed = [span.rstrip("+") for span in spans if "-" in span]
    guessed = [_guessed_end(span.rstrip("+").split("-")[-1]) for span in spans if span.endswith("+")]
    bodies = [f"{days} {','.join(fixed)}"] if fixed else []
    bodies.append(f"{days} {','.join(guessed)} unknown")
    return tuple(Rule("," if number else rule.joiner, body.strip()) for number, body in enumerate(bodies))


def _guessed_end(start: str) -> str:
    """The span that an open end may last: to midnight, or 10 hours from 17:00 on, or 8 hours from 22:00 on.

    As the OSM specification of opening_hours guesses it.
    """
    hour, minute = (int(part) for part in start.split(":"))
    if hour < 17:
        return f"{start}-24:00"
    return f"{start}-{hour + (10 if hour < 22 else 8):02d}:{minute:02d}"


def _passes_midnight(body: str) -> bool:
    for span in _SPAN_OF_TIME.finditer(_COMMENT.sub("", body)):
        start, end = int(span[1]) * 60 + int(span[2]), int(span[3]) * 60 + int(span[4])
        if end > 24 * 60 or 0 < end <= start:
            return True
    return False


def _selector(body: str) -> str:
    """What comes before the times: weekdays, months, years."""
    first = re.search(_TIME, body)
    return body[: first.start()].strip() if first else body


def _bodies(body: str, holidays: Sequence[date]) -> list[str]:
    """The body, or two where "PH" is one of its days: for the weekdays, and for the holidays spelled out."""
    match = _BY_WEEKDAY.fullmatch(body)
    items = match[2].split(",") if match else []
    if not match or "PH" not in items or re.match(rf"[+-]|{_ANY_DAY}", match[3]):
        return [body]
    months, rest = match[1] or "", match[3]
    weekdays = ",".join(item for item in items if item != "PH")
    asked = _months(months)
    spelled = ",".join(
        f"{day.year} {_MONTHS[day.month - 1]} {day.day:02d}" for day in holidays if day.month in asked
    )
    selectors = ([f"{months}{weekdays}"] if weekdays else []) + ([spelled] if spelled else [])
    return [f"{selector} {rest}".strip() for selector in selectors] or [body]


def _months(listed: str) -> set[int]:
    """Month numbers of "Jun-Aug,Dec "; all of them for an empty text."""
    if not listed:
        return set(range(1, 13))
    numbers: set[int] = set()
    for item in listed.strip().split(","):
        start, end = _MONTHS.index(item[:3]), _MONTHS.index(item[-3:])
        numbers.update((start + step) % 12 + 1 for step in range((end - start) % 12 + 1))
    return numbers
