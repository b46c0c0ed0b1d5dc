"""What a reader saw while it read: counted as it goes, printed at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class ReadReport:
    """Counts of one reading: rows seen, kept by category, skipped by reason, and what deserves a word.

    noted          kept all the same, by what was odd (such as "dangling node reference")
    first_skipped  where the first row of each reason was, such as "line 12" or "/features/0"
    """

    read: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    first_skipped: dict[str, str] = field(default_factory=dict)

    def skip(self, reason: str, place: str) -> None:
        """One row fewer, and where it was if it is the first for this reason."""
        self.skipped[reason] += 1
        self.first_skipped.setdefault(reason, place)

    def reasons(self) -> str:
        """The reasons for skipping in one line, such as "3 no name (first at line 2)"."""
        return ", ".join(
            f"{count:,} {reason} (first at {self.first_skipped[reason] or '/'})"
            for reason, count in self.skipped.most_common()
        )
