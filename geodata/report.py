"""What a reader saw while it read: counted as it goes, printed at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class ReadReport:
    """Counts of one reading: rows seen, rows kept by category, rows skipped by reason, and what deserves a word.

    noted  things that were kept all the same, by what was odd (such as "dangling node reference")
    """

    read: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
