"""Running the service: socket, signals and graceful stop, with uvicorn."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import uvicorn

from rnner.errors import UsageError
from rnner.serve.access import HEADERS
from rnner.serve.app import Service
from rnner.serve.connection import bounded_connection
from rnner.serve.request_errors import RequestError

_BACKLOG = 512  # connections that the system holds until they are accepted


def open_socket(host: str, port: int) -> socket.socket:
    """Bind to an address; port 0 is any free port.

    Raises:
        UsageError: the address cannot be used.
    """
    name = host.strip("[]")
    try:
        family, *_, address = socket.getaddrinfo(
            name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise UsageError(
            f"--host {host} --port {port}: {reason}; choose another address, or --port 0 for any free port"
        ) from None


def address_of(listener: socket.socket) -> str:
    """Return the address of a socket for a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_service(
    service: Service, listener: socket.socket, on_start: Callable[[Callable[[], None]], object]
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests that are running. SIGHUP reloads the model.

    Args:
        service: the service.
        listener: a bound socket.
        on_start: called once requests are accepted, with a function that stops the service as SIGTERM does.
    """
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # the service reports what matters itself
    seconds = service.limits.seconds
    config = uvicorn.Config(
        service.app,
        http=bounded_connection(service.limits),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=HEADERS,
        timeout_keep_alive=math.ceil(seconds),
        timeout_graceful_shutdown=math.ceil(2 * seconds),
    )
    _Server(config, service, on_start).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn's server, which announces its start, and reloads the model on SIGHUP."""

    def __init__(self, config: uvicorn.Config, service: Service, on_start: Callable[..., object]) -> None:
        super().__init__(config)
        self._service, self._on_start = service, on_start
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept requests, and say so."""
        await super().startup(sockets)
        self._on_start(self._stop)

    def _stop(self) -> None:
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving. A service that was stopped by a signal has succeeded."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        loop = asyncio.get_running_loop()

        def hang_up(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._start_reload)

        handlers: dict[str, Any] = {
            "SIGINT": self.handle_exit,
            "SIGTERM": self.handle_exit,
            "SIGHUP": hang_up,
        }
        numbers = {getattr(signal, name): handlers[name] for name in handlers if hasattr(signal, name)}
        before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _start_reload(self) -> None:
        task = asyncio.create_task(self._reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        with suppress(RequestError):  # the slot has reported it
            await self._service.slot.reload()
