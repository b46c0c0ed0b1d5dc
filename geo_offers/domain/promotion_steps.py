"""From which status a promotion may come to which: draft, active and paused, and ended for good."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from geo_offers.domain.errors import StatusRefused
from geo_offers.domain.promotion import Status

_NEXT: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.DRAFT: frozenset({Status.ACTIVE, Status.ENDED}),
        Status.ACTIVE: frozenset({Status.PAUSED, Status.ENDED}),
        Status.PAUSED: frozenset({Status.ACTIVE, Status.ENDED}),
        Status.ENDED: frozenset(),
    }
)


class Step(StrEnum):
    """What may be done to a promotion."""

    PUBLISH = "publish"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"


_STEPS: Mapping[Step, tuple[frozenset[Status], Status]] = MappingProxyType(
    {
        Step.PUBLISH: (frozenset({Status.DRAFT}), Status.ACTIVE),
        Step.PAUSE: (frozenset({Status.ACTIVE}), Status.PAUSED),
        Step.RESUME: (frozenset({Status.PAUSED}), Status.ACTIVE),
        Step.END: (frozenset(Status), Status.ENDED),
    }
)


def status_after(step: Step, status: Status) -> Status:
    """The status that a step leads to; a step to where it is already changes nothing. Raises StatusRefused."""
    starts, after = _STEPS[step]
    if status is not after and status not in starts:
        raise StatusRefused(f"a promotion that is {status} cannot {step}", status=status.value)
    return after


def check_status(before: Status | None, after: Status) -> None:
    """Raises StatusRefused unless a promotion may come from one status to another; before is None for a new one."""
    if before is None:
        if after is Status.ENDED:
            raise StatusRefused("a new promotion is a draft, active or paused", status=after.value)
    elif after is not before and after not in _NEXT[before]:
        way_out = "it has ended for good: make a new one" if before is Status.ENDED else "it was live already"
        raise StatusRefused(
            f"a promotion that is {before} cannot become {after}; {way_out}", status=before.value
        )
