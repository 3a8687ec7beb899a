"""A TCP proxy that can be interrupted."""

import asyncio
import socket
from contextlib import suppress


class Plug:
    """Forwards bytes to `host:port` until it is pulled or frozen."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.pulled = False
        self.port = 0
        self._reserved: socket.socket | None = None

    def reserve(self) -> int:
        """Keep a port on which nothing listens until `start`; gives its number.

        A port that is only free can be taken meanwhile, even by the client itself: one that tries a closed port of the
        ephemeral range often enough gets that port as its own, and is connected to itself.
        """
        self._reserved = socket.socket()
        self._reserved.bind(("127.0.0.1", 0))
        self.port = int(self._reserved.getsockname()[1])
        return self.port

    async def start(self) -> "Plug":
        """Listen."""
        if self._reserved is not None:
            self._server = await asyncio.start_server(self._connected, sock=self._reserved)
        else:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.pulled:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        sink.close()

    def pull(self) -> None:
        """Cut all connections, and refuse new ones."""
        self.pulled = True
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def put_back(self) -> None:
        """Accept connections again."""
        self.pulled = False

    def freeze(self) -> None:
        """Keep every connection open, but forward nothing."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Forward again what was kept."""
        self._flowing.set()

    async def stop(self) -> None:
        """Close everything."""
        self.pull()
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            self._server.close()
