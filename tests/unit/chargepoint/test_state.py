"""The state table: every combination of activity, vehicle and memory, compared with the table of the contract."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from bridge.chargepoint.charge_point_settings import ChargePointSettings, Setting
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.state import Situation, State, StateSet, is_held, state, supported_states
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

ACTIVITIES = [*Activity, None]
VEHICLES = [*Vehicle, None]
FLAGS = [False, True]


def told_again(s: Situation, extended: bool) -> str:
    """The contract's table, written as a chain of conditions."""
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
def test_every_combination_has_the_state_of_the_contract(state_set: StateSet) -> None:
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


def test_both_state_sets_have_the_states_of_the_contract() -> None:
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
        (Activity.CHARGING, True, 0.0, 4.0, False),  # current flows in spite of it
        (Activity.CHARGING, True, 0.0, 0.5, False),
        (Activity.CHARGING, True, 0.0, 0.4, True),  # noise
        (Activity.CHARGING, True, None, 0.0, False),
        (Activity.CHARGING, True, 3.0, None, True),
    ],
)
def test_a_session_is_held_by_a_limit_below_6_a(
    activity: Activity, smart: bool, limit: float | None, current: float | None, held: bool
) -> None:
    status = Status(activity=activity, smart_limit=limit, current_1=0.0, current_2=current)
    assert is_held(status, profile_on=False, smart_charging=smart) is held


@pytest.mark.parametrize(
    ("vehicle", "heartbeat", "current", "profile_on", "held"),
    [
        ("C", 120.0, 0.0, True, True),
        ("C", 120.0, None, True, True),
        ("C", 120.0, 0.4, True, True),  # noise
        ("C", 120.0, 6.0, True, False),
        ("C", 120.0, 0.0, False, False),
        ("C", 0.0, 0.0, True, False),
        ("C", None, 0.0, True, False),
        ("B", 120.0, 0.0, True, False),  # the vehicle has paused by itself
        (None, 120.0, 0.0, True, False),
    ],
)
def test_a_session_is_held_by_a_profile_that_shows_its_heartbeat(
    vehicle: str | None, heartbeat: float | None, current: float | None, profile_on: bool, held: bool
) -> None:
    status = Status(
        activity=Activity.CHARGING,
        vehicle=Vehicle(vehicle) if vehicle is not None else None,
        current_1=current,
        smart_limit=6.0,
        smart_current_heartbeat_timeout=heartbeat,
    )
    assert is_held(status, profile_on=profile_on, smart_charging=True) is held


@pytest.mark.parametrize("smart", [True, False])
@pytest.mark.parametrize("value", [True, False, None])
def test_a_profile_is_on_when_its_value_and_smart_charging_both_are(value: bool | None, smart: bool) -> None:
    on = value is True and smart
    for settings in (
        ChargePointSettings(smart_charging=smart, delayed_charging=Setting(value)),
        ChargePointSettings(smart_charging=smart, price_based_charging=Setting(value)),
    ):
        twin = Twin(
            evse_id="B",
            settings=settings,
            status=Status(
                activity=Activity.CHARGING, vehicle=Vehicle.READY, max_usage=16.0, smart_current_heartbeat_timeout=90.0
            ),
            memory=Memory(session=Session(number=1, seen_from=NOON)),
        )
        assert (twin.held, twin.offered_current) == (on, 0 if on else 16)
        said = "ready_to_charge" if on else "charging"
        assert twin.state(NOON, grace=timedelta(minutes=1), state_set="standard").value == said
    assert not ChargePointSettings(smart_charging=smart).delayed_charging_on


def test_every_state_occurs() -> None:
    assert {state(situation, "extended") for situation in COMBINATIONS} == set(State)


@pytest.mark.parametrize(
    ("listed", "state_"),
    [
        ("error", "error"),
        ("unavailable", "unavailable"),
        ("offline", "unknown"),
        ("available", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_listed_activity_gives_the_state_until_the_first_status(listed: str | None, state_: str) -> None:
    twin = Twin(evse_id="B").listed(Activity(listed) if listed is not None else None)
    assert twin.state(NOON, grace=timedelta(minutes=1), state_set="standard").value == state_
    pushed = twin.pushed(
        Update(Status(activity=Activity.AVAILABLE, vehicle=Vehicle.NONE), frozenset({"activity", "vehicle"})), NOON
    )
    assert pushed.state(NOON, grace=timedelta(minutes=1), state_set="standard") is State.DISCONNECTED
