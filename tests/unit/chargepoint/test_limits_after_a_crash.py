"""A crash while the bridge's override is changed: it is recognised, whichever content it has by then."""

from datetime import UTC, datetime

import pytest

from bridge.chargepoint import limits
from bridge.chargepoint.limits import Change, Clear, Limits, ReadList, Watch, next_step
from bridge.chargepoint.schedules import Owned, Schedule
from bridge.chargepoint.session import Memory
from bridge.chargepoint.twin import Steering
from bridge.storage.rows import STEERING

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EVSE = "BCU102728"
AGREED = Limits(standing=10, owned=Owned(7, 10, felt=True), watch=Watch(NOON))


def after_a_crash(before: Limits) -> Limits:
    """The limits that the next start reads."""
    kept = STEERING.validate_json(STEERING.dump_json(Steering(limits=before)))
    return limits.restored(kept.limits)


@pytest.mark.parametrize(("there", "next_request"), [(10, None), (7, Change(7, 10))])
def test_a_change_that_a_crash_interrupted_is_recognised_with_either_content(
    there: int, next_request: Change | None
) -> None:
    restarted = after_a_crash(limits.changing(AGREED, 7))
    assert next_step(10, restarted.there) == ReadList()
    listed = limits.found(restarted, EVSE, [Schedule.always_on(7, EVSE, there)], NOON)
    assert (listed.theirs, listed.standing, listed.owned) == (None, 10, Owned(7, there))
    assert next_step(10, listed.there) == next_request


def test_a_removal_that_a_crash_interrupted_is_continued() -> None:
    restarted = after_a_crash(limits.changing(limits.without_wishes(AGREED), None))
    still_there = limits.found(restarted, EVSE, [Schedule.always_on(7, EVSE, 10)], NOON)
    assert next_step(None, still_there.there) == Clear(7)
    gone = limits.found(restarted, EVSE, [], NOON)
    assert (gone.owned, gone.wanted, next_step(None, gone.there)) == (None, limits.NOTHING, None)


def test_another_content_is_the_users_also_after_a_crash() -> None:
    restarted = after_a_crash(limits.changing(AGREED, 7))
    edited = limits.found(restarted, EVSE, [Schedule.always_on(7, EVSE, 9)], NOON)
    assert (edited.owned, edited.standing, edited.theirs) == (None, None, Schedule.always_on(7, EVSE, 9))


def test_a_change_in_progress_changes_nothing_that_is_reported() -> None:
    changing = limits.changing(AGREED, 7)
    assert (changing.holding, changing.owned is not None and changing.owned.current) == (AGREED.holding, 10)
    assert next_step(10, changing.there) is None
    assert limits.without_expired(changing, Memory(), NOON) == changing


@pytest.mark.parametrize("before", [Limits(), Limits(owned=Owned(7, None, either=(10, 12)))])
def test_nothing_is_noted_where_the_content_is_not_known(before: Limits) -> None:
    assert limits.changing(before, 7) == before
