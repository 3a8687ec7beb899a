"""Alerts: each is sent once, and the end of a fault too."""

from pathlib import Path

import pytest

from tests.brokers import TestBroker
from tests.e2e.node_red.place import START, Place, make_place
from tests.e2e.node_red.program import NodeRed
from tests.harness import CABLE, SOCKET, device_topic
from tests.proxy import Plug

pytestmark = [pytest.mark.nodered, pytest.mark.timeout(600)]  # the first run installs Node-RED


async def test_a_command_that_fails_raises_an_alert(place: Place) -> None:
    await place.deploy()
    await place.red.click("Start")  # no car is connected
    await place.alerted(SOCKET, START, "ERR_INVALID_STATE", "No vehicle is connected")
    assert len(await place.alerts()) == 1


async def test_an_error_that_answers_nothing_raises_an_alert_without_a_command(place: Place) -> None:
    await place.deploy()
    topic, words = device_topic(SOCKET, kind="evt"), "The charge point does not follow the limit."
    await place.house.hub.say(
        topic, type="evt.error.report", val_t="string", val="ERR_NOT_SUPPORTED", props={"msg": words, "src": SOCKET}
    )
    await place.alerted(f"{SOCKET}: ERR_NOT_SUPPORTED. {words}")


async def test_a_fault_raises_one_alert_and_its_end_another(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.show("error")
    await place.alerted(SOCKET, "error")
    await place.house.hub.command(SOCKET, "cmd.state.get_report")
    await place.show("offline")  # whether the session is over is not known
    await place.alerted(SOCKET, "DOWN")
    await place.show(None)
    await place.alerted(SOCKET, "the error is over", "ready_to_charge")
    await place.alerted(SOCKET, "UP again")
    assert len(await place.alerts()) == 4


async def test_an_alert_is_raised_when_a_charge_point_goes_offline_and_when_it_returns(place: Place) -> None:
    await place.deploy()
    await place.show("offline")
    await place.alerted(SOCKET, "Driveway", "DOWN")
    await place.show(None)
    await place.alerted(SOCKET, "UP again")
    assert len(await place.alerts()) == 2


async def test_a_bridge_that_dies_raises_an_alert(broker: TestBroker, red: NodeRed, plug: Plug, tmp_path: Path) -> None:
    async with make_place(broker, red, tmp_path, mqtt={"host": "127.0.0.1", "port": plug.port}) as place:
        await place.deploy()
        plug.pull()
        await place.alerted(SOCKET, "DOWN")
        await place.alerted(CABLE, "DOWN")
        plug.put_back()
        await place.alerted(SOCKET, "UP again")
