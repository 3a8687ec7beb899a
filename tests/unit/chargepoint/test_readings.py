"""Readings: impossible values of the energy counter, and currents that a push does not name."""

from collections.abc import Sequence

import pytest

from tests.unit.chargepoint.socket_story import T1, T2, Story, readings, story

HOUR = 3600.0


# --- a counter's glitch ---


@pytest.mark.parametrize(
    ("shown", "energy"),
    [
        ((12.4, 0, 12.5), 12.5),
        ((12.43, 12.42), 12.43),
        ((12.43, 12.42, 12.42, 12.41, 12.45), 12.45),
        ((10.2, 10.1, 10.3), 10.3),
        ((12.4, 0, 12.39, 12.39, 12.41), 12.41),  # a glitch and noise
        ((12.4, 0, 0, 12.4), 12.4),
        ((12.4, 0, 0.01, 12.5), 12.5),
        ((12.4, 11.5, 11.5, 11.5), 12.4),  # by less than a tenth
        ((0.5, 0.45, 0.45, 0.45), 0.5),  # by less than 0.1 kWh
        ((12.4, 251_658.0, 12.5), 12.5),
        ((12.4, 251_658.0), 12.4),
        ((12.4, 251_658.0, 12.5, 251_658.0, 12.6, 251_658.0, 12.7), 12.7),
        ((12.4, 251_658.0, 500_000.0, 12.5), 12.5),
        ((251_658.0, 0.1, 0.2), 0.2),
        ((0.1, 199.0), 0.1),
        ((0.1, 40.0), 40.0),  # a reading that is possible counts
    ],
)
def test_a_glitch_makes_no_session_and_no_energy(shown: Sequence[float], energy: float) -> None:
    assert readings(*shown).energies == (energy, None, energy)


def test_an_improbable_reading_counts_once_two_later_ones_confirm_it() -> None:
    s = readings(1.0, 100.0)
    assert s.energies[0] == 1.0
    s.push("charging", "C", energy=100.0)
    assert s.energies[0] == 1.0
    s.push("charging", "C", energy=100.1)
    assert s.energies == (100.1, None, 100.1)


def test_a_longer_time_and_a_higher_current_allow_more_energy() -> None:
    assert readings(1.0, 120.0, seconds=HOUR).energies[0] == 1.0
    assert readings(1.0, 98.0, seconds=HOUR).energies[0] == 98.0
    s = story().push("available", "B", max_usage=63.0)
    s.push("charging", "C", energy=1.0).push("charging", "C", after=HOUR, energy=120.0)
    assert s.energies[0] == 120.0  # 63 A deliver twice as much as 32 A


def test_the_first_reading_after_a_gap_may_be_much_higher() -> None:
    s = readings(5.0).lose_link().wait(30).push("charging", "C", energy=180.0)
    assert s.energies[0] == 180.0
    s.lose_link().wait(30).push("charging", "C", energy=400.0)
    assert s.energies[0] == 180.0


def test_a_gap_lasts_until_the_first_push_with_a_reading() -> None:
    s = readings(5.0).lose_link().wait(30).say(boosting=False).say(energy=180.0)
    assert s.energies[0] == 180.0
    s = readings(5.0).lose_link().wait(30).say(boosting=False).say(energy=0.2)
    assert s.energies == (0.2, 5.0, 5.2)


def test_a_difference_in_the_last_digit_after_a_gap_begins_no_session() -> None:
    s = readings(12.43).lose_link().wait(5).push("charging", "C", energy=12.42)
    assert s.energies == (12.43, None, 12.43)
    s.push("available", "B", energy=12.43).push("charging", "C", energy=12.42)
    assert s.energies == (12.43, None, 12.43)


def test_a_fall_that_comes_with_a_new_start_begins_a_session_at_once() -> None:
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("charging", "C", energy=0.1, started_at=T2)
    assert s.energies == (0.1, 5.0, 5.1)
    assert (s.latest.number, s.latest.started_at) == (2, T2)


def test_an_ignored_reading_is_reported_once() -> None:
    s = readings(12.4)
    named = []
    for energy in (251_658.0, 251_658.0, 12.5, 12.49, 0.0, 0.0, 12.6):
        before = s.twin
        s.push("charging", "C", energy=energy)
        named.append(s.twin.oddities_since(before))
    assert [len(words) for words in named] == [1, 0, 0, 0, 1, 0, 0]
    assert "251658 kWh" in named[0][0]
    assert "from 12.5 to 0 kWh" in named[4][0]


def test_a_counter_that_continues_over_sessions_counts_the_difference() -> None:
    s = readings(5.0).push("available", "A", energy=5.0).push("charging", "C", energy=5.4)
    assert s.energies == (0.4, 5.0, 5.4)
    s.push("charging", "C", energy=6.0)
    assert s.energies == (1.0, 5.0, 6.0)
    s.push("available", "A").push("charging", "C", energy=6.0).push("charging", "C", energy=6.2)
    assert s.energies == (0.2, 1.0, 6.2)


def test_a_counter_that_the_new_session_can_have_reached_counts_from_zero() -> None:
    s = readings(5.0).push("available", "A", energy=5.0)
    s.lose_link().wait(HOUR).push("charging", "C", energy=5.4)
    assert s.energies == (5.4, 5.0, 10.4)
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("available", "A", started_at=T1)
    s.push("charging", "C", energy=5.4, started_at=T2)  # two hours ago, by the cloud's clock
    assert s.energies == (5.4, 5.0, 10.4)


def test_a_stale_counter_that_still_rises_begins_no_further_session() -> None:
    s = readings(5.0).push("available", "A", energy=5.0, started_at=T1)
    s.push("charging", "B", energy=5.2, started_at=T1)  # the last reading of the session before, pushed late
    s.push("charging", "C", energy=0.1, started_at=s.now).push("charging", "C", energy=0.3)
    assert s.latest.number == 2
    assert s.energies == (0.5, 5.0, 5.5)


# --- currents that are not named ---


def currents(s: Story) -> tuple[float | None, ...]:
    """The known currents."""
    assert s.twin.status is not None
    return s.twin.status.currents


def test_a_current_that_an_idle_push_does_not_name_is_0() -> None:
    s = story().push("charging", "C", current_1=16.0, current_2=15.0, current_3=None)
    assert currents(s) == (16.0, 15.0, None)
    assert currents(s.say(energy=1.0)) == (16.0, 15.0, None)
    assert currents(s.say(vehicle="B", current_1=0.3)) == (0.3, 0.0, 0.0)
    s = story().push("charging", "C", current_1=16.0).push("available", "C", current_2=None)
    assert currents(s) == (0.0, None, 0.0)
    assert currents(story().push("charging", "A")) == (0.0, 0.0, 0.0)
    assert currents(story().push("error", "C", current_1=1.0).say(activity="unavailable")) == (1.0, None, None)
