"""The energy of sessions under arbitrary readings, glitches and gaps."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bridge.chargepoint.records import SessionRecord, records_of
from bridge.chargepoint.session import Memory
from tests.unit.chargepoint.socket_story import T1, story


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
def test_single_glitches_neither_add_nor_lose_energy(
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
def test_noise_adds_no_more_energy_than_itself(noise: list[float]) -> None:
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
