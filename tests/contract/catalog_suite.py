"""All clauses of the catalog store in one class, for adapters to inherit."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from geo_offers.stores.ports import CatalogStore
from tests.contract.asking import opened
from tests.contract.catalog_districts import DistrictClauses
from tests.contract.catalog_faults import FaultClauses
from tests.contract.catalog_feed import FeedClauses
from tests.contract.catalog_imports import ImportClauses
from tests.contract.catalog_processes import ProcessClauses
from tests.contract.catalog_promotion_imports import PromotionImportClauses
from tests.contract.catalog_promotions import PromotionClauses
from tests.contract.catalog_readings import ReadingClauses


class CatalogSuite(
    FeedClauses,
    ReadingClauses,
    ImportClauses,
    DistrictClauses,
    PromotionClauses,
    PromotionImportClauses,
    FaultClauses,
    ProcessClauses,
):
    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError("an adapter's class says where its store is")

    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[CatalogStore]:
        async with opened(url) as store:
            yield store
