"""The server profile as a compose file: it follows the specification, holds no secret, and gives nobody too much."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from geo_offers.settings import Settings

HOUSE = Path(__file__).parents[2]
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(:[-?])?([^}]*)\}")
SECRETS = {"POSTGRES_PASSWORD", "GEO_OFFERS_DB_PASSWORD", "GEO_OFFERS_SECRET"}


@pytest.fixture(scope="module")
def text() -> str:
    return (HOUSE / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def written(text: str) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def with_values(text: str, given: Mapping[str, str]) -> str:
    """The text with its variables in place; KeyError for one that is required and not given."""

    def value(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        return given[name] if operator == ":?" else given.get(name) or rest

    return VARIABLE.sub(value, text).replace("$$", "$")


def names_in(value: Any) -> Iterator[str]:
    """Every string of a document."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from names_in(inner)
        case list():
            for inner in value:
                yield from names_in(inner)


def test_it_follows_the_compose_specification(text: str) -> None:
    package = pytest.importorskip("check_jsonschema", reason="it carries the schema of the specification")
    schema = json.loads((files(package) / "builtin_schemas/vendor/compose-spec.json").read_text())
    document = yaml.safe_load(with_values(text, dict.fromkeys(SECRETS, "x1")))
    judge = jsonschema.validators.validator_for(schema)(schema)
    assert [f"{list(one.path)}: {one.message}" for one in judge.iter_errors(document)] == []


def test_compose_itself_reads_it(text: str, tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("there is no docker compose")
    (tmp_path / ".env").write_text("".join(f"{name}=x1\n" for name in SECRETS))
    command = [docker, "compose", "-f", HOUSE / "docker-compose.yml", "--project-directory", tmp_path]
    end = subprocess.run([*command, "config", "--quiet"], capture_output=True, text=True, check=False)
    assert (end.returncode, end.stderr) == (0, "")


def test_what_is_named_is_there(written: Mapping[str, Any]) -> None:
    for name, service in written["services"].items():
        assert set(service["networks"]) <= set(written["networks"]), name
        assert set(service.get("depends_on", {})) <= set(written["services"]), name
        assert {one["source"] for one in service.get("configs", [])} <= set(written["configs"]), name
        assert {one.partition(":")[0] for one in service.get("volumes", [])} <= set(written["volumes"]), name


def test_no_secret_is_in_it_and_none_has_a_default(text: str) -> None:
    operators = {
        name: {operator for found, operator, _ in VARIABLE.findall(text) if found == name} for name in SECRETS
    }
    assert operators == {name: {":?"} for name in SECRETS}
    assert not re.search(r"://[^:/@\s]+:(?!\$\{)[^@\s]+@", text)
    told = (HOUSE / ".env.example").read_text()
    assert {name for name in SECRETS if f"\n{name}=\n" in told} == SECRETS
    assert ".env" in (HOUSE / ".gitignore").read_text().splitlines()
    assert (HOUSE / ".dockerignore").read_text().splitlines()[1] == "*"


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_without_a_secret_nothing_starts(text: str, missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        with_values(text, dict.fromkeys(SECRETS - {missing}, "x1"))


def test_its_settings_are_settings_of_ours(text: str) -> None:
    given = dict.fromkeys(SECRETS, "x1") | {"GEO_OFFERS_PUBLIC_URL": "https://offers.example.org"}
    api = yaml.safe_load(with_values(text, given))["services"]["api"]
    settings = Settings.from_environment(api["environment"])
    assert settings.database_url == "postgresql://geo_offers:x1@db:5432/geo_offers"
    assert (settings.redis_url, settings.secret) == ("redis://live:6379/0", "x1")
    assert settings.public_url == "https://offers.example.org"


def test_ours_run_without_rights_on_a_root_that_is_read_only(written: Mapping[str, Any]) -> None:
    for name in ("api", "migrate", "live"):
        service = written["services"][name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
    for name, service in written["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service, name
    lines = (HOUSE / "Dockerfile").read_text().splitlines()
    assert lines.index("USER geo-offers") < lines.index('ENTRYPOINT ["geo-offers"]')


def test_only_the_api_is_reached_from_outside(written: Mapping[str, Any]) -> None:
    assert [name for name, one in written["services"].items() if "ports" in one] == ["api"]
    assert [name for name, one in written["services"].items() if "front" in one["networks"]] == ["api"]
    assert written["networks"]["back"] == {"internal": True}


def test_the_api_waits_for_all_it_needs_and_each_says_when_it_is_well(written: Mapping[str, Any]) -> None:
    services = written["services"]
    assert {name: one["condition"] for name, one in services["api"]["depends_on"].items()} == {
        "db": "service_healthy",
        "live": "service_healthy",
        "migrate": "service_completed_successfully",
    }
    assert {name for name, one in services.items() if "healthcheck" in one} == {"db", "live", "api"}
    assert "/readyz" in " ".join(names_in(services["api"]["healthcheck"]["test"]))
