"""A session of some seconds that ends behind an error: the account's transactions count it no second time."""

from collections.abc import AsyncIterator

import pytest

from bridge.simulator.car import Car
from bridge.storage.peek import Peek
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import SOCKET, House


@pytest.fixture
async def house(build: HouseMaker) -> AsyncIterator[House]:
    """A bridge with a test clock, and a cloud with websocket and REST API."""
    async with build(clock=FakeClock(), side=True) as made:
        yield made


async def test_a_short_session_that_ends_behind_an_error_is_one_row(house: House) -> None:
    clock, point, peek = house.clock, house[SOCKET], Peek(house.settings.storage.path)
    assert isinstance(clock, FakeClock)
    point.plug(Car())
    point.start("A1B2C3D4E5F6")
    await house.push(SOCKET)
    clock.move(17)
    point.step(17)
    point.sockets[0].fault = "error"
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="error")
    point.unplug()
    await house.push(SOCKET)
    await clock.pass_by(25 * 3600, step=3600)
    await house.hub.until(lambda: house.cloud.rest_calls["gettransactions"] == 2)  # for both charge points
    await house.tick()
    energy = round(point.transactions[0].kwh, 3)
    assert [(row.number, row.energy, row.ended_at) for row in peek.sessions(address=SOCKET)] == [(1, energy, None)]
    point.sockets[0].fault = None
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="disconnected", since=house.mark - 1)
    await clock.pass_by(20 * 60, step=60)  # an end that was not seen has the transactions read soon
    await house.hub.until(lambda: [row.transaction for row in peek.sessions(address=SOCKET)] == ["1000"])
    (row,) = peek.sessions(address=SOCKET)
    assert (row.number, row.energy, row.ended_at) == (1, energy, point.transactions[0].ended_at)
    answers = await house.hub.command(SOCKET, "cmd.meter.get_report", service="meter_elec", count=2)
    assert {one.message.value for one in answers if one.message.properties["unit"] == "kWh"} == {energy}
