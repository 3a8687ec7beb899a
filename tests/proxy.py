"""A TCP proxy that a test can interrupt."""

import asyncio
import socket
from contextlib import suppress
from typing import Self


class Connection:
    """One connection through the proxy: what is written to either end of it."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near = near
        self.far = far

    def abort(self) -> None:
        """Cut it without a word."""
        for writer in (self.near, self.far):
            writer.transport.abort()


class Plug:
    """Forwards bytes between whoever connects and `host:port`, until it is pulled or frozen.

    Attributes:
        refuses: every new connection is cut.
        port: where it listens.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._reserved: socket.socket | None = None
        self.refuses = False
        self.port = 0

    def reserve(self) -> int:
        """Keep a port on which nothing listens until `start`; gives its number.

        A port that is only free can be taken meanwhile, even by the client itself: one that tries a closed port of the
        ephemeral range often enough gets that port as its own, and is connected to itself.
        """
        self._reserved = socket.socket()
        self._reserved.bind(("127.0.0.1", 0))
        self.port = int(self._reserved.getsockname()[1])
        return self.port

    @property
    def reserved(self) -> socket.socket:
        """The socket of the reserved port."""
        assert self._reserved is not None
        return self._reserved

    async def start(self, port: int = 0) -> Self:
        """Listen on this port, or on the reserved one, or on any that is free."""
        if self._reserved is not None:
            self._server = await asyncio.start_server(self._connected, sock=self._reserved)
        else:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close everything."""
        self.pull()
        if self._server is not None:
            self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def cut(self) -> None:
        """Cut every connection. What is in transit is lost."""
        for connection in list(self._connections):
            connection.abort()

    def pull(self) -> None:
        """Cut all connections, and refuse new ones."""
        self.refuses = True
        self.cut()

    def put_back(self) -> None:
        """Accept connections again."""
        self.refuses = False

    def freeze(self) -> None:
        """Keep every connection open, but forward nothing."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Forward again what was kept."""
        self._flowing.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(writer, far_writer)
        self._connections.add(connection)
        pumps = {
            asyncio.create_task(self._pump(reader, far_writer, connection)),
            asyncio.create_task(self._pump(far_reader, writer, connection)),
        }
        self._pumps |= pumps

        def ended(pump: asyncio.Task[None]) -> None:
            self._pumps.discard(pump)
            pumps.discard(pump)
            if not pumps:
                self._connections.discard(connection)

        for pump in pumps:
            pump.add_done_callback(ended)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, connection: Connection) -> None:
        with suppress(OSError, RuntimeError):  # the latter: a side that was told of the end can be told no more
            while data := await self._read(source):
                await self._flowing.wait()
                sink.write(self._changed(data, connection))
                await sink.drain()
        with suppress(OSError, RuntimeError):
            sink.close()

    async def _read(self, source: asyncio.StreamReader) -> bytes:
        """The next bytes to forward; empty at the end."""
        return await source.read(65536)

    def _changed(self, data: bytes, connection: Connection) -> bytes:
        """What is forwarded in place of bytes."""
        del connection
        return data
