"""The command that answers over HTTP: what it cannot have is one sentence, and a signal ends it with exit code 0."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import typer

from geo_offers.bootstrap import kernel_cache, open_key_desk, require_secret
from geo_offers.domain.errors import AddressUnavailable
from geo_offers.services.key_desk import KeyDesk
from geo_offers.settings import Settings

_BACKLOG = 2_048
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def answer(settings: Settings, *, host: str, port: int, workers: int = 1) -> None:
    """Serve until Ctrl-C or SIGTERM, then let the requests under way end, within a bound.

    port     0 takes any that is free
    workers  processes that answer; more than one have their settings from the environment

    Who connects before the catalog is loaded waits. Raises AddressUnavailable, and what `bootstrap.running`
    raises, before anyone is answered.
    """
    with _ended_by_a_signal(), ExitStack() as sockets:
        listening = [sockets.enter_context(one) for one in listen(host, port)]
        if workers == 1:
            _serve(settings, listening)
        else:
            _serve_together(settings, listening, workers)


def listen(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address of the host, all on one port. Raises AddressUnavailable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return _bound([(family, address) for family, _, _, _, address in found], port)
    except (OSError, UnicodeError) as error:
        raise AddressUnavailable(
            f"cannot listen on {_url(host, port)}: {_reason(error)}", host=host, port=port
        ) from error


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "there is no such host"
    if error.errno == errno.EADDRINUSE:
        return "the port is taken; name another one with --port, or 0 for any that is free"
    # create_server() puts the address into the words of the system.
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _bound(addresses: Sequence[tuple[int, tuple[Any, ...]]], port: int) -> list[socket.socket]:
    """Sockets on those of the addresses that this machine has; raises OSError when it has none of them."""
    bound: list[socket.socket] = []
    missing: OSError | None = None
    for family, address in addresses:
        try:
            # SO_REUSEADDR is set by it, and an IPv6 socket takes no IPv4.
            one = socket.create_server((address[0], port, *address[2:]), family=family, backlog=_BACKLOG)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                for other in bound:
                    other.close()
                raise
            missing = error
            continue
        bound.append(one)
        port = one.getsockname()[1]  # of 0 the first decides for all
    if missing is not None and not bound:
        raise missing
    return bound


def _serve(settings: Settings, listening: Sequence[socket.socket]) -> None:
    # Here and not above: the other commands start without them.
    import uvicorn

    from geo_offers.cli_workers import GRACE_S

    with kernel_cache(settings):
        from api.app import create_app
    from api.access_log import configure_logging

    configure_logging(settings.log_level)
    app = create_app(settings)
    # The lifespan is run here, so that what it raises reaches the command line as it is, and is not logged.
    config = uvicorn.Config(
        app,
        log_level=settings.log_level,
        access_log=False,
        http="api.http_lane:LaneProtocol",
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )

    async def run() -> None:
        async with app.router.lifespan_context(app):
            await _tell_the_first_key(app.state.services.key_desk)
            typer.echo(f"Answering on {_urls_of(listening)} until Ctrl-C.")
            await uvicorn.Server(config).serve(sockets=list(listening))

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(run())


def _serve_together(settings: Settings, listening: Sequence[socket.socket], workers: int) -> None:
    from geo_offers.cli_workers import answer_together

    # Here, before there are workers: what cannot be had is one sentence, and the key is told once.
    require_secret(settings)
    asyncio.run(_open_once(settings))
    urls = _urls_of(listening)
    answer_together(
        settings,
        listening,
        workers=workers,
        on_ready=lambda: typer.echo(f"Answering on {urls} with {workers} workers until Ctrl-C."),
    )


async def _open_once(settings: Settings) -> None:
    async with open_key_desk(settings) as desk:
        await _tell_the_first_key(desk)


async def _tell_the_first_key(desk: KeyDesk) -> None:
    """Make and tell an operator's key where there never was a key: on the terminal, never in a log."""
    first = await desk.create_first()
    if first is not None:
        typer.echo(
            f"The first key of this store, for an operator; it is told this once: {first.secret}", err=True
        )


@contextmanager
def _ended_by_a_signal() -> Iterator[None]:
    """SIGINT and SIGTERM end the block, wherever it is, as if it were done."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    # uvicorn puts its own in their place while it serves, and raises the signal again when it has ended.
    before = {one: signal.signal(one, end) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _urls_of(listening: Sequence[socket.socket]) -> str:
    return " and ".join(map(_url_of, listening))


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return _url(host, port)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
