"""When the shops of the sample town are open: OSM opening_hours by rhythm of trade."""

from __future__ import annotations

from typing import Literal

from geodata.town.dice import Dice

Rhythm = Literal[
    "always", "bank", "books", "breakfast", "cafe", "cinema", "clinic", "convenience", "craft", "drinks",
    "fast_food", "hair", "late", "mall", "market", "museum", "night", "night_market", "office", "parcel",
    "pharmacy", "restaurant", "shop", "sport", "student", "supermarket", "tea", "workshop",
]  # fmt: skip

UNKNOWN_CHANCE = 0.11

# Each rhythm: opening hours and how often they are met. A weekly day off stands before hours past midnight
# as a range of days ("Tu-Su 18:00-02:00"), not as "Mo off", which would cut Sunday's night short.
OPENING_HOURS: dict[Rhythm, tuple[tuple[str, float], ...]] = {
    "always": (("24/7", 1),),
    "bank": (
        ("Mo-Fr 09:00-17:00; PH off", 4),
        ("Mo-Fr 08:30-17:00; Sa 09:00-16:00; Su,PH off", 2),
        ("Mo-Sa 09:00-16:30; PH off", 1),
    ),
    "books": (
        ("09:30-21:00", 3),
        ("10:00-22:00", 3),
        ("Tu-Su 10:00-20:30; Mo off", 2),
        ("Mo-Fr 09:00-20:00; Sa,Su,PH 09:00-21:30", 2),
    ),
    "breakfast": (
        ("05:30-13:30", 3),
        ("06:00-14:00", 3),
        ("06:00-10:30,16:30-20:30", 2),
        ("05:00-10:30", 2),
        ("Tu-Su 06:00-14:00; Mo off", 1),
    ),
    "cafe": (
        ("07:00-21:00", 3),
        ("07:30-22:00", 4),
        ("08:00-22:00", 3),
        ("Mo-Fr 07:00-20:00; Sa,Su 08:30-21:00", 3),
        ("Mo-Fr 07:30-19:30; Sa,Su,PH 09:00-21:30", 2),
        ("Tu-Su 09:00-21:00; Mo off", 2),
        ("We-Mo 08:30-20:00; Tu off", 1),
    ),
    "cinema": (("09:30-24:00", 2), ("10:00-01:30", 3)),
    "clinic": (
        ("Mo-Sa 08:00-12:00,13:30-17:30; PH off", 3),
        ("Mo-Su 08:30-20:30", 2),
        ("Mo-Fr 08:30-12:00,14:00-18:00; Sa 09:00-12:00; Su,PH off", 2),
    ),
    "convenience": (("24/7", 6), ("06:30-24:00", 2), ("07:00-23:30", 2)),
    "craft": (
        ("09:30-18:00", 3),
        ("10:00-19:00", 3),
        ("Tu-Su 10:00-18:30; Mo off", 3),
        ('Tu-Su 10:00-17:30; Mo unknown "by appointment"', 1),
        ("Mar-Oct 09:00-20:00; Nov-Feb 09:30-18:00", 2),
        ("Mo-Fr 10:00-18:00; Sa,Su,PH 09:00-20:30", 2),
    ),
    "drinks": (
        ("10:00-22:00", 4),
        ("10:30-22:30", 3),
        ("Mo-Th 10:00-22:00; Fr-Su,PH 10:00-23:00", 3),
        ("09:30-23:30", 1),
    ),
    "fast_food": (
        ("07:00-22:00", 3),
        ("06:30-23:00", 2),
        ("10:00-22:00", 3),
        ("24/7", 1),
        ("Mo-Fr 06:30-21:00; Sa,Su,PH 07:30-22:00", 1),
    ),
    "hair": (
        ("10:00-21:30", 4),
        ("09:30-21:00", 3),
        ("We-Mo 09:30-21:00; Tu off", 2),
        ("Mo-Fr 11:00-21:00; Sa,Su 10:00-22:00", 2),
    ),
    "late": (
        ("11:00-14:00,17:00-01:00", 3),
        ("11:00-02:00", 3),
        ("16:30-02:00", 3),
        ("17:00-03:00", 2),
        ("Tu-Su 17:00-01:30", 1),
    ),
    "mall": (
        ("10:00-22:00", 6),
        ("Mo-Th,Su 10:00-22:00; Fr,Sa,PH 10:00-22:30", 3),
        ("Mo-Fr 10:00-21:30; Sa,Su,PH 09:30-22:00", 1),
    ),
    "market": (("05:00-11:30", 2), ("05:30-18:30", 3), ("06:00-12:00,15:00-18:30", 2), ("06:00-19:30", 2)),
    "museum": (
        ("Tu-Su 09:00-17:00; Mo off", 4),
        ("Tu-Su,PH 09:30-17:30; Mo off", 2),
        ("Apr-Oct 09:00-18:00; Nov-Mar 09:00-16:30", 1),
    ),
    "night": (
        ("18:00-02:00", 3),
        ("19:00-03:00", 2),
        ("Su-Th 18:00-01:00; Fr,Sa 18:00-04:00", 3),
        ("Tu-Su 19:00-02:30", 2),
    ),
    "night_market": (
        ("17:00-02:00", 5),
        ("17:30-01:30", 3),
        ("Tu-Su 18:00-02:00", 2),
        ("We-Mo 17:30-01:00", 1),
        ("Su-Th 17:00-01:00; Fr,Sa,PH 17:00-03:00", 2),
        ("Apr-Oct 17:00-02:00; Nov-Mar 17:00-24:00", 1),
    ),
    "office": (
        ("Mo-Fr 09:00-18:00; PH off", 3),
        ("Mo-Sa 09:00-18:00", 2),
        ("09:00-20:00", 2),
        ("Mo-Fr 09:00-12:00,13:30-17:30; Sa,Su,PH off", 1),
    ),
    "parcel": (("08:30-20:30", 3), ("08:00-21:00", 3), ("Mo-Sa 08:30-19:30; Su 09:00-18:00", 1)),
    "pharmacy": (
        ("08:00-21:30", 4),
        ("08:30-22:00", 3),
        ("24/7", 2),
        ("Mo-Sa 08:00-21:00; Su 09:00-20:00", 1),
    ),
    "restaurant": (
        ("10:30-14:00,16:30-21:00", 4),
        ("11:00-14:00,17:00-21:30", 4),
        ("Tu-Su 11:00-14:00,17:00-21:00; Mo off", 2),
        ("Mo-Fr 10:30-14:00,16:30-21:00; Sa,Su,PH 10:30-21:30", 2),
        ("10:00-22:00", 2),
        ("We-Mo 11:00-14:30,17:00-21:00; Tu off", 1),
    ),
    "shop": (
        ("09:00-21:00", 4),
        ("09:30-21:30", 4),
        ("10:00-21:00", 3),
        ("Mo-Sa 09:00-20:00; Su 10:00-19:00", 2),
        ("Tu-Su 09:30-20:00; Mo off", 1),
        ("Mar-Oct 09:00-21:30; Nov-Feb 09:30-20:30", 1),
    ),
    "sport": (("06:30-22:30", 3), ("Mo-Fr 07:00-23:00; Sa,Su,PH 08:00-22:00", 3), ("24/7", 1)),
    "student": (
        ("Mo-Su 08:00-22:00", 3),
        ("Sep-Jun 07:30-22:30; Jul-Aug 10:00-18:00", 3),
        ("Mo-Fr 08:00-21:30; Sa,Su 09:00-20:00; PH off", 2),
    ),
    "supermarket": (("07:00-22:00", 3), ("08:00-22:00", 3), ("07:30-21:30; PH 09:00-20:00", 1)),
    "tea": (
        ("08:30-21:30", 3),
        ("09:00-22:30", 3),
        ("09:00-12:00,13:30-22:00", 1),
        ("Mo-Th 12:00-22:00; Fr-Su,PH 09:00-23:00", 1),
    ),
    "workshop": (
        ("Mo-Sa 08:00-18:00; Su off", 3),
        ("08:00-19:00", 3),
        ("Mo-Fr 08:00-12:00,13:00-18:30; Sa 08:00-12:00; PH off", 2),
    ),
}


def opening_hours(rhythm: Rhythm, dice: Dice) -> str | None:
    """Opening hours for a shop of this rhythm; None for about one in nine, as in the wild."""
    if dice.happens(UNKNOWN_CHANCE):
        return None
    return dice.weighted(OPENING_HOURS[rhythm])
