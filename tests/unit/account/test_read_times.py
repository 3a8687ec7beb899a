"""Which reads a reconnect repeats."""

import pytest

from bridge.account.read_times import NO_GRID_VALID_S, VALID_S, ReadTimes
from bridge.bluecurrent import requests
from bridge.bluecurrent.requests import Request
from bridge.errors import BridgeError, Disconnected, Rejected, UnknownRequest, VerdictTimeout
from tests.clock import FakeClock

GRID, SETTINGS = requests.get_grid_status("BCU1"), requests.get_settings("BCU1")
REFUSED, UNKNOWN, LATE, GONE = Rejected("no grid"), UnknownRequest("0"), VerdictTimeout("late"), Disconnected("gone")


@pytest.mark.parametrize(
    ("request_", "failure", "valid_s"),
    [
        (GRID, None, VALID_S),
        (SETTINGS, None, VALID_S),
        (GRID, REFUSED, NO_GRID_VALID_S),
        (GRID, UNKNOWN, NO_GRID_VALID_S),
        (SETTINGS, REFUSED, 0),
        (GRID, LATE, 0),
        (GRID, GONE, 0),
    ],
)
def test_an_answer_is_valid_for_a_day_and_no_grid_for_an_hour(
    request_: Request[object], failure: BridgeError | None, valid_s: float
) -> None:
    clock = FakeClock()
    times = ReadTimes(clock)
    assert times.is_due(request_)
    times.note(request_, failure)
    if valid_s:
        clock.move(valid_s)
        clock.set(-2 * valid_s)  # whatever the wall clock says
        assert not times.is_due(request_)
        clock.move(1)
    assert times.is_due(request_)


def test_each_charge_point_has_its_own() -> None:
    times = ReadTimes(FakeClock())
    times.note(GRID, None)
    assert times.is_due(requests.get_grid_status("BCU2"))
    assert times.is_due(SETTINGS)
