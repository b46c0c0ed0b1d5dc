"""Rows that a merchant brings in together: all or none, each faulty row with its fault, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from geo_offers.domain.errors import RowOfFault, RowsFaulty

T_co = TypeVar("T_co", covariant=True)

#: Of more faulty rows the rest is not listed.
MOST_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class Rows(Generic[T_co]):
    """What was read, and where each of it was, such as "line 12"."""

    values: Sequence[T_co]
    places: Sequence[str]


@dataclass(slots=True)
class Imported:
    """What became of rows."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0

    def note(self, *, is_new: bool, is_same: bool) -> None:
        """One more row."""
        if is_new:
            self.added += 1
        elif is_same:
            self.unchanged += 1
        else:
            self.updated += 1


def refusal(faults: Sequence[RowOfFault]) -> RowsFaulty:
    """Why nothing was taken."""
    listed = faults[:MOST_LISTED]
    count = f"{len(listed):,}" if len(listed) < MOST_LISTED else f"{MOST_LISTED:,} or more"
    rows = "row" if len(listed) == 1 else "rows"
    first = f"{listed[0].row}{listed[0].pointer}: {listed[0].detail}"
    return RowsFaulty(f"{count} faulty {rows}, nothing was imported; the first: {first}", rows=listed)
