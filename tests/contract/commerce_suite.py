"""All clauses of the commerce store in one class, for adapters to inherit."""

from __future__ import annotations

import pytest

from geo_offers.stores.sql_commerce import SqlCommerce
from geo_offers.stores.units import Units
from tests.contract.commerce_claims import ClaimClauses
from tests.contract.commerce_redemptions import RedemptionClauses


class CommerceSuite(ClaimClauses, RedemptionClauses):
    @pytest.fixture
    async def units(self) -> Units:
        raise NotImplementedError("an adapter's class says where its store is")

    @pytest.fixture
    def commerce(self, units: Units) -> SqlCommerce:
        return SqlCommerce(units)
