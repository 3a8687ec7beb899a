"""A broker that is away for ten minutes while charge points push: when everything is right again."""

import time
from pathlib import Path

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from tests.brokers import TestBroker
from tests.integration.faults.commands import until
from tests.integration.faults.driver import Rig, running
from tests.integration.faults.truth import differences, session_differences, states
from tests.integration.figures import note, patience, within

AWAY_S = 600
STEP_S = 120
START_WITHIN_S = 120.0
STATES_S, REST_S = 3.0, 10.0
"""What is promised."""


def state_and_session_right(rig: Rig, point: SimulatedChargePoint) -> bool:
    """Whether the state and the session of a charge point were reported since the return, as they are."""
    if rig.ear.value("evt.current_session.report", point.evse_id) is None:
        return False
    return rig.ear.value("evt.state.report", point.evse_id) in states(point) and not [
        *session_differences(rig.ear, point)
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("points", [1, 500])
async def test_a_broker_away_for_ten_minutes(lasting: TestBroker, tmp_path: Path, points: int) -> None:
    async with running(lasting, tmp_path, points=points, patience_s=START_WITHIN_S) as rig:
        for point in rig.points:
            point.plug(Car(capacity_kwh=60, charge_kwh=20))
            point.start("A1B2C3D4E5F6")
            await rig.push(point)
        line = rig.lines["broker"]
        line.refuses = True
        line.cut()
        for _ in range(AWAY_S // STEP_S):
            await rig.time_passes(STEP_S)
        for point in rig.points[::3]:
            point.unplug()
            await rig.push(point)
        assert await rig.known(START_WITHIN_S)
        assert not (await rig.bridge.ask("status"))["broker"]

        rig.ear.last.clear()
        begun = time.monotonic()
        line.heal()
        left = list(rig.points)

        async def told() -> bool:
            left[:] = [point for point in left if not state_and_session_right(rig, point)]
            return not left

        async def all_told() -> bool:
            return not differences(rig.ear, rig.cloud.account) and bool((await rig.bridge.ask("status"))["settled"])

        assert await until(told, patience(STATES_S)), [point.evse_id for point in left]
        states_s = time.monotonic() - begun
        assert await until(all_told, patience(REST_S)), differences(rig.ear, rig.cloud.account)
        rest_s = time.monotonic() - begun
        assert (await rig.bridge.ask("status"))["dropped"] == 0
        note(
            f"{points} charge point{'s' if points > 1 else ''}: states and sessions after {states_s:.1f} s, "
            f"everything after {rest_s:.1f} s",
        )
        assert states_s < within(STATES_S)
        assert rest_s < within(REST_S)
