"""Power from voltages and currents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint.observed import Observed
from bridge.chargepoint.power import powers, total_power
from bridge.chargepoint.status import Status
from bridge.chargepoint.twin import Twin
from tests.unit.chargepoint.socket_story import NOON, update


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
metered = st.sets(st.integers(1, 3))


@given(amps, amps, amps, st.floats(200, 260), metered)
def test_the_total_is_the_sum_of_the_phases_and_unknown_while_one_of_them_is(
    a: float | None, b: float | None, c: float | None, volts: float, told: set[int]
) -> None:
    status = Status(current_1=a, current_2=b, current_3=c, voltage_1=volts, voltage_2=volts, voltage_3=volts)
    each = powers(status, 230)
    if any(each[phase - 1] is None for phase in told | {1}):
        assert total_power(status, 230, told) is None
    else:
        assert total_power(status, 230, told) == pytest.approx(sum(power or 0.0 for power in each))


def test_a_phase_whose_current_was_told_before_is_missed() -> None:
    twin = Twin(evse_id="B").pushed(update(activity="charging", current_1=16.0, current_2=16.0), NOON)
    assert twin.observed.metered_phases == (1, 2)
    assert total_power(twin.status or Status(), 230, twin.observed.metered_phases) == 2 * 16 * 230
    lost = twin.pushed(update(current_2=None), NOON)
    assert total_power(lost.status or Status(), 230, lost.observed.metered_phases) is None
    session = lost.memory.session
    assert session is not None
    assert session.peak_power == 2 * 16 * 230


def test_the_phase_mode_is_not_learned_while_a_current_is_unknown() -> None:
    twin = Twin(evse_id="B")
    for current_2, mode in ((0.0, "NL1"), (16.0, "NL1"), (None, "NL1")):
        twin = twin.pushed(update(activity="charging", current_1=16.0, current_2=current_2, current_3=0.0), NOON)
        assert twin.observed.phase_mode == mode
    start = Twin(evse_id="B", observed=Observed(metered_phases=(1, 2, 3)))
    lost = start.pushed(update(activity="charging", current_1=16.0, current_2=None, current_3=0.0), NOON)
    assert lost.observed.phase_mode is None
