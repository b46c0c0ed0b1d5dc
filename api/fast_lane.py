"""The fast lane for the two hot reads: plain ASGI in front of all that the framework does, for questions as they should be.

It reads `/v1/offers` and `/v1/shops` by hand and answers from the same services and the same pieces. Whatever is not
plainly right (a parameter it does not know, a value that needs a second look, an error of a service) it leaves to the
app behind it, which says what is wrong: so there is one schema, one documentation and one wording of every error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

import structlog
from starlette.types import Scope, Send

from api.answers import catalog_headers, next_link
from api.pieces import PiecesOfApp, offers_body, shops_body
from api.schemas.offers import assumed_of, segments_of
from api.schemas.parameters import moment_of
from geo_offers.bootstrap import Services
from geo_offers.domain.errors import GeoOffersError
from geo_offers.domain.languages import accepted_languages
from geo_offers.domain.place import LngLat
from geo_offers.services.find_shops import ShopQuery
from geo_offers.services.match_offers import OfferQuery

log = structlog.get_logger(__name__)

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)\Z", re.ASCII)
_WHOLE = re.compile(r"\d{1,3}\Z", re.ASCII)
_BOOL = {"true": True, "false": False}
_MIN_REVISION = b"x-min-catalog-revision"

Answer = tuple[bytes, int, str | None]


class NotPlain(Exception):
    """The app behind should look at this."""


def _number(least: float, most: float, *, above: bool = False) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not _DECIMAL.match(text):
            raise NotPlain
        value = float(text)
        if not least <= value <= most or (above and value == least):
            raise NotPlain
        return value

    return read


def _limit(text: str) -> int:
    if not _WHOLE.match(text) or not 1 <= int(text) <= 100:
        raise NotPlain
    return int(text)


def _flag(text: str) -> bool:
    if text not in _BOOL:
        raise NotPlain
    return _BOOL[text]


def _text(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not 0 < len(text) <= most:
            raise NotPlain
        return text

    return read


def _moment(text: str) -> datetime:
    try:
        return moment_of(text)
    except ValueError:
        raise NotPlain from None


_PLACE: Mapping[str, Callable[[str], Any]] = {"lng": _number(-180, 180), "lat": _number(-90, 90)}
_PAGE: Mapping[str, Callable[[str], Any]] = {
    "limit": _limit,
    "cursor": _text(4_096),
    "category": _text(200),
    "district_id": _text(200),
    "at": _moment,
}
_SHOPS: Mapping[str, Callable[[str], Any]] = {
    **_PLACE,
    **_PAGE,
    "radius_m": _number(0, 100_000, above=True),
    "open_now": _flag,
}
_OFFERS: Mapping[str, Callable[[str], Any]] = {
    **_PLACE,
    **_PAGE,
    "radius_m": _number(0, 50_000, above=True),
    "visitor_id": _text(200),
    "segments": _text(1_000),
    "accuracy_m": _number(0, 100_000),
    "fix_at": _moment,
    "lang": _text(100),
    "explain": _flag,
}


def _read(query: bytes, known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The parameters of a query that is plainly right. Raises NotPlain."""
    values: dict[str, Any] = {}
    for part in query.decode("latin-1").split("&"):
        name, equals, text = part.partition("=")
        read = known.get(name)
        if read is None or not equals or name in values:
            raise NotPlain
        values[name] = read(unquote_plus(text) if "%" in text or "+" in text else text)
    if "lng" not in values or "lat" not in values:
        raise NotPlain
    return values


class FastLane:
    """Answers the hot reads that are plainly right.

    of    the services and pieces once the app is up, None before
    note  hears the path and the seconds of every answer
    """

    def __init__(
        self,
        of: Callable[[], tuple[Services, PiecesOfApp] | None],
        note: Callable[[str, float], None],
    ) -> None:
        self._of = of
        self._note = note
        self._lanes = {"/v1/offers": self._offers, "/v1/shops": self._shops}

    async def answered(self, scope: Scope, send: Send) -> bool:
        """Whether it answered; when it did not, nothing was sent."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return False
        lane, up = self._lanes.get(scope["path"]), self._of()
        if lane is None or up is None:
            return False
        started = time.perf_counter()
        try:
            body, revision, link = await lane(scope, *up)
        except (NotPlain, GeoOffersError):
            return False
        except Exception as error:  # the app behind meets it again and says it properly
            log.error("fast_lane_failed", path=scope["path"], error=type(error).__name__, exc_info=error)
            return False
        headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
            *(
                (name.lower().encode(), value.encode())
                for name, value in catalog_headers(revision, link).items()
            ),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._note(scope["path"], time.perf_counter() - started)
        return True

    async def _offers(self, scope: Scope, services: Services, pieces: PiecesOfApp) -> Answer:
        given = _read(scope["query_string"], _OFFERS)
        languages = _languages(scope)
        lang = given.pop("lang", None)
        if lang is not None:
            languages = (*accepted_languages(lang), *languages)
        segments = segments_of(given.pop("segments", None))
        query = OfferQuery(
            at=LngLat(given.pop("lng"), given.pop("lat")),
            when=given.pop("at", None),
            segments=segments,
            **given,
        )
        page = await services.match_offers.offers(query)
        body = offers_body(pieces.of(page.snapshot, languages), page, assumed_of(query))
        return body, page.snapshot.revision, next_link(scope, page.next)

    async def _shops(self, scope: Scope, services: Services, pieces: PiecesOfApp) -> Answer:
        given = _read(scope["query_string"], _SHOPS)
        query = ShopQuery(at=LngLat(given.pop("lng"), given.pop("lat")), when=given.pop("at", None), **given)
        page = services.find_shops.near(query)
        body = shops_body(pieces.of(page.snapshot, _languages(scope)), page)
        return body, page.snapshot.revision, next_link(scope, page.next)


def _languages(scope: Scope) -> tuple[str, ...]:
    """The reader's languages; a request that waits for a revision is not for here."""
    languages: tuple[str, ...] = ()
    for name, value in scope["headers"]:
        if name == b"accept-language":
            languages = accepted_languages(value.decode("latin-1"))
        elif name == _MIN_REVISION:
            raise NotPlain
    return languages
