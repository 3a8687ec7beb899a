"""Limits: wanted and agreed values, the next request, and the limits after its outcome."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint import limits
from bridge.chargepoint.limits import (
    Change,
    Clear,
    Limits,
    LimitStep,
    Make,
    ReadList,
    SessionLimit,
    Watch,
    Wish,
    next_step,
)
from bridge.chargepoint.schedules import Owned, Schedule, There, Unsure
from bridge.chargepoint.session import Memory, Session

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EVSE = "BCU102728"
UNSURE = Unsure(10, frozenset({1}))
MOST = 16
SLOW = SessionLimit(6, 1, slow=True)
EIGHT = SessionLimit(8, 1)


def session(number: int, *, is_open: bool = True, forgotten: bool = False) -> Memory:
    """A memory with a session."""
    return Memory(session=Session(number=number, seen_from=NOON, open=is_open, forgotten=forgotten))


# --- wanted limits ---


@pytest.mark.parametrize(
    ("standing", "of_session", "most", "lowest"),
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
def test_the_lower_of_standing_and_session_limit_is_wanted(
    standing: int | None, of_session: int | None, most: int | None, lowest: int | None
) -> None:
    limit = SessionLimit(of_session, 1) if of_session is not None else None
    assert Wish(standing, limit).lowest(most) == lowest


def test_the_full_current_of_the_charge_point_is_no_standing_limit() -> None:
    assert Wish(8, EIGHT).with_standing(16, 16) == Wish(None, EIGHT)
    assert Wish(8, EIGHT).with_standing(15, 16) == Wish(15, EIGHT)


def test_a_wish_is_pending_until_the_cloud_has_agreed() -> None:
    before = Limits(standing=12, owned=Owned(7, 12))
    asked = limits.with_request(before, before.wanted.with_standing(10, MOST))
    assert (asked.holding, asked.wanted) == (Wish(12), Wish(10))
    assert limits.without_request(asked) == before
    done = limits.agreed(limits.changed(asked, 7, 10, NOON), counts=True)
    assert (done.holding, done.wanted, done.asked) == (Wish(10), Wish(10), None)


def test_a_limit_requested_before_a_restart_is_not_wanted_after_it() -> None:
    asked = Limits(standing=12, owned=Owned(7, 12), unsure=UNSURE, asked=Wish(10))
    assert limits.restored(asked) == replace(asked, asked=None)


@pytest.mark.parametrize(
    ("before", "lapsed"),
    [
        (Limits(standing=10, session=EIGHT, owned=Owned(7, 8)), Wish(10)),
        (Limits(session=EIGHT, owned=Owned(7, 8)), None),
        (Limits(lapsed=Wish(10, EIGHT)), Wish(10)),
        (Limits(standing=10, owned=Owned(7, 10), asked=Wish(12)), Wish(10)),
        (Limits(), None),
    ],
)
def test_a_standing_limit_is_pending_while_overrides_have_no_effect(before: Limits, lapsed: Wish | None) -> None:
    after = limits.suspended(replace(before, watch=Watch(NOON), unheld=True))
    assert after == Limits(lapsed=lapsed, owned=before.owned)
    cleared = limits.agreed(limits.cleared(after), counts=False)
    assert (cleared.holding, cleared.lapsed) == (Wish(), lapsed)
    # And when they count again, it is made and holds.
    assert limits.agreed(cleared, counts=True).holding == (lapsed or Wish())


def test_only_another_mode_removes_a_limit_of_mode_slow() -> None:
    for limit, left in ((SLOW, None), (EIGHT, EIGHT)):
        assert Wish(9, limit).without_slow() == Wish(9, left)
        for before, after in (
            (Limits(standing=9, session=limit), Limits(standing=9, session=left)),
            (Limits(asked=Wish(9, limit)), Limits(asked=Wish(9, left))),
            (Limits(lapsed=Wish(9, limit)), Limits(lapsed=Wish(9, left))),
        ):
            assert limits.without_slow(before) == after
            assert limits.without_session(before).wanted == Wish(9)
    assert limits.without_session(Limits(lapsed=Wish(None, EIGHT))) == Limits()


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
        # The session was never seen open: its start time came before it.
        (session(4, is_open=False, forgotten=True), SessionLimit(8, 4, until=NOON + timedelta(seconds=1)), True),
        (session(4, is_open=False, forgotten=True), SessionLimit(8, 4, until=NOON), False),
        # The session before was resumed instead of a new one: the limit is for as long as it lasts.
        (session(3), SessionLimit(8, 4, until=NOON), True),
    ],
)
def test_a_session_limit_ends_with_its_session(memory: Memory, limit: SessionLimit, stays: bool) -> None:
    left = limit if stays else None
    for before, after in (
        (Limits(standing=12, session=limit), Limits(standing=12, session=left)),
        (Limits(standing=12, asked=Wish(12, limit)), Limits(standing=12, asked=Wish(12, left))),
        (Limits(lapsed=Wish(12, limit)), Limits(lapsed=Wish(12, left))),
    ):
        assert limits.without_expired(before, memory, NOON) == after


def test_the_bridges_times_move_with_the_wall_clock() -> None:
    hours, waits = timedelta(hours=2), SessionLimit(8, 1, until=NOON)
    moved = SessionLimit(8, 1, until=NOON + hours)
    before = Limits(session=waits, asked=Wish(10, waits), lapsed=Wish(9, EIGHT), watch=Watch(NOON))
    after = Limits(session=moved, asked=Wish(10, moved), lapsed=Wish(9, EIGHT), watch=Watch(NOON + hours))
    assert limits.shifted(before, hours) == after
    assert (limits.waits_until(before), limits.waits_until(after)) == (NOON, NOON + hours)
    assert limits.shifted(Limits(), hours) == Limits()


# --- which request is due ---


@pytest.mark.parametrize(
    ("wanted", "there", "step"),
    [
        (None, There(), None),
        (10, There(), Make(10)),
        (10, There(Owned(7, 10)), None),
        (10, There(Owned(7, 12)), Change(7, 10)),
        (None, There(Owned(7, 12)), Clear(7)),
        (10, There(Owned(7, None, either=(10, 12))), ReadList()),
        (None, There(Owned(7, None, either=(10,))), ReadList()),
        (None, There(unsure=UNSURE), ReadList()),
        (10, There(unsure=UNSURE), ReadList()),
        (10, There(Owned(7, 10, felt=True, doubtful=True)), ReadList()),
    ],
)
def test_the_next_step_follows_from_the_wanted_limit_and_the_override_that_is_there(
    wanted: int | None, there: There, step: LimitStep | None
) -> None:
    assert next_step(wanted, there) == step


# --- lists of schedules ---

OURS = Schedule.always_on(7, EVSE, 10)
THEIRS = Schedule(2, (EVSE,), 9, days=(1, 2))
ALIKE = Schedule.always_on(2, EVSE, 10)
ELSEWHERE = Schedule.always_on(3, "BCU1", 10)
HELD = Limits(standing=10, session=EIGHT, owned=Owned(7, 10, felt=True), watch=Watch(NOON))


def test_a_listed_override_of_the_bridge_is_confirmed() -> None:
    assert limits.found(HELD, EVSE, [ELSEWHERE, OURS], NOON) == replace(HELD, owned=Owned(7, 10))
    doubted = replace(HELD, owned=Owned(7, 10, felt=True, doubtful=True))
    assert limits.found(doubted, EVSE, [OURS], NOON).owned == Owned(7, 10, trusted=True)


@pytest.mark.parametrize("current", [12, 8])
def test_a_listed_override_gives_the_outcome_of_an_unanswered_change(current: int) -> None:
    before = Limits(standing=12, owned=Owned(7, None, either=(12, 8)))
    after = limits.found(before, EVSE, [replace(OURS, current=current)], NOON)
    assert (after.standing, after.owned, after.theirs) == (12, Owned(7, current), None)


@pytest.mark.parametrize("removed", [[], [ELSEWHERE]])
def test_a_limit_whose_override_is_gone_is_pending(removed: list[Schedule]) -> None:
    after = limits.found(HELD, EVSE, removed, NOON)
    assert after == Limits(lapsed=Wish(10, EIGHT))
    assert next_step(after.wanted.lowest(MOST), after.there) == Make(8)


@pytest.mark.parametrize(
    "edited",
    [
        replace(OURS, current=12),
        replace(OURS, current=9.5),
        replace(OURS, days=(1, 2)),
        replace(OURS, end_days=(1, 2)),
        replace(OURS, start=time(8, 0)),
        replace(OURS, charge_points=(EVSE, "BCU1")),
        replace(OURS, charge_points=("BCU1",)),
    ],
)
@pytest.mark.parametrize("owned", [Owned(7, 10, felt=True, doubtful=True), Owned(7, None, either=(10, 11))])
def test_an_edited_override_belongs_to_the_user_and_ends_the_limit(edited: Schedule, owned: Owned) -> None:
    before = Limits(standing=10, session=EIGHT, asked=Wish(12), owned=owned)
    after = limits.found(before, EVSE, [edited], NOON)
    assert after == Limits(theirs=edited)
    assert next_step(after.wanted.lowest(MOST), after.there) is None


@pytest.mark.parametrize("told_less", [Schedule(7, (), None), Schedule(7, (EVSE,), 10), replace(OURS, days=())])
def test_a_field_missing_from_the_list_is_no_edit(told_less: Schedule) -> None:
    assert limits.found(HELD, EVSE, [told_less], NOON).standing == 10


@pytest.mark.parametrize("theirs", [THEIRS, ALIKE, Schedule(None, (EVSE, "BCU1"), None)])
@pytest.mark.parametrize(
    "before",
    [Limits(asked=Wish(10)), Limits(lapsed=Wish(10)), HELD, Limits(standing=10, asked=Wish(12), owned=Owned(7, 10))],
)
def test_a_schedule_of_the_user_ends_the_limit(theirs: Schedule, before: Limits) -> None:
    after = limits.found(before, EVSE, [theirs], NOON)
    assert after == Limits(theirs=theirs)
    # Where the cloud has kept both, ours is cleared and theirs is not.
    both = limits.found(before, EVSE, [theirs, OURS], NOON)
    assert next_step(both.wanted.lowest(MOST), both.there) == (Clear(7) if before.owned is not None else None)


@pytest.mark.parametrize(
    ("listed", "owned", "theirs"),
    [
        ([], None, None),
        ([ALIKE], Owned(2, 10), None),
        # A schedule that is older, shared, of another current, or not always in force is not the bridge's.
        ([Schedule.always_on(1, EVSE, 10)], None, Schedule.always_on(1, EVSE, 10)),
        ([replace(ALIKE, charge_points=(EVSE, "BCU1"))], None, replace(ALIKE, charge_points=(EVSE, "BCU1"))),
        ([ELSEWHERE], None, None),
        ([replace(ALIKE, current=11)], None, replace(ALIKE, current=11)),
        ([THEIRS], None, THEIRS),
    ],
)
def test_a_new_override_without_an_answer_is_recognised_in_the_list(
    listed: list[Schedule], owned: Owned | None, theirs: Schedule | None
) -> None:
    after = limits.found(Limits(unsure=UNSURE), EVSE, listed, NOON)
    watch = Watch(NOON) if owned is not None else None
    assert after == Limits(owned=owned, theirs=theirs, watch=watch)


def test_a_schedule_of_the_user_is_forgotten_when_it_is_gone() -> None:
    assert limits.found(Limits(theirs=THEIRS, asked=Wish(10)), EVSE, [], NOON) == Limits(asked=Wish(10))


def test_the_outcome_of_a_removal_is_unknown() -> None:
    after = limits.change_unknown(HELD, 7, None)
    assert after.owned == Owned(7, None, either=(10,))
    assert limits.change_unknown(HELD, 7, 12).owned == Owned(7, None, either=(10, 12))


@given(
    wish=st.builds(
        Wish, st.none() | st.integers(6, 20), st.none() | st.builds(SessionLimit, st.integers(6, 20), st.just(1))
    ),
    owned=st.none() | st.builds(Owned, st.integers(1, 3), st.none() | st.integers(6, 20)),
    unsure=st.none() | st.just(UNSURE),
    listed=st.lists(
        st.builds(Schedule.always_on, st.integers(1, 4), st.sampled_from([EVSE, "BCU1"]), st.integers(6, 20)),
        unique_by=lambda schedule: schedule.schedule_id,
    ),
)
def test_a_few_steps_always_lead_to_the_wanted_limit_and_keep_the_users_schedule(
    wish: Wish, owned: Owned | None, unsure: Unsure | None, listed: list[Schedule]
) -> None:
    now = Limits(asked=wish, owned=owned, unsure=unsure if owned is None else None)
    there = {schedule.schedule_id: schedule for schedule in listed}
    now = limits.found(now, EVSE, there.values(), NOON)  # the list is read before anything is done
    users = {number: one for number, one in there.items() if now.owned is None or number != now.owned.schedule_id}
    for _ in range(3):
        match next_step(now.wanted.lowest(MOST), now.there):
            case ReadList():
                now = limits.found(now, EVSE, there.values(), NOON)
            case Make(current):
                assert not any(EVSE in one.charge_points for one in there.values())
                there[9] = Schedule.always_on(9, EVSE, current)
                now = limits.made(limits.making(now, current, ()), 9, current, NOON)
            case Change(schedule_id, current):
                there[schedule_id] = Schedule.always_on(schedule_id, EVSE, current)
                now = limits.changed(now, schedule_id, current, NOON)
            case Clear(schedule_id):
                del there[schedule_id]
                now = limits.cleared(now)
            case None:
                break
    wanted = now.wanted.lowest(MOST)
    assert next_step(wanted, now.there) is None
    assert (now.owned.current if now.owned is not None else None) == wanted
    assert wanted == (wish.lowest(MOST) if now.theirs is None else None)
    assert {number: there[number] for number in users} == users
