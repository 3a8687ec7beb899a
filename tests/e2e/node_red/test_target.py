"""A session that stops at the target for its energy."""

import pytest

from tests.e2e.node_red.cheap_night import at, cheap_house
from tests.e2e.node_red.place import START, STOP, Place
from tests.harness import SOCKET

pytestmark = [pytest.mark.nodered, pytest.mark.timeout(600)]  # the first run installs Node-RED


async def test_a_session_stops_at_the_target_and_price_charging_does_not_start_it_again(place: Place) -> None:
    await cheap_house(place)
    await place.red.click("10 kWh")
    assert await place.tick(at("23:00")) == [START]
    assert await place.tick(at("23:01")) == []
    await place.charge(3000)  # 9.24 kWh
    await place.red.status("Stop at the target", lambda text: text == "stops at 10 kWh")
    await place.still()
    assert place.charging
    await place.charge(600)
    await place.knows(state="ready_to_charge", session=False)
    assert not place.charging
    await place.still()  # Node-RED can know of the stop before the recording client has received the command
    assert len(place.sent(STOP)) == 1
    assert [await place.tick(at("23:30")), await place.tick(at("02:00", 1))] == [[], []]


async def test_without_a_target_a_session_continues(place: Place) -> None:
    await place.deploy(TARGET_KWH=10)
    await place.red.click("No target")
    await place.red.keeps("target_kwh", lambda target: target == 0)
    await place.plug()
    await place.red.click("Start")
    await place.knows(state="charging")
    await place.charge(7200)
    await place.red.keeps("chargepoints", lambda points: points[SOCKET].get("session_kwh", 0) > 20)
    await place.still()
    assert place.sent(STOP) == []
    assert place.charging


async def test_a_target_sends_no_stop_after_the_session_has_ended(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.red.click("Start")
    await place.knows(state="charging")
    await place.charge(7200)
    await place.red.click("Stop")
    await place.knows(session=False)
    await place.red.click("10 kWh")
    await place.red.keeps("target_kwh", lambda target: target == 10)
    await place.house.hub.command(SOCKET, "cmd.current_session.get_report")
    await place.still()
    assert len(place.sent(STOP)) == 1


async def test_the_target_of_the_settings_stops_a_session(place: Place) -> None:
    await place.deploy(TARGET_KWH=5)
    await place.plug()
    await place.red.click("Start")
    await place.knows(state="charging")
    await place.charge(3600)
    await place.knows(state="ready_to_charge", session=False)
    assert not place.charging
