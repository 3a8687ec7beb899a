"""Cars that come, charge and leave, each told to the hub."""

from bridge.simulator.car import Car
from tests.harness import SOCKET, Heard, House


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


async def unplug(house: House, evse_id: str = SOCKET) -> None:
    """The car leaves."""
    since = house.mark
    house[evse_id].unplug()
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, since=since, value="disconnected")


def briefs(answers: list[Heard]) -> list[tuple[str, object]]:
    """Interfaces and values."""
    return [answer.brief for answer in answers]
