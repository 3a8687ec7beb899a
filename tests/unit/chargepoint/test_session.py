"""Sessions: their identity, energy and end, from pushes one after the other."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint import session
from bridge.chargepoint.amsterdam import from_wall_clock
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.state import StateSet
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
T1, T2, T3 = (NOON + timedelta(hours=hours) for hours in (-3, -2, -1))
GRACE = timedelta(seconds=60)


def update(**values: Any) -> Update[Status]:
    """The update by a push, with words as on the wire."""
    if "activity" in values and values["activity"] is not None:
        values["activity"] = Activity(values["activity"])
    if "vehicle" in values and values["vehicle"] is not None:
        values["vehicle"] = Vehicle(values["vehicle"])
    return Update(Status(**values), frozenset(values))


@dataclass
class Story:
    """A socket, and the time."""

    twin: Twin
    now: datetime = NOON

    def push(self, activity: str = "available", vehicle: str = "B", after: float = 10, **more: Any) -> "Story":
        """Receive a push."""
        self.now += timedelta(seconds=after)
        self.twin = self.twin.pushed(update(activity=activity, vehicle=vehicle, **more), self.now).link_found()
        return self

    def wait(self, seconds: float) -> "Story":
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self

    def lose_link(self) -> "Story":
        """Take the link down."""
        self.twin = self.twin.link_lost(self.now)
        return self

    def remember(self, change: Any, *args: Any) -> "Story":
        """A command has an outcome."""
        self.twin = self.twin.remembering(lambda memory: change(memory, *args))
        return self

    @property
    def memory(self) -> Memory:
        """The memory."""
        return self.twin.memory

    @property
    def latest(self) -> Session:
        """The latest session."""
        assert self.memory.session is not None
        return self.memory.session

    def say(self, after: float = 10, **values: Any) -> "Story":
        """Receive a push with these fields only."""
        self.now += timedelta(seconds=after)
        self.twin = self.twin.pushed(update(**values), self.now).link_found()
        return self

    @property
    def state(self) -> str:
        """The state, in the standard set."""
        return self.twin.state(self.now, grace=GRACE, state_set="standard").value

    @property
    def energies(self) -> tuple[float, float | None, float]:
        """Of this session, the one before, and all."""
        latest = self.memory.session
        assert latest is not None
        total = round(self.memory.lifetime_energy, 6)
        return round(latest.energy, 6), self.memory.previous_energy, total


def story() -> Story:
    """A socket of which nothing is known."""
    return Story(Twin(evse_id="BCU1"))


def test_a_night_of_charging() -> None:
    s = story().push("available", "A", energy=0)
    assert s.state == "disconnected"
    assert s.memory.session is None
    s.push("available", "B")
    assert s.state == "ready_to_charge"
    s.push("charging", "B", energy=0, started_at=T1)
    assert s.state == "requesting"
    s.push("charging", "C", energy=0.2, current_1=16.0)
    assert s.state == "charging"
    s.push("charging", "B", energy=20.5, current_1=0)
    assert s.state == "finished"  # full, and still in session
    s.push("available", "B", energy=20.5, stopped_at=T2)
    assert s.state == "finished"
    latest = s.memory.session
    assert latest is not None
    assert (latest.started_at, latest.finished_at, latest.open) == (T1, T2, False)
    s.push("available", "A")
    assert s.state == "disconnected"
    s.push("available", "B")
    assert s.state == "ready_to_charge"  # another plug-in: nothing is finished yet
    assert s.energies == (20.5, None, 20.5)


def test_a_car_that_paused_goes_on() -> None:
    s = (
        story()
        .push("charging", "C", energy=1, started_at=T1, current_1=10)
        .push("charging", "B", energy=1, current_1=0)
    )
    assert s.state == "finished"
    s.push("charging", "C", energy=1.1, current_1=10)
    assert s.state == "charging"
    assert s.energies == (1.1, None, 1.1)


# --- which session ---


def test_a_new_session_begins_when_a_vehicle_came_after_none() -> None:
    s = story().push("charging", "C", energy=5).push("available", "B").push("available", "A").push("available", "B")
    s.push("charging", "C", energy=0.3)
    assert s.energies == (0.3, 5, 5.3)


def test_a_new_session_begins_when_the_energy_fell() -> None:
    s = story().push("charging", "C", energy=5).push("available", "B").push("charging", "C", energy=0)
    assert s.energies == (0, 5, 5)
    s.push("charging", "C", energy=2).push("charging", "C", energy=1.5)  # without an end in between: perhaps a glitch
    assert s.energies == (2, 5, 7)
    began = s.now
    s.push("charging", "C", energy=1.5).push("charging", "C", energy=1.6)
    assert s.energies == (1.6, 2, 8.6)
    assert s.latest.seen_from == began


def test_a_new_session_begins_when_the_start_changed_after_the_last_had_ended() -> None:
    s = story().push("charging", "C", energy=0, started_at=T1).push("available", "B", started_at=T1)
    s.push("charging", "C", energy=0, started_at=T2)
    latest = s.memory.session
    assert latest is not None
    assert (latest.number, latest.started_at) == (2, T2)


def test_a_start_that_changes_in_a_session_is_a_correction() -> None:
    s = story().push("charging", "C", energy=1, started_at=T1).push("charging", "C", energy=1.5, started_at=T2)
    latest = s.memory.session
    assert latest is not None
    assert (latest.number, latest.started_at) == (1, T2)


@pytest.mark.parametrize("activity", ["offline", "error", "unavailable"])
def test_these_do_not_end_a_session(activity: str) -> None:
    s = story().push("charging", "C", energy=3, started_at=T1).push(activity, "C", energy=0)
    assert s.memory.session_open
    s.push("charging", "C", energy=3.5, started_at=T1)
    assert s.energies == (3.5, None, 3.5)


def test_the_first_push_after_a_start_still_carries_the_session_before() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1).push("available", "B", energy=5, stopped_at=T2)
    s.push("available", "A").push("available", "B", energy=5, started_at=T1)
    s.push("charging", "B", energy=5, started_at=T1)  # all of it is stale
    latest = s.memory.session
    assert latest is not None
    assert (latest.number, latest.started_at, latest.finished_at, latest.drawn) == (2, None, None, False)
    assert s.energies == (0, 5, 5)
    s.push("charging", "C", energy=0.1, started_at=T3)
    latest = s.memory.session
    assert latest is not None
    assert (latest.number, latest.started_at) == (2, T3)
    assert s.energies == (0.1, 5, 5.1)


def test_a_stale_start_on_the_same_plug_in_is_taken_back() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1).push("available", "B", energy=5, stopped_at=T2)
    s.push("charging", "B", energy=5, started_at=T1)  # looks as if the last session continued
    s.push("charging", "C", energy=0.1, started_at=T3)
    assert s.energies == (0.1, 5, 5.1)
    latest = s.memory.session
    assert latest is not None
    assert latest.started_at == T3


def test_a_session_that_came_and_went_unseen_is_counted() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1).push("available", "B", energy=5)
    s.lose_link().wait(7200).push("available", "A", energy=7.5, started_at=T2, stopped_at=T3)
    assert s.energies == (7.5, 5, 12.5)
    latest = s.memory.session
    assert latest is not None
    assert (latest.started_at, latest.finished_at, latest.open) == (T2, T3, False)


def test_what_flowed_while_nobody_looked_is_counted() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1)
    s.lose_link().wait(3600).push("charging", "C", energy=16, started_at=T1)
    assert s.energies == (16, None, 16)


def test_another_session_was_on_when_somebody_looked_again() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1)
    s.lose_link().wait(3600).push("charging", "C", energy=9, started_at=T2)
    assert s.energies == (9, 5, 14)


def test_the_last_session_before_the_first_sight_is_taken_as_the_cloud_tells_it() -> None:
    s = story().push("available", "A", energy=9.93, started_at=T1, stopped_at=T2)
    assert s.energies == (9.93, None, 9.93)
    assert s.state == "disconnected"


def test_an_old_push_begins_nothing() -> None:
    s = story().push("charging", "C", energy=5, started_at=T2).push("available", "B", energy=5, started_at=T2)
    s.push("available", "B", energy=5, started_at=T1)
    assert s.energies == (5, None, 5)


def test_values_cleared_after_the_end_leave_the_session_as_it_was() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1).push("available", "B", energy=0, started_at=None)
    assert s.energies == (5, None, 5)


def test_a_reading_that_comes_after_the_end_still_counts() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1).push("available", "B", energy=5)
    s.push("available", "B", energy=5.2)
    assert s.energies == (5.2, None, 5.2)


def test_a_stop_time_of_the_session_before_is_not_taken() -> None:
    s = story().push("available", "B", energy=0, stopped_at=T2)
    s.push("charging", "C", energy=1, started_at=T1, stopped_at=T2).push("available", "B", stopped_at=T2)
    latest = s.memory.session
    assert latest is not None
    assert latest.finished_at is None
    s.push("available", "B", stopped_at=T3)
    latest = s.memory.session
    assert latest is not None
    assert latest.finished_at == T3


def test_no_time_is_given_that_the_cloud_did_not_give() -> None:
    s = story().push("charging", "C", energy=1).push("available", "B")
    latest = s.memory.session
    assert latest is not None
    assert (latest.started_at, latest.finished_at) == (None, None)
    assert latest.seen_from == NOON + timedelta(seconds=10)  # by the bridge's clock, kept but not reported


def test_a_session_started_before_the_vehicle_came_is_one_session() -> None:
    s = story().push("charging", "A", energy=0, started_at=T1)
    assert s.state == "requesting"
    s.push("charging", "C", energy=0.1)
    assert s.energies == (0.1, None, 0.1)
    latest = s.memory.session
    assert latest is not None
    assert latest.number == 1


def test_a_vehicle_that_left_in_a_session() -> None:
    s = story().push("charging", "C", energy=4, started_at=T1).push("charging", "A", energy=4)
    assert s.state == "disconnected"
    s.push("charging", "C", energy=4.5)  # the cloud continues its counter for another car
    assert s.energies == (0.5, 4, 4.5)


# --- how it ended ---


def test_a_session_that_ended_by_itself_is_finished() -> None:
    s = story().push("charging", "C", energy=4).push("available", "B")
    assert s.state == "finished"


def test_a_session_that_a_stop_of_ours_ended_is_not() -> None:
    s = story().push("charging", "C", energy=4)
    s.remember(session.ending_sent, s.now).push("available", "B")
    assert s.state == "ready_to_charge"


def test_a_stop_that_was_refused_had_no_part_in_the_end() -> None:
    s = story().push("charging", "C", energy=4)
    s.remember(session.ending_sent, s.now).push("available", "B").remember(session.ending_refused)
    assert s.state == "finished"


def test_a_stop_long_ago_had_no_part_in_the_end() -> None:
    s = story().push("charging", "C", energy=4)
    s.remember(session.ending_sent, s.now).wait(3600).push("charging", "C", energy=8).push("available", "B")
    assert s.state == "finished"


def test_a_block_of_ours_ends_a_session_however_long_it_lasts() -> None:
    s = story().push("charging", "C", energy=4)
    s.remember(session.ending_sent, s.now).push("unavailable", "B").wait(7200).push("available", "B")
    assert s.state == "ready_to_charge"


def test_done_is_forgotten_when_the_vehicle_leaves() -> None:
    s = story().push("charging", "C", energy=4).push("available", "B").push("available", "A").push("available", "B")
    assert s.state == "ready_to_charge"


@pytest.mark.parametrize(("minutes", "state"), [(9, "finished"), (11, "ready_to_charge")])
def test_done_is_forgotten_after_ten_minutes_in_which_nothing_could_be_seen(minutes: int, state: str) -> None:
    s = story().push("charging", "C", energy=4).push("available", "B").lose_link().wait(minutes * 60)
    s.push("available", "B", after=0)
    assert s.state == state
    away = story().push("charging", "C", energy=4).push("available", "B").push("offline", "B").wait(minutes * 60)
    away.push("available", "B", after=0)
    assert away.state == state


def test_a_session_open_before_and_closed_now_has_been_seen_to_end() -> None:
    s = story().push("charging", "C", energy=4).lose_link().wait(36000).push("available", "B", energy=30)
    assert s.state == "finished"
    assert s.energies == (30, None, 30)


# --- a profile that was lifted ---


def test_a_profile_is_lifted_for_one_session_and_our_next_start_begins_another() -> None:
    s = story().push("available", "B").push("charging", "C")
    s.remember(session.profile_lifted)
    assert s.twin.memory.session is not None
    assert s.twin.memory.session.profile_lifted
    s.remember(session.start_sent).push("charging", "C", after=1)
    assert s.twin.memory.session.profile_lifted  # that start concerned the session that was on
    s.push("available", "B", after=1).remember(session.start_sent)
    assert not s.twin.memory.session.profile_lifted


def test_nothing_can_be_lifted_without_a_session() -> None:
    s = story().push("available", "B")
    before = s.twin.memory
    s.remember(session.profile_lifted).remember(session.start_sent)
    assert s.twin.memory == before


# --- the wait after a start ---


def test_an_accepted_start_is_waited_for_for_a_minute() -> None:
    s = story().push("available", "B")
    s.remember(session.start_accepted, s.now)
    assert s.state == "requesting"
    assert s.twin.next_change(s.now, GRACE) == s.now + timedelta(seconds=60)
    assert s.wait(59).state == "requesting"
    assert s.wait(1).state == "ready_to_charge"


def test_the_wait_ends_with_a_session_or_a_stop() -> None:
    s = story().push("available", "B")
    s.remember(session.start_accepted, s.now).remember(session.stop_accepted)
    assert s.state == "ready_to_charge"
    s.remember(session.start_accepted, s.now).push("charging", "C").push("available", "B", after=1)
    assert s.state == "finished"


def test_a_start_whose_session_came_before_its_verdict_is_not_waited_for() -> None:
    s = story().push("available", "B").push("charging", "C")
    s.remember(session.start_accepted, s.now).remember(session.ending_sent, s.now).push("available", "B", after=1)
    assert s.state == "ready_to_charge"


def test_a_stop_may_be_meant_for_a_start_without_a_verdict() -> None:
    s = story().push("available", "B")
    s.remember(session.start_without_verdict, s.now)
    assert s.state == "ready_to_charge"  # the state is not known
    assert s.memory.may_be_starting(s.now)
    assert not s.memory.may_be_starting(s.now + timedelta(seconds=60))


# --- the link ---


def test_the_state_is_kept_for_a_moment_after_the_link_went_down() -> None:
    s = story().push("charging", "C", energy=1).lose_link()
    assert s.state == "charging"
    assert s.twin.next_change(s.now, GRACE) == s.now + GRACE
    assert s.wait(60).state == "unknown"
    s.push("charging", "C")
    assert s.state == "charging"


# --- clocks ---


def test_the_hour_that_repeats_does_not_make_time_run_backwards() -> None:
    # 2026-10-25 03:00 CEST is 02:00 CET: from 02:00 to 03:00 the clocks show everything twice.
    start = from_wall_clock(datetime(2026, 10, 25, 2, 50))
    stop = from_wall_clock(datetime(2026, 10, 25, 2, 10))
    s = story().push("charging", "C", energy=1, started_at=start)
    s.push("available", "B", started_at=start, stopped_at=stop)
    latest = s.memory.session
    assert latest is not None
    assert latest.started_at is not None
    assert latest.finished_at is not None
    assert latest.started_at.isoformat() == "2026-10-25T02:50:00+02:00"
    assert latest.finished_at.isoformat() == "2026-10-25T02:10:00+01:00"
    # And the next session, which begins at a quarter past two, but the second one.
    again = from_wall_clock(datetime(2026, 10, 25, 2, 15))
    s.push("charging", "C", energy=0, started_at=again).push("charging", "C", energy=0.5, started_at=again)
    latest = s.memory.session
    assert latest is not None
    assert latest.number == 2
    assert latest.started_at is not None
    assert latest.started_at.isoformat() == "2026-10-25T02:15:00+01:00"


# --- arbitrary input ---

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
        elif what in (session.ending_refused, session.stop_accepted, session.cable_unlocked):
            s.remember(what)
        else:
            s.remember(what, s.now)
        yield s


@given(st.lists(EVENTS, max_size=25), st.booleans())
def test_no_sequence_makes_a_state_that_the_table_does_not_allow(events: list[tuple[str, Any]], smart: bool) -> None:
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
def test_energy_never_falls_and_is_never_invented(events: list[tuple[str, Any]]) -> None:
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
def test_no_time_is_invented_and_none_runs_backwards(events: list[tuple[str, Any]]) -> None:
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
    restored = Twin(evse_id="BCU1", memory=session.lose_sight(s.memory, s.now)).link_lost(s.now)
    whole = Update(status, frozenset(field.name for field in fields(status)))
    restored = restored.pushed(whole, s.now).link_found()
    again = s.twin.pushed(whole, s.now)
    for twin in (again, restored):
        assert twin.state(s.now, grace=GRACE, state_set=state_set) is again.state(
            s.now, grace=GRACE, state_set=state_set
        )


@pytest.mark.parametrize(("began_before_sight_was_lost", "sessions"), [(True, 2), (False, 3)])
def test_a_start_that_is_told_after_sight_was_lost(began_before_sight_was_lost: bool, sessions: int) -> None:
    """The first push of a session may carry the start of the one before; its own comes with the next push."""
    story = Story(Twin(evse_id="BCU102728")).push("charging", "C", started_at=T1, energy=2.0)
    story.push("available", "A", started_at=T1, stopped_at=T2).push("available", "B", started_at=T1)
    began = story.now + timedelta(seconds=8)
    story.push("charging", "C", started_at=T1, energy=0.0)
    story.wait(30).lose_link().wait(600)
    if not began_before_sight_was_lost:
        began = story.now - timedelta(seconds=100)
    story.push("charging", "C", started_at=began, energy=1.0)
    assert story.memory.session is not None
    assert story.memory.session.number == sessions
    assert story.memory.session.started_at == began
    assert round(story.memory.lifetime_energy, 6) == 3.0
