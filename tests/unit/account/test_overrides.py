"""Current limits of several charge points at once, with answers that come when the test says so."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast

import pytest

from bridge.account.capabilities import Capabilities
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.overrides import Overrides
from bridge.bluecurrent.frames import ListedChargePoint
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import limits
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.limits import Limits, Schedule
from bridge.chargepoint.observed import Observed
from bridge.chargepoint.twin import Steering
from bridge.chargepoint.update import Update
from bridge.errors import BridgeError, Rejected, VerdictTimeout
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

    cloud: HeldCloud
    fleet: Fleet
    overrides: Overrides
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def limits(self, evse_id: str) -> Limits:
        """Of one of them."""
        twin = self.fleet.twin(evse_id)
        assert twin is not None
        return twin.limits

    def set_max(self, evse_id: str, current: int) -> asyncio.Task[None]:
        """A standing limit is wanted."""
        change = partial(limits.with_standing, current=current, most=16)
        task = asyncio.create_task(self.overrides.want(evse_id, change))
        self.tasks.append(task)
        return task


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """See `Site`."""
    clock, cloud = FakeClock(), HeldCloud()
    fleet = Fleet(
        clock=clock,
        memories={},
        steerings={evse_id: Steering(observed=Observed(max_current=16)) for evse_id in (A, B)},
    )
    fleet.listed([ListedChargePoint(evse_id, Update(ChargePointSettings(), frozenset())) for evse_id in (A, B)])
    log = Log("fatal", "json", io.StringIO()).logger
    tasks = BackgroundTasks(log)
    overrides = Overrides(
        cloud=cast("Link", cloud),
        fleet=fleet,
        locks=Locks(),
        capabilities=Capabilities(Storage(":memory:")),
        clock=clock,
        tasks=tasks,
        log=log,
    )
    site = Site(cloud, fleet, overrides)
    yield site
    await tasks.end()
    await end(*site.tasks)


def schedule(number: int, evse_id: str, current: int) -> Schedule:
    """An override as the bridge makes them."""
    return Schedule(number, (evse_id,), current, always=True)


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
    # It was made all the same: it is found, and cleared.
    site.overrides.tick()
    await site.cloud.answer(LIST, [schedule(1, A, 10), schedule(2, B, 12)])
    await site.cloud.answer(CLEAR, None)
    assert site.limits(A) == Limits()
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
    assert site.limits(A).owned == limits.Owned(1, 10)


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
    assert site.limits(A).owned == limits.Owned(1, 10)
    assert site.limits(B).owned == limits.Owned(2, 12)


async def test_one_that_cannot_be_told_is_not_made_over_and_over(site: Site) -> None:
    task = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    await site.cloud.answer(SET, None)  # no id
    while LIST in site.cloud.waiting():
        await site.cloud.answer(LIST, [Schedule(1, (A,), 10)])  # and not as it was asked for
    assert site.cloud.waiting() == []
    with pytest.raises(Rejected):
        await task
    site.overrides.tick()
    await settle()
    assert site.cloud.waiting() == []


async def test_a_change_that_fails_does_not_bring_back_what_was_given_up_meanwhile(site: Site) -> None:
    """The thing is deleted while its limit is being changed: nobody could lift the old one any more."""
    first = site.set_max(A, 10)
    await site.cloud.answer(LIST, [])
    await site.cloud.answer(SET, schedule(1, A, 10))
    await first
    second = site.set_max(A, 12)
    await settle()
    site.fleet.limit(A, limits.without_wishes)
    await site.cloud.answer(EDIT, VerdictTimeout("no answer"))
    with pytest.raises(VerdictTimeout):
        await second
    site.overrides.tick()
    await site.cloud.answer(CLEAR, None)
    assert site.limits(A) == Limits()
