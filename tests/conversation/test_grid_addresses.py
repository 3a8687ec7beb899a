"""A grid connection whose address is empty or another thing's is left out, and named once (contract 3)."""

import json

import httpx
import pytest

from bridge.simulator.account import GridConnection
from tests.conftest import HouseMaker
from tests.harness import CABLE, GRID, SOCKET, House, described

LEFT_OUT = "a grid connection is left out"


def named(house: House) -> list[str]:
    """The grid connections that the log names as left out."""
    return [str(line["grid"]) for line in house.log_lines() if str(line["event"]).startswith(LEFT_OUT)]


async def state_of(house: House) -> dict[str, object]:
    """GET /api/state."""
    assert house.service is not None
    async with httpx.AsyncClient() as client:
        state: dict[str, object] = (await client.get(f"http://127.0.0.1:{house.service.web.port}/api/state")).json()
        return state


async def grid_status(house: House, grid_id: str, current: float, **more: object) -> None:
    """The cloud pushes a GRID_STATUS."""
    data = {"id": grid_id, "grid_actual_p1": current, "grid_actual_p2": current, "grid_actual_p3": current}
    await house.cloud.send_all(json.dumps({"object": "GRID_STATUS", "data": data, **more}))


@pytest.mark.parametrize("grid_id", ["GRID/BCU102728", "GRIDBCU102728", "-/-", "é", "BCU-100186", CABLE])
async def test_a_grid_connection_with_a_taken_address_is_left_out_and_logged_once(
    build: HouseMaker, grid_id: str
) -> None:
    async with build(start=False) as house:
        house.cloud.account.grids[SOCKET] = GridConnection(grid_id, house_a=(9, 9, 9))
        await house.start()
        await house.hub.expect("evt.meter_ext.report", GRID, value={"i1": 1.4, "i2": 0.6, "i3": 2.1})
        for evse_id in (SOCKET, SOCKET):
            await grid_status(house, grid_id, 8, evse_id=evse_id)
        await grid_status(house, grid_id, 7)
        await house.hub.command(CABLE, "cmd.state.get_report")
        await house.hub.fence()
        assert [heard.message.value for heard in house.hub.find("evt.meter_ext.report", GRID)] == [
            {"i1": 1.4, "i2": 0.6, "i3": 2.1}
        ]
        assert described(house.hub, GRID)["device_id"] == "GRID-BCU102728"
        assert described(house.hub, CABLE)["product_name"] == "Carport"
        assert described(house.hub, SOCKET)["product_name"] == "Driveway"
        assert named(house) == [grid_id]
        summary = (await state_of(house))["summary"]
        assert isinstance(summary, dict)
        assert summary["grids_left_out"] == [grid_id]


async def test_a_grid_connection_is_served_once_the_other_one_has_gone(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.account.grids[SOCKET] = GridConnection("GRID/BCU102728")
        await house.start()
        assert named(house) == ["GRID/BCU102728"]
        await grid_status(house, "GRID-2", 1, evse_id=CABLE)  # the other thing's charge point has another one now
        await house.hub.until(lambda: described(house.hub, GRID)["device_id"] == "GRID/BCU102728")
        since = house.mark
        await house.cloud.send_all(json.dumps({"object": "GRID_CURRENT", "evse_id": SOCKET, "grid_actual_p1": 5}))
        await house.hub.expect("evt.meter_ext.report", GRID, since=since, value={"i1": 5.0})
        summary = (await state_of(house))["summary"]
        assert isinstance(summary, dict)
        assert summary["grids_left_out"] == []
