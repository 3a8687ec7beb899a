"""The requests about override schedules, and the record of what each shows of a charge point's schedules.

Both the bridge's own override (`bridge.account.overrides`) and the user's schedule (`bridge.account.user_schedules`)
are read and changed here (design page 3, "Requests").
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

from structlog.typing import FilteringBoundLogger

from bridge.account.capabilities import Capabilities
from bridge.account.fleet import CHUNK, Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import limits
from bridge.chargepoint.limits import NOTHING, Change, Clear, LimitStep, Make, ReadList
from bridge.chargepoint.schedules import Schedule, There
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import CloudError, NotSupported, Rejected, UnknownRequest

T = TypeVar("T")

STEPS: Final = 6
"""The most steps of one reconciliation: list, change (refused), list, make, list, and one to spare."""

LISTED_FOR_S: Final = 24 * 3600.0
"""How long the list of overrides stays valid over reconnects, s."""


class OverrideRequests:
    """Reads, makes, changes and clears override schedules.

    Args:
        link: the link to Blue Current.
        fleet: the twins, which carry the limits and the schedules.
        capabilities: gets whether the cloud knows current overrides.
        clock: the source of time.
        log: gets a line for each limit that is set, changed or removed.
    """

    def __init__(
        self, *, link: Link, fleet: Fleet, capabilities: Capabilities, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._capabilities = capabilities
        self._clock = clock
        self._log = log
        self._listed: frozenset[int] = frozenset()
        self._listed_at: float | None = None
        self._asking: set[str] = set()  # addresses with a request in flight that changes their override

    # --- the list ---

    async def read_list_if_due(self) -> None:
        """Read the list of overrides, unless it was read within the last day. The errors are those of `read_list`."""
        if self._listed_at is None or self._clock.monotonic() - self._listed_at >= LISTED_FOR_S:
            await self.read_list()

    def doubt_list(self) -> None:
        """Read the list of overrides again at the next reconnect, since the outcome of a change is unknown."""
        self._listed_at = None

    async def read_list(self) -> None:
        """Read the list of overrides, and record which schedule each charge point has.

        Raises:
            UnknownRequest: the cloud does not know overrides. This is remembered.
            BridgeError: the cloud did not answer.
        """
        before = {twin.address: (twin.limits.there, twin.limits.theirs) for twin in self._fleet.twins()}
        try:
            schedules = await self._link.ask(requests.list_overrides())
        except UnknownRequest:
            self._capabilities.learn_overrides_unknown()  # without a list, no override can be made
            raise
        self._listed = frozenset(one.schedule_id for one in schedules if one.schedule_id is not None)
        self._listed_at = self._clock.monotonic()
        for number, (address, (there, theirs)) in enumerate(before.items(), 1):
            if number % CHUNK == 0:
                await asyncio.sleep(0)
            twin = self._fleet.twin(address)
            if twin is None or address in self._asking:
                continue
            # The list does not show a change that was requested or made while it was on its way.
            if _same(twin.limits.there, there) and twin.limits.theirs == theirs:
                self._record_list(twin, schedules)

    def _record_list(self, twin: Twin, schedules: Sequence[Schedule]) -> None:
        now = self._clock.now()
        after = replace(limits.found(twin.limits, twin.evse_id, schedules, now), listed=True)
        if after.theirs is not None and twin.limits.wanted != NOTHING:
            self._log.warning(
                "a schedule from Blue Current's app limits this charge point; the limit set from the hub ends",
                address=twin.address,
                current_a=after.theirs.current,
            )
        self._fleet.limit(twin.address, lambda _: after)

    async def ask(self, twin: Twin, request: Request[T]) -> T:
        """Make a request that changes a charge point's schedules in the cloud.

        Raises:
            UnknownRequest: the cloud does not know overrides. This is remembered.
            BridgeError: the errors of `Link.ask`.
        """
        self._asking.add(twin.address)
        try:
            return await self._link.ask(request)
        except UnknownRequest:
            self._capabilities.learn_overrides_unknown()
            raise
        finally:
            self._asking.discard(twin.address)

    # --- the steps of a reconciliation ---

    async def settle(self, address: str) -> None:
        """Take the steps that are due. The list is read before an override is made, changed or cleared.

        Raises:
            BridgeError: the cloud cannot be reached, or did not carry out a request.
        """
        listed = made = False
        for _ in range(STEPS):
            twin = self._fleet.twin(address)
            step = twin.limit_step if twin is not None else None
            if twin is None or step is None:
                return
            if isinstance(step, Make) and made:
                raise Rejected("it does not show the limit that it has made. Look at the limits in its app.")
            if not listed:
                step = ReadList()
            listed, made = listed or isinstance(step, ReadList), made or isinstance(step, Make)
            await self._execute(step, twin)

    async def _execute(self, step: LimitStep, twin: Twin) -> None:
        match step:
            case ReadList():
                await self.read_list()
            case Make(current):
                await self._make(twin, current)
            case Change(schedule_id, current):
                request = requests.edit_schedule(Schedule.always_on(schedule_id, twin.evse_id, current))
                await self._edit(twin, schedule_id, current, request)
            case Clear(schedule_id):
                await self._edit(twin, schedule_id, None, requests.clear_override(schedule_id))

    async def _make(self, twin: Twin, current: int) -> None:
        others = self._listed
        self._fleet.limit(twin.address, lambda before: limits.making(before, current, others))
        try:
            request = requests.make_schedule(Schedule.always_on(0, twin.evse_id, current))
            schedule = await self.ask(twin, request)
        except (Rejected, NotSupported):
            self._fleet.limit(twin.address, limits.not_made)
            raise
        # Without a `flow_id`, only the content distinguishes the answer from one for another charge point.
        ours = schedule is not None and schedule.charge_points in ((), (twin.evse_id,))
        number = schedule.schedule_id if schedule is not None and ours else None
        if number is not None:
            now = self._clock.now()
            self._fleet.limit(twin.address, lambda before: limits.made(before, number, current, now))
            self._log.info("a current limit is set in the cloud", address=twin.address, current_a=current)

    async def _edit(self, twin: Twin, schedule_id: int, current: int | None, request: Request[None]) -> None:
        """Change the bridge's override, or clear it (`current` is None). A refusal can mean that it is gone."""
        self._fleet.limit(twin.address, lambda before: limits.changing(before, current))
        try:
            await self.ask(twin, request)
        except Rejected:
            await self.read_list()
            if schedule_id in self._listed:
                raise
        except CloudError:
            self._fleet.limit(twin.address, lambda before: limits.change_unknown(before, schedule_id, current))
            raise
        else:
            now = self._clock.now()
            if current is None:
                self._fleet.limit(twin.address, limits.cleared)
                self._log.info("a current limit is removed from the cloud", address=twin.address)
            else:
                self._fleet.limit(twin.address, lambda before: limits.changed(before, schedule_id, current, now))
                self._log.info("a current limit is set in the cloud", address=twin.address, current_a=current)


def _same(now: There, before: There) -> bool:
    """Whether both name the same override of the bridge."""
    one, other = ((there.owned.schedule_id, there.owned.current) if there.owned else None for there in (now, before))
    return one == other and now.unsure == before.unsure
