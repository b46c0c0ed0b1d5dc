"""Thousands of requests made up from the OpenAPI document: none breaks anything, and each answer is as documented."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from requests import PreparedRequest, Request
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from api.app import create_app
from geo_offers.bootstrap import open_store
from geo_offers.domain.account import Role
from tests.api.conftest import settings_at
from tests.api.matrix import Operation, Side, World, operations
from tests.builders import a_district, a_shop

#: How many requests in all: 5,000 take a minute.
CASES = int(os.environ.get("GEO_OFFERS_TEST_SCHEMATHESIS_CASES", "5000" if os.environ.get("CI") else "1000"))
_MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
)
#: Whose bodies are judged by their answer, 200 and the faults, or are files, of which the document says nothing.
_TAKES_ANYTHING = frozenset(
    {"POST /v1/promotions/preview", "POST /v1/promotions/import", "POST /v1/shops/import"}
)
_FILES = ("application/geo+json", "application/x-ndjson", "text/csv")


@schemathesis.serializer(*_FILES)
def as_it_stands(_: Any, value: Any) -> bytes:
    """A file is a string to the document, and no JSON string on its way."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


class Service:
    """A running service with things in it, on a loop that runs while it is asked."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient, world: World, side: Side) -> None:
        document = client.app.openapi()  # type: ignore[attr-defined]
        generation = GenerationConfig(with_security_parameters=False)
        config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
        self.schema = schemathesis.openapi.from_dict(document, config=config)
        self.known = {str(one): one for one in operations(document)}
        self._runner = runner
        self._client = client
        self._world = world
        self._side = side
        self._asked: Counter[str] = Counter()
        self._things: dict[str, str] = {}

    def things_for(self, operation: Operation) -> dict[str, str]:
        """Things that it may name; new ones for every tenth question, since it may use them up."""
        self._asked[str(operation)] += 1
        if self._asked[str(operation)] % 10 == 1:
            self._things = self._runner.run(self._world.things_for(operation, self._side))
        return self._things

    def good_body(self, operation: Operation, things: dict[str, str]) -> Any:
        """A body that is taken: an object or, of a file, its bytes; None without one."""
        content = self._world.good_body(operation, things, Role.MERCHANT)[1]
        return content.get("json", content.get("content"))

    def key(self, role: Role) -> dict[str, str]:
        """The header of a key."""
        return dict(self._side.keys[role])

    def answer(self, request: PreparedRequest) -> httpx.Response:
        """What the service answers."""
        headers = [(name.encode(), _latin(text)) for name, text in request.headers.items()]
        asked = httpx.Request(
            request.method or "", request.url or "", headers=headers, content=request.body or b""
        )
        return self._runner.run(self._client.send(asked))


class Prober:
    """Sends cases and keeps what was not as documented, with the command that shows it again."""

    def __init__(self, service: Service) -> None:
        load_all_checks()
        self._service = service
        self._checks = [getattr(schemathesis.checks, name) for name in _CHECKS]
        self.statuses: Counter[int] = Counter()
        self.faults: dict[str, str] = {}

    def probe(self, operation: Any, count: int) -> None:
        """So many cases of an operation: half of them of what its schema can be wrong in, the rest made up."""
        generation = self._service.schema.config.generation
        covering = self._service.schema.iter_coverage_cases(
            operation, generation_modes=_MODES, generation_config=generation
        )
        done = 0
        for case in islice(covering, count // 2):
            self.send(case)
            done += 1
        made_up = st.one_of([operation.as_strategy(generation_mode=mode) for mode in _MODES])
        _each(made_up, count - done, self.send)

    def send(self, case: Case) -> None:
        """Send one, with the key of some role and mostly about things that are there."""
        # What is made of a case follows from the case, so that the same run is the same again.
        dice = blake2b(repr((case.path_parameters, case.query, case.body)).encode(), digest_size=4).digest()
        operation = self._service.known.get(case.operation.label)
        if operation is not None:
            case.headers.pop("x-min-catalog-revision", None)  # one that is to come is waited for, for seconds
            if dice[0] >= 64:
                self._bring_near(case, operation, dice)
            if dice[1] >= 8:
                roles = operation.roles if dice[1] >= 24 else list(Role)
                case.headers.update(self._service.key(roles[dice[1] % len(roles)]))
        answer = self._service.answer(Request(**case.as_transport_kwargs(base_url="http://test")).prepare())
        self.statuses[answer.status_code] += 1
        self._check(case, answer)

    def _bring_near(self, case: Case, operation: Operation, dice: bytes) -> None:
        """Name things that are there; of a body that fits its schema take most of a good one."""
        things = self._service.things_for(operation)
        case.path_parameters |= {name: things[name] for name in case.path_parameters.keys() & things.keys()}
        for name, good in (("If-Match", "*"), ("If-None-Match", '"x"')):
            if name in case.headers and dice[2] >= 32:
                case.headers[name] = good
        if not isinstance(case.body, dict | str) or not case.meta.generation.mode.is_positive:
            return
        good = self._service.good_body(operation, things)
        if isinstance(good, dict) and isinstance(case.body, dict):
            names = sorted(case.body)
            kept = [names[number % len(names)] for number in dice[2 : 2 + dice[3] % 3] if names]
            case.body = good | {name: case.body[name] for name in kept}
        elif isinstance(good, str | bytes) and dice[2] >= 128:
            case.body = good

    def _check(self, case: Case, answer: httpx.Response) -> None:
        label = case.operation.label
        but = [schemathesis.checks.negative_data_rejection] if label in _TAKES_ANYTHING else []
        try:
            case.validate_response(answer, checks=self._checks, excluded_checks=but)
        except FailureGroup as group:
            for failure in group.exceptions:
                if b"=null" in answer.request.url.query and "Schema-violating" in str(failure):
                    continue  # a query cannot say null: it is the word, and a word is fine where texts are
                told = f"{case.as_curl_command()}\n{answer.status_code} {answer.text[:500]}"
                self.faults.setdefault(f"{label}: {failure}", told)


def _latin(text: str | bytes) -> bytes:
    """A header as it goes over the wire."""
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _each(cases: st.SearchStrategy[Case], count: int, send: Callable[[Case], None]) -> None:
    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def run(case: Case) -> None:
        send(case)

    run()


@contextmanager
def serving_on(folder: Path) -> Iterator[Service]:
    chosen = settings_at(folder, open_reads=False, **{f"rate_{role}": 0 for role in Role})
    app = create_app(chosen)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://test")
    client.app = app  # type: ignore[attr-defined]

    async def start() -> tuple[World, Side]:
        store = await open_store(chosen)
        await store.import_shops([a_shop()], dataset="test")
        await store.import_districts([a_district()], dataset="test")
        await store.close()
        await life.__aenter__()
        world = World(client, a_district().id)
        return world, await world.side("mine")

    with asyncio.Runner() as runner:
        life = app.router.lifespan_context(app)
        try:
            world, side = runner.run(start())
            yield Service(runner, client, world, side)
        finally:
            runner.run(life.__aexit__(None, None, None))


def test_whatever_is_sent_the_answer_is_as_documented(tmp_path: Path) -> None:
    with serving_on(tmp_path) as service:
        prober = Prober(service)
        found = [one.ok() for one in service.schema.get_all_operations()]
        share = -(-CASES * 11 // (10 * len(found)))  # few operations have less to try
        for operation in found:
            prober.probe(operation, share)
    told = "\n\n".join(f"{fault}\n{how}" for fault, how in prober.faults.items())
    assert not prober.faults, told
    assert prober.statuses.total() >= CASES * 0.95, "few operations have less to try"
    good = prober.statuses[200] + prober.statuses[201] + prober.statuses[204]
    assert good > CASES / 5, prober.statuses
