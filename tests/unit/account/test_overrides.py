"""Current limits of several charge points: answers at scripted times, reports, and later requests."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest

from bridge.chargepoint import limits
from bridge.chargepoint.limits import Limits, SessionLimit, Wish
from bridge.chargepoint.schedules import Owned, Schedule
from bridge.errors import BridgeError, Disconnected, InvalidState, Rejected, VerdictTimeout
from tests.unit.account.two_charge_points import CLEAR, EDIT, LIST, SET, A, B, Site, schedule

# --- several at once ---


async def test_reading_the_list_for_one_charge_point_keeps_the_change_of_another(site: Site) -> None:
    first = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    second = site.set_max(B, 12)
    await site.cloud.answer(LIST, [])  # the first is not there yet
    await site.cloud.answer(SET, VerdictTimeout("no answer"), A)
    with pytest.raises(VerdictTimeout):
        await first
    await site.cloud.answer(SET, schedule(2, B, 12), B)
    await second
    # The schedule was made: it is found in the list and cleared.
    await site.tick()
    await site.cloud.answer(LIST, [schedule(1, A, 10), schedule(2, B, 12)])
    await site.cloud.answer(CLEAR, None)
    assert site.twin(A).limits == Limits(listed=True)
    assert site.cloud.waiting() == []


async def test_a_list_older_than_an_override_does_not_remove_it(site: Site) -> None:
    first = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    second = site.set_max(B, 12)
    await site.cloud.answer(SET, schedule(1, A, 10), A)
    await first
    await site.cloud.answer(LIST, [])  # from before that
    await site.cloud.answer(SET, schedule(2, B, 12), B)
    await second
    assert site.twin(A).limits.owned == Owned(1, 10)


async def test_an_answer_for_another_charge_point_is_ignored(site: Site) -> None:
    """Where the cloud echoes no `flow_id`, two answers of one kind cannot be told apart by name."""
    tasks = [site.set_max(A, 10), site.set_max(B, 12)]
    await site.cloud.answer(LIST, [])
    await site.cloud.answer(LIST, [])
    there: Sequence[Schedule] = [schedule(1, A, 10), schedule(2, B, 12)]
    await site.cloud.answer(SET, there[1], A)
    await site.cloud.answer(SET, there[0], B)
    while LIST in site.cloud.waiting():
        await site.cloud.answer(LIST, there)
    await asyncio.gather(*tasks)
    assert site.twin(A).limits.owned == Owned(1, 10)
    assert site.twin(B).limits.owned == Owned(2, 12)


# --- reports, and when they are made ---


async def test_a_limit_is_reported_only_after_the_cloud_has_agreed(site: Site) -> None:
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    assert site.twin(A).limits.asked == Wish(10)
    assert {current for _, current in site.told} == {None}
    await site.cloud.answer(SET, schedule(1, A, 10))
    await task
    assert site.told[-1] == (A, 10)
    assert site.twin(A).limits.asked is None


@pytest.mark.parametrize("error", [Rejected("not allowed"), VerdictTimeout("no answer"), Disconnected("away")])
async def test_after_a_failure_the_previous_limit_holds_and_no_other_was_reported(
    site: Site, error: BridgeError
) -> None:
    await site.make(A, 12, 1)
    site.told.clear()
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [schedule(1, A, 12)])
    await site.cloud.answer(EDIT, error)
    if isinstance(error, Rejected):
        await site.cloud.answer(LIST, [schedule(1, A, 12)])
    with pytest.raises(type(error)):
        await task
    assert {current for _, current in site.told} == {12}
    assert (site.twin(A).limits.standing, site.twin(A).limits.asked) == (12, None)


async def test_a_change_of_unknown_outcome_is_read_and_reversed(site: Site) -> None:
    await site.make(A, 12, 1)
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [schedule(1, A, 12)])
    await site.cloud.answer(EDIT, VerdictTimeout("no answer"))
    with pytest.raises(VerdictTimeout):
        await task
    await site.tick()
    await site.cloud.answer(LIST, [schedule(1, A, 10)])  # it was done
    assert [parameters["overridevalue"] for name, parameters, _ in site.cloud.asked if name == EDIT] == [10, 12]
    await site.cloud.answer(EDIT, None)
    assert (site.twin(A).limits.standing, site.twin(A).limits.owned) == (12, Owned(1, 12))


async def test_an_override_that_does_not_show_is_not_made_again(site: Site) -> None:
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    await site.cloud.answer(SET, None)  # no id
    await site.cloud.answer(LIST, [])  # and it does not show
    assert site.cloud.waiting() == []
    with pytest.raises(Rejected):
        await task
    await site.tick()
    assert site.cloud.waiting() == []


async def test_a_failed_change_does_not_restore_a_limit_that_was_given_up_meanwhile(site: Site) -> None:
    """The thing is deleted while its limit is being changed, so its limit must be lifted."""
    await site.make(A, 10, 1)
    second = site.set_max(A, 12)
    await site.cloud.answer(LIST, [schedule(1, A, 10)])
    site.fleet.limit(A, limits.without_wishes)
    await site.cloud.answer(EDIT, VerdictTimeout("no answer"))
    with pytest.raises(VerdictTimeout):
        await second
    await site.tick()
    await site.cloud.answer(LIST, [schedule(1, A, 12)])
    await site.cloud.answer(CLEAR, None)
    assert site.twin(A).limits == Limits(listed=True)


async def test_a_successful_change_does_not_keep_a_limit_that_was_given_up_meanwhile(site: Site) -> None:
    await site.make(A, 10, 1)
    second = site.set_max(A, 12)
    await site.cloud.answer(LIST, [schedule(1, A, 10)])
    site.fleet.limit(A, limits.without_wishes)
    await site.cloud.answer(EDIT, None)
    await site.cloud.answer(CLEAR, None)
    with pytest.raises(InvalidState):
        await second
    assert site.twin(A).limits == Limits(listed=True)


# --- the next request ---


async def test_a_failed_request_is_repeated_with_growing_waits_on_the_monotonic_clock(site: Site) -> None:
    await site.make(A, 10, 1)
    site.fleet.limit(A, limits.without_wishes)
    for wait in (60, 120, 240):
        await site.tick()
        assert site.cloud.waiting() == [LIST]
        await site.cloud.answer(LIST, VerdictTimeout("no answer"))
        site.clock.set_wall(site.clock.now() + timedelta(hours=9))  # the wall clock jumps
        await site.tick(wait - 3)
        assert site.cloud.waiting() == []
        site.clock.move(3)
    await site.overrides.refresh()  # after a reconnect the list is read at once
    await site.tick(0)
    await site.cloud.answer(LIST, [schedule(1, A, 10)])
    await site.cloud.answer(CLEAR, None)
    assert site.twin(A).limits == Limits(listed=True)


async def test_a_charge_point_that_is_busy_is_left_alone(site: Site) -> None:
    await site.make(A, 10, 1)
    site.fleet.limit(A, limits.without_wishes)
    async with site.locks.of(A):
        await site.tick()
        assert site.cloud.waiting() == []
    await site.tick()
    assert site.cloud.waiting() == [LIST]


async def test_a_tick_looks_at_no_charge_point_with_nothing_due(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.make(A, 10, 1)
    asked: list[str] = []
    monkeypatch.setattr(site.fleet, "twin", asked.append)
    monkeypatch.setattr(site.fleet, "twins", lambda: asked.append("all"))
    await site.tick(24 * 3600)
    assert asked == []


async def test_a_limit_for_a_session_that_does_not_begin_is_removed(site: Site) -> None:
    limit = SessionLimit(6, 1, slow=True, until=site.clock.now() + timedelta(seconds=120))
    task = asyncio.create_task(site.overrides.want(A, partial(Wish.with_session, limit=limit)))
    await site.cloud.answer(LIST, [])
    await site.cloud.answer(SET, schedule(1, A, 6))
    await task
    await site.tick(118)
    assert site.cloud.waiting() == []
    await site.tick(2)
    await site.cloud.answer(LIST, [schedule(1, A, 6)])
    await site.cloud.answer(CLEAR, None)
    assert site.twin(A).limits == Limits(listed=True)


async def test_a_limit_that_does_not_hold_is_found_without_another_push(site: Site) -> None:
    await site.make(A, 10, 1)
    site.charge(A, 16)
    await site.tick(119)
    assert not site.twin(A).limits.unheld
    await site.tick(2)
    assert site.twin(A).limits.unheld
    assert site.twin(A).limits.standing == 10


async def test_a_charge_point_that_left_is_forgotten(site: Site) -> None:
    await site.make(A, 10, 1)
    site.fleet.limit(A, limits.without_wishes)
    site.fleet.listed([])
    await site.tick()
    assert site.cloud.waiting() == []
