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
