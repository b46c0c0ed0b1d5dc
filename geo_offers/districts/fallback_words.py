"""The few words that fallback names need, in the languages of our categories."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# Clockwise from east, as angles go from east to north: English, Chinese (both scripts alike but for one), Japanese.
_DIRECTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("east", "东", "東", "東"),
    ("north-east", "东北", "東北", "北東"),
    ("north", "北", "北", "北"),
    ("north-west", "西北", "西北", "北西"),
    ("west", "西", "西", "西"),
    ("south-west", "西南", "西南", "南西"),
    ("south", "南", "南", "南"),
    ("south-east", "东南", "東南", "南東"),
)
_LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ja")


def around(brand: str) -> dict[str, str]:
    """The surroundings of a well-known shop."""
    return {
        "en": f"Around {brand}",
        "zh-Hans": f"{brand}周边",
        "zh-Hant": f"{brand}周邊",
        "ja": f"{brand}周辺",
    }


def compass_words(centre: NDArray[np.float64], at: NDArray[np.float64]) -> Mapping[str, str]:
    """Where a point lies from a centre, both in earth-centred metres, by language."""
    up = centre / np.linalg.norm(centre)
    east = np.cross((0.0, 0.0, 1.0), up)
    if np.linalg.norm(east) < 1e-9:
        east = np.array((0.0, 1.0, 0.0))
    east = east / np.linalg.norm(east)
    away = at - centre
    angle = math.atan2(float(away @ np.cross(up, east)), float(away @ east))
    return dict(zip(_LANGUAGES, _DIRECTIONS[round(angle / (math.pi / 4)) % 8], strict=True))
