"""Twins with equal state inputs have equal states. A change with equal inputs is not examined further."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint.charge_point_settings import ChargePointSettings, Setting
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.state import State
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from tests.unit.chargepoint.socket_story import GRACE, NOON

times = st.sampled_from([None, NOON - timedelta(minutes=2), NOON - timedelta(seconds=30), NOON])
numbers = st.sampled_from([None, 0.0, 0.3, 5.0, 6.0, 16.0])
flags = st.sampled_from([None, False, True])

statuses = st.builds(
    Status,
    activity=st.sampled_from([None, *Activity]),
    vehicle=st.sampled_from([None, *Vehicle]),
    current_1=numbers,
    current_3=numbers,
    smart_limit=numbers,
    smart_current_heartbeat_timeout=numbers,
    energy=numbers,
)
sessions = st.builds(
    Session,
    number=st.just(1),
    seen_from=st.just(NOON),
    open=st.booleans(),
    drawn=st.booleans(),
    vehicle_left=st.booleans(),
    forgotten=st.booleans(),
    ended_by_us=st.booleans(),
)
settings = st.builds(
    ChargePointSettings,
    smart_charging=flags,
    delayed_charging=st.sampled_from([None, Setting(value=True), Setting(value=False)]),
    profile_switched_on=st.booleans(),
)
twins = st.builds(
    Twin,
    evse_id=st.just("BCU1"),
    settings=settings,
    status=st.none() | statuses,
    memory=st.builds(Memory, session=st.none() | sessions, start_accepted=times),
    link_down_since=times,
    listed_activity=st.sampled_from([None, *Activity]),
)


def extended(twin: Twin) -> State:
    """The state in the larger set. The other set merges some of its states."""
    return twin.state(NOON, grace=GRACE, state_set="extended")


@given(st.lists(twins, min_size=2, max_size=6))
def test_equal_inputs_give_equal_states(some: list[Twin]) -> None:
    for one in some:
        for other in some:
            if one.state_inputs == other.state_inputs:
                assert extended(one) is extended(other)


@given(twins, statuses, st.none() | sessions)
def test_what_the_inputs_do_not_name_does_not_matter(twin: Twin, status: Status, session: Session | None) -> None:
    """The energy, the session's other fields and the listed activity vary; the inputs stay."""
    if twin.status is None:
        changed = replace(twin, memory=Memory(session=session))
    else:
        named = ("activity", "vehicle", "current_1", "current_3", "smart_limit", "smart_current_heartbeat_timeout")
        changed = replace(
            twin,
            status=replace(status, **{name: getattr(twin.status, name) for name in named}),
            memory=replace(twin.memory, unlocked=True, previous_energy=3.0),
            listed_activity=None,
        )
    assert changed.state_inputs == twin.state_inputs
    assert extended(changed) is extended(twin)
