"""The summary of a large account."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.session import Memory
from bridge.chargepoint.state import State
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.web.build_view import Rules
from bridge.web.tally import MOST_NAMED, Tally
from tests import showroom
from tests.showroom import NOW

RULES = Rules(grace=timedelta(seconds=60), state_set="standard", nominal_voltage=230)
FAULT = Status(activity=Activity.ERROR)


def point(twin: Twin) -> ChargePoint:
    return ChargePoint(twin.evse_id, (twin,))


def tally(*twins: Twin) -> Tally:
    made = Tally()
    for twin in twins:
        made.changed(None, point(twin), NOW, RULES, left_out=False)
    return made


def test_states_are_counted_and_power_is_added() -> None:
    summary = tally(showroom.charging(), showroom.held(), showroom.empty()).summary(NOW, RULES, ["a", "b", "c"], 20)
    assert summary.states == {State.DISCONNECTED: 1, State.CHARGING: 1, State.SUSPENDED_BY_EVSE: 1}
    assert summary.power == pytest.approx(10994, abs=1)
    assert (summary.charge_points, summary.faults, summary.left_out) == (3, (), ())


def test_the_power_is_unknown_while_that_of_a_socket_with_a_meter_is() -> None:
    charging = showroom.charging()
    lost = replace(
        charging,
        evse_id="BCU9",
        status=replace(charging.status or Status(), current_2=None),
        observed=replace(charging.observed, metered_phases=(1, 2, 3)),
    )
    assert tally(charging, lost).summary(NOW, RULES, ["a", "b"], 20).power is None
    offline = replace(lost, status=replace(lost.status or Status(), activity=Activity.OFFLINE))
    without_meter = Twin(evse_id="BCU8", status=Status(activity=Activity.AVAILABLE))
    summary = tally(charging, offline, without_meter).summary(NOW, RULES, ["a", "b", "c"], 20)
    assert summary.power == pytest.approx(10994, abs=1)


def test_a_state_that_changes_with_time_is_counted_again() -> None:
    down = showroom.charging().link_lost(NOW)
    starting = Twin(
        evse_id="BCU1",
        status=Status(activity=Activity.AVAILABLE, vehicle=Vehicle.CONNECTED),
        memory=Memory(start_accepted=NOW),
    )
    made = tally(down, starting)
    assert made.summary(NOW, RULES, [], 20).states == {State.CHARGING: 1, State.REQUESTING: 1}
    later = made.summary(NOW + timedelta(seconds=60), RULES, [], 20)
    assert later.states == {State.UNKNOWN: 1, State.READY_TO_CHARGE: 1}
    assert later.power is None


def test_another_grace_takes_effect_at_once() -> None:
    made = tally(showroom.charging().link_lost(NOW))
    longer, now = replace(RULES, grace=timedelta(minutes=10)), NOW + timedelta(minutes=5)
    made.judge_all(now, longer)
    assert made.summary(now, longer, [], 20).states == {State.CHARGING: 1}
    assert made.summary(NOW + timedelta(minutes=10), longer, [], 20).states == {State.UNKNOWN: 1}


def test_a_shorter_grace_counts_at_once_although_nothing_else_has_changed() -> None:
    made = tally(showroom.charging().link_lost(NOW))
    shorter, now = replace(RULES, grace=timedelta(seconds=10)), NOW + timedelta(seconds=30)
    made.judge_all(now, shorter)
    assert made.summary(now, shorter, [], 20).states == {State.UNKNOWN: 1}


def test_a_limited_number_of_faults_is_named_with_their_pages() -> None:
    evse_ids = [f"BCU{number:03}" for number in range(100)]
    twins = [Twin(evse_id=evse_id, status=FAULT) for evse_id in evse_ids[50:]]
    named = replace(twins[0], settings=ChargePointSettings(name="Deck 4"))
    faults = tally(named, *twins[1:]).summary(NOW, RULES, evse_ids, 20).faults
    assert len(faults) == MOST_NAMED
    assert [(fault.address, fault.name, fault.page) for fault in (faults[0], faults[10])] == [
        ("BCU050", "Deck 4", 3),
        ("BCU060", "BCU060", 4),
    ]


def test_a_charge_point_that_has_gone_counts_no_more() -> None:
    made = Tally()
    odd = point(Twin(evse_id="BCU 1"))
    made.changed(None, odd, NOW, RULES, left_out=True)
    assert made.summary(NOW, RULES, ["BCU 1"], 20).left_out == ("BCU 1",)
    made.changed(odd, None, NOW, RULES, left_out=True)
    summary = made.summary(NOW, RULES, [], 20)
    assert (summary.left_out, summary.states) == ((), {})


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["push", "lost", "found", "start"]),
        st.sampled_from(list(Activity)),
        st.integers(0, 40),
    ),
    max_size=40,
)


@given(STEPS)
def test_the_tally_equals_a_count_from_scratch(steps: list[tuple[int, str, Activity, int]]) -> None:
    made, twins, now = Tally(), {number: Twin(evse_id=f"BCU{number}") for number in range(4)}, NOW
    for number, what, activity, seconds in steps:
        now += timedelta(seconds=seconds)
        before = twins[number]
        match what:
            case "push":
                after = replace(before, status=Status(activity=activity, current_1=6))
            case "lost":
                after = before.link_lost(now)
            case "found":
                after = before.link_found()
            case _:
                after = replace(before, memory=Memory(start_accepted=now))
        twins[number] = after
        made.changed(point(before), point(after), now, RULES, left_out=False)
        changed = {int(address[3:]) for address in made._entries}
        states = Counter(twins[one].state(now, grace=RULES.grace, state_set="extended") for one in changed)
        assert made.summary(now, RULES, [], 20).states == {state: states[state] for state in State if states[state]}
