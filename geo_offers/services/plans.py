"""All that a usual question is answered from, gathered for as long as it holds: it is looked up once, not every time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.matching.engine import columns_of
from geo_offers.services.pen import districts_of, promotions_of, shops_of
from geo_offers.services.usage import SpentOut

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NONE_SPENT = np.empty(0, np.uint16)


@dataclass(frozen=True, slots=True)
class Plan:
    """What kernels/pages.py takes beside a position, for a snapshot, a version of usage and moments in [since, until).

    Hours of shops may be filled in, by whoever needs them: see OpeningAt.
    """

    snapshot: CatalogSnapshot
    usage_version: int
    since: datetime
    until: datetime
    offers: tuple[Any, Any, Any]
    shops: tuple[Any, Any]

    @staticmethod
    def of(snapshot: CatalogSnapshot, usage_version: int, spent_out: SpentOut, when: datetime) -> Plan:
        """The plan around a moment."""
        opening = snapshot.opening.at(when)
        stretches = [segment.live.at(when) for segment in snapshot.promotions.segments]
        minute = timedelta(minutes=1)
        begins = [_EPOCH + timedelta(milliseconds=one.from_ms) for one in stretches]
        # The far end of a stretch may be beyond what a datetime can say.
        at_most_ms = (opening.at + minute - _EPOCH) // timedelta(milliseconds=1)
        until_ms = min(at_most_ms, *(one.until_ms for one in stretches))
        bits = [spent_out.bits_of(segment.index) for segment in snapshot.promotions.segments]
        spent = [_NONE_SPENT if one is None else one for one in bits]
        shops = shops_of(snapshot)
        return Plan(
            snapshot=snapshot,
            usage_version=usage_version,
            since=max(opening.at, *begins),
            until=_EPOCH + timedelta(milliseconds=until_ms),
            offers=(
                (columns_of(snapshot.promotions, when), snapshot.nearest.xyz),
                (promotions_of(snapshot), shops, opening.states),
                (spent[0], spent[-1]),
            ),
            shops=(snapshot.nearest.whole, (shops, districts_of(snapshot), opening.states)),
        )

    def holds(self, snapshot: CatalogSnapshot, usage_version: int, when: datetime) -> bool:
        """Whether questions at this moment are answered by it."""
        return (
            snapshot is self.snapshot
            and usage_version == self.usage_version
            and self.since <= when < self.until
        )
