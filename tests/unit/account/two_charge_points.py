"""Two charge points of 16 A, their limits, and a cloud that answers when a test says so."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast

from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.overrides import Overrides
from bridge.bluecurrent.frames import SocketStatus
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.limits import Limits, Wish
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update
from bridge.errors import BridgeError
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


def schedule(number: int, evse_id: str, current: int) -> Schedule:
    """An override as the bridge makes them."""
    return Schedule.always_on(number, evse_id, current)


THEIRS = Schedule(5, (A,), 9, days=(6, 7))
