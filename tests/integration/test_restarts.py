"""A bridge that stops and starts again: what it reports, and the commands that were sent meanwhile."""

import asyncio
from datetime import datetime, timedelta

import pytest

from bridge.simulator.car import Car
from tests.conftest import HouseMaker
from tests.harness import CABLE, GRID, SOCKET, House, device_topic
from tests.proxy import Plug


@pytest.mark.parametrize("last_words", ["stop", "kill"])
async def test_things_unknown_to_the_broker_are_included_by_the_next_start(
    build: HouseMaker, plug: Plug, last_words: str
) -> None:
    plug.pull()  # as with a wrong port in the first settings
    async with build(mqtt={"host": "127.0.0.1", "port": plug.port}, start=False) as house:
        service = await house.start(wait=False)
        await house.hub.until(lambda: {SOCKET, CABLE} <= set(service.things.addresses()))
        await (house.stop() if last_words == "stop" else house.kill())
        plug.put_back()
        since = house.mark
        await house.start()

        def told() -> set[object]:
            values = [heard.message.value for heard in house.hub.find("evt.thing.inclusion_report", since=since)]
            return {value["address"] for value in values if isinstance(value, dict)}

        await house.hub.until(lambda: {SOCKET, CABLE, GRID} <= told())
        await house.stop()
        again = house.mark
        await house.start()
        await house.hub.expect("evt.network.all_nodes_report", since=again)
        await house.stop()
        assert house.hub.find("evt.thing.inclusion_report", since=again) == []  # it is not repeated


@pytest.mark.parametrize("last_words", ["stop", "kill"])
async def test_a_thing_that_left_while_the_broker_was_away_is_excluded_by_the_next_start(
    build: HouseMaker, plug: Plug, last_words: str
) -> None:
    async with build(mqtt={"host": "127.0.0.1", "port": plug.port}) as house:
        service = house.service
        assert service is not None
        plug.pull()
        await house.hub.until(lambda: not service.broker.status.up)
        del house.cloud.account.charge_points[CABLE]
        house.cloud.drop()
        await house.hub.until(lambda: CABLE not in service.things.addresses())
        await (house.stop() if last_words == "stop" else house.kill())
        plug.put_back()
        since = house.mark
        await house.start()
        gone = await house.hub.expect("evt.thing.exclusion_report", since=since)
        assert gone.message.value == {"address": CABLE}
        await house.stop()
        again = house.mark
        await house.start()
        await house.stop()
        assert house.hub.find("evt.thing.exclusion_report", since=again) == []  # it is not repeated
        assert house.hub.find("evt.thing.inclusion_report", since=since) == []  # no other thing has changed


async def test_a_command_sent_while_the_bridge_was_away_is_answered(house: House) -> None:
    if not house.broker.keeps_sessions:
        pytest.skip("the embedded broker keeps no messages for clients that are away")
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")
    await house.kill()
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.state.get_report")
    await house.start()
    answer = await house.hub.expect("evt.state.report", SOCKET, corid=uid)
    assert answer.message.value == "ready_to_charge"


async def test_an_old_start_that_was_sent_while_the_bridge_was_away_is_refused(house: House) -> None:
    if not house.broker.keeps_sessions:
        pytest.skip("the embedded broker keeps no messages for clients that are away")
    house[SOCKET].plug(Car())
    await house.kill()
    old = (datetime.now().astimezone() - timedelta(hours=2)).isoformat(timespec="milliseconds")
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start", ctime=old)
    await house.start()
    error = await house.hub.expect("evt.error.report", SOCKET, corid=uid)
    assert error.message.value == "ERR_EXPIRED"
    assert house.cloud.requests_for("START_SESSION") == []


async def test_the_goodbye_replaces_the_will(house: House) -> None:
    since = house.mark
    await house.stop()
    goodbye = await house.hub.expect("evt.network.all_nodes_report", since=since)
    nodes = goodbye.message.value
    assert isinstance(nodes, list)
    assert {(node["address"], node["status"]) for node in nodes if isinstance(node, dict)} == {
        (SOCKET, "DOWN"),
        (CABLE, "DOWN"),
        (GRID, "DOWN"),
    }
    await asyncio.sleep(0.1)
    assert len(house.hub.find("evt.network.all_nodes_report", since=since)) == 1  # the will is not published


async def test_a_start_that_was_sent_while_the_bridge_was_away_is_carried_out(house: House) -> None:
    if not house.broker.keeps_sessions:
        pytest.skip("the embedded broker keeps no messages for clients that are away")
    house[SOCKET].plug(Car())
    await house.kill()
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
    house.cloud.faults.delay_s = 0.1  # the broker is connected long before the cloud
    await house.start()
    answer = await house.hub.expect("evt.state.report", SOCKET, corid=uid)
    assert answer.message.value == "charging"
