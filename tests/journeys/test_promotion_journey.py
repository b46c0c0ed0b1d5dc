"""Promotions from a file into the catalog and out again, by the command line."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from geo_offers.bootstrap import open_store, open_stores
from geo_offers.cli import app
from geo_offers.domain.promotion import Merchant, Promotion, Status
from geo_offers.domain.promotion_document import document_of
from geo_offers.settings import Settings
from geodata.sample_town import sample_town
from tests.builders import a_merchant, a_promotion, some_promotions
from tests.contract.asking import merchants_of, promotion_rows_in, promotions_of
from tests.journeys.test_import_journey import Ended, counts


@dataclass(frozen=True, slots=True)
class Catalog:
    """A store of its own, the commands on it and a look into it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"GEO_OFFERS_DATABASE_URL": f"sqlite:///{self.folder / 'store.sqlite3'}"}

    def run(self, *words: str | Path) -> Ended:
        result = CliRunner().invoke(app, [str(word) for word in words], env=self.environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    def file(self, *promotions: Promotion, merchant: str = "Ekberg Oy", name: str = "spring.ndjson") -> Path:
        path = self.folder / name
        rows = [{"merchant": merchant} | document_of(promotion) for promotion in promotions]
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return path

    def promotions(self) -> list[Promotion]:
        return asyncio.run(self._read())[1]

    def merchants(self) -> list[Merchant]:
        return asyncio.run(self._read())[2]

    def revision(self) -> int:
        return asyncio.run(self._read())[0]

    def live(self) -> set[str]:
        return set(asyncio.run(self._read())[3])

    async def put(self, *promotions: Promotion) -> None:
        store = await open_store(Settings.from_environment(self.environment))
        for promotion in promotions:
            await store.put_promotion(promotion)
        await store.close()

    async def own(self, promotion: Promotion) -> tuple[set[str], int]:
        """The shops of a promotion's merchant, and in how many versions he had the promotion."""
        stores = await open_stores(Settings.from_environment(self.environment))
        own = stores.accounts.of_merchant(promotion.merchant_id)
        shops = {shop.id for shop in await own.shops(after=None, limit=1_000)}
        versions = await own.versions(promotion.id)
        await stores.catalog.close()
        return shops, len(versions)

    async def _read(self) -> tuple[int, list[Promotion], list[Merchant], list[str]]:
        store = await open_store(Settings.from_environment(self.environment))
        try:
            rows = [row.id for row in await promotion_rows_in(store)]
            return await store.revision(), await promotions_of(store), await merchants_of(store), rows
        finally:
            await store.close()


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path)


def by_id(promotions: list[Promotion]) -> list[Promotion]:
    return sorted(promotions, key=lambda promotion: promotion.id)


def test_promotions_are_imported_changed_and_retired(catalog: Catalog):
    three = some_promotions(3)
    ended = catalog.run("import", "promotions", catalog.file(*three))
    assert ended.code == 0, ended.err
    numbers = counts(ended.out)
    assert (numbers["read"], numbers["circle"], numbers["active"], numbers["added"]) == (3, 3, 3, 3)
    assert (catalog.promotions(), catalog.merchants()) == (by_id(three), [a_merchant()])
    revision = catalog.revision()
    assert counts(catalog.run("import", "promotions", catalog.file(*three)).out)["unchanged"] == 3
    assert catalog.revision() == revision
    changed = [a_promotion("p-0", status=Status.PAUSED), a_promotion("p-1", status=Status.DRAFT)]
    again = counts(catalog.run("import", "promotions", catalog.file(*changed), "--replace").out)
    assert (again["updated"], again["retired"]) == (2, 1)
    assert catalog.promotions() == by_id(changed)
    assert catalog.live() == {changed[0].id}


def test_two_files_are_two_datasets_unless_told(catalog: Catalog):
    catalog.run("import", "promotions", catalog.file(a_promotion("1")))
    other = catalog.file(a_promotion("2"), name="autumn.ndjson")
    assert counts(catalog.run("import", "promotions", other, "--replace").out)["retired"] == 0
    told = catalog.run("import", "promotions", other, "--dataset", "file:spring", "--replace")
    assert counts(told.out)["retired"] == 1
    assert "dataset file:spring" in told.out


def test_a_merchant_is_told_for_all_rows(catalog: Catalog):
    path = catalog.folder / "plain.ndjson"
    path.write_text(json.dumps(document_of(a_promotion())))
    assert "--merchant NAME" in catalog.run("import", "promotions", path).err
    assert catalog.run("import", "promotions", path, "--merchant", "Ekberg Oy").code == 0
    assert catalog.promotions() == [a_promotion()]


def test_a_broken_file_of_promotions_is_one_sentence_and_changes_nothing(catalog: Catalog):
    catalog.run("import", "promotions", catalog.file(a_promotion()))
    revision = catalog.revision()
    broken = catalog.file(a_promotion("2"), a_promotion("3", shop_ids=("shp_unknown",)), name="broken.ndjson")
    unknown = catalog.run("import", "promotions", broken)
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err == "Error: promotion 3 names the shop shp_unknown, which is not known\n"
    broken.write_text(broken.read_text().replace("2026-", "soon-"))
    faulty = catalog.run("import", "promotions", broken)
    assert (faulty.code, faulty.out, faulty.err.count("\n")) == (1, "", 1)
    assert "(line 1/starts_at)" in faulty.err
    assert "(line 2/starts_at)" in faulty.err
    assert (catalog.revision(), catalog.promotions()) == (revision, [a_promotion()])


@pytest.mark.parametrize("name", ["out.ndjson", "out.geojson"])
def test_the_sample_town_has_400_promotions_that_leave_and_come_again(catalog: Catalog, name: str):
    assert "promotions" in catalog.run("sample").out
    promotions, merchants, live = catalog.promotions(), catalog.merchants(), catalog.live()
    assert (len(promotions), len(live)) == (400, 384)
    out = catalog.folder / name
    ended = catalog.run("export", "promotions", "--to", out)
    assert (ended.code, ended.out) == (0, f"400 promotions are in {out}.\n")
    assert catalog.run("export", "promotions", "--to", out).code == 1
    assert catalog.run("export", "promotions", "--to", out, "--force").code == 0
    taken = counts(catalog.run("import", "promotions", out, "--replace").out)
    assert (taken["added"], taken["retired"]) == (0, 0)
    again = counts(catalog.run("import", "promotions", out, "--replace").out)
    assert (again["unchanged"], again["added"], again["updated"], again["retired"]) == (400, 0, 0, 0)
    assert (catalog.promotions(), catalog.merchants()) == (promotions, merchants)


def test_the_sample_town_is_its_merchants_own_and_again_takes_nothing_back(catalog: Catalog):
    catalog.run("sample")
    revision, promotions = catalog.revision(), catalog.promotions()
    assert promotions == by_id(list(sample_town().promotions))
    for promotion in sample_town().promotions[1:40:8]:
        shops, versions = asyncio.run(catalog.own(promotion))
        assert shops.issuperset(promotion.shop_ids)
        assert versions == (2 if promotion.status is Status.ENDED else 1)
    assert counts(catalog.run("sample").out)["unchanged"] == 400
    assert catalog.revision() == revision
    live = [one for one in promotions if one.status is Status.ACTIVE]
    asyncio.run(catalog.put(replace(live[0], status=Status.ENDED), replace(live[1], status=Status.PAUSED)))
    assert counts(catalog.run("sample").out)["unchanged"] == 400
    after = {one.id: one.status for one in catalog.promotions()}
    assert (after[live[0].id], after[live[1].id]) == (Status.ENDED, Status.PAUSED)


def test_another_town_replaces_the_promotions_of_the_one_before(catalog: Catalog):
    catalog.run("sample")
    before = {promotion.id for promotion in catalog.promotions()}
    assert counts(catalog.run("sample", "--seed", "8").out)["retired"] == 400
    assert len(catalog.promotions()) == 400
    assert before.isdisjoint(promotion.id for promotion in catalog.promotions())
