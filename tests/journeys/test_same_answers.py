"""The same requests to a service on SQLite and to one on PostGIS: the same status, headers and bytes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from api.app import create_app
from geo_offers.domain.account import Role
from geo_offers.settings import Settings
from tests.api.conftest import key_for
from tests.journeys.recorded_requests import RECORDED, Recorded

#: They say when, or which request it was.
_NOT_COMPARED = {"date", "x-request-id", "content-length", "ratelimit"}
_ID = re.compile(r"\b(?:mrc|shp|prm|red|key|gok_[a-z]+)_[0-9a-z]{12,}\b|~[0-9a-z]{16}\b|\"[0-9a-f]{16,24}\"")
_CODE = re.compile(r"\b[0-9A-Z]{12}\b|\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")
_CURSOR = re.compile(r'(cursor=|"next": ?")[\w-]{16,}')
#: PostgreSQL keeps translations by language, SQLite as they were written.
_TRANSLATIONS = re.compile(r'("(?:names|title_i18n)": ?)(\{[^}]*\})')
_TIME = re.compile(r"\b20(?!20|90)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_REVISION = re.compile(r'"(?:catalog_)?revision":\d+')
_NAME = re.compile(r"\{([a-z_]+)\}")


@dataclass
class Service:
    """A client of a service, what it knows by name, and the revision that it has seen."""

    client: httpx.AsyncClient
    known: dict[str, str]
    revision: str = "0"
    _ids: dict[str, str] = field(default_factory=dict)

    async def ask(self, recorded: Recorded) -> tuple[int, dict[str, str], str]:
        """Status, headers and body, with what is made by chance called by its turn."""
        headers = {name: self._filled(text) for name, text in recorded.headers.items()}
        if recorded.who:
            headers["Authorization"] = f"Bearer {self.known[recorded.who]}"
        if recorded.method == "GET":
            headers["X-Min-Catalog-Revision"] = self.revision
        content = None
        if recorded.body is not None:
            text = recorded.body if isinstance(recorded.body, str) else json.dumps(recorded.body)
            content = text if isinstance(recorded.body, str) else self._filled(text)
            headers.setdefault("Content-Type", "application/json")
        path = self._filled(recorded.path)
        answer = await self.client.request(recorded.method, path, headers=headers, content=content)
        if recorded.method != "GET":
            self.revision = answer.headers.get("x-catalog-revision", self.revision)
        self._keep(recorded, answer)
        return answer.status_code, self._headers(answer), self._body(recorded, answer)

    def _filled(self, text: str) -> str:
        now = {"now": datetime.now(UTC).isoformat()}
        return _NAME.sub(lambda found: (self.known | now).get(found[1], found[0]), text)

    def _keep(self, recorded: Recorded, answer: httpx.Response) -> None:
        for name, place in recorded.keeps.items():
            assert answer.is_success, (recorded, answer.text)
            if not place.startswith("/"):
                self.known[name] = answer.headers[place]
                continue
            found: Any = answer.json()
            for part in place[1:].split("/"):
                found = found[int(part) if part.isdigit() else part]
            self.known[name] = found

    def _headers(self, answer: httpx.Response) -> dict[str, str]:
        if "content-length" in answer.headers:
            assert answer.headers["content-length"] == str(len(answer.content)) or not answer.content
        return {name: self._plain(text) for name, text in answer.headers.items() if name not in _NOT_COMPARED}

    def _body(self, recorded: Recorded, answer: httpx.Response) -> str:
        if answer.headers.get("content-type", "").startswith("image/"):
            return "a picture of a code that is made by chance"
        if not recorded.any_order:
            return self._plain(answer.text)
        document = answer.json()
        items = sorted(re.sub(r"#\d+", "#", self._plain(json.dumps(one))) for one in document.pop("items"))
        return json.dumps([items, self._plain(json.dumps(document))])

    def _plain(self, text: str) -> str:
        for name, value in self.known.items():
            text = text.replace(value.strip('"'), f"<{name}>")
        text = _ID.sub(lambda found: self._ids.setdefault(found[0], f"<id #{len(self._ids)}>"), text)
        text = _CODE.sub("<code>", text)
        text = _CURSOR.sub(r"\1<cursor>", _TRANSLATIONS.sub(_by_language, text))
        return _REVISION.sub('"revision":0', _TIME.sub("<time>", text))


def _by_language(found: re.Match[str]) -> str:
    return found[1] + json.dumps(json.loads(found[2]), sort_keys=True)


@asynccontextmanager
async def service_on(url: str) -> AsyncIterator[Service]:
    """An empty town with the keys of an operator, an app and a planner."""
    app = create_app(Settings(database_url=url, secret="lakeside", rate_app=0, rate_merchant=0))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        client.app = app  # type: ignore[attr-defined]
        known = {}
        for role in (Role.ADMIN, Role.APP, Role.PLANNER):
            known[role.value] = (await key_for(client, role))["Authorization"].removeprefix("Bearer ")
        yield Service(client, known)


async def test_sqlite_and_postgis_answer_the_same_bytes(tmp_path: Path, postgis_url: str):
    async with AsyncExitStack() as services:
        urls = f"sqlite:///{tmp_path / 'town.sqlite3'}", postgis_url
        one, other = [await services.enter_async_context(service_on(url)) for url in urls]
        apart, statuses = [], Counter[int]()
        for number, recorded in enumerate(RECORDED):
            answers = await one.ask(recorded), await other.ask(recorded)
            statuses[answers[0][0]] += 1
            if answers[0] != answers[1]:
                apart.append((number, recorded, *answers))
        assert [(number, asked.path, *both) for number, asked, *both in apart] == []
    assert len(RECORDED) >= 150
    assert statuses.keys() >= {200, 201, 204, 304, 401, 403, 404, 409, 412, 422, 428}
    assert max(statuses) < 500
