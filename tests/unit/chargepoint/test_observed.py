"""Values that are learned from a charge point over time."""

from typing import Any

import pytest

from bridge.chargepoint.observed import Observed, learn
from bridge.chargepoint.status import Status


def after(*statuses: Status, overridden: bool = False) -> Observed:
    """The learned values after some pushes."""
    observed = Observed()
    for status in statuses:
        observed = learn(observed, status, overridden=overridden)
    return observed


@pytest.mark.parametrize(
    ("seen", "most"),
    [([16], 16), ([16, 10], 16), ([10, 16], 16), ([16.9], 16), ([5], None), ([None], None), ([0, 32, None], 32)],
)
def test_the_highest_current_ever_seen_is_the_maximum(seen: list[float | None], most: int | None) -> None:
    assert after(*(Status(max_usage=value) for value in seen)).max_current == most


def test_a_current_under_an_override_of_the_bridge_is_ignored() -> None:
    assert after(Status(max_usage=10), overridden=True).max_current is None


@pytest.mark.parametrize(
    ("voltages", "currents", "phases"),
    [
        ((0, 0, 0), (0, 0, 0), None),
        ((None, None, None), (None, None, None), None),
        ((231, 0, 0), (16, 0, 0), None),  # a car may use only one
        ((0, 0, 230), (0, 0, 16), None),
        ((231, 4, 0), (16, 0.3, 0), None),  # noise
        ((230, 231, 229), (0, 0, 0), 3),
        ((230, 231, 229), (16, 0, 0), 3),
        ((0, 0, 0), (16, 16, 16), 3),
        ((None, None, None), (16, 16, None), 3),
    ],
)
def test_the_charge_point_has_three_phases_once_a_second_one_was_seen(
    voltages: tuple[float | None, ...], currents: tuple[float | None, ...], phases: int | None
) -> None:
    values: dict[str, Any] = {f"voltage_{index}": voltage for index, voltage in enumerate(voltages, 1)}
    values |= {f"current_{index}": current for index, current in enumerate(currents, 1)}
    assert after(Status(**values)).phases == phases
    assert after(Status(voltage_1=230, voltage_2=230, voltage_3=230), Status(**values)).phases == 3


def test_a_second_phase_may_be_seen_with_another_car() -> None:
    assert after(Status(current_1=16), Status(current_2=16)).phases == 3


def test_the_highest_current_is_kept_where_it_is_unusual() -> None:
    assert after(Status(max_usage=25, current_1=31.5)).highest_current is None
    assert after(Status(max_usage=63, current_1=16)).possible_current == 63
    assert after(Status(current_1=40.2), Status(current_1=16)).possible_current == 41
    assert Observed().possible_current == 32


@pytest.mark.parametrize(
    ("currents", "mode"),
    [
        ((16, 16, 16), "NL1L2L3"),
        ((16, 0, 0), "NL1"),
        ((0.3, 7, None), "NL2"),
        ((0, 0, 6), "NL3"),
        ((16, 16, 0), None),  # FIMP has no word for two phases
        ((0, 0, 0), None),
        ((0.4, 0.2, 0.1), None),
    ],
)
def test_the_phase_mode_comes_from_the_currents(currents: tuple[float | None, ...], mode: str | None) -> None:
    values: dict[str, Any] = {f"current_{index}": current for index, current in enumerate(currents, 1)}
    observed = after(Status(**values))
    assert observed.phase_mode == mode
    assert observed.phase_modes == ((mode,) if mode is not None else ())
    # Once it carries nothing, the last one stays.
    assert learn(observed, Status(current_1=0, current_2=0, current_3=0), overridden=False) == observed


def test_every_mode_that_was_seen_is_kept() -> None:
    three, one = Status(current_1=9, current_2=9, current_3=9), Status(current_1=9)
    observed = after(three, one)
    assert (observed.phase_mode, observed.phase_modes) == ("NL1", ("NL1", "NL1L2L3"))
