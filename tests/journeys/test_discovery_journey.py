"""From a city extract to districts on the API: import, discover, ask, discover again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.app import create_app
from geo_offers.cli import app
from geo_offers.settings import Settings
from tests.shared_data import shared


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite3'}"


def run(url: str, *words: str) -> str:
    ended = CliRunner().invoke(app, list(words), env={"GEO_OFFERS_DATABASE_URL": url})
    assert ended.exit_code == 0, ended.stderr
    return ended.stdout


async def _ask(url: str, *questions: str) -> list[dict[str, object]]:
    service = create_app(Settings(database_url=url, open_reads=True))
    transport = httpx.ASGITransport(service)
    async with (
        service.router.lifespan_context(service),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        return [(await client.get(question)).raise_for_status().json() for question in questions]


def ask(url: str, *questions: str) -> list[dict[str, object]]:
    return asyncio.run(_ask(url, *questions))


def test_helsinki_gets_districts_with_names_of_its_own(url: str) -> None:
    extract = str(shared("osm/helsinki_centre.osm.pbf"))
    run(url, "import", "osm", extract)
    told = run(url, "districts", "discover", "--places", extract)
    for name in ("Kluuvi", "Aleksanterinkatu", "Bulevardi", "Senaatintori"):
        assert name in told
    here, districts = ask(url, "/v1/context?lng=24.9423&lat=60.1688", "/v1/districts?limit=100&geometry=true")
    street, quarter = here["districts"]  # type: ignore[misc]
    assert (street["name"], quarter["name"]) == ("Aleksanterinkatu", "Keskusta")
    by_id = {item["id"]: item for item in districts["items"]}  # type: ignore[attr-defined]
    assert by_id[street["id"]]["parent_id"] == quarter["id"]
    assert {item["rank"] for item in by_id.values()} == {"regional", "town", "local"}
    assert {item["level"] for item in by_id.values()} == {"quarter", "street"}
    detail = (ask(url, f"/v1/districts/{quarter['id']}"))[0]
    assert detail["made_with"]["parameters"]["fewest_shops"] == 10  # type: ignore[index]
    assert sum(detail["categories"].values()) == detail["shop_count"]  # type: ignore[attr-defined]
    assert max(detail["opening"]["open"]) > 20  # type: ignore[index]


def test_discovering_again_changes_nothing_and_another_threshold_keeps_ids(url: str) -> None:
    extract = str(shared("osm/monaco_2021.osm.pbf"))
    run(url, "import", "osm", extract)
    run(url, "districts", "discover")
    before = (ask(url, "/v1/districts?limit=100"))[0]["items"]
    assert "unchanged" in run(url, "districts", "discover")
    assert (ask(url, "/v1/districts?limit=100"))[0]["items"] == before
    run(url, "districts", "discover", "--set", "fewest_in_street=1000")
    quarters = {item["id"] for item in before if item["level"] == "quarter"}  # type: ignore[attr-defined]
    after = (ask(url, "/v1/districts?limit=100"))[0]["items"]
    assert {item["id"] for item in after} == quarters  # type: ignore[attr-defined]


def test_an_unknown_parameter_is_one_sentence(url: str) -> None:
    ended = CliRunner().invoke(
        app, ["districts", "discover", "--set", "colour=red"], env={"GEO_OFFERS_DATABASE_URL": url}
    )
    assert ended.exit_code == 1
    assert ended.stderr.startswith("Error: there is no parameter 'colour'; there are resolution, reach_m")
