"""A broker's host that drops what is sent to it, so that a connection is not even opened (contract 3)."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from bridge.hub.broker import LONGEST_WAIT_S
from bridge.hub.broker_client import BrokerClient
from tests.brokers import TestBroker
from tests.conftest import HouseMaker
from tests.harness import House, house_settings
from tests.proxy import Plug

TRIES = 4


@contextlib.contextmanager
def swallowing(listener: socket.socket) -> Iterator[None]:
    """Fill the queue of a socket's connections: the kernel drops further SYNs, as a firewall would."""
    with contextlib.ExitStack() as stack:
        listener.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        probe = stack.enter_context(socket.socket())
        probe.settimeout(0.3)
        try:
            probe.connect(listener.getsockname())
        except TimeoutError:
            yield
        else:
            pytest.skip("this system accepts connections beyond the queue")


@contextlib.asynccontextmanager
async def behind_a_wall(build: HouseMaker) -> AsyncIterator[tuple[House, Plug]]:
    """A bridge whose broker's host drops every SYN until the proxy in front of it is started."""
    async with build(start=False) as house:
        plug = Plug(house.broker.host, house.broker.port)
        there = TestBroker("127.0.0.1", plug.reserve(), house.broker.kind)
        house.settings = house_settings(there, house.settings.cloud.url, house.settings.storage.path.parent)
        with swallowing(plug.reserved):
            await house.start(wait=False)
            yield house, plug
            await house.stop()
            await plug.stop()
        assert [line for line in house.log_lines() if line["level"] == "error"] == []


async def test_a_host_that_drops_what_is_sent_to_it_is_tried_every_two_seconds(
    build: HouseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    connect = BrokerClient.__aenter__

    async def counted(client: BrokerClient) -> BrokerClient:
        tries.append(str(client.identifier))
        return await connect(client)

    monkeypatch.setattr(BrokerClient, "__aenter__", counted)
    async with behind_a_wall(build) as (house, _):
        await house.hub.until(lambda: len(tries) >= TRIES, TRIES * LONGEST_WAIT_S + 6)
        assert not house.running.broker.status.up


async def test_the_bridge_is_up_within_seconds_once_the_host_takes_connections(build: HouseMaker) -> None:
    async with behind_a_wall(build) as (house, plug):
        await house.hub.until(lambda: house.running.link.status.up)
        assert not house.running.broker.status.up
        await plug.start()
        await house.hub.until(lambda: house.running.broker.status.up)
