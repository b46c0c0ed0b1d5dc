"""The fast lane for the hot reads: plain ASGI in front of all that the framework does, for questions as they should be.

`/v1/offers`, `/v1/offers/match` and `/v1/shops` are read by hand and answered in bytes. Whatever is not plainly right
(a parameter it does not know, a value that needs a second look, an error of a service) it leaves to the app behind it,
which says what is wrong: so there is one schema, one documentation and one wording of every error.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog
from starlette.types import Message, Receive, Scope, Send

from api.answers import catalog_headers, next_link
from api.bodies import MOST_BYTES
from api.callers import ANY_DOOR
from api.doors import ENTERED, Doors, Entered, Headers, client_of
from api.matching import batch_body
from api.pieces import PiecesOfApp, list_body, offers_body, offers_more, shops_body
from api.plain_questions import Head, NotPlain, head_of, match_asked, offers_asked, shops_asked, usual
from api.schemas.offers import assumed_of
from geo_offers.bootstrap import Services
from geo_offers.domain.errors import GeoOffersError
from geo_offers.domain.languages import accepted_languages
from geo_offers.index.snapshot import CatalogSnapshot
from geo_offers.services.write_answers import Usual, WriteAnswers

log = structlog.get_logger(__name__)

_Headers = list[tuple[bytes, bytes]]
Note = Callable[[float], None]
#: What stands behind the offers of a usual question, which names neither an accuracy nor the time of a fix.
_MORE_OF_USUAL = b',"assumed":["accuracy_m","fix_at"],"degraded":[]'


class Up(NamedTuple):
    """What a service that is up answers from."""

    services: Services
    pieces: PiecesOfApp
    doors: Doors


class _Asked(NamedTuple):
    """One request: what it is answered from, for whom, its headers, and its body when it has one."""

    services: Services
    pieces: PiecesOfApp
    account: str
    scope: Scope
    head: Head
    body: bytes


class _Answer(NamedTuple):
    """`next` is the cursor of the page after it."""

    body: bytes
    snapshot: CatalogSnapshot
    next: str | None = None


class AtOnce(NamedTuple):
    """An answer to a usual question.

    of_revision  the headers of every answer from its revision; `of_request` are its own, beside content-length
    note         hears in how many seconds it was given
    """

    body: bytes
    of_revision: RevisionHeaders
    of_request: Headers
    note: Note


class RevisionHeaders(NamedTuple):
    """What every answer from one revision says of itself: as ASGI takes it, and as it is sent."""

    revision: int
    headers: _Headers
    lines: bytes


class FastLane:
    """Answers the hot reads that are plainly right.

    of      what the app answers from once it is up, None before
    noting  for a method and a path, what hears the seconds of every answer
    """

    def __init__(self, of: Callable[[], Up | None], noting: Callable[[str, str], Note]) -> None:
        self._of = of
        self._of_revision = RevisionHeaders(-1, [], b"")
        self._usual = {
            b"/v1/offers": (_usual_offers, noting("GET", "/v1/offers")),
            b"/v1/shops": (_usual_shops, noting("GET", "/v1/shops")),
        }
        self._lanes: dict[tuple[str, str], tuple[Callable[[_Asked], Awaitable[_Answer]], Note]] = {
            ("GET", "/v1/offers"): (_offers, noting("GET", "/v1/offers")),
            ("GET", "/v1/shops"): (_shops, noting("GET", "/v1/shops")),
            ("POST", "/v1/offers/match"): (_match, noting("POST", "/v1/offers/match")),
        }

    def at_once(
        self, path: bytes, query: bytes, headers: Iterable[tuple[bytes, bytes]], client: str
    ) -> AtOnce | Entered | None:
        """The answer to a GET without a body, when it is a usual question.

        path     as it came, without the query
        client   the address that the request comes from
        Entered when the door has let it in and counted it, and it is to be answered elsewhere; None when
        nothing was done.
        """
        lane = self._usual.get(path)
        asked = usual(query) if lane is not None else None
        up = self._of()
        if lane is None or asked is None or up is None:
            return None
        entered = None
        try:
            head = head_of(headers)
            entered = up.doors.enter(head.authorization, ANY_DOOR, client)
            answer = lane[0](up.services.write_answers, asked, bool(head.languages))
        except (NotPlain, GeoOffersError):
            return entered
        except Exception as error:  # the app behind meets it again and says it properly
            log.error("fast_lane_failed", path=path.decode(), error=type(error).__name__, exc_info=error)
            return entered
        if answer is None:
            return entered
        more = entered.headers
        if answer.next is not None:
            # A usual query has nothing in it that a link must not have.
            link = b'<%b?%b&cursor=%b>; rel="next"' % (path, query, answer.next.encode())
            more = (*more, (b"link", link))
        return AtOnce(answer.body, self._headers_of(answer.snapshot.revision), more, lane[1])

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """None when it answered; else nothing was sent, and the app behind is to receive from what this gives."""
        if scope["type"] != "http":
            return receive
        lane, up = self._lanes.get((scope["method"], scope["path"])), self._of()
        if lane is None or up is None:
            return receive
        started = time.perf_counter()
        # The server may have asked already.
        if scope["method"] == "GET" and ENTERED not in scope:
            path = scope["path"].encode()
            now = self.at_once(path, scope["query_string"], scope["headers"], client_of(scope))
            if isinstance(now, AtOnce):
                await _send(send, now.body, now.of_revision, now.of_request)
                now.note(time.perf_counter() - started)
                return None
            if now is not None:
                scope[ENTERED] = now
        try:
            head, body = head_of(scope["headers"]), b""
            # Kept, so that a request that the app behind answers is not counted twice.
            entered: Entered | None = scope.get(ENTERED)
            if entered is None:
                entered = scope[ENTERED] = up.doors.enter(head.authorization, ANY_DOOR, client_of(scope))
            if scope["method"] == "POST":
                body, receive = await _body_of(scope, receive)
            account = entered.caller.visitors_of
            answer = await lane[0](_Asked(up.services, up.pieces, account, scope, head, body))
        except (NotPlain, GeoOffersError):
            return receive
        except Exception as error:  # the app behind meets it again and says it properly
            log.error("fast_lane_failed", path=scope["path"], error=type(error).__name__, exc_info=error)
            return receive
        more = entered.headers
        link = next_link(scope, answer.next)
        if link is not None:
            more = (*more, (b"link", link.encode()))
        await _send(send, answer.body, self._headers_of(answer.snapshot.revision), more)
        lane[1](time.perf_counter() - started)
        return None

    def _headers_of(self, revision: int) -> RevisionHeaders:
        known = self._of_revision
        if known.revision != revision:
            said = catalog_headers(revision).items()
            headers = [(name.lower().encode(), value.encode()) for name, value in said]
            headers.append((b"content-type", b"application/json"))
            known = self._of_revision = RevisionHeaders(revision, headers, header_lines(headers))
        return known


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they are sent."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


async def _send(send: Send, body: bytes, of_revision: RevisionHeaders, of_request: Headers) -> None:
    headers = [(b"content-length", b"%d" % len(body)), *of_revision.headers, *of_request]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _usual_offers(write: WriteAnswers, asked: Usual, named: bool) -> _Answer | None:
    page = write.usual_offers(asked, named=named)
    if page is None:
        return None
    return _Answer(list_body(page.items, page.next, _MORE_OF_USUAL), page.snapshot, page.next)


def _usual_shops(write: WriteAnswers, asked: Usual, named: bool) -> _Answer | None:
    page = write.usual_shops(asked, named=named)
    return None if page is None else _Answer(list_body(page.items, page.next), page.snapshot, page.next)


async def _offers(asked: _Asked) -> _Answer:
    query, lang = offers_asked(asked.scope["query_string"], asked.account)
    languages = asked.head.languages
    if lang is not None:
        languages = (*accepted_languages(lang), *languages)
    written = await asked.services.write_answers.offers(query, named=bool(languages))
    if written is not None:
        more = offers_more(written, assumed_of(query))
        return _Answer(list_body(written.items, written.next, more), written.snapshot, written.next)
    page = await asked.services.match_offers.offers(query)
    body = offers_body(asked.pieces.of(page.snapshot, languages), page, assumed_of(query))
    return _Answer(body, page.snapshot, page.next)


async def _shops(asked: _Asked) -> _Answer:
    query, languages = shops_asked(asked.scope["query_string"]), asked.head.languages
    written = asked.services.write_answers.shops(query, named=bool(languages))
    if written is not None:
        return _Answer(list_body(written.items, written.next), written.snapshot, written.next)
    page = asked.services.find_shops.near(query)
    return _Answer(shops_body(asked.pieces.of(page.snapshot, languages), page), page.snapshot, page.next)


async def _match(asked: _Asked) -> _Answer:
    question, languages = match_asked(asked.body), asked.head.languages
    batch = await asked.services.write_answers.match(question.places(), named=bool(languages))
    items, degraded = list(batch.items), set(batch.degraded)
    apart = [place for place, written in enumerate(items) if written is None]
    if apart:
        queries = [question.query(place, batch.when, asked.account) for place in apart]
        rest = await asked.services.match_offers.match(queries, snapshot=batch.snapshot, now=batch.when)
        pieces = asked.pieces.of(batch.snapshot, languages)
        opening = batch.snapshot.opening.at(batch.when)
        for place, page in zip(apart, rest.pages, strict=True):
            items[place] = pieces.offers(page.items, opening)
        degraded.update(rest.degraded)
    return _Answer(batch_body([written or b"" for written in items], sorted(degraded)), batch.snapshot)


async def _body_of(scope: Scope, receive: Receive) -> tuple[bytes, Receive]:
    """The body, and what gives the same messages again; of one that is too large, only its beginning is read.

    Raises NotPlain, before anything is received, for a query.
    """
    if scope["query_string"]:
        raise NotPlain
    messages: list[Message] = []
    more, size = True, 0
    while more and size <= MOST_BYTES:
        messages.append(await receive())
        more = messages[-1].get("more_body", False)
        size += len(messages[-1].get("body", b""))
    again = iter(messages)

    async def replay() -> Message:
        message = next(again, None)
        return await receive() if message is None else message

    return b"".join(message.get("body", b"") for message in messages), replay
