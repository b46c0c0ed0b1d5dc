"""Chance that falls the same way on every machine and every Python."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A stream of chance for one part of one town: parts do not disturb each other.

    Only Random.random() is used: of the random module it alone is promised to stay the same.
    """

    __slots__ = ("_random",)

    def __init__(self, seed: int, part: str) -> None:
        self._random = Random(f"{seed}/{part}")

    def unit(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def below(self, count: int) -> int:
        """A whole number in [0, count)."""
        return int(self.unit() * count)

    def happens(self, chance: float) -> bool:
        """True with this chance."""
        return self.unit() < chance

    def pick(self, choices: Sequence[T]) -> T:
        """One of them, all alike."""
        return choices[self.below(len(choices))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """One of them, by weight."""
        left = self.unit() * math.fsum(weight for _, weight in choices)
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][0]

    def shuffled(self, items: Iterable[T]) -> list[T]:
        """All of them in chance order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
