"""The embedded adapter keeps every promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.catalog_suite import CatalogSuite


class TestEmbedded(CatalogSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'new folder' / 'town.sqlite3'}"
