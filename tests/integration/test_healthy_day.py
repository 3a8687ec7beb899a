"""A day on which nothing goes wrong leaves no line in the log at `info` (issue "whatever comes in")."""

from bridge.simulator.car import Car
from tests.harness import CABLE, SOCKET, House

LEVELS = ("info", "warning", "error", "critical")
CARS = 3
PUSHES = 40


def lines(house: House) -> list[str]:
    """What the log says at `info` and above."""
    return [str(line["event"]) for line in house.log_lines() if line["level"] in LEVELS]


async def charge(house: House, evse_id: str) -> None:
    """A car comes, charges, and leaves."""
    point = house[evse_id]
    point.plug(Car())
    await house.push(evse_id)
    await house.hub.command(evse_id, "cmd.charge.start", 2)
    for number in range(PUSHES):
        point.step(60)
        await house.push(evse_id)
        if number % 10 == 0:
            await house.cloud.push_grid()
            await house.cloud.push_settings(point)
            await house.tick()
    await house.hub.command(evse_id, "cmd.charge.stop", 2)
    point.unplug()
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, since=house.mark - 3, value="disconnected")


async def test_a_healthy_day_writes_no_log_line(house: House) -> None:
    before = lines(house)
    assert "connected to the broker" in before
    for _ in range(CARS):
        for evse_id in (SOCKET, CABLE):
            await charge(house, evse_id)
            await house.hub.command(evse_id, "cmd.state.get_report")
            await house.hub.command(evse_id, "cmd.meter.get_report", 2, service="meter_elec")
        await house.hub.adapter("cmd.network.get_all_nodes")
        await house.hub.adapter("cmd.app.get_state")
    await house.hub.fence()
    assert lines(house)[len(before) :] == []
