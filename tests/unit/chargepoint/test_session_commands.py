"""What the outcome of a command means for a session: accepted starts and lifted profiles."""

from datetime import timedelta

import pytest

from bridge.chargepoint import session
from tests.unit.chargepoint.socket_story import GRACE, story

# --- a profile that was lifted ---


def test_a_profile_is_lifted_until_the_session_ends() -> None:
    s = story().push("available", "B").push("charging", "C")
    assert s.verdict(session.profile_lifted).latest.profile_lifted
    assert s.push("charging", "C", after=1).latest.profile_lifted
    s.push("available", "B", after=1).push("charging", "C", after=1)
    assert not s.latest.profile_lifted  # the session continues, and a profile holds it back again


def test_nothing_can_be_lifted_without_a_session() -> None:
    s = story().push("available", "B")
    before = s.twin.memory
    assert s.verdict(session.profile_lifted).memory == before


# --- the wait after a start ---


def test_an_accepted_start_is_waited_for_for_a_minute() -> None:
    s = story().push("available", "B")
    s.verdict(session.start_accepted, s.now)
    assert s.state == "requesting"
    assert s.twin.next_change(s.now, GRACE) == s.now + timedelta(seconds=60)
    assert s.wait(59).state == "requesting"
    assert s.wait(1).state == "ready_to_charge"


def test_the_wait_ends_with_a_session_or_a_stop() -> None:
    s = story().push("available", "B")
    s.verdict(session.start_accepted, s.now).remember(session.stop_accepted)
    assert s.state == "ready_to_charge"
    s.verdict(session.start_accepted, s.now).push("charging", "C").push("available", "B", after=1)
    assert s.state == "finished"


@pytest.mark.parametrize(("begun", "state"), [(5, "ready_to_charge"), (-300, "requesting")])
def test_the_wait_ends_with_a_session_that_was_missed(begun: int, state: str) -> None:
    s = story().push("available", "B")
    s.verdict(session.start_accepted, s.now)
    start = s.now + timedelta(seconds=begun)
    s.lose_link().push(
        "available", "B", after=20, energy=0.5, started_at=start, stopped_at=start + timedelta(seconds=9)
    )
    assert (s.latest.number, s.state) == (1, state)


def test_a_start_whose_session_came_before_its_verdict_is_not_waited_for() -> None:
    s = story().push("available", "B").push("charging", "C")
    s.verdict(session.start_accepted, s.now, opened=0).remember(session.ending_sent, s.now).push(
        "available", "B", after=1
    )
    assert s.state == "ready_to_charge"


def test_a_stop_may_be_meant_for_a_start_without_a_verdict() -> None:
    s = story().push("available", "B")
    s.verdict(session.start_without_verdict, s.now)
    assert s.state == "ready_to_charge"  # the state is not known
    assert s.memory.may_be_starting(s.now)
    assert not s.memory.may_be_starting(s.now + timedelta(seconds=60))
