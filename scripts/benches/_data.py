"""Where the shared real data are."""

from __future__ import annotations

import os
from pathlib import Path


def shared_data() -> Path:
    """The folder of the shared data beside the project, or what GEO_OFFERS_SHARED_DATA names; it may be absent."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    return Path(os.environ.get("GEO_OFFERS_SHARED_DATA", beside))
