"""Pushes with only some values: which of them begin a session, continue one, or do neither."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.chargepoint import session
from bridge.chargepoint.limits import SessionLimit
from bridge.chargepoint.records import records_of
from tests.unit.chargepoint.socket_story import T1, T2, T3, Story, readings, story


def test_an_idle_frame_with_only_a_new_start_begins_no_session() -> None:
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("available", "B", energy=5.0, stopped_at=T2)
    before = s.memory
    s.say(started_at=T3)
    assert s.memory == before
    s.say(energy=5.0).say(vehicle=None).say(total_cost=None)
    assert s.energies == (5.0, None, 5.0)


@pytest.mark.parametrize("moved", [timedelta(), timedelta(seconds=1), timedelta(seconds=-1)])
@pytest.mark.parametrize("frame", [{}, {"energy": 0.0}, {"energy": 5.0}])
def test_a_start_time_before_its_session_makes_one_session(frame: dict[str, Any], moved: timedelta) -> None:
    """The session that follows is one, and keeps the limit that was made for it, wherever a second ends."""
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("available", "B", energy=5.0, stopped_at=T2)
    limit = SessionLimit(6, 2, slow=True, until=s.now + timedelta(minutes=3))
    s.twin = s.twin.limited(lambda before: replace(before, session=limit))
    s.say(started_at=T3, **frame).push("charging", "B", energy=0.0, started_at=T3 + moved)
    s.say(started_at=T3 + moved).say(energy=0.2, started_at=T3 + timedelta(seconds=1))
    assert s.latest.number == 2
    assert s.energies == (0.2, 5.0, 5.2)
    assert s.twin.charging_mode == "slow"
    s.wait(600).push("charging", "C", energy=0.3)
    assert s.twin.limits.session == limit


def test_a_start_time_before_the_first_session_makes_one_session() -> None:
    s = story().push("available", "B").say(started_at=T3)
    assert s.memory.session is None
    s.push("charging", "C", started_at=T3 + timedelta(seconds=1), energy=0.0)
    assert (s.latest.number, s.latest.started_at) == (1, T3 + timedelta(seconds=1))


@pytest.mark.parametrize("times", [{}, {"started_at": T1, "stopped_at": T2}])
@pytest.mark.parametrize(
    ("first", "energies"),
    [
        (0.0, (0.0, 0.5, 0.5)),
        (0.5, (0.0, 0.5, 0.5)),  # still the value of the session before
        (0.7, (0.7, 0.5, 1.2)),
    ],
)
def test_a_vehicle_that_came_after_a_first_push_without_one_has_a_new_session(
    times: dict[str, Any], first: float, energies: tuple[float, float, float]
) -> None:
    s = story().push("available", "A", energy=0.5, **times).push("available", "B").push("charging", "C", energy=first)
    assert (s.latest.number, s.energies) == (2, energies)


def test_a_start_that_comes_late_belongs_to_the_session_of_the_vehicle_that_came() -> None:
    s = story().push("available", "A", energy=0.0, started_at=T1, stopped_at=T2).push("available", "B")
    s.push("charging", "C", energy=0.0, started_at=T1).push("charging", "C", energy=0.5, started_at=T1)
    s.push("charging", "C", energy=0.6, started_at=s.now)
    assert (s.latest.number, s.energies) == (2, (0.6, 0.0, 0.6))


@pytest.mark.parametrize(("second", "third"), [(1.2, 1.3), (1.2, 3.0), (1.0, 1.4)])
def test_a_counter_that_the_old_start_was_sent_with_counts_once(second: float, third: float) -> None:
    """The first CH_STATUS after a start can still carry the start before (design page 3, "Pushes and data")."""
    s = story().push("charging", "C", energy=1.0, started_at=T1).push("available", "B", energy=1.0, stopped_at=T2)
    s.push("charging", "C", energy=second, after=600)
    before = s.twin
    s.push("charging", "C", energy=third, started_at=s.now, after=600)
    assert (s.latest.number, s.energies) == (2, (third, 1.0, 1.0 + third))
    records = {record.number: record for record in records_of(before, s.twin)}
    assert (records[1].energy, records[1].ended_at) == (1.0, T2)


def test_a_session_that_continued_keeps_its_energy_when_another_counter_follows() -> None:
    s = story().push("charging", "C", energy=1.0, started_at=T1).push("available", "B", energy=1.0, stopped_at=T2)
    s.push("charging", "C", energy=3.0, after=3600).push("charging", "C", energy=0.2, started_at=s.now, after=60)
    assert (s.latest.number, s.energies) == (2, (0.2, 3.0, 3.2))


def test_a_start_time_alone_makes_the_next_session_a_new_one() -> None:
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("available", "B", energy=5.0)
    s.say(started_at=T3).say(activity="charging").say(energy=0.2)
    assert (s.latest.number, s.latest.started_at) == (2, T3)
    assert s.energies == (0.2, 5.0, 5.2)


def test_a_start_moved_by_less_than_a_minute_is_the_same() -> None:
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("available", "B")
    s.push("charging", "C", energy=5.0, started_at=T1 + timedelta(seconds=59))
    assert s.latest.number == 1
    s.push("available", "B").push("charging", "C", energy=5.0, started_at=T1 + timedelta(seconds=121))
    assert s.latest.number == 2


@pytest.mark.parametrize("activity", ["charging", "error", "unavailable"])
@pytest.mark.parametrize("seen_to_end", [True, False])
def test_a_start_within_a_minute_is_another_session_if_the_cloud_gives_an_end_before_it(
    activity: str, seen_to_end: bool
) -> None:
    """A short session, and one that begins right after it while nothing can be seen."""
    end, start = T1 + timedelta(seconds=42), T1 + timedelta(seconds=44)
    s = story().push("available", "B").push("charging", "C", energy=0.08, started_at=T1)
    if seen_to_end:
        s.push("available", "B", energy=0.081, stopped_at=end)
    s.lose_link().wait(100)
    s.push(activity, "C", energy=0.209, started_at=start, stopped_at=end)
    s.push("available", "B", energy=0.21, started_at=start, stopped_at=start + timedelta(seconds=90))
    first = 0.081 if seen_to_end else 0.08
    assert s.energies == (0.21, first, round(first + 0.21, 3))
    assert (s.latest.number, s.latest.started_at) == (2, start)


def test_a_start_that_is_corrected_past_the_end_of_the_session_before_is_the_same() -> None:
    """The end that the cloud gives is that of the session before, and was there when this one began."""
    end = T1 + timedelta(seconds=20)
    s = story().push("charging", "C", energy=5.0, started_at=T1 - timedelta(hours=1))
    s.push("available", "B", energy=5.0, stopped_at=end)
    s.push("charging", "C", energy=0.1, started_at=end - timedelta(seconds=5), stopped_at=end).lose_link().wait(60)
    s.push("charging", "C", energy=0.2, started_at=end + timedelta(seconds=5), stopped_at=end)
    assert s.energies == (0.2, 5.0, 5.2)


def test_a_first_start_time_after_the_last_sight_is_of_another_session() -> None:
    s = story().push("charging", "C", energy=5.0).wait(300).push("available", "B", energy=5.0)
    ended = s.now
    early = Story(s.twin, s.now).push("charging", "C", energy=5.0, started_at=ended - timedelta(seconds=200))
    assert early.latest.number == 1
    late = Story(s.twin, s.now).push("charging", "C", energy=5.0, started_at=ended + timedelta(seconds=1))
    assert late.latest.number == 2
    resumed = Story(s.twin, s.now).push("charging", "C", energy=5.0).say(started_at=ended + timedelta(seconds=1))
    assert resumed.latest.number == 2
    blind = story().push("charging", "C", energy=5.0).wait(300).lose_link().wait(600)
    lost = blind.memory.blind_since
    assert lost is not None
    own = Story(blind.twin, blind.now).push("charging", "C", energy=5.5, started_at=lost - timedelta(seconds=1))
    assert own.energies == (5.5, None, 5.5)
    other = Story(blind.twin, blind.now).push("charging", "C", energy=5.5, started_at=lost + timedelta(seconds=1))
    assert other.energies == (5.5, 5.0, 10.5)


def test_a_reading_counts_only_in_the_push_that_names_it() -> None:
    s = readings(5.0).push("available", "B").lose_link().wait(60)
    s.say(activity="charging").say(vehicle="C").say(current_1=16.0)
    assert s.energies == (5.0, None, 5.0)


def test_an_unlock_holds_until_the_session_continues() -> None:
    s = readings(5.0).verdict(session.cable_unlocked)
    assert not s.twin.cable_locked
    s.push("available", "B").push("charging", "C", energy=5.1)
    assert s.twin.cable_locked  # the charge point locks by itself when a session begins


# --- the first statuses of a session that still carry the start of the one before (design page 3, "Pushes and data") ---


def after_a_session_without_energy() -> Story:
    """A session that delivered nothing is over, and the next one has been on for a while, but its start is not told."""
    s = story().push("charging", "B", energy=0.0, started_at=T1).push("available", "B", energy=0.0, stopped_at=T1)
    return s.push("charging", "C", energy=0.2, started_at=T1).push("charging", "C", energy=0.4, current_1=16.0)


@pytest.mark.parametrize("later", [{}, {"energy": 0.4}, {"energy": 0.5}])
def test_the_energy_before_a_start_is_told_is_that_of_its_session(later: dict[str, float]) -> None:
    s = after_a_session_without_energy()
    begun = s.now - timedelta(seconds=20)
    s.push("charging", "C", started_at=begun, **later)
    energy = later.get("energy", 0.4)
    assert s.energies == (energy, 0.0, energy)
    assert s.latest.peak_power == 16 * 230
    s.push("available", "B", energy=0.7)
    assert s.energies == (0.7, 0.0, 0.7)


@pytest.mark.parametrize("activity", ["available", "error", "unavailable"])
@pytest.mark.parametrize("stopped", [False, True])
def test_a_session_whose_start_is_told_at_its_end_is_one_of_its_own(activity: str, stopped: bool) -> None:
    s = after_a_session_without_energy()
    begun = s.now - timedelta(seconds=20)
    if stopped:
        s.remember(session.ending_sent, s.now)
    s.push(activity, "B", energy=0.4, started_at=begun, stopped_at=s.now)
    assert (s.latest.number, s.energies) == (2, (0.4, 0.0, 0.4))
    s.push("available", "B").push("available", "B", energy=0.4)
    assert (s.latest.number, s.energies, s.latest.finished_at) == (2, (0.4, 0.0, 0.4), begun + timedelta(seconds=20))
    assert s.state == ("ready_to_charge" if stopped else "finished")


def test_the_session_before_keeps_its_end() -> None:
    s = after_a_session_without_energy()
    before = s.twin
    s.push("charging", "C", energy=0.5, started_at=s.now - timedelta(seconds=20))
    first, second = records_of(before, s.twin)
    assert (first.number, first.energy, first.ended_at) == (1, 0.0, T1)
    assert (second.number, second.energy, second.ended_at) == (2, 0.5, None)


def test_a_session_that_continued_before_another_began_keeps_its_energy() -> None:
    s = after_a_session_without_energy().wait(3600)
    s.push("charging", "C", energy=0.5, started_at=s.now - timedelta(seconds=20))
    assert s.energies == (0.5, 0.4, 0.9)


def test_a_counter_that_fell_with_the_start_began_anew() -> None:
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("available", "B", energy=5.0, stopped_at=T2)
    s.push("charging", "C", energy=5.0, started_at=T1).push("charging", "C", energy=0.1, started_at=s.now)
    assert s.energies == (0.1, 5.0, 5.1)


def test_a_counter_that_goes_on_from_the_session_before_counts_what_came_on_top() -> None:
    s = story().push("charging", "C", energy=150.0, started_at=T1).push("available", "B", energy=150.0, stopped_at=T2)
    s.push("charging", "C", energy=150.3, started_at=T1).push("charging", "C", energy=150.4, started_at=s.now)
    assert s.latest.number == 2
    assert s.latest.energy == pytest.approx(0.4)


def test_a_start_after_an_end_begins_a_session_also_where_the_last_one_seemed_to_continue() -> None:
    """The first CH_STATUS of the next session carries the times of the last one, and the two are close."""
    s = story().push("available", "B").push("charging", "C", energy=0.0, started_at=T1, stopped_at=None)
    end = T1 + timedelta(seconds=20)
    s.push("available", "B", energy=0.0, started_at=T1, stopped_at=end)
    s.push("charging", "C", energy=0.0, started_at=T1, stopped_at=end)
    s.push("charging", "C", energy=0.0, started_at=T1 + timedelta(seconds=30), stopped_at=None)
    assert (s.latest.number, s.memory.previous_energy) == (2, 0.0)
