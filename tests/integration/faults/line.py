"""A TCP line that a test can cut, stall, slow down, half-close and corrupt."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from tests.proxy import Connection, Plug

SLOW_CHUNK: Final = 400
SLOW_S: Final = 0.005
"""A slow line forwards so many bytes in so many seconds."""


class FaultyLine(Plug):
    """A proxy with more faults.

    Args:
        host: where it leads.
        port: the TCP port there.
        chance: makes the bytes of a corrupted connection.
    """

    def __init__(self, host: str, port: int, chance: random.Random) -> None:
        super().__init__(host, port)
        self._chance = chance
        self._slow = False
        self._corrupt: set[Connection] = set()

    def slow(self) -> None:
        """Forward a few bytes at a time."""
        self._slow = True

    def half_close(self) -> None:
        """Tell one side of every connection that the other has no more to say; the other direction stays open."""
        for connection in list(self._connections):
            writer = connection.near if self._chance.random() < 0.5 else connection.far
            with suppress(OSError, RuntimeError):
                writer.write_eof()

    def corrupt(self) -> None:
        """Forward rubbish in place of all that follows, in both directions.

        It is such that both protocols must see that it is none of theirs. Bytes that make sense by chance, such as an
        acknowledgement of what never came, are another fault: TCP's checksums and TLS keep those away.
        """
        self._corrupt |= self._connections

    def heal(self) -> None:
        """Forward everything again. A connection that was corrupted is out of step for good, and is cut."""
        self._slow = False
        self._corrupt &= self._connections
        for connection in self._corrupt:
            connection.abort()
        self.put_back()
        self.thaw()

    async def _read(self, source: asyncio.StreamReader) -> bytes:
        data = await source.read(SLOW_CHUNK) if self._slow else await super()._read(source)
        if data and self._slow:
            await asyncio.sleep(SLOW_S)
        return data

    def _changed(self, data: bytes, connection: Connection) -> bytes:
        """From 0xF0 up: a reserved kind of packet in MQTT 3.1.1, and reserved bits in a websocket frame."""
        if connection not in self._corrupt:
            return data
        return bytes(self._chance.randrange(0xF0, 0x100) for _ in data)
