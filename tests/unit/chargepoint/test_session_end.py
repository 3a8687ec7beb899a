"""How a session ended, and for how long the state shows it."""

from datetime import timedelta

import pytest

from bridge.chargepoint import session
from tests.unit.chargepoint.socket_story import NOON, T1, story


def test_a_session_that_ended_by_itself_is_finished() -> None:
    s = story().push("charging", "C", energy=4).push("available", "B")
    assert s.state == "finished"


def test_a_session_that_the_bridge_stopped_is_not_finished() -> None:
    s = story().push("charging", "C", energy=4)
    s.remember(session.ending_sent, s.now).push("available", "B")
    assert s.state == "ready_to_charge"


def test_a_refused_stop_did_not_end_the_session() -> None:
    s = story().push("charging", "C", energy=4)
    s.remember(session.ending_sent, s.now).push("available", "B").remember(session.ending_refused)
    assert s.state == "finished"


def test_a_stop_long_ago_did_not_end_the_session() -> None:
    s = story().push("charging", "C", energy=4)
    s.remember(session.ending_sent, s.now).wait(3600).push("charging", "C", energy=8).push("available", "B")
    assert s.state == "finished"


def test_a_stop_ends_a_session_once() -> None:
    """Without times and with a counter at 0, a second session looks like the first one continued."""
    s = story().push("charging", "C", energy=0.0, current_1=10.0)
    s.remember(session.ending_sent, s.now).push("available", "B", current_1=0.0).remember(session.stop_accepted)
    assert s.state == "ready_to_charge"
    s.push("charging", "C", energy=0.0, current_1=10.0).push("charging", "C", energy=2.0).push("available", "C")
    assert s.state == "finished"


def test_a_stop_before_a_session_that_continues_can_end_it() -> None:
    s = story().push("charging", "C", energy=1.0).push("available", "B").wait(1)
    s.verdict(session.start_accepted, s.now).remember(session.ending_sent, s.now)
    s.push("charging", "C", energy=1.0).push("available", "B")
    assert s.state == "ready_to_charge"


@pytest.mark.parametrize(("begins", "state"), [(5, "finished"), (-5, "ready_to_charge")])
def test_a_stop_out_of_sight_ends_the_session_that_was_open_then(begins: int, state: str) -> None:
    """A session is stopped, the link is lost, and the next session is open when it is back."""
    s = story().push("charging", "C", energy=1.0, started_at=T1)
    s.remember(session.ending_sent, s.now).lose_link()
    s.push("charging", "C", after=20, energy=0.0, started_at=s.now + timedelta(seconds=begins))
    s.push("charging", "C", energy=0.5).push("available", "B")
    assert (s.latest.number, s.state) == (2, state)


def test_a_block_before_a_session_did_not_end_it() -> None:
    s = story().push("available", "B").verdict(session.start_without_verdict, NOON)
    s.remember(session.ending_sent, s.now).push("unavailable", "B").push("available", "B")
    s.push("charging", "C", energy=0.5).push("available", "B")
    assert s.state == "finished"


def test_a_session_that_the_bridge_blocked_is_not_finished_after_the_block() -> None:
    s = story().push("charging", "C", energy=4)
    s.remember(session.ending_sent, s.now).push("unavailable", "B").wait(7200).push("available", "B")
    assert s.state == "ready_to_charge"


def test_finished_ends_when_the_vehicle_leaves() -> None:
    s = story().push("charging", "C", energy=4).push("available", "B").push("available", "A").push("available", "B")
    assert s.state == "ready_to_charge"


@pytest.mark.parametrize(("minutes", "state"), [(9, "finished"), (11, "ready_to_charge")])
def test_finished_ends_after_ten_minutes_out_of_sight(minutes: int, state: str) -> None:
    s = story().push("charging", "C", energy=4).push("available", "B").lose_link().wait(minutes * 60)
    s.push("available", "B", after=0)
    assert s.state == state
    away = story().push("charging", "C", energy=4).push("available", "B").push("offline", "B").wait(minutes * 60)
    away.push("available", "B", after=0)
    assert away.state == state


def test_a_session_that_ended_during_a_break_is_finished() -> None:
    s = story().push("charging", "C", energy=4).lose_link().wait(36000).push("available", "B", energy=30)
    assert s.state == "finished"
    assert s.energies == (30, None, 30)
