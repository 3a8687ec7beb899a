"""A TCP line that a test can cut, stall, slow down, half-close and corrupt."""

import asyncio
import random
from contextlib import suppress
from typing import Final

CHUNK: Final = 65536
SLOW_CHUNK: Final = 400
SLOW_S: Final = 0.005
"""A slow line passes on so many bytes in so many seconds."""


class _Connection:
    """One connection through the line: two pumps, and what is wrong with it."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near = near
        self.far = far
        self.corrupt = False

    def abort(self) -> None:
        """Cut it without a word."""
        for writer in (self.near, self.far):
            writer.transport.abort()


class FaultyLine:
    """Passes bytes between whoever connects and `host:port`.

    Args:
        host: where it leads.
        port: the TCP port there.
        chance: makes the bytes of a corrupted connection.

    Attributes:
        refuses: every new connection is cut.
        port: where it listens.
    """

    def __init__(self, host: str, port: int, chance: random.Random) -> None:
        self._target = (host, port)
        self._chance = chance
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._slow = False
        self.refuses = False
        self.port = 0

    async def start(self, port: int = 0) -> "FaultyLine":
        """Listen, on any free port or on this one."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close everything."""
        self.cut()
        if self._server is not None:
            self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    # --- faults ---

    def cut(self) -> None:
        """Cut every connection; what is under way is lost."""
        for connection in list(self._connections):
            connection.abort()

    def stall(self) -> None:
        """Keep every connection open and pass nothing on."""
        self._flowing.clear()

    def slow(self) -> None:
        """Pass on a few bytes at a time."""
        self._slow = True

    def half_close(self) -> None:
        """Tell one side of every connection that the other has no more to say; the other direction stays open."""
        for connection in list(self._connections):
            writer = connection.near if self._chance.random() < 0.5 else connection.far
            with suppress(OSError, RuntimeError):
                writer.write_eof()

    def corrupt(self) -> None:
        """Pass on rubbish in place of all that follows, in both directions.

        It is such that both protocols must see that it is none of theirs. Bytes that make sense by chance, such as an
        acknowledgement of what never came, are another fault: TCP's checksums and TLS keep those away.
        """
        for connection in list(self._connections):
            connection.corrupt = True

    def heal(self) -> None:
        """Let everything through again. A connection that was corrupted is out of step for good, and is cut."""
        self.refuses = self._slow = False
        for connection in list(self._connections):
            if connection.corrupt:
                connection.abort()
        self._flowing.set()

    def _rubbish(self, length: int) -> bytes:
        """Bytes from 0xF0 up: a reserved kind of packet in MQTT 3.1.1, and reserved bits in a websocket frame."""
        return bytes(self._chance.randrange(0xF0, 0x100) for _ in range(length))

    # --- the line ---

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, far_writer)
        self._connections.add(connection)
        pumps = [
            asyncio.create_task(self._pump(reader, far_writer, connection)),
            asyncio.create_task(self._pump(far_reader, writer, connection)),
        ]
        self._pumps.update(pumps)
        left = len(pumps)

        def ended(pump: asyncio.Task[None]) -> None:
            nonlocal left
            self._pumps.discard(pump)
            left -= 1
            if not left:
                self._connections.discard(connection)

        for pump in pumps:
            pump.add_done_callback(ended)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, connection: _Connection) -> None:
        with suppress(OSError, RuntimeError):  # the latter: a side that was told of the end can be told no more
            while data := await source.read(SLOW_CHUNK if self._slow else CHUNK):
                if self._slow:
                    await asyncio.sleep(SLOW_S)
                await self._flowing.wait()
                sink.write(self._rubbish(len(data)) if connection.corrupt else data)
                await sink.drain()
        with suppress(OSError, RuntimeError):
            sink.close()
