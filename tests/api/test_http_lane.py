"""uvicorn with the fast lane in its protocol answers as uvicorn alone does, whatever comes over the wire."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.app import Service
from api.http_lane import LaneProtocol
from geo_offers.domain.fence import CircleFence
from geo_offers.domain.place import LngLat
from geo_offers.index.geodesic import geodesic_m
from tests.api.conftest import Serving
from tests.builders import a_promotion, a_shop, some_shops

_HELSINKI = LngLat(24.9414, 60.1699)
_RIM = LngLat(24.9414, 60.1999)
_OFFERS = b"/v1/offers?lng=24.9414&lat=60.1699"
_SHOPS = b"/v1/shops?lng=24.9414&lat=60.1699"
#: They tell the time of the answer, and how often was asked before.
_OF_THE_MOMENT = {b"date", b"ratelimit", b"ratelimit-policy"}
_CURSOR = re.compile(rb'(?<=cursor=)[\w-]+|(?<="next":")[\w-]+')


def _get(target: bytes, *headers: bytes, version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    return b"\r\n".join([b"%b %b HTTP/%b" % (method, target, version), b"Host: here", *headers, b"", b""])


_REQUESTS = [
    _get(_OFFERS),
    _get(_SHOPS),
    _get(_OFFERS + b"&limit=3"),
    _get(_SHOPS + b"&limit=3&radius_m=5000"),
    _get(b"/v1/offers?lng=0&lat=0&radius_m=600"),
    _get(b"/v1/offers?lat=60.1699&limit=100&lng=24.9414", b"Accept-Language: zh-CN, en;q=0.5"),
    _get(b"/v1/offers?lng=24.9414&lat=60.1999&radius_m=4000"),
    _get(_OFFERS + b"&visitor_id=anna"),
    _get(_OFFERS + b"&limit=0"),
    _get(_OFFERS + b"&lng=3"),
    _get(_OFFERS + b"#limit=3"),
    _get(b"/v1/offers"),
    _get(b"/v1/offers?"),
    _get(b"/v1/offers/?lng=24.9414&lat=60.1699"),
    _get(b"/v1%2Foffers?lng=24.9414&lat=60.1699"),
    _get(b"http://here" + _OFFERS),
    _get(b"/nowhere"),
    _get(_OFFERS, b"Authorization: Bearer nobody"),
    _get(_OFFERS, b"Authorization: Bearer a", b"Authorization: Bearer b"),
    _get(_OFFERS, b"X-Min-Catalog-Revision: 0"),
    _get(_OFFERS, b"Content-Length: 3") + b"abc",
    _get(_OFFERS, b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
    _get(_OFFERS, b"Connection: close"),
    _get(_OFFERS, version=b"1.0"),
    _get(_OFFERS, b"Connection: keep-alive", version=b"1.0"),
    _get(_OFFERS, b"Connection: upgrade", b"Upgrade: h2c"),
    _get(_OFFERS, method=b"POST"),
    _get(_OFFERS + b"&" + b"x" * 100_000),
    _get(_OFFERS, b"X-Long: " + b"x" * 100_000),
    b"GET " + _OFFERS + b" HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
    b"nonsense\r\n\r\n",
]


@dataclass(frozen=True, slots=True)
class _Running:
    """A server of uvicorn's on a port of its own."""

    server: uvicorn.Server
    task: asyncio.Task[None]
    port: int

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    def cycles(self) -> list[bool]:
        """For each open connection whether uvicorn ever made an ASGI request of what came there."""
        return [one.cycle is not None for one in self.server.server_state.connections]

    async def end(self) -> None:
        self.server.should_exit = True
        await self.task


async def _started(app: Service, protocol: type[HttpToolsProtocol], *, keep_alive_s: float = 5.0) -> _Running:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=protocol, lifespan="off", access_log=False, log_level="critical", proxy_headers=False,
        timeout_keep_alive=keep_alive_s,  # type: ignore[arg-type]
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0)
    return _Running(server, task, listening.getsockname()[1])


@dataclass(frozen=True, slots=True)
class _Both:
    """One app behind uvicorn with the lane, and behind uvicorn alone."""

    fast: _Running
    plain: _Running

    async def same(self, talk: Callable[[_Running], Awaitable[Sequence[bytes]]]) -> Sequence[bytes]:
        """What both answer when they are talked to in one way."""
        fast, plain = await talk(self.fast), await talk(self.plain)
        assert [_told(one) for one in fast] == [_told(one) for one in plain]
        return fast


Both = Callable[..., AbstractAsyncContextManager[_Both]]


@pytest.fixture
def both(serving: Serving) -> Both:
    @asynccontextmanager
    async def run(**chosen: object) -> AsyncIterator[_Both]:
        shops = some_shops(60, opening_hours="24/7", names={})
        promotions = [
            a_promotion(f"p{n}", fence=CircleFence(_HELSINKI, 200.0 + n), shop_ids=(shop.id,), title_i18n={})
            for n, shop in enumerate(shops)
        ]
        to_rim_m = geodesic_m(_RIM, _HELSINKI)
        promotions.append(a_promotion("rim", fence=CircleFence(_HELSINKI, to_rim_m), shop_ids=()))
        async with serving([*shops, a_shop("node/900")], [], promotions, **chosen) as client:
            app: Service = client.app  # type: ignore[attr-defined]
            running = [await _started(app, one) for one in (LaneProtocol, HttpToolsProtocol)]
            try:
                yield _Both(*running)
            finally:
                for one in running:
                    await one.end()

    return run


async def _answer(reader: asyncio.StreamReader, *, bodiless: bool = False) -> bytes:
    """One answer whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return head if bodiless or length is None else head + await reader.readexactly(int(length[1]))


def _told(answer: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Status, headers in no order, and body, without what tells the moment."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    # A cursor holds the moment of the question.
    kept = [_CURSOR.sub(b"", one) for one in lines if one.partition(b":")[0].lower() not in _OF_THE_MOMENT]
    return status, sorted(kept), _CURSOR.sub(b"", body)


async def _asked(at: _Running, *packets: bytes, count: int = 1, bodiless: bool = False) -> list[bytes]:
    """The answers on a fresh connection that is sent these packets."""
    reader, writer = await at.connect()
    for packet in packets:
        writer.write(packet)
        for _ in range(5):
            await asyncio.sleep(0)  # the server, in this very loop, reads it by itself
    answers = [await _answer(reader, bodiless=bodiless) for _ in range(count)]
    writer.close()
    return answers


async def test_a_usual_question_is_answered_without_an_asgi_request(both: Both) -> None:
    async with both() as servers:
        reader, writer = await servers.fast.connect()
        for target in (_OFFERS, _SHOPS, _OFFERS + b"&radius_m=300.5&limit=7", _SHOPS + b"&limit=100"):
            writer.write(_get(target, b"Accept: */*"))
            assert (await _answer(reader)).startswith(b"HTTP/1.1 200 OK\r\n")
            assert servers.fast.cycles() == [False]
        assert servers.fast.server.server_state.total_requests == 4
        writer.write(_get(b"/healthz"))
        assert (await _answer(reader)).startswith(b"HTTP/1.1 200 OK\r\n")
        assert servers.fast.cycles() == [True]
        writer.close()


async def test_a_request_is_answered_the_same_with_and_without_the_lane(both: Both) -> None:
    async with both() as servers:
        for one in _REQUESTS:
            await servers.same(lambda at, one=one: _asked(at, one))


async def test_head_is_answered_the_same_with_and_without_the_lane(both: Both) -> None:
    async with both() as servers:
        await servers.same(lambda at: _asked(at, _get(_OFFERS, method=b"HEAD"), bodiless=True))


async def test_a_request_in_pieces_is_answered_as_a_whole_one(both: Both) -> None:
    whole = _get(_OFFERS + b"&limit=3", b"Accept: */*")
    async with both() as servers:
        once = await servers.same(lambda at: _asked(at, whole))
        for cut in (1, 7, 20, len(whole) - 60, len(whole) - 1):
            parts = await servers.same(lambda at, cut=cut: _asked(at, whole[:cut], whole[cut:]))
            assert _told(parts[0]) == _told(once[0])
        await servers.same(lambda at: _asked(at, *(whole[n : n + 1] for n in range(len(whole)))))


async def test_requests_in_one_packet_are_answered_in_their_order(both: Both) -> None:
    targets = [(_OFFERS, _SHOPS, b"/healthz", _OFFERS + b"&colour=red")[n % 7 % 4] for n in range(60)]
    packet = b"".join(
        _get(b"%b&limit=%d" % (one, n) if b"?" in one else one) for n, one in enumerate(targets)
    )
    usual = b"".join(_get(b"%b&limit=%d" % (_OFFERS, n)) for n in range(1, 60))
    async with both() as servers:
        await servers.same(lambda at: _asked(at, packet, count=60))
        await servers.same(lambda at: _asked(at, usual, count=59))


@pytest.mark.parametrize("last", [_get(_OFFERS, b"Connection: close"), _get(_OFFERS, version=b"1.0")])
async def test_behind_the_last_request_nothing_is_answered(both: Both, last: bytes) -> None:
    async def talk(at: _Running) -> list[bytes]:
        reader, writer = await at.connect()
        writer.write(_get(_SHOPS) + last + _get(_SHOPS))
        answers = [await _answer(reader), await _answer(reader), await reader.read()]
        writer.close()
        return answers

    async with both() as servers:
        assert (await servers.same(talk))[2] == b""


async def test_who_reads_slowly_gets_every_answer_and_holds_up_nobody(both: Both) -> None:
    async def talk(at: _Running) -> list[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port, limit=1_024)
        writer.write(_get(_OFFERS + b"&limit=60") * 400)
        other = await _asked(at, _get(_SHOPS))
        answers = [await _answer(reader) for _ in range(400)]
        writer.close()
        return [*other, *answers]

    async with both() as servers:
        answers = await servers.same(talk)
        assert len({len(_told(one)[2]) for one in answers[1:]}) == 1
        assert sum(map(len, answers)) > 5_000_000


async def test_the_door_counts_a_request_once_whoever_answers_it(both: Both) -> None:
    async with both(rate_app=3) as servers:
        rim = b"/v1/offers?lng=24.9414&lat=60.1999&radius_m=1"
        answers = [(await _asked(servers.fast, _get(one)))[0] for one in (_OFFERS, rim, _SHOPS, _OFFERS)]
    assert [one.partition(b"\r\n")[0][9:12] for one in answers] == [b"200", b"200", b"200", b"429"]


async def test_a_connection_that_says_nothing_more_is_closed(both: Both) -> None:
    async with both() as servers:
        app = servers.fast.server.config.loaded_app
        quick = await _started(app, LaneProtocol, keep_alive_s=0.05)
        reader, writer = await quick.connect()
        writer.write(_get(_OFFERS))
        await _answer(reader)
        assert await reader.read() == b""
        writer.close()
        await quick.end()


async def test_a_server_that_ends_closes_connections_that_wait(both: Both) -> None:
    async with both() as servers:
        reader, writer = await servers.fast.connect()
        writer.write(_get(_OFFERS))
        await _answer(reader)
        await servers.fast.end()
        assert await reader.read() == b""
        writer.close()
