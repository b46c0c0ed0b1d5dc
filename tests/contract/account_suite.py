"""All clauses of the account store in one class, for each engine to inherit."""

from __future__ import annotations

from datetime import datetime

import pytest

from geo_offers.stores.sql_accounts import SqlAccounts
from geo_offers.stores.units import Units
from tests.contract.account_asking import MINE, NOON, THEIRS, World
from tests.contract.account_keys import KeyClauses
from tests.contract.account_promotions import OwnPromotionClauses
from tests.contract.account_shops import ShopClauses


class AccountSuite(KeyClauses, ShopClauses, OwnPromotionClauses):
    @pytest.fixture
    async def units(self) -> Units:
        raise NotImplementedError("an engine's class says how units are done")

    @pytest.fixture
    async def world(self, units: Units) -> World:
        clock: list[datetime] = [NOON]
        world = World(units, SqlAccounts(units, lambda: clock[0]), clock)
        await world.put_merchants(MINE, THEIRS)
        return world
