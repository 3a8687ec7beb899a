"""The report of all nodes at the start, also where a charge point or the cloud says nothing (contract 6)."""

from pathlib import Path
from typing import Any

from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.harness import CABLE, GRID, SOCKET, House, make_house


def statuses(house: House) -> list[dict[str, str]]:
    """The status of each node in each report of all nodes."""
    reports: list[Any] = [heard.message.value for heard in house.hub.find("evt.network.all_nodes_report")]
    return [{node["address"]: node["status"] for node in nodes} for nodes in reports]


async def test_charge_points_without_a_status_are_down_in_it_once_the_grace_is_over(
    broker: TestBroker, tmp_path: Path
) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock, start=False) as house:
        house.cloud.faults.silent.add("GET_CH_STATUS")
        house.cloud.faults.quiet = True
        await house.start(wait=False)
        await house.hub.until(lambda: house.service is not None and house.service.parts.sync.first_look.is_set())
        assert statuses(house) == []
        await clock.pass_by(house.settings.cloud.offline_grace + 5)
        await house.hub.until(lambda: statuses(house) != [])
        assert statuses(house) == [{CABLE: "DOWN", SOCKET: "DOWN", GRID: "UP"}]


async def test_a_cloud_that_is_away_at_the_start(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        await house.stop()
        house.hub.heard.clear()
        house.cloud.faults.refuse_handshake = "Maintenance"
        await house.start(wait=False)
        await house.hub.until(house.running.parts.sync.first_look.is_set)
        await clock.pass_by(house.settings.cloud.offline_grace + 5)
        await house.hub.until(lambda: statuses(house) != [])
        assert statuses(house) == [{CABLE: "DOWN", SOCKET: "DOWN", GRID: "DOWN"}]
