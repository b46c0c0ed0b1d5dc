"""What a reader saw while it read: counted as it goes, printed at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from geo_offers.domain.errors import InvalidInput, RowOfFault


@dataclass(slots=True)
class ReadReport:
    """Counts of one reading: rows seen, kept by category, skipped by reason, and what deserves a word.

    noted          kept all the same, by what was odd (such as "dangling node reference")
    first_skipped  where the first row of each reason was, such as "line 12" or "/features/0"
    faults         the first `most_faults` rows that were skipped, each with its fault
    """

    read: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    first_skipped: dict[str, str] = field(default_factory=dict)
    faults: list[RowOfFault] = field(default_factory=list)
    most_faults: int = 0

    def skip(self, reason: str, place: str, fault: InvalidInput | None = None) -> None:
        """One row fewer, and where it was if it is the first for this reason; `fault` is what was raised for it."""
        self.skipped[reason] += 1
        self.first_skipped.setdefault(reason, place)
        if len(self.faults) < self.most_faults:
            self.faults.append(_row_of(reason, place, fault))

    def reasons(self) -> str:
        """The reasons for skipping in one line, such as "3 no name (first at line 2)"."""
        return ", ".join(
            f"{count:,} {reason} (first at {self.first_skipped[reason] or '/'})"
            for reason, count in self.skipped.most_common()
        )


def _row_of(reason: str, place: str, fault: InvalidInput | None) -> RowOfFault:
    if fault is None:
        return RowOfFault(place, "", reason.replace(" ", "_"), f"the row was left out: {reason}")
    return RowOfFault(place, fault.pointer or "", fault.code, str(fault))
