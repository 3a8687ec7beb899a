"""Three days in fast motion, with a car a day: nothing grows, and the log stays short."""

from functools import partial
from pathlib import Path

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from tests.brokers import TestBroker
from tests.integration.faults.commands import until
from tests.integration.faults.driver import Rig, running
from tests.integration.faults.plan import Wish
from tests.integration.faults.result import check_growth
from tests.integration.figures import note

DAYS = 3
COMES_H, LEAVES_H = 18, 22
STEP_S, CHARGING_STEP_S = 1800, 300
"""So much time passes at once: less while a car charges, since a link that is silent then is taken for a dead one."""
LINES_A_DAY = 200


async def told_ready(rig: Rig, evse_id: str) -> bool:
    """Whether the hub knows that a car waits."""
    return bool(rig.ear.value("evt.state.report", evse_id) == "ready_to_charge")


async def has_begun(point: SimulatedChargePoint) -> bool:
    """Whether a session is on."""
    return point.sockets[0].session is not None


async def a_day(rig: Rig) -> None:
    """A car comes in the evening, charges, and leaves; the hub asks every hour."""
    point, other = rig.points[:2]
    for hour in range(24):
        if hour == LEAVES_H:
            point.unplug()
            await rig.push(point)
        if hour == COMES_H:
            point.plug(Car(capacity_kwh=60, charge_kwh=40))
            await rig.push(point)
            assert await until(partial(told_ready, rig, point.evse_id), 30)
            await rig.commands.send(Wish("cmd.charge.start", 0), point.evse_id, hour)
            assert await until(partial(has_begun, point), 30)
        await rig.commands.send(Wish("cmd.state.get_report", 1), other.evse_id, hour)
        left = 3600.0
        while left > 0:
            step = CHARGING_STEP_S if point.sockets[0].session is not None else STEP_S
            await rig.time_passes(step)
            assert await rig.known()
            assert await rig.recovered()
            left -= step
    await rig.calm(24)


@pytest.mark.timeout(300)
async def test_three_days_leave_nothing_behind(lasting: TestBroker, tmp_path: Path) -> None:
    async with running(lasting, tmp_path) as rig:
        await a_day(rig)  # the first one fills what is kept
        await rig.at_rest()
        first = last = await rig.measure()
        lines, requests = [], []
        for _ in range(DAYS):
            said, asked = len(rig.bridge.log), len(rig.cloud.seen)
            await a_day(rig)
            await rig.at_rest()
            last = await rig.measure(first)
            lines.append(len(rig.bridge.log) - said)
            requests.append(len(rig.cloud.seen) - asked)
        check_growth(first, last)
        assert {line.connections for line in rig.lines.values()} == {1}
        assert len(rig.cloud._listening) == 1
        assert max(lines) < LINES_A_DAY, [line["event"] for line in rig.bridge.log[-LINES_A_DAY:]]
        await rig.books_closed()
        assert len(rig.points[0].transactions) == DAYS + 1
        note(
            f"memory {first[0]:.1f} → {last[0]:.1f} MB, tasks {first[1]} → {last[1]}, files {first[2]} → {last[2]}, "
            f"at most {max(lines)} log lines and {max(requests)} requests a day",
        )
