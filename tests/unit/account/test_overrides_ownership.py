"""When the bridge may set a limit: schedules of the user, and smart charging that is off."""

import pytest

from bridge.chargepoint.limits import Limits, Wish
from bridge.errors import InvalidState
from tests.unit.account.two_charge_points import CLEAR, LIST, SET, THEIRS, A, B, Site, schedule

# --- the user's own ---


async def test_the_users_own_schedule_is_left_alone(site: Site) -> None:
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [THEIRS])
    with pytest.raises(InvalidState, match=r"9 A.*app"):
        await task
    assert site.twin(A).limits == Limits(listed=True, theirs=THEIRS)
    await site.tick(3600)
    assert [name for name, _, _ in site.cloud.asked] == [LIST]
    # Another charge point is not concerned; and once it is gone, a limit can be made.
    await site.make(B, 10, 2)
    await site.make(A, 10, 3)
    assert site.twin(A).limits.theirs is None


@pytest.mark.parametrize("wanted", [12, 16])
async def test_an_override_that_was_edited_elsewhere_is_neither_edited_nor_cleared(site: Site, wanted: int) -> None:
    await site.make(A, 10, 1)
    task = site.set_max(A, wanted)
    await site.cloud.answer(LIST, [schedule(1, A, 14)])
    with pytest.raises(InvalidState):
        await task
    await site.tick(3600)
    assert [name for name, _, _ in site.cloud.asked] == [LIST, SET, LIST]
    assert site.twin(A).limits == Limits(listed=True, theirs=schedule(1, A, 14))
    assert site.told[-1] == (A, None)


async def test_a_limit_at_the_maximum_needs_no_schedule(site: Site) -> None:
    site.fleet.limit(A, lambda _: Limits(theirs=THEIRS))
    await site.set_max(A, 16)
    assert site.cloud.asked == []


# --- smart charging ---


async def test_while_smart_charging_is_off_a_standing_limit_is_pending(site: Site) -> None:
    await site.make(A, 10, 1)
    site.smart_charging(A, False)
    assert (site.twin(A).limits.standing, site.twin(A).limits.lapsed) == (None, Wish(10))
    assert not site.overrides.work_for(site.twin(A))
    with pytest.raises(InvalidState, match="app"):
        site.overrides.check(site.twin(A))
    await site.tick()
    await site.cloud.answer(LIST, [schedule(1, A, 10)])
    await site.cloud.answer(CLEAR, None)
    await site.tick(3600)
    assert site.cloud.waiting() == []
    # When smart charging is on again, or not known, the limit is made again and reported when agreed.
    site.told.clear()
    site.smart_charging(A, True)
    await site.tick()
    await site.cloud.answer(LIST, [])
    assert {current for _, current in site.told} == {None}
    await site.cloud.answer(SET, schedule(2, A, 10))
    assert site.told[-1] == (A, 10)
    assert site.twin(A).limits.lapsed is None
    assert site.overrides.work_for(site.twin(A))


async def test_a_limit_is_given_up_when_smart_charging_is_switched_off_meanwhile(site: Site) -> None:
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    site.smart_charging(A, False)
    await site.cloud.answer(SET, schedule(1, A, 10))
    await site.cloud.answer(CLEAR, None)
    with pytest.raises(InvalidState):
        await task
    assert site.twin(A).limits == Limits(listed=True)
