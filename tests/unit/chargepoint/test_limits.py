"""What is wanted, which request is due for it, and what its outcome means."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint import limits
from bridge.chargepoint.limits import (
    Change,
    Clear,
    Limits,
    Look,
    Make,
    Owned,
    Schedule,
    SessionLimit,
    Step,
    Unsure,
    next_step,
)
from bridge.chargepoint.session import Memory, Session

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EVSE = "BCU102728"
UNSURE = Unsure(10, frozenset({1}))


def session(number: int, *, is_open: bool = True, forgotten: bool = False) -> Memory:
    """A memory with a session."""
    return Memory(session=Session(number=number, seen_from=NOON, open=is_open, forgotten=forgotten))


@pytest.mark.parametrize(
    ("standing", "of_session", "most", "wanted"),
    [
        (None, None, 16, None),
        (10, None, 16, 10),
        (None, 8, 16, 8),
        (10, 8, 16, 8),
        (8, 10, 16, 8),
        (16, None, 16, None),
        (None, 16, 16, None),
        (16, 10, 16, 10),
        (10, None, None, 10),
        (10, None, 8, None),
    ],
)
def test_the_lower_of_the_two_is_wanted(
    standing: int | None, of_session: int | None, most: int | None, wanted: int | None
) -> None:
    limit = SessionLimit(of_session, 1) if of_session is not None else None
    assert Limits(standing=standing, session=limit).wanted(most) == wanted


@pytest.mark.parametrize(
    ("before", "step"),
    [
        (Limits(), None),
        (Limits(standing=10), Make(10)),
        (Limits(standing=16), None),
        (Limits(standing=10, owned=Owned(7, 10)), None),
        (Limits(standing=10, owned=Owned(7, 12)), Change(7, 10)),
        (Limits(standing=10, owned=Owned(7, None)), Change(7, 10)),
        (Limits(owned=Owned(7, 12)), Clear(7)),
        (Limits(owned=Owned(7, None)), Clear(7)),
        (Limits(standing=16, owned=Owned(7, 12)), Clear(7)),
        (Limits(unsure=UNSURE), Look()),
        (Limits(standing=10, unsure=UNSURE), Look()),
        (Limits(standing=10, owned=Owned(7, 10, felt=True, doubtful=True)), Look()),
    ],
)
def test_which_request_is_due(before: Limits, step: Step | None) -> None:
    assert next_step(before, 16) == step


@pytest.mark.parametrize(
    ("memory", "limit", "stays"),
    [
        (session(3), SessionLimit(8, 3), True),
        (session(3, is_open=False), SessionLimit(8, 3), False),
        (session(4), SessionLimit(8, 3), False),
        (Memory(), SessionLimit(8, 1), False),
        (Memory(), SessionLimit(8, 1, until=NOON + timedelta(seconds=1)), True),
        (Memory(), SessionLimit(8, 1, until=NOON), False),
        (session(3, is_open=False), SessionLimit(8, 4, until=NOON + timedelta(seconds=1)), True),
        (session(4), SessionLimit(8, 4, until=NOON), True),
        (session(4, is_open=False), SessionLimit(8, 4, until=NOON + timedelta(seconds=1)), False),
        # It was never seen to be on: its start was told before it began.
        (session(4, is_open=False, forgotten=True), SessionLimit(8, 4, until=NOON + timedelta(seconds=1)), True),
        (session(4, is_open=False, forgotten=True), SessionLimit(8, 4, until=NOON), False),
        # The session before went on instead of a new one: the limit is for as long as it does.
        (session(3), SessionLimit(8, 4, until=NOON), True),
    ],
)
def test_no_limit_outlives_its_session(memory: Memory, limit: SessionLimit, stays: bool) -> None:
    after = limits.in_time(Limits(standing=12, session=limit), memory, NOON)
    assert after == Limits(standing=12, session=limit if stays else None)


OURS = Schedule(7, (EVSE,), 10, always=True)
ALIKE = Schedule(2, (EVSE,), 10, always=True)


@pytest.mark.parametrize(
    ("before", "listed", "after"),
    [
        (Limits(owned=Owned(7, 10, felt=True, doubtful=True)), [OURS], Limits(owned=Owned(7, 10))),
        (Limits(owned=Owned(7, 10)), [replace(OURS, current=12)], Limits(owned=Owned(7, 12))),
        (Limits(owned=Owned(7, 10)), [replace(OURS, current=9.5)], Limits(owned=Owned(7, None))),
        # One that was made to hold on some days or for others elsewhere has to be set right.
        (Limits(owned=Owned(7, 10)), [replace(OURS, always=False)], Limits(owned=Owned(7, None))),
        (Limits(owned=Owned(7, 10)), [replace(OURS, charge_points=("BCU1",))], Limits(owned=Owned(7, None))),
        (Limits(owned=Owned(7, 10)), [ALIKE], Limits()),
        (Limits(), [ALIKE], Limits()),
        (Limits(unsure=UNSURE), [ALIKE], Limits(owned=Owned(2, 10))),
        (Limits(unsure=UNSURE), [], Limits()),
        # What was there before, is for others too, is of another current, or does not always hold, is not ours.
        (Limits(unsure=UNSURE), [Schedule(1, (EVSE,), 10, always=True)], Limits()),
        (Limits(unsure=UNSURE), [Schedule(2, (EVSE, "BCU1"), 10, always=True)], Limits()),
        (Limits(unsure=UNSURE), [Schedule(2, ("BCU1",), 10, always=True)], Limits()),
        (Limits(unsure=UNSURE), [Schedule(2, (EVSE,), 11, always=True)], Limits()),
        (Limits(unsure=UNSURE), [Schedule(2, (EVSE,), 10)], Limits()),
    ],
)
def test_what_a_list_tells(before: Limits, listed: list[Schedule], after: Limits) -> None:
    assert limits.found(before, EVSE, listed) == after


def test_a_rise_above_our_override_gives_its_removal_away() -> None:
    made = limits.made(Limits(standing=10), 7, 10)
    assert limits.seen(made, 16) == made  # it has not reached the charge point yet
    felt = limits.seen(made, 10)
    assert limits.seen(felt, None) == felt
    assert next_step(felt, 16) is None
    assert next_step(limits.seen(felt, 16), 16) == Look()
    # A change begins anew: the old value may still be pushed once.
    assert next_step(limits.seen(limits.changed(felt, 7, 8), 10), 16) == Change(7, 10)


def test_a_limit_of_mode_slow_is_given_back_by_another_mode_and_no_other() -> None:
    slow, other = (Limits(standing=9, session=SessionLimit(6, 1, slow=is_slow)) for is_slow in (True, False))
    assert limits.without_slow(slow) == Limits(standing=9)
    assert limits.without_slow(other) == other


@given(
    standing=st.none() | st.integers(6, 20),
    of_session=st.none() | st.integers(6, 20),
    owned=st.none() | st.builds(Owned, st.integers(1, 3), st.none() | st.integers(6, 20)),
    unsure=st.none() | st.just(UNSURE),
    listed=st.lists(st.builds(Schedule, st.integers(1, 4), st.just((EVSE,)), st.integers(6, 20), st.booleans())),
)
def test_a_few_steps_always_lead_to_what_is_wanted(
    standing: int | None, of_session: int | None, owned: Owned | None, unsure: Unsure | None, listed: list[Schedule]
) -> None:
    limit = SessionLimit(of_session, 1) if of_session is not None else None
    now = Limits(standing=standing, session=limit, owned=owned, unsure=unsure)
    for _ in range(3):
        match next_step(now, 16):
            case Look():
                now = limits.found(now, EVSE, listed)
            case Make(current):
                now = limits.made(limits.making(now, current, ()), 9, current)
            case Change(schedule_id, current):
                now = limits.changed(now, schedule_id, current)
            case Clear():
                now = limits.cleared(now)
            case None:
                break
    assert next_step(now, 16) is None
    wanted = now.wanted(16)
    assert (now.owned.current if now.owned is not None else None) == wanted
