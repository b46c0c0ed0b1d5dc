"""The embedded adapter keeps every promise."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from tests.contract.asking import opened
from tests.contract.catalog_model import COMMANDS, Command, agrees_with_the_model
from tests.contract.catalog_suite import CatalogSuite


@given(COMMANDS)
@settings(max_examples=60)
def test_random_commands_are_answered_as_a_dictionary_would(commands: list[Command]):
    async def compare(url: str) -> None:
        async with opened(url) as store:
            await agrees_with_the_model(store, commands)

    with TemporaryDirectory() as folder:
        asyncio.run(compare(f"sqlite:///{folder}/town.sqlite3"))


class TestEmbedded(CatalogSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'new folder' / 'town.sqlite3'}"
