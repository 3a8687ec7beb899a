"""While a thing is DOWN nothing about it is repeated, and what it measures is not known (contract 4)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.conversation.cars import charge, charging_since
from tests.harness import SOCKET, House, device_topic

HALF_AN_HOUR_S = 31 * 60


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the bridge and of the simulated cloud."""
    return FakeClock()


@pytest.fixture
async def charged(broker: TestBroker, tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    """A house where a car charges, with a clock that the test moves."""
    async with charging_since(600, broker, tmp_path, clock) as house:
        yield house


async def told_in_half_an_hour(house: House, clock: FakeClock) -> list[str]:
    """The interfaces that are reported of the charge point by itself."""
    await house.hub.until(lambda: house.running.reporter.is_settled)
    await house.hub.fence()
    since = house.mark
    await clock.pass_by(HALF_AN_HOUR_S, step=20)
    await house.hub.until(lambda: house.running.reporter.is_settled)
    await house.hub.fence()
    return [heard.message.type for heard in house.hub.heard[since:] if heard.address == SOCKET]


async def test_while_the_link_is_down(charged: House, clock: FakeClock) -> None:
    charged.cloud.faults.refuse_handshake = "Maintenance"
    charged.cloud.drop()
    await charged.hub.until(lambda: not charged.running.link.status.up)
    await clock.pass_by(charged.settings.cloud.offline_grace + 5)
    await charged.hub.expect("evt.state.report", SOCKET, value="unknown")
    assert await told_in_half_an_hour(charged, clock) == []
    charged.cloud.faults.refuse_handshake = ""
    since = charged.mark
    async with asyncio.timeout(8):
        while not charged.running.link.status.up:
            await clock.pass_by(300, step=100)
            await asyncio.sleep(0.02)
    # What was due meanwhile is reported now, changed or not.
    for type_ in ("evt.current_session.report", "evt.meter.report", "evt.meter_ext.report"):
        await charged.hub.expect(type_, SOCKET, since=since)


async def test_while_the_charge_point_is_offline(charged: House, clock: FakeClock) -> None:
    frame = {"object": "CH_STATUS", "evse_id": SOCKET, "data": {"activity": "offline"}}
    await charged.cloud.send_all(json.dumps(frame))
    await charged.hub.expect("evt.state.report", SOCKET, value="unknown")
    charged.cloud.faults.quiet = True  # the probe of the silent link tells nothing new
    charged.cloud.faults.silent.add("GET_CH_STATUS")
    assert await told_in_half_an_hour(charged, clock) == []


async def test_what_is_up_is_repeated(charged: House, clock: FakeClock) -> None:
    charged[SOCKET].stop()
    await charged.push(SOCKET)
    await charged.hub.expect("evt.state.report", SOCKET, value="finished")
    told = await told_in_half_an_hour(charged, clock)
    assert sorted(told) == [
        "evt.current_session.report",
        "evt.meter.report",  # W
        "evt.meter.report",  # kWh
        "evt.meter_ext.report",
    ]


async def test_an_offline_charge_point_measures_nothing(house: House) -> None:
    await charge(house)
    house[SOCKET].sockets[0].fault = "offline"
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="unknown")
    error = await house.hub.refused(SOCKET, "cmd.meter.get_report", service="meter_elec", val_t="string", val="W")
    assert error.message.value == "ERR_INVALID_STATE"
    (energy,) = await house.hub.command(SOCKET, "cmd.meter.get_report", service="meter_elec", val_t="string", val="kWh")
    assert energy.message.properties == {"unit": "kWh"}
    (values,) = await house.hub.command(SOCKET, "cmd.meter_ext.get_report", service="meter_elec")
    assert isinstance(values.message.value, dict)
    assert list(values.message.value) == ["e_import"]


async def test_a_retained_question_is_refused_too(house: House) -> None:
    body = {"serv": "chargepoint", "type": "cmd.state.get_report", "val_t": "null", "val": None, "uid": "u-1"}
    house.running.parts.router.take(device_topic(SOCKET), json.dumps(body).encode(), retained=True)
    error = await house.hub.expect("evt.error.report", SOCKET, corid="u-1")
    assert error.message.value == "ERR_EXPIRED"
    assert "retain" in str(error.message.properties["msg"])
