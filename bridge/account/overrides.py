"""Current limits in the cloud: sees to it that one override of ours carries what is wanted (contract 4)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from structlog.typing import FilteringBoundLogger

from bridge.account.capabilities import Capabilities
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.chargepoint import limits
from bridge.chargepoint.limits import Change, Clear, Limits, Look, Make, Step, next_step
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import BridgeError, CloudError, NotSupported, Rejected, UnknownRequest
from bridge.tasks import BackgroundTasks

T = TypeVar("T")

STEPS: Final = 5
"""Steps for one settlement at most: a look, a refused change, another look, a new override; and one to spare."""

LISTED_FOR: Final = timedelta(days=1)
RETRY_AFTER: Final = timedelta(minutes=1)
RETRY_AT_LEAST: Final = timedelta(hours=6)
"""What could not be settled is tried again after a minute, then after twice as long each time."""


class Overrides:
    """See the module.

    Args:
        cloud: the link.
        fleet: the twins, which carry what is wanted.
        locks: whose turn it is on a charge point.
        capabilities: whether the cloud knows overrides of the current.
        clock: tells the time.
        tasks: run what nobody waits for.
        log: where to say what happens.
    """

    def __init__(
        self,
        *,
        cloud: Link,
        fleet: Fleet,
        locks: Locks,
        capabilities: Capabilities,
        clock: Clock,
        tasks: BackgroundTasks,
        log: FilteringBoundLogger,
    ) -> None:
        self._cloud = cloud
        self._fleet = fleet
        self._turns = locks
        self._capabilities = capabilities
        self._clock = clock
        self._tasks = tasks
        self._log = log
        self._listed: frozenset[int] = frozenset()
        self._listed_at: datetime | None = None
        self._asking: set[str] = set()  # whose override is being made, changed or cleared
        self._settling: set[str] = set()
        self._retry_at: dict[str, datetime] = {}
        self._failures: dict[str, int] = {}

    def work_for(self, twin: Twin) -> bool:
        """Whether this socket can be limited: an override is for a whole charge point."""
        return twin.socket is None and self._capabilities.overrides_known

    # --- within a command ---

    async def want(self, address: str, change: Callable[[Limits], Limits]) -> None:
        """Want something else of a charge point, and see to it; whoever calls this has the turn.

        If it cannot be done, or nobody knows whether it was, it is not wanted any more: what came of it is put right
        later.

        Raises:
            BridgeError: it could not be done.
        """
        twin = self._fleet.twin(address)
        if twin is None:
            return
        before, wished = twin.limits, change(twin.limits)
        if next_step(wished, twin.observed.max_current) is not None:
            self._cloud.check()
        self._fleet.limit(address, change)
        try:
            await self._settle(address)
        except BridgeError:
            self._fleet.limit(address, partial(_taken_back, wished, before))
            raise

    # --- beside commands ---

    async def refresh(self) -> None:
        """After the link came up: look for ours, unless that was done within the day."""
        self._retry_at.clear()
        self._failures.clear()
        if self._listed_at is not None and self._clock.now() - self._listed_at < LISTED_FOR:
            return
        try:
            await self._look()
        except BridgeError as error:
            self._log.warning("the overrides of the current could not be listed", reason=str(error))

    def tick(self) -> None:
        """See to what is due beside commands: mostly a limit to give back after its session."""
        self._fleet.time_passed()
        for twin in self._fleet.twins():
            if self._is_due(twin) and self._may_ask():
                self._settling.add(twin.address)
                self._tasks.start(self._settle_beside(twin))

    def _is_due(self, twin: Twin) -> bool:
        if next_step(twin.limits, twin.observed.max_current) is None or twin.address in self._settling:
            return False
        retry_at = self._retry_at.get(twin.address)
        return not self._turns.of(twin.evse_id).locked() and (retry_at is None or self._clock.now() >= retry_at)

    def _may_ask(self) -> bool:
        try:
            self._cloud.check()
        except CloudError:
            return False
        return True

    async def give_back(self, twins: Iterable[Twin]) -> None:
        """Want nothing of these charge points any more, and clear what stands in the cloud, if that can be done."""
        for twin in twins:
            self._fleet.limit(twin.address, limits.without_wishes)
            if self._may_ask():
                await self._settle_beside(twin)

    async def _settle_beside(self, twin: Twin) -> None:
        address = twin.address
        try:
            async with self._turns.of(twin.evse_id):
                await self._settle(address)
        except BridgeError as error:
            failures = self._failures.get(address, 0)
            delay = min(RETRY_AFTER * 2**failures, RETRY_AT_LEAST)
            self._failures[address] = failures + 1
            self._retry_at[address] = self._clock.now() + delay
            self._log.warning(
                "a current limit could not be brought in line; it is tried again",
                address=address,
                reason=str(error),
                next_try_s=delay.total_seconds(),
            )
        else:
            self._failures.pop(address, None)
            self._retry_at.pop(address, None)
        finally:
            self._settling.discard(address)

    # --- step by step ---

    async def _settle(self, address: str) -> None:
        looked = made = False
        for _ in range(STEPS):
            twin = self._fleet.twin(address)
            step = next_step(twin.limits, twin.observed.max_current) if twin is not None else None
            if twin is None or step is None:
                return
            if isinstance(step, Make) and made:
                raise Rejected("it does not show the limit that it has made. Look at the limits in its app.")
            if isinstance(step, Make) and not looked:
                # What is there already is somebody else's, however alike: known before, in case our answer is lost.
                step = Look()
            looked, made = isinstance(step, Look), made or isinstance(step, Make)
            await self._take(step, twin)

    async def _take(self, step: Step, twin: Twin) -> None:
        match step:
            case Look():
                await self._look()
            case Make(current):
                await self._make(twin, current)
            case Change(schedule_id, current):
                request = requests.edit_override(schedule_id, twin.evse_id, current)
                await self._touch(twin, schedule_id, request, partial(_changed_to, schedule_id, current))
            case Clear(schedule_id):
                await self._touch(twin, schedule_id, requests.clear_override(schedule_id), limits.cleared)
                self._log.info("a current limit is given back", address=twin.address)

    async def _look(self) -> None:
        before = {twin.address: _in_cloud(twin.limits) for twin in self._fleet.twins()}
        try:
            schedules = await self._cloud.ask(requests.list_overrides())
        except UnknownRequest:
            self._capabilities.learn_overrides_unknown()  # without a look, none can be made
            raise
        self._listed = frozenset(schedule.schedule_id for schedule in schedules)
        self._listed_at = self._clock.now()
        for twin in self._fleet.twins():
            # What is asked for, or was done, while the list was on its way is not in it.
            if twin.address not in self._asking and _in_cloud(twin.limits) == before.get(twin.address):
                self._fleet.limit(twin.address, partial(_found_in, schedules, twin.evse_id))

    async def _ask_about(self, twin: Twin, request: requests.Request[T]) -> T:
        self._asking.add(twin.address)
        try:
            return await self._cloud.ask(request)
        finally:
            self._asking.discard(twin.address)

    async def _make(self, twin: Twin, current: int) -> None:
        others = self._listed
        self._fleet.limit(twin.address, lambda before: limits.making(before, current, others))
        try:
            schedule = await self._ask_about(twin, requests.set_override(twin.evse_id, current))
        except (Rejected, NotSupported) as refusal:
            self._fleet.limit(twin.address, limits.not_made)
            if isinstance(refusal, UnknownRequest):
                self._capabilities.learn_overrides_unknown()
            raise
        # Without a `flow_id`, the answer to another charge point's request looks like ours but for what it says.
        if schedule is not None and schedule.charge_points in ((), (twin.evse_id,)):
            self._fleet.limit(twin.address, lambda before: limits.made(before, schedule.schedule_id, current))
            self._log.info("a current limit is in force", address=twin.address, current_a=current)

    async def _touch(
        self, twin: Twin, schedule_id: int, request: requests.Request[None], done: Callable[[Limits], Limits]
    ) -> None:
        """Change or clear ours. A refusal can mean that somebody else has removed it: then all is well."""
        try:
            await self._ask_about(twin, request)
        except Rejected:
            await self._look()
            if schedule_id in self._listed:
                raise
        except CloudError:
            self._fleet.limit(twin.address, partial(_changed_to, schedule_id, None))
            raise
        else:
            self._fleet.limit(twin.address, done)


def _taken_back(wished: Limits, before: Limits, now: Limits) -> Limits:
    """With what was wanted before, unless something else has come to be wanted meanwhile."""
    standing = before.standing if now.standing == wished.standing else now.standing
    session = before.session if now.session == wished.session else now.session
    return replace(now, standing=standing, session=session)


def _changed_to(schedule_id: int, current: int | None, before: Limits) -> Limits:
    return limits.changed(before, schedule_id, current)


def _in_cloud(now: Limits) -> object:
    """What of ours is taken to stand in the cloud."""
    return (now.owned.schedule_id, now.owned.current) if now.owned is not None else None, now.unsure


def _found_in(schedules: Iterable[limits.Schedule], evse_id: str, before: Limits) -> Limits:
    return limits.found(before, evse_id, list(schedules))
