"""Power from voltages and currents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint.power import powers, total_power
from bridge.chargepoint.status import Status


@pytest.mark.parametrize(
    ("currents", "voltages", "phases", "total"),
    [
        ((16.0, 16.0, 16.0), (230.0, 231.0, 232.0), (3680.0, 3696.0, 3712.0), 11088.0),
        ((16.0, 0.0, 0.0), (230.0, 0.0, 0.0), (3680.0, 0.0, 0.0), 3680.0),
        ((10.0, None, None), (None, None, None), (2300.0, None, None), 2300.0),  # no voltage: the nominal one
        ((10.0, 10.0, 10.0), (0.0, 0.0, 0.0), (2300.0, 2300.0, 2300.0), 6900.0),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0),
        ((None, None, None), (230.0, 230.0, 230.0), (None, None, None), None),
    ],
)
def test_volts_times_amps_for_each_phase(
    currents: tuple[float | None, ...],
    voltages: tuple[float | None, ...],
    phases: tuple[float | None, ...],
    total: float | None,
) -> None:
    status = Status(
        current_1=currents[0], current_2=currents[1], current_3=currents[2],
        voltage_1=voltages[0], voltage_2=voltages[1], voltage_3=voltages[2],
    )  # fmt: skip
    assert powers(status, 230) == phases
    assert total_power(status, 230) == total


amps = st.none() | st.floats(0, 80)


@given(amps, amps, amps, st.floats(200, 260))
def test_the_total_is_what_the_phases_sum_up_to(
    a: float | None, b: float | None, c: float | None, volts: float
) -> None:
    status = Status(current_1=a, current_2=b, current_3=c, voltage_1=volts, voltage_2=volts, voltage_3=volts)
    known = [power for power in powers(status, 230) if power is not None]
    assert total_power(status, 230) == (pytest.approx(sum(known)) if known else None)
