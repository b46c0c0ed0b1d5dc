"""The real data that lies beside the project: found here, or the test says clearly that it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(os.environ.get("GEO_OFFERS_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def shared(path: str) -> Path:
    """A file or folder of the shared data; skips the test where it is absent, fails it in CI."""
    found = _ROOT / path
    if found.exists():
        return found
    word = f"shared data {path} is absent (looked in {_ROOT}; set GEO_OFFERS_SHARED_DATA)"
    if os.environ.get("CI"):
        pytest.fail(word)
    pytest.skip(word)
