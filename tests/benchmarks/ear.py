"""The measuring client: records every message on the broker with the time of its arrival.

It subscribes at QoS 1, as hubs do. While a peer works, packets are only acknowledged and kept with their time. They are
parsed afterwards, so that parsing does not disturb the measurement.
"""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.benchmarks.mqtt_wire import PUBLISH, Splitter, acknowledge, connect, read_publish, subscribe

_RETRY_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Heard:
    """One message: the time of its arrival (`time.perf_counter`), its topic and its bytes."""

    at: float
    topic: str
    payload: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object in it."""
        body: dict[str, Any] = json.loads(self.payload)
        return body

    @property
    def address(self) -> str:
        """The last address of its topic."""
        return self.topic.rpartition("/ad:")[2]


class _Protocol(asyncio.Protocol):
    """Keeps packets with the time of their arrival, and acknowledges them."""

    def __init__(self) -> None:
        self.packets: list[tuple[float, int, bytes]] = []
        self.news = asyncio.Event()
        self.lost = False
        self._splitter = Splitter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        at, due = time.perf_counter(), bytearray()
        for first, body in self._splitter.packets(data):
            self.packets.append((at, first, body))
            if first >> 4 == PUBLISH:
                due += acknowledge(first, body)
        if due:
            self.transport.write(due)
        self.news.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.news.set()


class Ear:
    """A client of the broker on this machine.

    Args:
        port: where the broker listens.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    async def listen(self) -> None:
        """Connect and subscribe to everything, and retry until the broker answers. Earlier messages are forgotten."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, self._protocol = await loop.create_connection(_Protocol, "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(_RETRY_S)
                continue
            self._read, self._messages = 0, list[Heard]()
            self._protocol.transport.write(connect("ear") + subscribe("#"))
            await self.until(lambda: self._read >= 2, 10.0)  # CONNACK and SUBACK
            return

    def close(self) -> None:
        """Leave."""
        self._protocol.transport.abort()

    def heard(self) -> list[Heard]:
        """All messages received so far, in order."""
        packets = self._protocol.packets
        new = packets[self._read :]
        self._messages += [Heard(at, *read_publish(first, body)) for at, first, body in new if first >> 4 == PUBLISH]
        self._read = len(packets)
        return self._messages

    def forget(self) -> None:
        """Forget all messages received so far."""
        self._messages.clear()
        self._protocol.packets.clear()
        self._read = 0

    async def until(self, condition: Callable[[], bool], patience_s: float) -> None:
        """Wait until the received messages meet a condition.

        Raises:
            TimeoutError: it did not become so.
        """
        async with asyncio.timeout(patience_s):
            while self.heard() is not None and not condition():
                self._protocol.news.clear()
                await self._protocol.news.wait()
                if self._protocol.lost:
                    raise ConnectionError("the broker closed the connection")

    async def quiet(self, for_s: float, patience_s: float) -> float:
        """Wait until no message has come for some time; returns the time of the last one.

        Raises:
            TimeoutError: it did not become quiet.
        """
        begun = time.perf_counter()
        while True:
            last = self._protocol.packets[-1][0] if self._protocol.packets else begun
            left = max(last, begun) + for_s - time.perf_counter()
            if left <= 0:
                return last
            if time.perf_counter() - begun > patience_s:
                raise TimeoutError(f"not quiet within {patience_s} s")
            await asyncio.sleep(left)
