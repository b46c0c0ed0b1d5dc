"""Opening hours as a column: equal hours are one row, evaluated when a question first needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from geo_offers.domain.opening_hours import OpeningHours, OpenState
from geo_offers.kernels.cell_tree import NOT_EVALUATED

_STATES = tuple(OpenState)


@dataclass(frozen=True, slots=True)
class OpeningAt:
    """What is open at one moment, as far as anybody asked.

    hours   int32[slots], each shop's row in `rows`
    states  uint8[rows], an OpenState or NOT_EVALUATED; filled in place by `evaluate`
    """

    hours: NDArray[np.int32]
    rows: Sequence[OpeningHours]
    states: NDArray[np.uint8]
    at: datetime

    def evaluate(self, slots: NDArray[np.int32]) -> bool:
        """See to it that the states of these shops are known; whether any was not known before."""
        rows = np.unique(self.hours[slots])
        unknown = rows[self.states[rows] == NOT_EVALUATED]
        for row in unknown.tolist():
            self.states[row] = self.rows[row].state_at(self.at)
        return len(unknown) > 0

    def is_open(self, slots: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of these shops are surely open, bool[len(slots)]."""
        self.evaluate(slots)
        return np.asarray(self.states[self.hours[slots]] == OpenState.OPEN)

    def states_of(self, slots: Sequence[int]) -> list[OpenState]:
        """Whether each of these shops is open, closed, or nobody knows."""
        rows = self.hours[np.array(slots, np.int32)]
        states = self.states[rows]
        if (states == NOT_EVALUATED).any():
            self.evaluate(np.array(slots, np.int32))
            states = self.states[rows]
        return [_STATES[state] for state in states.tolist()]

    def state_of(self, slot: int) -> OpenState:
        """Whether one shop is open, closed, or nobody knows."""
        row = self.hours[slot]
        state = self.states[row]
        if state == NOT_EVALUATED:
            state = self.states[row] = self.rows[row].state_at(self.at)
        return _STATES[int(state)]


class OpeningTable:
    """The opening hours of all shops of one snapshot; knows a bounded number of moments at a time.

    A moment is a minute: hours of shops change on whole minutes only.
    """

    _MOMENTS = 16

    def __init__(self, hours: NDArray[np.int32], rows: Sequence[OpeningHours]) -> None:
        self.hours = hours
        self.rows = rows
        self._moments: dict[datetime, OpeningAt] = {}

    def at(self, when: datetime) -> OpeningAt:
        """What is open at this moment; `when` is aware."""
        minute = when.replace(second=0, microsecond=0)
        known = self._moments.get(minute)
        if known is None:
            states = np.full(len(self.rows), NOT_EVALUATED, np.uint8)
            known = OpeningAt(self.hours, self.rows, states, minute)
            while len(self._moments) >= self._MOMENTS:
                self._moments.pop(next(iter(self._moments)), None)
            self._moments[minute] = known
        return known
