"""Sessions under arbitrary sequences of pushes, commands and losses."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint import session
from bridge.chargepoint.state import StateSet
from bridge.chargepoint.status import Activity, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update
from tests.unit.chargepoint.socket_story import GRACE, T1, T2, T3, Story, story, update

LETTERS = st.sampled_from([*(vehicle.value for vehicle in Vehicle), None])

WORDS = st.sampled_from([*(activity.value for activity in Activity), None])

KWH = st.none() | st.sampled_from([0.0, 0.1, 1.0, 5.0, 5.2, 20.0])

STARTS = st.sampled_from([None, T1, T2, T3])

PUSHES = st.fixed_dictionaries(
    {},
    optional={
        "activity": WORDS,
        "vehicle": LETTERS,
        "energy": KWH,
        "started_at": STARTS,
        "stopped_at": STARTS,
        "current_1": st.sampled_from([0.0, 10.0, None]),
        "smart_limit": st.sampled_from([0.0, 16.0, None]),
    },
)

EVENTS = st.one_of(
    PUSHES.map(lambda values: ("push", values)),
    st.sampled_from([("wait", 5.0), ("wait", 61.0), ("wait", 601.0), ("lose", None)]),
    st.sampled_from(
        [
            session.start_accepted, session.start_without_verdict, session.ending_sent,
            session.ending_refused, session.stop_accepted, session.cable_unlocked,
        ]
    ).map(lambda change: ("remember", change)),
)  # fmt: skip

ALLOWED = {
    # The states that the table allows for an activity and a letter; all others are unknown.
    **{("available", letter): {"ready_to_charge", "requesting", "finished"} for letter in "BCD"},
    ("available", "A"): {"disconnected"},
    **{(word, "A"): {"disconnected", "requesting"} for word in ("charging", "delayed")},
    ("charging", "B"): {"finished", "requesting", "ready_to_charge"},
    ("delayed", "B"): {"ready_to_charge"},
    **{("charging", letter): {"charging", "ready_to_charge"} for letter in "CD"},
    **{("delayed", letter): {"ready_to_charge"} for letter in "CD"},
    **{("unavailable", letter): {"unavailable"} for letter in "ABCD?"},
    **{("error", letter): {"error"} for letter in "ABCDEF?"},
    **{
        (word, letter): {"error"}
        for letter in "EF"
        for word in ("available", "charging", "delayed", "unavailable", "?")
    },
}


def run(s: Story, events: Iterable[tuple[str, Any]]) -> Iterable[Story]:
    """Play events, looking after each."""
    for kind, what in events:
        if kind == "push":
            s.now += timedelta(seconds=1)
            s.twin = s.twin.pushed(update(**what), s.now).link_found()
        elif kind == "wait":
            s.wait(what)
        elif kind == "lose":
            s.lose_link()
        elif what in (session.ending_refused, session.stop_accepted):
            s.remember(what)
        elif what is session.cable_unlocked:
            s.verdict(what)
        elif what in (session.start_accepted, session.start_without_verdict):
            s.verdict(what, s.now)
        else:
            s.remember(what, s.now)
        yield s


@given(st.lists(EVENTS, max_size=25), st.booleans())
def test_every_state_is_allowed_by_the_table(events: list[tuple[str, Any]], smart: bool) -> None:
    begun = story()
    begun.twin = begun.twin.described(
        Update(type(begun.twin.settings)(smart_charging=smart), frozenset({"smart_charging"}))
    )
    for s in run(begun, events):
        status = s.twin.status
        if status is None or not s.twin.visible(s.now, GRACE):
            assert s.state == "unknown"
            continue
        word = status.activity.value if status.activity is not None else "?"
        letter = status.vehicle.value if status.vehicle is not None else "?"
        assert s.state in ALLOWED.get((word, letter), {"unknown"}), (word, letter)


@given(st.lists(EVENTS, max_size=25))
def test_energy_never_falls_and_never_exceeds_the_readings(events: list[tuple[str, Any]]) -> None:
    before, number, read = 0.0, 0, 0.0
    for s in run(story(), events):
        memory = s.memory
        assert memory.lifetime_energy >= before - 1e-9
        before = memory.lifetime_energy
        if s.twin.status is not None:
            read += s.twin.status.energy or 0.0
        assert memory.lifetime_energy <= read + 1e-9
        if memory.session is not None:
            assert memory.session.number in (number, number + 1)
            number = memory.session.number
            assert memory.session.energy >= 0


@given(st.lists(EVENTS, max_size=25))
def test_every_time_is_one_of_the_clouds_and_no_session_ends_before_its_start(events: list[tuple[str, Any]]) -> None:
    given_times = {T1, T2, T3}
    for s in run(story(), events):
        latest = s.memory.session
        if latest is None:
            continue
        assert latest.started_at is None or latest.started_at in given_times
        assert latest.finished_at is None or latest.finished_at in given_times
        if latest.started_at is not None and latest.finished_at is not None:
            assert latest.finished_at >= latest.started_at


@given(st.lists(EVENTS, max_size=15), st.sampled_from(["standard", "extended"]))
def test_the_state_does_not_depend_on_a_restart(events: list[tuple[str, Any]], state_set: StateSet) -> None:
    """Storing and loading the memory at any point, and repeating the push, gives the same state."""
    s = story()
    for _ in run(s, events):
        pass
    status = s.twin.status
    if status is None or s.twin.link_down_since is not None:
        return
    if s.memory.session is not None and s.memory.session.suspect is not None:
        return  # a lower reading, which counts at once after a restart, since sight was lost (contract 4)
    restored = Twin(evse_id="BCU1", memory=session.lose_sight(s.memory, s.now)).link_lost(s.now)
    whole = Update(status, frozenset(field.name for field in fields(status)))
    restored = restored.pushed(whole, s.now).link_found()
    again = s.twin.pushed(whole, s.now)
    for twin in (again, restored):
        assert twin.state(s.now, grace=GRACE, state_set=state_set) is again.state(
            s.now, grace=GRACE, state_set=state_set
        )
