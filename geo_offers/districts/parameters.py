"""What discovery can be told, with defaults for any city; recorded with every result."""

from __future__ import annotations

from dataclasses import dataclass

from geo_offers.domain.errors import InvalidInput

COARSEST = 9
FINEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How districts are found; lengths in metres of walking, so they are alike in every city.

    resolution        of the H3 cells that the density stands on; 11 is about 50 m from centre to centre. On 30 known
                      towns 10, 11 and 12 agree alike with the truth about shops (adjusted Rand 0.946, 0.952, 0.947),
                      11 has the best outlines (overlap 0.54, 0.73, 0.65); Tokyo takes 1.1, 2.7 and 11 s
    reach_m           how far a shop spreads: the support of the kernel that finds what is dense
    parting_reach_m   the same for the smoother density whose saddles part quarters
    street_reach_m    the same for the streets inside a quarter
    significance      how many standard deviations above a chance spread of stray shops is dense
    prominence        a peak parts from a higher one when it is this many times the saddle between them,
    certainty         and this many standard deviations above it
    street_prominence the same for streets inside a quarter
    street_contrast   a street is this many times as dense as its quarter where the middle shop stands
    largest_ha        a larger quarter is parted again by an ever finer density, down to street_reach_m
    gap_m             holes and bays narrower than this belong to the district around them
    fewest_shops      a quarter with fewer is none
    fewest_in_street  a street with fewer is none

    Raises InvalidInput.
    """

    resolution: int = 11
    reach_m: float = 150.0
    parting_reach_m: float = 200.0
    street_reach_m: float = 75.0
    significance: float = 3.0
    prominence: float = 1.2
    certainty: float = 2.5
    street_prominence: float = 1.15
    street_contrast: float = 1.2
    largest_ha: float = 60.0
    gap_m: float = 150.0
    fewest_shops: int = 10
    fewest_in_street: int = 8

    def __post_init__(self) -> None:
        if not COARSEST <= self.resolution <= FINEST:
            raise InvalidInput(
                f"resolution {self.resolution} is outside {COARSEST} to {FINEST}", pointer="/resolution"
            )
        for name in ("reach_m", "parting_reach_m", "street_reach_m", "largest_ha"):
            if not 0 < getattr(self, name) <= 5_000:
                raise InvalidInput(
                    f"{name} {getattr(self, name)} must be above 0 and at most 5,000", pointer=f"/{name}"
                )
        for name in ("prominence", "street_prominence", "street_contrast"):
            if not 1 <= getattr(self, name) <= 1_000:
                raise InvalidInput(f"{name} {getattr(self, name)} must be 1 or more", pointer=f"/{name}")
        if not 0 <= self.gap_m <= 1_000:
            raise InvalidInput(f"gap_m {self.gap_m} is outside 0 to 1,000", pointer="/gap_m")
        if min(self.fewest_shops, self.fewest_in_street) < 1 or min(self.significance, self.certainty) < 0:
            raise InvalidInput(
                "fewest_shops, fewest_in_street must be 1 or more; significance, certainty 0 or more"
            )
