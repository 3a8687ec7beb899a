"""A broker with a maximum packet size: it closes the connection when it receives a larger packet (contract 3)."""

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bridge.clock import SystemClock
from bridge.hub.suspects import STRIKES
from bridge.simulator.account import example_account
from bridge.simulator.cloud import SimulatedCloud
from tests.brokers import TestBroker
from tests.conftest import HouseMaker
from tests.harness import ADAPTER, GRID, SOCKET, House, device_topic, house_settings

LIMIT = 2000
BETWEEN = 4500
"""More than an inclusion report, and less than a will with `MANY` charge points, bytes."""
MANY = 25
PATIENCE_S = 60.0
CALLER = "pt:j1/mt:rsp/rt:app/rn:caller/ad:1"


class LimitedBroker:
    """A proxy in front of a broker that closes a connection at a packet above a limit.

    Attributes:
        closes: how often it did.
    """

    def __init__(self, broker: TestBroker, limit: int) -> None:
        self._broker = broker
        self._limit = limit
        self._ends: list[asyncio.StreamWriter] = []
        self.closes = 0

    def cut(self) -> None:
        """Cut the connections."""
        for end in self._ends:
            end.transport.abort()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        there, to_broker = await asyncio.open_connection(self._broker.host, self._broker.port)
        self._ends += writer, to_broker
        back = asyncio.create_task(_copy(there, writer))
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (packet := await _packet(reader, self._limit)) is not None:
                to_broker.write(packet)
                await to_broker.drain()
            self.closes += 1
        back.cancel()
        for one in (writer, to_broker):
            one.transport.abort()


async def _packet(reader: asyncio.StreamReader, limit: int) -> bytes | None:
    """The next packet (MQTT 3.1.1, 2.2); None if it is above the limit."""
    head, length, shift = await reader.readexactly(1), 0, 0
    while True:
        digit = await reader.readexactly(1)
        head += digit
        length |= (digit[0] & 0x7F) << shift
        shift += 7
        if digit[0] < 0x80:
            break
    return head + await reader.readexactly(length) if length <= limit else None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


@asynccontextmanager
async def limited(build: HouseMaker, points: int = 0, limit: int = LIMIT) -> AsyncIterator[tuple[House, LimitedBroker]]:
    """A bridge whose broker takes packets of `limit` bytes at most, with further charge points in the account."""
    cloud = SimulatedCloud(example_account(SystemClock().now), rebooting_s=0.2)
    account = cloud.account.charge_points
    for number in range(points):
        point = copy.deepcopy(account[SOCKET])
        point.evse_id = f"BCU2{number:05d}"
        account[point.evse_id] = point
    async with build(start=False, simulated=cloud) as house:
        broker = LimitedBroker(house.broker, limit)
        server = await asyncio.start_server(broker.take, "127.0.0.1", 0)
        async with server:
            there = TestBroker("127.0.0.1", server.sockets[0].getsockname()[1], house.broker.kind)
            folder: Path = house.settings.storage.path.parent
            house.settings = house_settings(there, house.settings.cloud.url, folder)
            await house.start(wait=False)
            await house.hub.until(lambda: house.running.broker.status.up, PATIENCE_S)
            yield house, broker
            await house.kill()
            server.close()


@pytest.mark.timeout(180)
async def test_a_question_whose_answer_is_too_large_is_answered_with_an_error(build: HouseMaker) -> None:
    async with limited(build) as (house, broker):
        for topic, type_, service, expected in (
            (ADAPTER, "cmd.app.get_manifest", "bluecurrent", "evt.app.manifest_report"),
            (device_topic(SOCKET, "parameters"), "cmd.sup_params.get_report", "parameters", "evt.sup_params.report"),
        ):
            (error,) = await house.hub.ask(topic, type_, patience=PATIENCE_S, serv=service)
            assert error.brief == ("evt.error.report", "ERR_INVALID_STATE")
            assert error.path == topic.replace("mt:cmd", "mt:evt")
            assert error.message.properties["cmd_type"] == type_
            assert all(words in str(error.message.properties["msg"]) for words in (expected, "maximum packet size"))
        await house.hub.until(lambda: house.running.reporter.is_settled, PATIENCE_S)
        await house.hub.ask(
            ADAPTER, "cmd.app.get_manifest", patience=PATIENCE_S, serv="bluecurrent"
        )  # with the states as they stay
        closes = broker.closes
        # It is not tried again.
        (error,) = await house.hub.ask(ADAPTER, "cmd.app.get_manifest", serv="bluecurrent", resp_to=CALLER)
        assert (error.path, *error.brief) == (CALLER, "evt.error.report", "ERR_INVALID_STATE")
        assert broker.closes == closes
        (state,) = await house.hub.ask(device_topic(SOCKET), "cmd.state.get_report")
        assert state.brief == ("evt.state.report", "disconnected")


@pytest.mark.timeout(180)
async def test_messages_that_are_too_large_are_dropped_and_all_others_are_published(build: HouseMaker) -> None:
    async with limited(build) as (house, broker):
        reporter = house.running.reporter
        await house.hub.until(lambda: reporter.dropped >= 2 and reporter.is_settled, PATIENCE_S)
        dropped = [line for line in house.log_lines() if "is dropped" in line["event"]]
        assert {line["type"] for line in dropped} <= {"evt.thing.inclusion_report", "evt.sup_params.report"}
        assert all(int(line["size"]) > LIMIT - 100 for line in dropped)
        assert broker.closes <= STRIKES * len(dropped) + 2
        for type_ in ("evt.state.report", "evt.meter_ext.report", "evt.param.report", "evt.max_current.report"):
            await house.hub.expect(type_, SOCKET)
        included = [heard.message.value for heard in house.hub.find("evt.thing.inclusion_report")]
        assert [one["address"] for one in included if isinstance(one, dict)] == [GRID]


@pytest.mark.timeout(180)
async def test_a_will_that_is_too_large_is_cut_until_the_broker_accepts_it(build: HouseMaker) -> None:
    async with limited(build, MANY, BETWEEN) as (house, broker):
        await house.hub.expect("evt.state.report", SOCKET, patience=PATIENCE_S)
        since = house.mark
        broker.cut()
        will = await house.hub.expect("evt.network.all_nodes_report", since=since, patience=PATIENCE_S)
        nodes = will.message.value
        assert isinstance(nodes, list)
        assert len([node for node in nodes if isinstance(node, dict) and node["status"] == "DOWN"]) == MANY + 3
        assert [line["size"] > BETWEEN for line in house.log_lines() if "will" in line["event"]] == [True]
