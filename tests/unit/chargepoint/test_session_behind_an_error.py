"""A session that begins out of sight, at a charge point that then shows an error: its energy is its own."""

from datetime import timedelta

import pytest

from tests.unit.chargepoint.socket_story import T1, T2, story


@pytest.mark.parametrize("activity", ["error", "unavailable"])
def test_energy_behind_an_error_does_not_count_for_the_previous_session(activity: str) -> None:
    s = story().push("available", "B", energy=0)
    s.push("charging", "C", energy=0, started_at=T1).push("charging", "C", energy=0.1)
    s.push("available", "B", energy=0.1, stopped_at=T1 + timedelta(minutes=5)).lose_link()
    s.push(activity, "C", energy=2.0, started_at=T2).push(activity, "C", energy=5.0, started_at=T2)
    assert (s.latest.energy, s.memory.lifetime_energy) == (0.1, 0.1)  # the session is counted once it is seen
    s.push("charging", "C", energy=5.5, started_at=T2)
    assert s.energies == (5.5, 0.1, 5.6)


@pytest.mark.parametrize("after", ["charging", "available"])
@pytest.mark.parametrize("activity", ["error", "unavailable"])
@pytest.mark.parametrize("energy", [0.2, 5.0])
def test_a_session_whose_end_was_not_seen_is_over_once_a_later_start_shows_behind_an_error(
    activity: str, after: str, energy: float
) -> None:
    end = T1 + timedelta(minutes=5)
    s = story().push("available", "B", energy=0).push("charging", "C", energy=0.5, started_at=T1).lose_link()
    s.push(activity, "C", energy=energy, started_at=T2, stopped_at=end)
    assert (s.latest.energy, s.latest.open, s.latest.finished_at) == (0.5, False, end)
    stop = end if after == "charging" else T2 + timedelta(minutes=5)
    s.push(after, "C", energy=energy, started_at=T2, stopped_at=stop)
    assert s.energies == (energy, 0.5, energy + 0.5)
    assert (s.latest.started_at, s.latest.open) == (T2, after == "charging")


def test_the_end_of_a_later_session_is_not_that_of_the_one_before() -> None:
    s = story().push("charging", "C", energy=0.5, started_at=T1).lose_link()
    s.push("error", "B", energy=5.0, started_at=T2, stopped_at=T2 + timedelta(minutes=5))
    assert (s.latest.energy, s.latest.open, s.latest.finished_at) == (0.5, False, None)
