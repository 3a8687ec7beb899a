"""The reconciler of current limits: one override of the bridge in the cloud carries the limit of each charge point.

`bridge.chargepoint.limits` decides which request is due, and `bridge.account.override_requests` makes it. This module
decides when: within a command, or in the background (contract 4, "One owned override").
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.account.capabilities import Capabilities
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.override_requests import OverrideRequests
from bridge.bluecurrent.link import Link
from bridge.chargepoint import limits
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.limits import Limits, Wish
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.deadlines import Deadlines
from bridge.errors import BridgeError, CloudError, InvalidState, NotSupported
from bridge.tasks import BackgroundTasks

RETRY_AFTER_S: Final = 60.0
LONGEST_RETRY_S: Final = 6 * 3600.0
"""A failed reconciliation is repeated after `RETRY_AFTER_S`, then after twice the previous wait, at most this long."""

NO_LIMITS: Final = "The current of this charge point cannot be limited from here."
NOT_COUNTING: Final = (
    "A limit of the current counts only while smart charging is on, and it is off for this charge point. "
    "Switch it on in Blue Current's app, then set the limit again."
)
GIVEN_UP: Final = (
    "The limit was given up before the cloud agreed: the session ended, smart charging went off, or the "
    "charge point was removed from the hub."
)


class Overrides:
    """Makes, changes and clears the bridge's own overrides.

    All waits use the monotonic clock. `tick` does work only for the charge points with a request due, a set that
    `charge_point_changed` maintains.

    Args:
        link: the link to Blue Current.
        requests: makes the requests.
        fleet: the twins, which carry the wanted limits.
        locks: one lock for each charge point.
        capabilities: whether the cloud knows current overrides.
        clock: the source of time.
        tasks: runs work in the background.
        log: gets a line for each failure in the background.
    """

    def __init__(
        self,
        *,
        link: Link,
        requests: OverrideRequests,
        fleet: Fleet,
        locks: Locks,
        capabilities: Capabilities,
        clock: Clock,
        tasks: BackgroundTasks,
        log: FilteringBoundLogger,
    ) -> None:
        self._link = link
        self._requests = requests
        self._fleet = fleet
        self._locks = locks
        self._capabilities = capabilities
        self._clock = clock
        self._tasks = tasks
        self._log = log
        self._due: set[str] = set()  # addresses with a request due
        self._settling: set[str] = set()  # addresses that are reconciled in the background
        self._retry_at: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._deadlines = Deadlines[float]()  # when limits change by the passing of time alone

    # --- whether a limit is possible ---

    def work_for(self, twin: Twin) -> bool:
        """Whether this socket can be limited now. It cannot while smart charging is off."""
        return self.can_limit(twin) and twin.overrides_count

    def check(self, twin: Twin) -> None:
        """Check that this socket can be limited now.

        Raises:
            NotSupported: the charge point has several sockets, or the cloud does not know overrides.
            InvalidState: smart charging is off, so overrides do not count.
        """
        if not self.can_limit(twin):
            raise NotSupported(NO_LIMITS)
        if not twin.overrides_count:
            raise InvalidState(NOT_COUNTING)

    def can_limit(self, twin: Twin) -> bool:
        """Whether this socket can ever be limited. One of several cannot: an override is for a whole charge point."""
        return twin.socket is None and self._capabilities.overrides_known

    # --- within a command ---

    async def want(self, address: str, change: Callable[[Wish], Wish]) -> None:
        """Change the limits of a charge point, and return once the cloud has agreed. The caller holds its lock.

        Until then the new limits are pending, and not reported. On failure the previous limits are restored; the next
        tick reconciles an unknown outcome.

        Raises:
            InvalidState: smart charging is off, a schedule of the user's own exists, or the wish was given up while
                the request was in flight.
            BridgeError: the cloud cannot be reached, or did not carry out a request.
        """
        twin = self._fleet.twin(address)
        if twin is None:
            return
        most, wanted = twin.observed.max_current, twin.limits.wanted
        wish = change(wanted)
        if not twin.overrides_count and wish.lowest(most) not in (None, wanted.lowest(most)):
            raise InvalidState(NOT_COUNTING)
        self._fleet.limit(address, partial(limits.with_request, wish=wish))
        try:
            if self._fleet.expect(address).limit_step is not None:
                self._link.check()
            await self._requests.settle(address)
            self._confirm(address)
        finally:
            self._fleet.limit(address, limits.without_request)

    def _confirm(self, address: str) -> None:
        twin = self._fleet.expect(address)
        if twin.limits.asked is None:
            theirs = twin.limits.theirs
            raise InvalidState(_theirs_is_there(theirs) if theirs is not None else GIVEN_UP)
        self._fleet.limit(address, partial(limits.agreed, counts=twin.overrides_count))

    # --- in the background ---

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """Record whether a request is due for a changed charge point, and when its limits change by time alone."""
        for twin in after.sockets if after is not None else ():
            self._note(twin)
        for twin in before.sockets if before is not None else ():
            if after is None or after.socket(twin.address) is None:
                self._due.discard(twin.address)
                self._deadlines.move(twin.address, None)

    def _note(self, twin: Twin) -> None:
        address = twin.address
        pending = twin.limits.lapsed is not None and twin.overrides_count
        if twin.limits.asked is None and (pending or twin.limit_step is not None):
            self._due.add(address)
        else:
            self._due.discard(address)
        now = self._clock.now()
        when = twin.limits_change_at(now)
        if when is None:
            self._deadlines.move(address, None)
            return
        deadline = self._clock.monotonic() + max(0.0, (when - now).total_seconds())
        known = self._deadlines.of(address)
        if known is None or abs(known - deadline) > 1:
            self._deadlines.move(address, deadline)

    async def refresh(self) -> None:
        """Read the list of overrides after the link came up, unless it was read within the last day."""
        self._retry_at.clear()
        self._failures.clear()
        try:
            await self._requests.read_list_if_due()
        except BridgeError as error:
            self._log.warning("the limits could not be read; they are read before the next change", reason=str(error))

    def tick(self) -> None:
        """Start the requests that are due without a command, mostly to clear a limit after its session."""
        for address in list(self._deadlines.reached(self._clock.monotonic())):
            self._fleet.limit(address, _unchanged)  # every change of a twin's limits drops the expired ones
            twin = self._fleet.twin(address)
            if twin is not None:
                self._note(twin)
        for address in list(self._due):
            twin = self._fleet.twin(address)
            if twin is not None and self._may_settle(twin) and self._may_ask():
                self._settling.add(address)
                self._tasks.start(self._settle_in_background(twin))

    def _may_settle(self, twin: Twin) -> bool:
        retry_at = self._retry_at.get(twin.address)
        return (
            twin.address not in self._settling
            and not self._locks.of(twin.evse_id).locked()
            and (retry_at is None or self._clock.monotonic() >= retry_at)
        )

    def _may_ask(self) -> bool:
        try:
            self._link.check()
        except CloudError:
            return False
        return True

    async def give_back(self, twins: Iterable[Twin]) -> None:
        """Drop every limit of these sockets, and clear their overrides in the cloud if it can be reached."""
        for twin in twins:
            self._fleet.limit(twin.address, limits.without_wishes)
            if self._may_ask():
                await self._settle_in_background(twin)

    async def _settle_in_background(self, twin: Twin) -> None:
        address = twin.address
        try:
            async with self._locks.of(twin.evse_id):
                await self._requests.settle(address)
                counts = (self._fleet.twin(address) or twin).overrides_count
                self._fleet.limit(address, partial(limits.agreed, counts=counts))
        except BridgeError as error:
            failures = self._failures.get(address, 0)
            delay = min(RETRY_AFTER_S * 2**failures, LONGEST_RETRY_S)
            self._failures[address] = failures + 1
            self._retry_at[address] = self._clock.monotonic() + delay
            self._log.warning(
                "a current limit could not be set or removed; the bridge tries again",
                address=address,
                reason=str(error),
                next_try_s=delay,
            )
        else:
            self._failures.pop(address, None)
            self._retry_at.pop(address, None)
        finally:
            self._settling.discard(address)


def _unchanged(before: Limits) -> Limits:
    return before


def _theirs_is_there(theirs: Schedule) -> str:
    current = f" to {theirs.current:g} A" if theirs.current is not None else ""
    return (
        f"A schedule of the user's own limits this charge point{current}. Blue Current keeps one for each charge "
        "point, so the bridge makes none in its place. Remove it in Blue Current's app, then set the limit again."
    )
