"""A broker that accepts the connection and closes it before it has answered, as one does that starts or is full."""

import asyncio

from bridge.hub.broker import LONGEST_WAIT_S
from tests.brokers import TestBroker
from tests.conftest import HouseMaker
from tests.harness import house_settings
from tests.proxy import Plug

TRIES = 4


async def test_a_broker_that_hangs_up_is_tried_every_two_seconds(build: HouseMaker) -> None:
    tries: list[float] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.append(asyncio.get_running_loop().time())
        await reader.read(1)  # CONNECT has come
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, build(start=False) as house:
        nobody = TestBroker("127.0.0.1", server.sockets[0].getsockname()[1], house.broker.kind)
        house.settings = house_settings(nobody, house.settings.cloud.url, house.settings.storage.path.parent)
        service = await house.start(wait=False)
        # With aiomqtt's own timeout, ten seconds a try, this takes 30 s and more.
        await house.hub.until(lambda: len(tries) >= TRIES, TRIES * LONGEST_WAIT_S + 6)
        await house.hub.until(lambda: service.broker.status.problem is not None)
        assert "before it answered" in str(service.broker.status.problem)
        assert "client_id" not in str(service.broker.status.problem)


class StartingBroker(Plug):
    """A proxy in front of a broker that closes the first connection before it has answered."""

    _served = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._served:
            await super()._connected(reader, writer)
        else:
            self._served = True
            await reader.read(1)  # CONNECT has come
            writer.close()


async def test_a_broker_that_hangs_up_once_gets_the_whole_will(build: HouseMaker) -> None:
    async with build() as house:
        await house.stop()  # its things are known at the next start
        plug = await StartingBroker(house.broker.host, house.broker.port).start()
        there = TestBroker("127.0.0.1", plug.port, house.broker.kind)
        house.settings = house_settings(there, house.settings.cloud.url, house.settings.storage.path.parent)
        await house.start()
        assert [line for line in house.log_lines() if "connection to the broker is down" in line["event"]]
        since = house.mark
        plug.cut()
        will = await house.hub.expect("evt.network.all_nodes_report", since=since)
        assert isinstance(will.message.value, list)
        assert all(isinstance(node, dict) and node["status"] == "DOWN" and node["hash"] for node in will.message.value)
        await house.stop()
        await plug.stop()
