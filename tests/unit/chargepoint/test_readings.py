"""Impossible readings, false sessions and costs, from pushes one after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bridge.chargepoint import session
from bridge.chargepoint.charge_point_settings import ChargePointSettings, Tariff
from bridge.chargepoint.limits import Limits, SessionLimit
from bridge.chargepoint.records import SessionRecord, record_of, records_of
from bridge.chargepoint.session import Memory
from bridge.chargepoint.update import Update
from tests.unit.chargepoint.test_session import T1, T2, T3, Story, story

HOUR = 3600.0


def readings(*energies: float, seconds: float = 10.0) -> Story:
    """A session that shows these, one after the other."""
    s = story().push("available", "B")
    for energy in energies:
        s.push("charging", "C", after=seconds, energy=energy)
    return s


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
def test_a_glitch_is_no_session_and_no_energy(shown: Sequence[float], energy: float) -> None:
    assert readings(*shown).energies == (energy, None, energy)


def test_what_two_later_readings_confirm_counts() -> None:
    s = readings(1.0, 100.0)
    assert s.energies[0] == 1.0
    s.push("charging", "C", energy=100.0)
    assert s.energies[0] == 1.0
    s.push("charging", "C", energy=100.1)
    assert s.energies == (100.1, None, 100.1)


def test_time_makes_more_possible() -> None:
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


def test_a_gap_that_ends_with_a_push_without_a_reading() -> None:
    s = readings(5.0).lose_link().wait(30).say(boosting=False).say(energy=180.0)
    assert s.energies[0] == 180.0
    s = readings(5.0).lose_link().wait(30).say(boosting=False).say(energy=0.2)
    assert s.energies == (0.2, 5.0, 5.2)


def test_the_last_digit_after_a_gap_is_no_session() -> None:
    s = readings(12.43).lose_link().wait(5).push("charging", "C", energy=12.42)
    assert s.energies == (12.43, None, 12.43)
    s.push("available", "B", energy=12.43).push("charging", "C", energy=12.42)
    assert s.energies == (12.43, None, 12.43)


def test_a_fall_that_comes_with_a_new_start_begins_a_session_at_once() -> None:
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("charging", "C", energy=0.1, started_at=T2)
    assert s.energies == (0.1, 5.0, 5.1)
    assert (s.latest.number, s.latest.started_at) == (2, T2)


def test_what_is_left_out_is_named_once() -> None:
    s = readings(12.4)
    named = []
    for energy in (251_658.0, 251_658.0, 12.5, 12.49, 0.0, 0.0, 12.6):
        before = s.twin
        s.push("charging", "C", energy=energy)
        named.append(s.twin.oddities_since(before))
    assert [len(words) for words in named] == [1, 0, 0, 0, 1, 0, 0]
    assert "251658 kWh" in named[0][0]
    assert "from 12.5 to 0 kWh" in named[4][0]


def test_a_counter_that_goes_on_counts_what_comes_on_top() -> None:
    s = readings(5.0).push("available", "A", energy=5.0).push("charging", "C", energy=5.4)
    assert s.energies == (0.4, 5.0, 5.4)
    s.push("charging", "C", energy=6.0)
    assert s.energies == (1.0, 5.0, 6.0)
    s.push("available", "A").push("charging", "C", energy=6.0).push("charging", "C", energy=6.2)
    assert s.energies == (0.2, 1.0, 6.2)


def test_a_counter_that_could_have_come_so_far_is_the_new_sessions() -> None:
    s = readings(5.0).push("available", "A", energy=5.0)
    s.lose_link().wait(HOUR).push("charging", "C", energy=5.4)
    assert s.energies == (5.4, 5.0, 10.4)
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("available", "A", started_at=T1)
    s.push("charging", "C", energy=5.4, started_at=T2)  # two hours ago, by the cloud's clock
    assert s.energies == (5.4, 5.0, 10.4)


def test_a_stale_counter_that_still_rises_makes_no_ghost() -> None:
    s = readings(5.0).push("available", "A", energy=5.0, started_at=T1)
    s.push("charging", "B", energy=5.2, started_at=T1)  # the last reading of the session before, pushed late
    s.push("charging", "C", energy=0.1, started_at=s.now).push("charging", "C", energy=0.3)
    assert s.latest.number == 2
    assert s.energies == (0.5, 5.0, 5.5)


# --- only values in a push ---


def test_an_idle_frame_with_only_a_new_start_is_no_session() -> None:
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("available", "B", energy=5.0, stopped_at=T2)
    before = s.memory
    s.say(started_at=T3)
    assert s.memory == before
    s.say(energy=5.0).say(vehicle=None).say(total_cost=None)
    assert s.energies == (5.0, None, 5.0)


@pytest.mark.parametrize("moved", [timedelta(), timedelta(seconds=1), timedelta(seconds=-1)])
@pytest.mark.parametrize("frame", [{}, {"energy": 0.0}, {"energy": 5.0}])
def test_a_start_that_is_told_before_its_session(frame: dict[str, Any], moved: timedelta) -> None:
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


def test_a_start_that_is_told_before_the_first_session() -> None:
    s = story().push("available", "B").say(started_at=T3)
    assert s.memory.session is None
    s.push("charging", "C", started_at=T3 + timedelta(seconds=1), energy=0.0)
    assert (s.latest.number, s.latest.started_at) == (1, T3 + timedelta(seconds=1))


def test_a_start_that_was_told_alone_begins_the_session_that_follows() -> None:
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


def test_a_start_told_first_is_another_sessions_if_it_is_later_than_the_last_sight() -> None:
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


def test_a_reading_is_news_only_in_the_push_that_says_it() -> None:
    s = readings(5.0).push("available", "B").lose_link().wait(60)
    s.say(activity="charging").say(vehicle="C").say(current_1=16.0)
    assert s.energies == (5.0, None, 5.0)


def test_an_unlock_holds_until_the_session_continues() -> None:
    s = readings(5.0).remember(session.cable_unlocked)
    assert not s.twin.cable_locked
    s.push("available", "B").push("charging", "C", energy=5.1)
    assert s.twin.cable_locked  # the charge point locks by itself when a session begins


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


# --- money ---


def priced(currency: str | None) -> Story:
    """A socket with a tariff."""
    s = story()
    tariff = Tariff(currency=currency) if currency is not None else None
    s.twin = s.twin.described(Update(ChargePointSettings(tariff=tariff), frozenset({"tariff"})))
    return s


def test_the_newest_cost_counts() -> None:
    s = story()
    for cost in (0.5, 1.25, 1.0, -0.3, 0.0):
        s.push("charging", "C", energy=1.0, total_cost=cost)
        assert s.latest.cost == cost
    s.say(energy=1.1)
    assert s.latest.cost == 0.0


def test_what_is_cleared_after_the_end_costs_what_it_cost() -> None:
    s = readings(5.0).push("available", "B", energy=5.0, total_cost=1.25).push("available", "B", energy=0, total_cost=0)
    assert s.latest.cost == 1.25


@pytest.mark.parametrize(
    ("told", "currency"), [(None, "EUR"), ("", "EUR"), ("EUR", "EUR"), ("SEK", "SEK"), (" nok ", "NOK")]
)
def test_the_currency_is_the_tariffs(told: str | None, currency: str) -> None:
    s = priced(told).push("charging", "C", energy=1.0, total_cost=12.0)
    record = record_of(s.twin, s.latest)
    assert (record.cost, record.currency) == (12.0, currency)
    changed = s.twin.described(Update(ChargePointSettings(tariff=Tariff(currency="DKK")), frozenset({"tariff"})))
    assert record_of(changed, s.latest).currency == currency  # of an earlier cost


# --- clocks ---

OWN_TIMES = {
    "seen_from", "seen_to", "last_end", "read_at", "seen_before", "unseen_before", "unseen_after", "at",
    "start_accepted", "start_unknown", "ending", "blind_since", "seen_at", "until", "link_down_since",
}  # fmt: skip


def times(value: object, path: str = "") -> dict[str, datetime]:
    """Every time in a value, by its path."""
    if isinstance(value, datetime):
        return {path: value}
    found: dict[str, datetime] = {}
    names = getattr(value, "__slots__", ()) if hasattr(value, "__dataclass_fields__") else ()
    for name in names:
        found |= times(getattr(value, name), f"{path}.{name}")
    return found


def test_own_times_move_with_the_clock_and_the_clouds_do_not() -> None:
    s = story().push("charging", "C", energy=5.0, started_at=T1).push("charging", "C", energy=500.0)
    s.push("available", "B", stopped_at=T2).lose_link().wait(60).push("charging", "C", energy=0.2, started_at=T3)
    s.push("charging", "C", energy=500.0).push("available", "B", energy=0.3).push("charging", "C", energy=0.3)
    s.push("charging", "C", energy=700.0).lose_link().remember(session.ending_sent, s.now)
    s.twin = replace(
        s.twin,
        limits=Limits(session=SessionLimit(6, 2, until=s.now)),
        memory=replace(s.memory, start_accepted=s.now, start_unknown=s.now),
    )
    s.twin = replace(s.twin, memory=replace(s.memory, session=replace(s.latest, seen_to=s.now, unseen_after=s.now)))
    delta = timedelta(days=40, hours=-2)
    before, after = times(s.twin), times(s.twin.shifted(delta))
    assert {path.rpartition(".")[2] for path in before} >= OWN_TIMES
    for path, when in before.items():
        moved = delta if path.rpartition(".")[2] in OWN_TIMES else timedelta()
        assert after[path] == when + moved, path
    assert s.twin.shifted(delta).shifted(-delta) == s.twin


def test_a_clock_that_is_set_while_charging_makes_no_long_session() -> None:
    s = readings(1.0)
    delta = timedelta(days=40)
    s.twin, s.now = s.twin.shifted(delta), s.now + delta
    s.push("available", "B", energy=1.0)
    record = record_of(s.twin, s.latest)
    assert record.ended_at is not None
    assert record.ended_at - record.started_at == timedelta(seconds=10)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_set_stretches_no_wait(hours: int) -> None:
    delta = timedelta(hours=hours)
    s = story().push("available", "B")
    s.remember(session.start_accepted, s.now).wait(30)
    s.twin, s.now = s.twin.shifted(delta), s.now + delta
    assert s.state == "requesting"
    assert s.wait(30).state == "ready_to_charge"
    s.push("charging", "C").lose_link().wait(30)
    s.twin, s.now = s.twin.shifted(delta), s.now + delta
    assert s.state == "charging"
    assert s.wait(30).state == "unknown"


def test_over_a_restart_no_wait_is_negative() -> None:
    s = story().push("available", "B")
    s.remember(session.start_accepted, s.now)
    restarted = s.now - timedelta(hours=2)  # the clock was set back meanwhile
    memory = session.lose_sight(s.memory, s.now).restored(restarted)
    assert memory.blind_since == restarted
    assert memory.starting(restarted)
    assert not memory.starting(restarted + timedelta(seconds=60))
    assert not s.memory.starting(restarted)


# --- arbitrary input ---


class Meter:
    """A counter with a car, and a cloud that distorts its readings."""

    def __init__(self) -> None:
        self.story = story().push("available", "B", energy=0.0)
        self.delivered = 0.0
        self.counter = 0.0

    def charge(self, seconds: float, power: float, shown: float | None, *, off_by: float = 0.0) -> None:
        """Charge for some time with some power; the push shows the counter, or a distorted value."""
        added = power * seconds / 3600
        self.delivered, self.counter = self.delivered + added, self.counter + added
        energy = round(self.counter + off_by, 3) if shown is None else shown
        self.story.push("charging", "C", after=seconds, energy=max(0.0, energy))


STEPS = st.lists(
    st.tuples(
        st.sampled_from([5.0, 20.0, 60.0]),
        st.floats(0, 22),
        st.none() | st.sampled_from([0.0, 0.01, 251_658.0, 16_777.216]),
    ),
    min_size=3,
    max_size=40,
)


@given(STEPS, st.floats(0.5, 40))
def test_glitches_of_one_reading_neither_invent_nor_lose_energy(
    steps: Iterable[tuple[float, float, float | None]], first: float
) -> None:
    meter = Meter()
    meter.counter = meter.delivered = first
    meter.charge(10, 0, None)
    last_was_odd, before = False, 0.0
    for seconds, power, glitch in steps:
        shown = None if last_was_odd else glitch
        last_was_odd = shown is not None
        meter.charge(seconds, power, shown)
        assert meter.story.memory.lifetime_energy >= before
        before = meter.story.memory.lifetime_energy
    meter.charge(10, 0, None)
    meter.charge(10, 0, None)
    assert meter.story.latest.number == 1
    assert meter.story.memory.lifetime_energy == pytest.approx(meter.delivered, abs=0.011)


@given(st.lists(st.floats(-0.09, 0.09), min_size=3, max_size=30))
def test_noise_invents_no_more_than_itself(noise: list[float]) -> None:
    meter = Meter()
    meter.counter = meter.delivered = 5.0
    meter.charge(10, 0, None)
    for off_by in noise:
        meter.charge(30, 11, None, off_by=off_by)
    assert meter.story.latest.number == 1
    assert abs(meter.story.memory.lifetime_energy - meter.delivered) <= 0.1


VISITS = st.lists(
    st.tuples(st.floats(0.2, 30), st.booleans(), st.booleans(), st.sampled_from([0, 1, 2])), min_size=1, max_size=8
)


@settings(max_examples=50)
@given(VISITS)
def test_sessions_one_after_the_other_add_up(visits: Iterable[tuple[float, bool, bool, int]]) -> None:
    """With or without a departure, times, and stale first pushes."""
    s = story().push("available", "A", energy=0.0)
    truth, last, last_start, rows = 0.0, 0.0, None, dict[int, SessionRecord]()

    def push(*args: Any, **values: Any) -> None:
        before = s.twin
        s.push(*args, **values)
        rows.update({one.number: one for one in records_of(before, s.twin)})

    for number, (energy, leaves, told, stale) in enumerate(visits, 1):
        start = s.now + timedelta(seconds=30) if told or not leaves else None  # else they look alike
        push("available", "A" if leaves else "B", after=60)
        for _ in range(stale):
            push("charging", "B", energy=last, started_at=last_start)
        counter = 0.0
        while counter < energy:
            more = {"started_at": start} if start is not None else {}
            push("charging", "C", after=120, energy=round(counter, 3), **more)
            counter = min(energy, counter + 0.7)
        push("available", "B", energy=round(counter, 3))
        last, last_start = round(counter, 3), start
        truth += last
        assert s.memory.lifetime_energy == pytest.approx(truth, abs=0.001)
        assert sum(one.energy for one in rows.values()) == pytest.approx(truth, abs=0.001)
        assert s.latest.number == number


@given(
    st.sets(st.sampled_from(["activity", "vehicle", "energy", "started_at", "stopped_at", "total_cost", "max_usage"])),
    st.sampled_from(["charging", "available"]),
)
def test_a_missing_field_changes_nothing(missing: set[str], activity: str) -> None:
    whole: dict[str, Any] = {
        "activity": activity, "vehicle": "C" if activity == "charging" else "B", "energy": 3.0, "started_at": T1,
        "stopped_at": None, "total_cost": 0.75, "max_usage": 16.0,
    }  # fmt: skip
    s = story().push("charging", "C", energy=3.0, started_at=T1, total_cost=0.75, max_usage=16.0).say(**whole)
    before = s.twin
    s.say(**{name: value for name, value in whole.items() if name not in missing})
    assert s.twin == before


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e6), max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_lifetime_energy_never_falls_whatever_the_counter_shows(shown: list[float], breaks: list[bool]) -> None:
    s, before, kept = story().push("available", "B"), 0.0, TypeAdapter(Memory)
    for energy, gap in zip(shown, breaks, strict=False):
        if gap:
            s.lose_link().wait(5)
        s.push("charging", "C", energy=energy)
        assert s.memory.lifetime_energy >= before
        before = s.memory.lifetime_energy
        assert kept.validate_json(kept.dump_json(s.memory)) == s.memory
    assert s.state in {"charging", "ready_to_charge"}
