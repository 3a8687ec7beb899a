"""Averages as the official client computes them."""

from typing import Any

import pytest
from bluecurrent_api.utils import SMART_CHARGING, handle_grid, handle_status
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint.averages import Averages, GridAverages, averages, grid_averages
from bridge.chargepoint.cloud_fields import as_cloud_json
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.status import Status

AMPERES = st.just(0.0) | st.floats(0, 200)
VOLTS = st.just(0.0) | st.floats(0, 500)


@given(st.tuples(AMPERES, AMPERES, AMPERES), st.tuples(VOLTS, VOLTS, VOLTS), AMPERES, AMPERES, st.booleans())
def test_averages_are_those_of_the_official_client(
    currents: tuple[float, float, float], voltages: tuple[float, float, float], most: float, limit: float, smart: bool
) -> None:
    status = Status(
        current_1=currents[0], current_2=currents[1], current_3=currents[2],
        voltage_1=voltages[0], voltage_2=voltages[1], voltage_3=voltages[2], max_usage=most, smart_limit=limit,
    )  # fmt: skip
    message: dict[str, Any] = {"object": "CH_STATUS", "evse_id": "B", "data": as_cloud_json(status)}
    message["data"] |= {"vehicle_status": "A", "start_datetime": "", "stop_datetime": "", "offline_since": ""}
    (SMART_CHARGING.add if smart else SMART_CHARGING.discard)("B")
    handle_status(message)
    ours = as_cloud_json(averages(status, smart_charging=smart))
    assert ours == {name: message["data"][name] for name in ours}


@given(st.tuples(*[st.just(0.0) | st.floats(-100, 200)] * 3))
def test_averages_of_a_grid_are_those_of_the_official_client(currents: tuple[float, float, float]) -> None:
    grid = Grid(current_1=currents[0], current_2=currents[1], current_3=currents[2])
    message: dict[str, Any] = {"object": "GRID_STATUS", "data": as_cloud_json(grid)}
    handle_grid(message)
    ours = as_cloud_json(grid_averages(grid))
    assert ours == {name: message["data"][name] for name in ours}


def test_averages_of_unknown_values_are_unknown() -> None:
    assert averages(Status(), smart_charging=True) == Averages()
    assert grid_averages(Grid()) == GridAverages()
    assert averages(Status(current_1=6.0, max_usage=16), smart_charging=False).current_left == pytest.approx(10)
    assert averages(Status(current_1=6.0, max_usage=16), smart_charging=True).current_left is None
