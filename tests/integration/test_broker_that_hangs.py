"""A broker that accepts the connection and does not answer it, for good or for long (contract 3)."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from bridge.hub.broker import LONGEST_WAIT_S, TIMEOUT_S
from tests.brokers import TestBroker
from tests.conftest import HouseMaker
from tests.harness import House, house_settings

TRIES = 4


@dataclass
class Gate:
    """A proxy in front of a broker that decides for each connection how long its first answer takes.

    Attributes:
        broker: the broker behind it.
        delay: returns the delay of the first answer, s; None: the connection is never answered.
        tries: when each connection came.
    """

    broker: TestBroker
    delay: Callable[[], float | None]
    tries: list[float] = field(default_factory=list)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        self.tries.append(asyncio.get_running_loop().time())
        delay = self.delay()
        if delay is None:
            await reader.read()  # until the bridge gives it up
            writer.close()
            return
        there, to_broker = await asyncio.open_connection(self.broker.host, self.broker.port)
        with contextlib.suppress(asyncio.CancelledError):  # the end of the test
            await asyncio.gather(
                _pass_on(reader, to_broker, 0.0), _pass_on(there, writer, delay), return_exceptions=True
            )


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    first = True
    while data := await reader.read(65_536):
        if first:
            await asyncio.sleep(delay)
            first = False
        writer.write(data)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def behind(build: HouseMaker, delay: Callable[[], float | None]) -> AsyncIterator[tuple[House, Gate]]:
    """A bridge whose broker is behind a gate."""
    async with build(start=False) as house:
        gate = Gate(house.broker, delay)
        server = await asyncio.start_server(gate.take, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            there = TestBroker("127.0.0.1", port, house.broker.kind)
            house.settings = house_settings(there, house.settings.cloud.url, house.settings.storage.path.parent)
            await house.start(wait=False)
            yield house, gate
            await house.stop()
            server.close()
            assert [line for line in house.log_lines() if line["level"] == "error"] == []


async def test_a_broker_that_hangs_is_tried_every_two_seconds(build: HouseMaker) -> None:
    async with behind(build, lambda: None) as (house, gate):
        await house.hub.until(lambda: len(gate.tries) >= TRIES, TRIES * LONGEST_WAIT_S + 6)
        assert not house.running.broker.status.up


async def test_a_broker_that_answers_the_next_connection_is_up_within_seconds(build: HouseMaker) -> None:
    delays = itertools.chain([None], itertools.repeat(0.0))
    async with behind(build, lambda: next(delays)) as (house, _):
        await house.hub.until(lambda: house.running.broker.status.up, TIMEOUT_S - 1)


async def test_a_broker_that_answers_late_is_waited_for(build: HouseMaker) -> None:
    async with behind(build, lambda: 2 * LONGEST_WAIT_S + 0.5) as (house, gate):
        await house.hub.until(lambda: house.running.broker.status.up, TIMEOUT_S)
        assert len(gate.tries) > 1
        assert not [line for line in house.log_lines() if line["event"] == "connection to the broker is down"]
