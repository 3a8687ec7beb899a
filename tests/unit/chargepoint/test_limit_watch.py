"""Whether an agreed limit holds, by two minutes of readings, without the minutes around midnight."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint import limit_watch, limits
from bridge.chargepoint.amsterdam import from_wall_clock
from bridge.chargepoint.limits import Limits, Watch
from bridge.chargepoint.schedules import Owned
from bridge.chargepoint.session import Memory, Session

NOON = from_wall_clock(datetime(2026, 11, 21, 12, 0))
IDLE = Memory()
CHARGING = Memory(session=Session(number=1, seen_from=NOON))
AGREED = limits.made(Limits(standing=10), 7, 10, NOON)


def at(seconds: float) -> datetime:
    """The time some seconds after the cloud agreed."""
    return NOON + timedelta(seconds=seconds)


def read(before: Limits, current: float | None, seconds: float, bound: float | None = None) -> Limits:
    """A push in a session that is on."""
    return limit_watch.pushed(before, bound=bound, current=current, before=CHARGING, after=CHARGING, now=at(seconds))


# --- what holds and what does not ---


@pytest.mark.parametrize(
    ("readings", "unheld"),
    [
        ([(10, 16), (60, 16), (121, 16)], True),
        ([(121, 16)], True),
        ([(1, 16), (121, None)], True),  # a push that names no current lets the last one stand
        ([(10, 16), (119, 16)], False),
        ([(10, 16), (60, 11), (121, 16)], False),  # one reading at the limit is enough
        ([(10, 11.0), (121, 11.0)], False),
        ([(10, 11.1), (121, 11.1)], True),
        ([(10, 0), (121, 16)], False),
        ([(121, None)], False),
        ([], False),
    ],
)
def test_a_limit_does_not_hold_if_every_reading_of_two_minutes_is_above_it(
    readings: list[tuple[float, float | None]], unheld: bool
) -> None:
    now = AGREED
    for seconds, current in readings:
        now = read(now, current, seconds)
    assert now.unheld is unheld


def test_a_limit_does_not_hold_if_silence_follows_readings_above_it() -> None:
    now = read(AGREED, 16, 1)
    assert limit_watch.judgement(now, CHARGING) == at(120)
    assert not limit_watch.judged(now, CHARGING, at(119.9)).unheld
    assert limit_watch.judged(now, CHARGING, at(120)).unheld
    assert limit_watch.judgement(AGREED, CHARGING) is None


def test_a_limit_that_does_not_hold_is_found_once() -> None:
    now = read(read(AGREED, 16, 1), 16, 121)
    assert (now.unheld, now.watch) == (True, None)
    assert read(now, 16, 300) == now
    assert read(now, 10, 310).unheld  # until the next session, whatever the readings are


def test_a_changed_limit_is_watched_again() -> None:
    now = limits.changed(read(read(AGREED, 16, 1), 16, 121), 7, 12, at(130))
    assert (now.unheld, now.watch) == (False, Watch(at(130)))


def test_readings_without_a_session_are_ignored() -> None:
    now = limit_watch.pushed(AGREED, bound=None, current=0, before=IDLE, after=IDLE, now=at(60))
    assert now == AGREED
    begun = limit_watch.pushed(now, bound=None, current=16, before=IDLE, after=CHARGING, now=at(3600))
    assert begun.watch == Watch(at(3600), exceeded=True)
    assert read(begun, 16, 3600 + 121).unheld


def test_a_limit_that_did_not_hold_is_watched_again_in_the_next_session() -> None:
    unheld = read(read(AGREED, 16, 1), 16, 121)
    second = Memory(session=Session(number=2, seen_from=at(500)))
    for before in (CHARGING, IDLE):
        now = limit_watch.pushed(unheld, bound=None, current=None, before=before, after=second, now=at(500))
        assert (now.unheld, now.watch) == (False, Watch(at(500)))


def test_while_nothing_can_be_seen_nothing_is_found() -> None:
    now = read(AGREED, 16, 1)
    blind = Memory(session=CHARGING.session, blind_since=at(2))
    assert limit_watch.judgement(now, blind) is None
    assert not limit_watch.judged(now, blind, at(1000)).unheld
    seen = limit_watch.pushed(now, bound=None, current=16, before=blind, after=CHARGING, now=at(1000))
    assert (seen.unheld, seen.watch) == (False, Watch(at(1000), exceeded=True))


def test_only_an_agreed_override_of_the_bridge_is_watched() -> None:
    for nothing in (Limits(), Limits(standing=10), Limits(owned=Owned(7, None, either=(10, 12)))):
        assert read(read(nothing, 16, 1), 16, 121) == nothing


# --- midnight ---


@pytest.mark.parametrize(
    ("since", "due"),
    [
        ("12:00:00", "12:02:00"),
        ("23:55:59", "23:57:59"),
        ("23:56:00", "23:58:00"),
        ("23:57:00", "00:03:00"),
        ("23:58:00", "00:04:00"),
        ("23:59:30", "00:04:00"),
        ("00:01:59", "00:04:00"),
        ("00:02:00", "00:04:00"),
        ("00:05:00", "00:07:00"),
    ],
)
@pytest.mark.parametrize("month", [1, 7])
def test_the_minutes_around_midnight_are_not_watched(month: int, since: str, due: str) -> None:
    begun = from_wall_clock(datetime.fromisoformat(f"2026-{month:02}-11 {since}"))
    ends = limit_watch.judged_at(Watch(begun))
    assert ends.strftime("%H:%M:%S") == due
    assert timedelta(minutes=2) <= ends - begun <= timedelta(minutes=6)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))
def test_two_minutes_outside_midnight_are_always_watched(wall: datetime) -> None:
    begun = from_wall_clock(wall.replace(microsecond=0))
    ends = limit_watch.judged_at(Watch(begun))
    seconds = range(int((ends - begun).total_seconds()))
    counted = [second for second in seconds if not limit_watch.left_aside(begun + timedelta(seconds=second))]
    assert len(counted) == 120


def test_a_reading_around_midnight_is_ignored() -> None:
    begun = from_wall_clock(datetime(2026, 11, 21, 23, 57))
    now = limits.made(Limits(standing=10), 7, 10, begun)

    def push(before: Limits, current: float, seconds: float, bound: float = 10) -> Limits:
        when = begun + timedelta(seconds=seconds)
        return limit_watch.pushed(before, bound=bound, current=current, before=CHARGING, after=CHARGING, now=when)

    now = push(now, 10, 30)
    assert now.watch is None
    assert now.owned == Owned(7, 10, felt=True)
    assert push(now, 16, 130, bound=16) == now  # from 23:59 to 00:00 nothing limits
    again = limits.made(Limits(standing=10), 7, 10, begun)
    assert push(push(again, 16, 30), 9, 130).watch == Watch(begun, exceeded=True)


# --- a removal shows ---


def test_a_rise_above_the_override_suggests_its_removal() -> None:
    assert read(AGREED, None, 1, bound=16) == AGREED  # it has not reached the charge point yet
    felt = read(AGREED, None, 1, bound=10)
    assert felt.owned == Owned(7, 10, felt=True)
    assert read(felt, None, 2, bound=None) == felt
    assert read(felt, None, 2, bound=16).owned == Owned(7, 10, felt=True, doubtful=True)
    # The watch restarts at a change: the old value may still be pushed once.
    assert read(limits.changed(felt, 7, 8, at(3)), None, 4, bound=10).owned == Owned(7, 8)


def test_a_doubt_that_was_checked_is_not_raised_again_in_the_session() -> None:
    now = Limits(standing=10, owned=Owned(7, 10, trusted=True))
    assert read(read(now, None, 1, bound=6), None, 2, bound=16) == now
    begun = limit_watch.pushed(now, bound=6, current=None, before=IDLE, after=CHARGING, now=at(3))
    assert begun.owned == Owned(7, 10, felt=True)
