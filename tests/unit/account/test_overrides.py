"""Current limits of several charge points at once, with answers at scripted times."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

import pytest

from bridge.account.capabilities import Capabilities
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.overrides import Overrides
from bridge.bluecurrent.frames import ListedChargePoint, SocketStatus
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import limits
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.limits import Limits, SessionLimit, Wish
from bridge.chargepoint.observed import Observed
from bridge.chargepoint.schedules import Owned, Schedule
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Steering, Twin
from bridge.chargepoint.update import Update
from bridge.errors import BridgeError, Disconnected, InvalidState, Rejected, VerdictTimeout
from bridge.logs import Log
from bridge.storage.storage import Storage
from bridge.tasks import BackgroundTasks, end
from tests.clock import FakeClock, settle

T = TypeVar("T")
A, B = "BCU1", "BCU2"


@dataclass
class HeldCloud:
    """Keeps every request until it is answered."""

    asked: list[tuple[str, dict[str, Any], asyncio.Future[Any]]] = field(default_factory=list)

    def check(self) -> None:
        """See `Link`."""

    async def ask(self, request: Request[T]) -> T:
        """See `Link`."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.asked.append((request.command, dict(request.parameters), answer))
        return cast("T", await answer)

    async def answer(self, command: str, answer: object, evse_id: str | None = None) -> None:
        """Answer the oldest request of a name, or the one for a charge point; an exception refuses it."""
        await settle()
        waiting = next(
            future
            for name, parameters, future in self.asked
            if name == command and not future.done() and evse_id in (None, *parameters.get("chargepoints", ()))
        )
        if isinstance(answer, BridgeError):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)
        await settle()

    def waiting(self) -> list[str]:
        """The requests that are not answered."""
        return [name for name, _, future in self.asked if not future.done()]


LIST, SET = "LIST_OVERRIDE_CURRENT", "POST_SET_OVERRIDE_CURRENT"
EDIT, CLEAR = "POST_EDIT_OVERRIDE_CURRENT", "POST_CLEAR_OVERRIDE_CURRENT"


@dataclass
class Site:
    """Two charge points of 16 A, and their limits."""

    clock: FakeClock
    cloud: HeldCloud
    fleet: Fleet
    overrides: Overrides
    locks: Locks
    told: list[tuple[str, int | None]]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def limits(self, evse_id: str) -> Limits:
        """Of one of them."""
        twin = self.fleet.twin(evse_id)
        assert twin is not None
        return twin.limits

    def twin(self, evse_id: str) -> Twin:
        """One of them."""
        return self.fleet.expect(evse_id)

    def smart_charging(self, evse_id: str, on: bool | None) -> None:
        """Push whether smart charging is on."""
        self.fleet.described(evse_id, Update(ChargePointSettings(smart_charging=on), frozenset({"smart_charging"})))

    def charge(self, evse_id: str, current: float) -> None:
        """The cloud pushes that a session is on, and what flows."""
        values = Status(activity=Activity.CHARGING, vehicle=Vehicle.READY, current_1=current)
        self.fleet.pushed(
            evse_id, [SocketStatus(evse_id, None, Update(values, frozenset({"activity", "vehicle", "current_1"})))]
        )

    async def tick(self, seconds: float = 1.0) -> None:
        """Time passes, then the service's tick."""
        self.clock.move(seconds)
        self.overrides.tick()
        await settle()

    async def make(self, evse_id: str, current: int, number: int) -> None:
        """A standing limit is wanted, and made."""
        task = self.set_max(evse_id, current)
        await self.cloud.answer(LIST, [])
        await self.cloud.answer(SET, schedule(number, evse_id, current), evse_id)
        await task

    def set_max(self, evse_id: str, current: int) -> asyncio.Task[None]:
        """A standing limit is wanted."""
        change = partial(Wish.with_standing, current=current, most=16)
        task = asyncio.create_task(self.overrides.want(evse_id, change))
        self.tasks.append(task)
        return task


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """See `Site`."""
    clock, cloud, locks = FakeClock(), HeldCloud(), Locks()
    told: list[tuple[str, int | None]] = []

    def reported(_: ChargePoint | None, after: ChargePoint | None) -> None:
        if after is not None:
            told.append((after.evse_id, after.sockets[0].limits.standing))

    fleet = Fleet(
        clock=clock,
        memories={},
        steerings={evse_id: Steering(observed=Observed(max_current=16)) for evse_id in (A, B)},
    )
    log = Log("fatal", "json", io.StringIO()).logger
    tasks = BackgroundTasks(log)
    overrides = Overrides(
        cloud=cast("Link", cloud),
        fleet=fleet,
        locks=locks,
        capabilities=Capabilities(Storage(":memory:")),
        clock=clock,
        tasks=tasks,
        log=log,
    )
    fleet.listeners = (overrides.charge_point_changed, reported)
    fleet.listed([ListedChargePoint(evse_id, Update(ChargePointSettings(), frozenset())) for evse_id in (A, B)])
    told.clear()
    site = Site(clock, cloud, fleet, overrides, locks, told)
    yield site
    await tasks.end()
    await end(*site.tasks)


def schedule(number: int, evse_id: str, current: int) -> Schedule:
    """An override as the bridge makes them."""
    return Schedule.always_on(number, evse_id, current)


THEIRS = Schedule(5, (A,), 9, days=(6, 7))


# --- several at once ---


async def test_a_look_for_one_charge_point_does_not_forget_what_is_being_made_for_another(site: Site) -> None:
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


async def test_a_list_that_is_older_than_what_was_made_does_not_forget_it(site: Site) -> None:
    first = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    second = site.set_max(B, 12)
    await site.cloud.answer(SET, schedule(1, A, 10), A)
    await first
    await site.cloud.answer(LIST, [])  # from before that
    await site.cloud.answer(SET, schedule(2, B, 12), B)
    await second
    assert site.twin(A).limits.owned == Owned(1, 10)


async def test_an_answer_for_another_charge_point_is_not_taken_for_ours(site: Site) -> None:
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


async def test_nothing_is_told_before_the_cloud_has_agreed(site: Site) -> None:
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    assert site.twin(A).limits.asked == Wish(10)
    assert {current for _, current in site.told} == {None}
    await site.cloud.answer(SET, schedule(1, A, 10))
    await task
    assert site.told[-1] == (A, 10)
    assert site.twin(A).limits.asked is None


@pytest.mark.parametrize("error", [Rejected("not allowed"), VerdictTimeout("no answer"), Disconnected("away")])
async def test_after_a_failure_nothing_was_told_and_what_held_holds(site: Site, error: BridgeError) -> None:
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


async def test_a_change_of_unknown_outcome_is_looked_up_and_put_back(site: Site) -> None:
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


async def test_one_that_cannot_be_told_is_not_made_over_and_over(site: Site) -> None:
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    await site.cloud.answer(SET, None)  # no id
    await site.cloud.answer(LIST, [])  # and it does not show
    assert site.cloud.waiting() == []
    with pytest.raises(Rejected):
        await task
    await site.tick()
    assert site.cloud.waiting() == []


async def test_a_change_that_fails_does_not_bring_back_what_was_given_up_meanwhile(site: Site) -> None:
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


async def test_a_change_that_succeeds_does_not_either(site: Site) -> None:
    await site.make(A, 10, 1)
    second = site.set_max(A, 12)
    await site.cloud.answer(LIST, [schedule(1, A, 10)])
    site.fleet.limit(A, limits.without_wishes)
    await site.cloud.answer(EDIT, None)
    await site.cloud.answer(CLEAR, None)
    with pytest.raises(InvalidState):
        await second
    assert site.twin(A).limits == Limits(listed=True)


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
async def test_ours_that_was_edited_elsewhere_is_neither_edited_nor_cleared(site: Site, wanted: int) -> None:
    await site.make(A, 10, 1)
    task = site.set_max(A, wanted)
    await site.cloud.answer(LIST, [schedule(1, A, 14)])
    with pytest.raises(InvalidState):
        await task
    await site.tick(3600)
    assert [name for name, _, _ in site.cloud.asked] == [LIST, SET, LIST]
    assert site.twin(A).limits == Limits(listed=True, theirs=schedule(1, A, 14))
    assert site.told[-1] == (A, None)


async def test_a_limit_at_the_most_needs_no_schedule(site: Site) -> None:
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


async def test_smart_charging_that_goes_off_while_a_limit_is_made_gives_it_up(site: Site) -> None:
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    site.smart_charging(A, False)
    await site.cloud.answer(SET, schedule(1, A, 10))
    await site.cloud.answer(CLEAR, None)
    with pytest.raises(InvalidState):
        await task
    assert site.twin(A).limits == Limits(listed=True)


# --- the next request ---


async def test_what_cannot_be_done_is_tried_again_later_by_a_clock_that_nobody_sets(site: Site) -> None:
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


async def test_a_limit_for_a_session_that_did_not_come_is_given_back(site: Site) -> None:
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
