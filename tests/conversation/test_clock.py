"""Waits and sessions keep their length when the wall clock is set (contract 8)."""

import json
from pathlib import Path

import pytest

from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.harness import SOCKET, make_house

DAY = 24 * 3600.0


@pytest.mark.parametrize("jump", [40 * DAY, 2 * 3600.0, -2 * 3600.0, -40 * DAY])
async def test_a_clock_that_is_set_changes_no_wait(broker: TestBroker, tmp_path: Path, jump: float) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        house[SOCKET].plug(Car())
        house[SOCKET].start("BCU-APP")
        await house.push(SOCKET)
        await house.hub.expect("evt.state.report", SOCKET, value="charging")
        house.cloud.faults.refuse_handshake = "maintenance"
        house.cloud.drop()
        service = house.service
        assert service is not None
        await house.hub.until(lambda: not service.link.status.up)
        clock.move(30)
        await house.tick()
        since = house.mark
        clock.set(jump)
        await house.tick()
        assert house.hub.find("evt.state.report", SOCKET, since=since) == []  # the grace is not over
        clock.move(31)
        await house.tick()
        await house.hub.expect("evt.state.report", SOCKET, since=since, value="unknown")


async def test_a_clock_that_is_set_changes_no_duration_of_a_session(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:

        async def says(activity: str, vehicle: str, energy: float) -> None:
            """A CH_STATUS without times, as the cloud sends it."""
            data = {"activity": activity, "vehicle_status": vehicle, "actual_kwh": energy}
            await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": data}))

        await says("charging", "C", 0.0)
        await house.hub.expect("evt.state.report", SOCKET, value="charging")
        clock.set(40 * DAY)  # the machine had no clock at boot
        await house.tick()
        clock.move(3600)
        await says("available", "B", 7.0)
        await house.hub.expect("evt.state.report", SOCKET, value="finished")
        assert house.service is not None
        (record,) = house.service.storage.sessions(address=SOCKET)
        assert record.ended_at is not None
        assert (record.ended_at - record.started_at).total_seconds() == pytest.approx(3600, abs=60)
