"""uvicorn's protocol with the fast lane in front of it: a usual question is answered as soon as its headers are read.

Of 100 microseconds that a request takes, an ASGI cycle (a scope, a task, an event, two messages) is 20.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.doors import ENTERED, Entered
from api.fast_lane import AtOnce, FastLane, header_lines

if TYPE_CHECKING:
    import asyncio

    from uvicorn.config import Config
    from uvicorn.server import ServerState

#: Requests that one packet may have answered before others get their turn; uvicorn queues the rest.
_MOST_A_PACKET = 16
#: Headers of requests that are more than a question.
_NOT_USUAL = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade"))


class LaneProtocol(HttpToolsProtocol):
    """HTTP/1 as uvicorn speaks it; what the app's fast lane answers at once is no ASGI request.

    For an app that has a `lane`; with any other it is uvicorn's own protocol.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._lane = self._lane_of_app()
        self._turns = 0
        self._ours = False
        self._entered: Entered | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since_s: float | None = None

    def _lane_of_app(self) -> FastLane | None:
        """The lane, where nothing of what uvicorn was told is left out by it."""
        lane = getattr(self.app, "lane", None)
        asked_more = self.root_path or self.limit_concurrency is not None or self.access_log
        return lane if isinstance(lane, FastLane) and not asked_more else None

    def data_received(self, data: bytes) -> None:
        self._turns = _MOST_A_PACKET
        self._idle_since_s = None
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def on_message_begin(self) -> None:
        # The scope is made when it turns out that somebody needs it.
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._entered = None

    def on_headers_complete(self) -> None:
        self._ours = self._answered()
        if not self._ours:
            self._idle_since_s = None
            self._make_scope()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._ours:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._ours:
            super().on_message_complete()

    def _make_scope(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)  # this list is the scope's
        if self._entered is not None:
            self.scope[ENTERED] = self._entered  # type: ignore[literal-required]

    def _answered(self) -> bool:
        """Whether the request needs no more than what was done here."""
        lane = self._lane
        if lane is None or not (self.cycle is None or self.cycle.response_complete) or self.pipeline:
            return False
        if self.transport.is_closing():
            return True  # it came behind one that was the last: nobody waits for an answer
        if self._turns == 0 or self.flow.write_paused or self.parser.get_method() != b"GET":
            return False
        started = time.perf_counter()
        path, _, query = self.url.partition(b"?")
        for name, _value in self.headers:
            if name in _NOT_USUAL:
                return False
        client = self.client[0] if self.client else ""
        answer = lane.at_once(path, query, self.headers, client)
        if not isinstance(answer, AtOnce):
            self._entered = answer
            return False
        self._turns -= 1
        self._send(answer)
        answer.note(time.perf_counter() - started)
        return True

    def _send(self, answer: AtOnce) -> None:
        """The answer in one piece, headers as uvicorn has them."""
        parser = self.parser
        keep_alive = parser.should_keep_alive() and parser.get_http_version() != "1.0"
        lines = [
            b"HTTP/1.1 200 OK\r\n",
            header_lines(self.server_state.default_headers),
            b"content-length: %d\r\n" % len(answer.body),
            answer.of_revision.lines,
        ]
        if answer.of_request:
            lines.append(header_lines(answer.of_request))
        if not keep_alive:
            lines.append(b"connection: close\r\n")
        lines += b"\r\n", answer.body
        self.transport.write(b"".join(lines))
        if not keep_alive:
            self.transport.close()
        self.server_state.total_requests += 1
        # One timer goes on while requests come and go: to set and cancel one a request takes 3 microseconds.
        self._idle_since_s = self.loop.time()
        if self._timer is None:
            self._timer = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        self._timer = None
        if self._idle_since_s is None:
            return  # a cycle of uvicorn's has come after it, which has a timer of its own
        rest_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
        if rest_s > 0:
            self._timer = self.loop.call_later(rest_s, self._look_whether_idle)
        else:
            self.timeout_keep_alive_handler()
