"""Several processes that answer on one port: uvicorn's supervisor, and what runs in each worker."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import typer
import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from geo_offers.bootstrap import kernel_cache
from geo_offers.domain.errors import GeoOffersError, StoreUnavailable
from geo_offers.settings import Settings

if TYPE_CHECKING:
    from api.app import Service
    from api.shared_metrics import SharedNumbers

#: How long requests under way may take to end after a signal.
GRACE_S = 20
#: What a worker may take beyond that to let go of its store, before it is killed.
_BEYOND_GRACE_S = 5.0
#: A worker that says nothing for so long hangs, and is replaced.
_SILENCE_S = 30
#: Rarely, for it holds up who is answered meanwhile by some milliseconds.
_PUBLISH_EVERY_S = 5.0
_WAIT_FIRST_S, _WAIT_MOST_S = 0.5, 10.0
#: Where prometheus_client looks for the numbers of several processes.
_NUMBERS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

log = structlog.get_logger("workers")


# -- who starts them


def answer_together(
    settings: Settings, listening: Sequence[socket.socket], *, workers: int, on_ready: Callable[[], None]
) -> None:
    """Serve with so many workers until SIGINT or SIGTERM, then let requests under way end, GRACE_S at most.

    Workers have their settings from the environment. `on_ready` is called once, when all of them answer; until
    the first does, connections wait. A worker that dies is replaced, and its connections are lost. SIGHUP
    replaces all, one by one. Raises typer.Exit(1) when a worker cannot start for a reason that will not pass.
    """
    with _folder_of_numbers() as numbers:
        config = uvicorn.Config(
            f"{__name__}:worker_app",
            factory=True,
            workers=workers,
            log_level=settings.log_level,
            access_log=False,
            http="api.http_lane:LaneProtocol",
            lifespan="on",
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_worker_healthcheck=_SILENCE_S,
        )
        supervisor = _Workers(config, list(listening), numbers, on_ready)
        supervisor.run()
    if supervisor.failed:
        raise typer.Exit(1)


class _Workers(Multiprocess):
    """uvicorn's supervisor that says when all answer, forgets the gauges of the dead and waits for nobody forever."""

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket.socket],
        numbers: Path,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config, sockets)
        self._numbers = numbers
        self._on_ready: Callable[[], None] | None = on_ready
        self._known: set[int] = set()

    @property
    def failed(self) -> bool:
        """Whether a worker could not start."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def init_processes(self) -> None:
        with _deaf_to_ctrl_c():
            super().init_processes()

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        here = {process.pid for process in self.processes if process.pid is not None}
        for gone in self._known - here:
            mark_process_dead(gone, str(self._numbers))  # type: ignore[no-untyped-call]
        self._known = here
        if self._on_ready is not None and all(one.is_ready() for one in self.processes):
            self._on_ready()
            self._on_ready = None

    def terminate_all(self) -> None:
        for one in self.sockets:
            one.close()  # ours; the workers close theirs when they are told to end
        for process in self.processes:
            if process.process.is_alive() and process.is_ready(timeout=1):
                process.terminate()
            else:
                process.kill()  # it answers nobody yet, and may wait for its store for long

    def join_all(self) -> None:
        deadline = time.monotonic() + GRACE_S + _BEYOND_GRACE_S
        for process in self.processes:
            process.process.join(max(0.0, deadline - time.monotonic()))
            if process.process.is_alive():
                process.process.kill()
                process.process.join()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started inside begin without an ear for SIGINT: a terminal sends it to all, and we tell them."""
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, ours)


@contextmanager
def _folder_of_numbers() -> Iterator[Path]:
    """A folder for the numbers of workers, which they find by the environment; removed when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="geo-offers-numbers-"))
    before = os.environ.get(_NUMBERS_VARIABLE)
    os.environ[_NUMBERS_VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop(_NUMBERS_VARIABLE)
        if before is not None:
            os.environ[_NUMBERS_VARIABLE] = before
        shutil.rmtree(folder, ignore_errors=True)


# -- in a worker


def worker_app() -> Service:
    """The app of one worker; ends the process with STARTUP_FAILURE when it can never be had."""
    try:
        settings = Settings.from_environment(os.environ)
        with kernel_cache(settings):
            from api.app import create_app
    except GeoOffersError as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(STARTUP_FAILURE) from error
    from api.access_log import configure_logging
    from api.shared_metrics import SharedNumbers, shared_registry

    configure_logging(settings.log_level, worker=os.getpid())
    app = create_app(settings)
    folder = Path(os.environ[_NUMBERS_VARIABLE])
    numbers = SharedNumbers(app.state.metrics, folder, process=os.getpid())
    app.state.metrics = shared_registry(numbers)
    app.router.lifespan_context = _patient(app.router.lifespan_context, numbers)
    return app


def _patient(lifespan: Any, numbers: SharedNumbers) -> Any:
    """A lifespan that waits for a store that is away: one who replaces a dead worker must not end the others."""

    @asynccontextmanager
    async def waiting(app: Any) -> AsyncIterator[Any]:
        async with AsyncExitStack() as up:
            wait_s = _WAIT_FIRST_S
            while True:
                try:
                    state = await up.enter_async_context(lifespan(app))
                    break
                except StoreUnavailable as error:
                    log.warning("worker_waits", reason=str(error), again_in_s=wait_s)
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, _WAIT_MOST_S)
            publishing = asyncio.create_task(_publish(numbers))
            try:
                yield state
            finally:
                publishing.cancel()
                with suppress(asyncio.CancelledError):
                    await publishing
                numbers.publish()

    return waiting


async def _publish(numbers: SharedNumbers) -> None:
    while True:
        numbers.publish()
        await asyncio.sleep(_PUBLISH_EVERY_S)
