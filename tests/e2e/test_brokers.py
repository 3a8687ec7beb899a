"""The bridge with third-party brokers. docs/brokers.md has the table of results."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import aiomqtt
import pytest

from bridge.hub.connection import NO_DELAY
from bridge.simulator.car import Car
from tests.e2e import live_brokers
from tests.e2e.live_brokers import REQUIRED, SMALL_PACKET, LiveBroker
from tests.harness import ADAPTER, CABLE, GRID, SOCKET, House, Hub, device_topic, make_house
from tests.proxy import Plug

pytestmark = [pytest.mark.brokers, pytest.mark.timeout(300)]

PATIENCE_S = 30.0
KINDS = {
    "mosquitto": (live_brokers.mosquitto_missing, live_brokers.keeping_mosquitto),
    "aedes": (live_brokers.aedes_missing, live_brokers.aedes),
    "rabbitmq": (live_brokers.rabbitmq_missing, live_brokers.rabbitmq),
    "small": (live_brokers.mosquitto_missing, live_brokers.small_mosquitto),
}


@pytest.fixture(scope="module", params=KINDS)
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBroker]:
    """Each of the brokers, running."""
    missing, made = KINDS[request.param]
    lacking = missing()
    if lacking is not None:
        assert not REQUIRED, lacking
        pytest.skip(lacking)
    with made(tmp_path_factory.mktemp(request.param)) as broker:
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


@pytest.fixture
async def plug(live: LiveBroker) -> AsyncIterator[Plug]:
    """A proxy between the bridge and its broker."""
    made = await Plug("127.0.0.1", live.port).start()
    yield made
    await made.stop()


@pytest.fixture
async def house(live: LiveBroker, plug: Plug, tmp_path: Path) -> AsyncIterator[House]:
    """A running bridge behind the proxy, and a hub with a direct connection."""
    async with make_house(live.address, tmp_path, mqtt={"host": "127.0.0.1", "port": plug.port}) as made:
        yield made


@contextlib.asynccontextmanager
async def another_hub(live: LiveBroker) -> AsyncIterator[Hub]:
    """A hub that connects later."""
    async with aiomqtt.Client("127.0.0.1", live.port, socket_options=NO_DELAY) as client:
        hub = Hub(client)
        await client.subscribe("#", qos=1)
        listening = asyncio.create_task(hub.listen())
        yield hub
        listening.cancel()


def statuses(hub: Hub, since: int = 0) -> list[set[str]]:
    """The content of each report of all nodes."""
    reports = [heard.message.value for heard in hub.find("evt.network.all_nodes_report", since=since)]
    return [
        {str(node["status"]) for node in nodes if isinstance(node, dict)}
        for nodes in reports
        if isinstance(nodes, list)
    ]


def included(house: House, address: str) -> bool:
    """The hub has heard of a thing."""
    reports = [heard.message.value for heard in house.hub.find("evt.thing.inclusion_report")]
    return any(isinstance(report, dict) and report["address"] == address for report in reports)


async def test_things_are_included_states_reported_and_commands_answered(house: House) -> None:
    for address in (SOCKET, CABLE, GRID):
        await house.hub.until(partial(included, house, address), PATIENCE_S)
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge", patience=PATIENCE_S)
    answers = await house.hub.command(SOCKET, "cmd.charge.start", count=2, patience=PATIENCE_S)
    assert answers[0].brief == ("evt.state.report", "charging")
    assert len(house.cloud.requests_for("START_SESSION")) == 1


async def test_a_compressed_command_is_answered(house: House) -> None:
    uid = str(uuid4())
    command = {"serv": "chargepoint", "type": "cmd.state.get_report", "val_t": "null", "val": None, "uid": uid}
    topic = device_topic(SOCKET).replace("pt:j1/", "pt:j1c1/")
    await house.hub.client.publish(topic, gzip.compress(json.dumps(command).encode()), qos=1)
    answer = await house.hub.expect("evt.state.report", SOCKET, corid=uid, patience=PATIENCE_S)
    assert answer.message.value == "disconnected"


async def test_the_will_reports_the_things_down_and_the_bridge_reports_them_up_again(house: House, plug: Plug) -> None:
    since = house.mark
    plug.pull()
    await house.hub.until(lambda: {"DOWN"} in statuses(house.hub, since), PATIENCE_S)
    since = house.mark
    plug.put_back()
    await house.hub.until(lambda: {"UP"} in statuses(house.hub, since), PATIENCE_S)
    await house.hub.expect("evt.state.report", SOCKET, since=since, patience=PATIENCE_S)
    assert {"DOWN"} not in statuses(house.hub, since)


async def test_a_command_sent_during_a_break_is_answered_after_it(house: House, plug: Plug) -> None:
    service = house.service
    assert service is not None
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge", patience=PATIENCE_S)
    plug.pull()
    await house.hub.until(lambda: not service.broker.status.up, PATIENCE_S)
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
    await asyncio.sleep(0.3)
    assert not house.cloud.requests_for("START_SESSION")
    plug.put_back()
    answer = await house.hub.expect("evt.state.report", SOCKET, corid=uid, patience=PATIENCE_S)
    assert answer.message.value == "charging"
    assert len(house.cloud.requests_for("START_SESSION")) == 1


async def test_everything_is_reported_again_after_the_broker_was_killed(
    live: LiveBroker, house: House, plug: Plug
) -> None:
    service = house.service
    assert service is not None
    plug.pull()
    await house.hub.until(lambda: not service.broker.status.up, PATIENCE_S)
    uid = await house.hub.say(device_topic(CABLE), type="cmd.state.get_report")
    await asyncio.sleep(1)  # a mosquitto writes a moment after it has acknowledged
    await asyncio.to_thread(live.kill)
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await asyncio.to_thread(live.start)
    async with another_hub(live) as hub:
        plug.put_back()
        await hub.expect("evt.state.report", SOCKET, value="ready_to_charge", patience=PATIENCE_S)
        for address in (SOCKET, CABLE):
            for type_ in ("evt.max_current.report", "evt.meter_ext.report", "evt.param.report"):
                await hub.expect(type_, address, patience=PATIENCE_S)
        await hub.until(lambda: {"UP"} in statuses(hub), PATIENCE_S)
        kept = [heard for heard in hub.find("evt.state.report", CABLE) if heard.message.corid == uid]
        if live.keeps_sessions:
            await hub.expect("evt.state.report", CABLE, corid=uid, patience=PATIENCE_S)
        else:
            assert not kept
        assert (await hub.command(SOCKET, "cmd.state.get_report", patience=PATIENCE_S))[
            0
        ].message.value == "ready_to_charge"
        await house.stop()  # while this hub's broker is there
    assert service.broker.status.problem is None


@pytest.mark.parametrize("live", ["small"], indirect=True)
async def test_a_message_that_the_broker_rejects_is_dropped_alone(house: House) -> None:
    uid = await house.hub.say(ADAPTER, type="cmd.app.get_manifest", serv="bluecurrent")
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge", patience=PATIENCE_S)

    def named() -> list[dict[str, object]]:
        return [line for line in house.log_lines() if "cannot be published" in line["event"]]

    await house.hub.expect("evt.error.report", corid=uid, patience=PATIENCE_S)
    assert len(named()) == 1, named()
    assert named()[0]["type"] == "evt.app.manifest_report"
    assert int(str(named()[0]["size"])) > SMALL_PACKET
    (answer,) = [heard for heard in house.hub.heard if heard.message.corid == uid]
    assert answer.brief == ("evt.error.report", "ERR_INVALID_STATE")
    # From here on it is as if it had never been.
    since = house.mark
    answers = await house.hub.command(SOCKET, "cmd.charge.start", count=2, patience=PATIENCE_S)
    assert answers[0].brief == ("evt.state.report", "charging")
    assert house.service is not None
    assert house.service.broker.status.up
    assert {"DOWN"} not in statuses(house.hub, since)
