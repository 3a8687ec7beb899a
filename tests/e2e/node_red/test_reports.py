"""What Node-RED keeps and shows of charge points, also over a break of the line."""

import pytest

from bridge.simulator.car import VOLTAGE_V, Car
from tests.e2e.node_red.place import START, Place
from tests.harness import CABLE, SOCKET
from tests.proxy import Plug

pytestmark = [pytest.mark.nodered, pytest.mark.timeout(600)]  # the first run installs Node-RED


async def test_earlier_reports_are_requested_at_the_start_without_an_alert(place: Place) -> None:
    await place.deploy()
    await place.knows(SOCKET, state="disconnected", session=False, power_w=0)
    await place.knows(CABLE, state="disconnected", session=False, power_w=0)
    await place.still()
    assert await place.alerts() == []


async def test_state_power_and_energy_are_kept_and_shown(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.plug(CABLE)
    await place.red.click("Start")
    power = round(3 * 16 * VOLTAGE_V, 1)
    await place.knows(state="charging", session=True, mode="normal", power_w=power)
    await place.charge(3600)
    energy = round(power / 1000, 3)
    await place.knows(session_kwh=energy, energy_kwh=energy)
    await place.knows(CABLE, state="ready_to_charge", session=False, power_w=0)
    text = await place.red.status("Remember state, power, energy", lambda text: f"{energy} kWh" in text)
    assert f"{SOCKET}: charging, {power:g} W, {energy} kWh" in text
    assert f"{CABLE}: ready_to_charge, 0 W, 0 kWh" in text


async def test_after_a_break_reports_are_current_and_no_click_is_repeated(place: Place, plug: Plug) -> None:
    await place.deploy(MQTT_HOST="127.0.0.1", MQTT_PORT=plug.port)
    plug.pull()
    await place.red.status("What charge points say", lambda text: text.endswith(".connecting"))
    place.house[SOCKET].plug(Car())
    await place.house.push(SOCKET)
    await place.house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")
    await place.red.click("Start")  # no command is sent, now or later
    plug.put_back()
    await place.knows(state="ready_to_charge")
    await place.still()
    assert place.sent(START) == []
    assert not place.charging
