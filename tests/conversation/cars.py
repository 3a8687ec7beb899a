"""Cars that come, charge and leave, each told to the hub."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.harness import SOCKET, Heard, House, make_house


async def plug(house: House, evse_id: str = SOCKET, car: Car | None = None) -> None:
    """A car comes."""
    since = house.mark
    house[evse_id].plug(car or Car())
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, since=since, value="ready_to_charge")


async def charge(house: House, evse_id: str = SOCKET) -> None:
    """A car comes and charges, started by a card at the charge point."""
    await plug(house, evse_id)
    since = house.mark
    house[evse_id].start("046C8CCA8C1D90")
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, since=since, value="charging")


@contextlib.asynccontextmanager
async def charging_since(seconds: float, broker: TestBroker, folder: Path, clock: FakeClock) -> AsyncIterator[House]:
    """A house with a clock that the test moves, where a car has charged for a number of seconds."""
    async with make_house(broker, folder, clock=clock) as house:
        house[SOCKET].plug(Car())
        house[SOCKET].start("BCU-APP")
        house[SOCKET].step(seconds)
        await house.push(SOCKET)
        await house.hub.expect("evt.state.report", SOCKET, value="charging")
        yield house


async def unplug(house: House, evse_id: str = SOCKET) -> None:
    """The car leaves."""
    since = house.mark
    house[evse_id].unplug()
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, since=since, value="disconnected")


def briefs(answers: list[Heard]) -> list[tuple[str, object]]:
    """Interfaces and values."""
    return [answer.brief for answer in answers]
