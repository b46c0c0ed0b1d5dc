"""Every promise of `geo_offers/stores/ports.py`, run on every adapter.

An adapter's module is a class of CatalogSuite with one fixture: the `url` of a store that is new or empty.
"""

import pytest

pytest.register_assert_rewrite(
    "tests.contract.catalog_faults",
    "tests.contract.catalog_feed",
    "tests.contract.catalog_districts",
    "tests.contract.catalog_imports",
    "tests.contract.catalog_model",
    "tests.contract.catalog_processes",
    "tests.contract.catalog_promotion_imports",
    "tests.contract.catalog_promotions",
    "tests.contract.catalog_readings",
    "tests.contract.catalog_suite",
)
