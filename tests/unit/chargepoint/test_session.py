"""Sessions: which push begins one, and its identity, energy and times."""

from datetime import datetime, timedelta

import pytest

from bridge.chargepoint.amsterdam import from_wall_clock
from bridge.chargepoint.twin import Twin
from tests.unit.chargepoint.socket_story import GRACE, NOON, T1, T2, T3, Story, story


def test_the_states_of_a_night_of_charging() -> None:
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


def test_a_car_that_paused_continues_its_session() -> None:
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
def test_an_activity_that_shows_no_end_does_not_end_a_session(activity: str) -> None:
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


def test_a_stale_start_without_a_departure_is_corrected() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1).push("available", "B", energy=5, stopped_at=T2)
    s.push("charging", "B", energy=5, started_at=T1)  # looks as if the last session continued
    s.push("charging", "C", energy=0.1, started_at=T3)
    assert s.energies == (0.1, 5, 5.1)
    latest = s.memory.session
    assert latest is not None
    assert latest.started_at == T3


def test_a_session_that_began_and_ended_unseen_is_counted() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1).push("available", "B", energy=5)
    s.lose_link().wait(7200).push("available", "A", energy=7.5, started_at=T2, stopped_at=T3)
    assert s.energies == (7.5, 5, 12.5)
    latest = s.memory.session
    assert latest is not None
    assert (latest.started_at, latest.finished_at, latest.open) == (T2, T3, False)


def test_energy_that_flowed_unseen_is_counted() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1)
    s.lose_link().wait(3600).push("charging", "C", energy=16, started_at=T1)
    assert s.energies == (16, None, 16)


def test_another_session_after_a_break_is_a_new_one() -> None:
    s = story().push("charging", "C", energy=5, started_at=T1)
    s.lose_link().wait(3600).push("charging", "C", energy=9, started_at=T2)
    assert s.energies == (9, 5, 14)


def test_the_last_session_before_the_first_push_is_counted() -> None:
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


def test_the_stop_time_of_the_previous_session_is_ignored() -> None:
    s = story().push("available", "B", energy=0, stopped_at=T2)
    s.push("charging", "C", energy=1, started_at=T1, stopped_at=T2).push("available", "B", stopped_at=T2)
    latest = s.memory.session
    assert latest is not None
    assert latest.finished_at is None
    s.push("available", "B", stopped_at=T3)
    latest = s.memory.session
    assert latest is not None
    assert latest.finished_at == T3


def test_no_time_is_reported_that_the_cloud_did_not_give() -> None:
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


def test_a_vehicle_that_leaves_during_a_session_ends_its_count() -> None:
    s = story().push("charging", "C", energy=4, started_at=T1).push("charging", "A", energy=4)
    assert s.state == "disconnected"
    s.push("charging", "C", energy=4.5)  # the cloud continues its counter for another car
    assert s.energies == (0.5, 4, 4.5)


@pytest.mark.parametrize(("began_before_sight_was_lost", "sessions"), [(True, 2), (False, 3)])
def test_a_start_time_given_after_a_break_tells_whether_the_session_is_another(
    began_before_sight_was_lost: bool, sessions: int
) -> None:
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


# --- the link ---


def test_the_state_is_kept_for_the_grace_after_the_link_went_down() -> None:
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
