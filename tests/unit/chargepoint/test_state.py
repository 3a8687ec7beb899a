"""The state table: every combination of activity, vehicle and memory, against a second telling of the contract."""

import itertools

import pytest

from bridge.chargepoint.state import Situation, State, StateSet, is_held, state, supported_states
from bridge.chargepoint.status import Activity, Status, Vehicle

ACTIVITIES = [*Activity, None]
VEHICLES = [*Vehicle, None]
FLAGS = [False, True]


def told_again(s: Situation, extended: bool) -> str:
    """The contract's table, written as a person would read it aloud."""
    letter = s.vehicle.value if s.vehicle is not None else "?"
    word = s.activity.value if s.activity is not None else "?"
    if not s.visible or word == "offline":
        return "unknown"
    if word == "error" or letter in "EF":
        return "error"
    if word == "unavailable":
        return "unavailable"
    if word in ("charging", "delayed"):
        if letter == "A":
            return "disconnected" if s.drawn else "requesting"
        if letter in "BCD" and s.held:
            return "suspended_by_evse" if extended else "ready_to_charge"
        if letter in "CD":
            return "charging"
        if letter == "B":
            return "suspended_by_ev" if extended else ("finished" if s.drawn else "requesting")
    if word == "available":
        if letter == "A":
            return "disconnected"
        if letter in "BCD":
            return "requesting" if s.starting else "finished" if s.done else "ready_to_charge"
    return "unknown"


COMBINATIONS = [
    Situation(visible, activity, vehicle, held, drawn, done, starting)
    for visible, activity, vehicle, held, drawn, done, starting in itertools.product(
        FLAGS, ACTIVITIES, VEHICLES, FLAGS, FLAGS, FLAGS, FLAGS
    )
]


@pytest.mark.parametrize("state_set", ["standard", "extended"])
def test_every_combination(state_set: StateSet) -> None:
    assert len(COMBINATIONS) == 2 * 7 * 7 * 16
    wrong = [
        (situation, state(situation, state_set).value, told_again(situation, state_set == "extended"))
        for situation in COMBINATIONS
        if state(situation, state_set).value != told_again(situation, state_set == "extended")
    ]
    assert wrong == []


@pytest.mark.parametrize("state_set", ["standard", "extended"])
def test_the_supported_states_are_those_that_can_be_reported(state_set: StateSet) -> None:
    reachable = {state(situation, state_set) for situation in COMBINATIONS}
    supported = supported_states(state_set)
    assert set(supported) == reachable
    assert len(supported) == len(set(supported))


def test_the_sets_by_name() -> None:
    standard = [
        "disconnected", "requesting", "ready_to_charge", "charging", "finished", "unavailable", "error", "unknown",
    ]  # fmt: skip
    assert [state.value for state in supported_states("standard")] == standard
    assert {state.value for state in supported_states("extended")} == {
        *standard, "suspended_by_ev", "suspended_by_evse",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("activity", "smart", "limit", "current", "held"),
    [
        (Activity.DELAYED, False, None, None, True),
        (Activity.DELAYED, True, 16.0, 10.0, True),
        (Activity.CHARGING, False, 0.0, 0.0, False),  # the limit counts only while smart charging is on
        (Activity.CHARGING, True, 0.0, 0.0, True),
        (Activity.CHARGING, True, 5.9, 0.0, True),
        (Activity.CHARGING, True, 6.0, 0.0, False),
        (Activity.CHARGING, True, 0.0, 4.0, False),  # current flows all the same
        (Activity.CHARGING, True, None, 0.0, False),
        (Activity.CHARGING, True, 3.0, None, True),
    ],
)
def test_held(activity: Activity, smart: bool, limit: float | None, current: float | None, held: bool) -> None:
    status = Status(activity=activity, smart_limit=limit, current_1=0.0, current_2=current)
    assert is_held(status, smart_charging=smart) is held


def test_a_state_for_each_row_has_been_seen() -> None:
    assert {state(situation, "extended") for situation in COMBINATIONS} == set(State)
