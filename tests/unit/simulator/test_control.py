"""The simulated cloud's control interface."""

import httpx
import pytest
from starlette.applications import Starlette

from bridge.clock import SystemClock
from bridge.simulator.cloud import SimulatedCloud, example_cloud
from bridge.simulator.control import Control


@pytest.fixture
def cloud() -> SimulatedCloud:
    """The example account's cloud."""
    return example_cloud(SystemClock().now)


@pytest.fixture
def client(cloud: SimulatedCloud) -> httpx.AsyncClient:
    """What asks the control interface."""
    application = Starlette(routes=Control(cloud).routes())
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://control")


async def test_the_state_names_faults_and_charge_points(client: httpx.AsyncClient, cloud: SimulatedCloud) -> None:
    state = (await client.get("/control/state")).json()
    assert set(state["charge_points"]) == set(cloud.account.charge_points)
    assert state["faults"]["silent"] == state["faults"]["unanswered"] == []


@pytest.mark.parametrize("fault", ["silent", "unanswered"])
async def test_a_fault_of_commands_is_set_and_shown(
    client: httpx.AsyncClient, cloud: SimulatedCloud, fault: str
) -> None:
    state = (await client.post("/control/faults", json={fault: ["STOP_SESSION", "START_SESSION"]})).json()
    assert state["faults"][fault] == ["START_SESSION", "STOP_SESSION"]
    assert getattr(cloud.faults, fault) == {"START_SESSION", "STOP_SESSION"}


async def test_a_fault_that_is_not_known_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/control/faults", json={"nonsense": 1})).status_code == 400
