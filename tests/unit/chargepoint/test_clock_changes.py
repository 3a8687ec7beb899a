"""A clock that is set moves the bridge's own times, and no time of the cloud."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bridge.chargepoint import session
from bridge.chargepoint.limits import Limits, SessionLimit
from bridge.chargepoint.records import record_of
from tests.unit.chargepoint.socket_story import T1, T2, T3, readings, story

OWN_TIMES = {
    "seen_from", "seen_to", "last_end", "resumed_at", "read_at", "seen_before", "unseen_before", "unseen_after", "at",
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


def test_a_clock_change_moves_the_bridges_times_and_not_the_clouds() -> None:
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


def test_a_clock_change_while_charging_changes_no_duration() -> None:
    s = readings(1.0)
    delta = timedelta(days=40)
    s.twin, s.now = s.twin.shifted(delta), s.now + delta
    s.push("available", "B", energy=1.0)
    record = record_of(s.twin, s.latest)
    assert record.ended_at is not None
    assert record.ended_at - record.started_at == timedelta(seconds=10)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_change_changes_no_wait(hours: int) -> None:
    delta = timedelta(hours=hours)
    s = story().push("available", "B")
    s.verdict(session.start_accepted, s.now).wait(30)
    s.twin, s.now = s.twin.shifted(delta), s.now + delta
    assert s.state == "requesting"
    assert s.wait(30).state == "ready_to_charge"
    s.push("charging", "C").lose_link().wait(30)
    s.twin, s.now = s.twin.shifted(delta), s.now + delta
    assert s.state == "charging"
    assert s.wait(30).state == "unknown"


def test_a_clock_set_back_over_a_restart_makes_no_negative_wait() -> None:
    s = story().push("available", "B")
    s.verdict(session.start_accepted, s.now)
    restarted = s.now - timedelta(hours=2)  # the clock was set back meanwhile
    memory = session.lose_sight(s.memory, s.now).restored(restarted)
    assert memory.blind_since == restarted
    assert memory.starting(restarted)
    assert not memory.starting(restarted + timedelta(seconds=60))
    assert not s.memory.starting(restarted)
