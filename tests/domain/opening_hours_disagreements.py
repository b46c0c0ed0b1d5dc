"""Every value of the shared vectors on which we and the reference evaluator disagree, and why."""

from __future__ import annotations

DISAGREEMENTS: dict[tuple[str, str], str] = {
    ("helsinki", "We-Fr 13:00-18:00 Sa 12:00-18:00"): (
        "The separator between two rules is missing. The reference takes it as one rule and opens all four "
        "days at both times (Wednesday from 12:00); we read two rules, which is what was meant."
    ),
    ("helsinki", "Mo-Fr 08:00-19:00 Sa 09:00-19:00 Su 12:00-18:00"): (
        "As above: the reference opens every day 08:00-19:00, Sunday too; we read three rules."
    ),
    ("monaco", "09:00-12:30; 14:30-19:00; Su off"): (
        'Two shifts written with ";" in place of ",". The reference lets the afternoon override the morning, '
        "so the shop would never open in the morning; we add times that stand alone to what is before them."
    ),
    ("beijing", "24h"): (
        "Rejected by the reference, which does accept '24 hours'. It can only mean 24/7, so we take it."
    ),
}
