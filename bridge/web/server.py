"""The HTTP server, in the service's own event loop."""

import asyncio
import errno
import os
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import uvicorn
from structlog.typing import FilteringBoundLogger

from bridge.settings import HttpSettings
from bridge.tasks import end
from bridge.web.app import Site
from bridge.web.documents import Documents
from bridge.web.observer import Observer
from bridge.web.stream import MOST_STREAMS, Publisher

GRACE_S: Final = 1
"""The time that open requests have to finish when the service stops, s."""

AFTER_FAULT_S: Final = 5.0

MOST_CONNECTIONS: Final = MOST_STREAMS + 72


class WebServer:
    """Status page, health and metrics.

    Args:
        settings: the address to listen on; an empty one turns the server off.
        observer: gives the views.
        log: the logger.
    """

    def __init__(self, settings: HttpSettings, observer: Observer, log: FilteringBoundLogger) -> None:
        self._settings = settings
        self._observer = observer
        self._log = log
        self._documents = Documents()
        self._publisher = Publisher(observer.page, self._documents.fragments)
        self._server: _Server | None = None
        self.port: int | None = None
        """The port that the server listens on; None while it does not listen."""

    def changed(self) -> None:
        """Have open pages updated: the view has changed."""
        self._publisher.changed()

    def stop(self) -> None:
        """Stop accepting requests; `run` ends soon after."""
        self._publisher.close_all()
        if self._server is not None:
            self._server.should_exit = True

    async def run(self) -> None:
        """Serve until `stop` is called. If the address cannot be bound, log that; the bridge runs without a page."""
        address = self._settings.address
        if address is None:
            return
        try:
            sockets = await _listen(*address)
        except OSError as error:
            self._log.error(
                "there is no status page",
                reason=_reason(error, self._settings.listen),
                what_to_do="set http.listen to a free address and port, or leave it empty to turn the page off",
            )
            return
        self.port = int(sockets[0].getsockname()[1])
        self._log.info("the status page is up", url=f"http://{_in_url(address[0])}:{self.port}/")
        site = Site(self._observer, self._documents, self._publisher, self._log)
        self._server = server = _Server(
            uvicorn.Config(
                site.application(address[0]),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",  # the application logs faults of requests
                access_log=False,
                server_header=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        publishing = asyncio.ensure_future(self._publish())
        try:
            await server.serve(sockets=sockets)
        finally:
            self.port, self._server = None, None
            self._publisher.close_all()
            server.close_at_once()
            for listening in sockets:
                listening.close()
            await end(publishing)

    async def _publish(self) -> None:
        while True:
            try:
                await self._publisher.run()
            except Exception:
                self._log.exception("the open pages could not be brought up to date")
                await asyncio.sleep(AFTER_FAULT_S)


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the service has its own."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override] # a generator there
        return nullcontext()

    def close_at_once(self) -> None:
        """Close connections that are still open when the grace is over."""
        for listening in getattr(self, "servers", ()):  # uvicorn sets the attribute when the start is complete
            listening.close()
        for connection in list(self.server_state.connections):
            transport = connection.transport
            if transport.get_write_buffer_size():
                transport.abort()  # a client that does not read
            else:
                transport.close()
        for task in self.server_state.tasks:
            task.cancel()


async def _listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets bound to each address of a host. A name such as `localhost` can have two.

    Raises:
        OSError: none can be bound.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    problem: OSError | None = None
    for family, kind, protocol, _, address in found:
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(address)
            listening.listen()
        except OSError as error:
            listening.close()
            problem = problem or error
        else:
            sockets.append(listening)
    if not sockets:
        raise problem or OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    return sockets


def _reason(error: OSError, where: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another program listens on {where} (http.listen)"
    return f"{where} (http.listen): {error.strerror or error}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
