"""The account as the bridge sees it: a twin for each socket and for each grid connection, and the charge cards."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.bluecurrent.frames import ListedChargePoint, SocketStatus
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.grid import Grid, GridTwin, grid_address
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.power import NOMINAL_VOLTAGE_V
from bridge.chargepoint.session import Memory
from bridge.chargepoint.status import Activity
from bridge.chargepoint.twin import Steering, Twin
from bridge.chargepoint.update import Update
from bridge.clock import Clock
from bridge.errors import UnknownAddress


@dataclass(eq=False, slots=True)
class _Waiter:
    address: str
    condition: Callable[[Twin], bool]
    done: asyncio.Future[None]


class Fleet:
    """All twins.

    Args:
        clock: tells the time.
        memories: what is remembered of the sessions of sockets, by address.
        steerings: what else is remembered of them.
        on_change: is told of every change of a socket's twin: before and after. None before: it is new; None after:
            it is gone.
        on_grid_change: the same for grid connections.
        nominal_voltage: the one in force, V.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        memories: Mapping[str, Memory],
        steerings: Mapping[str, Steering],
        on_change: Callable[[Twin | None, Twin | None], None],
        on_grid_change: Callable[[GridTwin | None, GridTwin | None], None],
        nominal_voltage: Callable[[], float] = lambda: NOMINAL_VOLTAGE_V,
    ) -> None:
        self._clock = clock
        now = clock.now()
        self._memories = {address: memory.restored(now) for address, memory in memories.items()}
        self._steerings = dict(steerings)
        self._on_change = on_change
        self._on_grid_change = on_grid_change
        self._nominal_voltage = nominal_voltage
        self._grids: dict[str, GridTwin] = {}
        self.cards: Sequence[Card] = ()
        self._twins: dict[str, Twin] = {}
        self._addresses: dict[str, list[str]] = {}  # of the sockets of each charge point
        self._waiters: list[_Waiter] = []

    # --- looking ---

    def twins(self) -> Sequence[Twin]:
        """All of them, by address."""
        return [self._twins[address] for address in sorted(self._twins)]

    def twin(self, address: str) -> Twin | None:
        """The twin of a socket."""
        return self._twins.get(address)

    def expect(self, address: str) -> Twin:
        """The twin of a socket that a command names.

        Raises:
            UnknownAddress: it has gone.
        """
        twin = self.twin(address)
        if twin is None:
            raise UnknownAddress(f"There is no charge point {address} any more.")
        return twin

    def sockets(self, evse_id: str) -> Sequence[Twin]:
        """The twins of a charge point, one for each socket."""
        return [self._twins[address] for address in self._addresses.get(evse_id, ())]

    def evse_ids(self) -> Sequence[str]:
        """The charge points."""
        return sorted(self._addresses)

    def grids(self) -> Sequence[GridTwin]:
        """The grid connections, by address."""
        return [self._grids[address] for address in sorted(self._grids)]

    def grid(self, address: str) -> GridTwin | None:
        """The twin of a grid connection."""
        return self._grids.get(address)

    def next_change(self, after: datetime, grace: timedelta) -> datetime | None:
        """When, after a moment, the state of some socket may change with nothing happening."""
        times = [twin.next_change(after, grace) for twin in self._twins.values()]
        times += [grid.link_down_since + grace for grid in self._grids.values() if grid.link_down_since is not None]
        return min((when for when in times if when is not None and when > after), default=None)

    # --- changing ---

    def restore(self, charge_points: Mapping[str, ChargePointSettings], grids: Mapping[str, Sequence[str]]) -> None:
        """Take up what was known before a restart; nothing has been seen of it yet.

        Args:
            charge_points: by evse_id.
            grids: the charge points behind each grid connection, by the cloud's name for it.
        """
        now = self._clock.now()
        for grid_id, evse_ids in grids.items():
            twin_ = GridTwin(grid=Grid(id=grid_id), evse_ids=frozenset(evse_ids) & frozenset(charge_points))
            if twin_.address and twin_.evse_ids:
                self._put_grid(None, twin_.link_lost(now))
        for evse_id, evse in charge_points.items():
            for twin in self._make(evse_id, evse):
                self._put(None, twin.link_lost(now))

    def listed(self, listed: Sequence[ListedChargePoint]) -> None:
        """Take up the account's charge points: what is new comes, what is not listed any more goes."""
        names = {item.evse_id for item in listed}
        for twin in self.twins():
            if twin.evse_id not in names:
                self._remove(twin)
        for item in listed:
            self.described(item.evse_id, item.update, may_be_new=True)
            for twin in self.sockets(item.evse_id):
                self._put(twin, twin.listed(item.activity))

    def described(self, evse_id: str, update: Update[ChargePointSettings], *, may_be_new: bool = False) -> None:
        """A charge point was described, or its settings have changed."""
        present = self.sockets(evse_id)
        if not present and not may_be_new:
            return
        evse = update.onto(present[0].settings if present else ChargePointSettings())
        wanted = {twin.address: twin for twin in self._make(evse_id, evse)}
        for twin in present:
            if twin.address not in wanted:
                self._remove(twin)
        for address, new in wanted.items():
            before = self._twins.get(address)
            self._put(before, new.link_lost(self._clock.now()) if before is None else before.described(update))

    def pushed(self, evse_id: str, sockets: Iterable[SocketStatus]) -> None:
        """A charge point sent its status."""
        now = self._clock.now()
        twins = self.sockets(evse_id)
        for status in sockets:
            for twin in twins:
                if _concerns(status, twin, alone=len(twins) == 1):
                    after = twin.pushed(status.update, now, self._nominal_voltage())
                    self._put(twin, after.link_found())

    def link_lost(self) -> None:
        """The link went down: from now on nothing is seen."""
        now = self._clock.now()
        for twin in self.twins():
            self._put(twin, twin.link_lost(now))
        for grid in self.grids():
            self._put_grid(grid, grid.link_lost(now))

    def link_found(self, grace: timedelta) -> None:
        """The link came up. Charge points are seen again with their first status, not before."""
        now = self._clock.now()
        for grid in self.grids():
            self._put_grid(grid, grid.link_found(now, grace))

    def remember(self, address: str, change: Callable[[Memory], Memory]) -> None:
        """A command of ours had an outcome, or the account's transactions told more of a session."""
        twin = self._twins.get(address)
        if twin is not None:
            self._put(twin, twin.remembering(change))

    def limit(self, address: str, change: Callable[[Limits], Limits]) -> None:
        """Something else is wanted of a socket, or stands in the cloud for it."""
        twin = self._twins.get(address)
        if twin is not None:
            self._put(twin, twin.limited(change).at(self._clock.now()))

    def time_passed(self) -> None:
        """Give back what is due to be given back with nothing happening."""
        now = self._clock.now()
        for twin in self.twins():
            self._put(twin, twin.at(now))

    # --- grid connections ---

    def grid_told(self, evse_id: str, update: Update[Grid]) -> None:
        """A GRID_STATUS has told which grid connection a charge point is behind, and what flows there."""
        grid_id = update.values.id
        if not grid_address(grid_id) or evse_id not in self._addresses:
            return
        for other in self.grids():
            if other.grid.id != grid_id and evse_id in other.evse_ids:
                self._leave_grid(other, evse_id)
        before = self._grids.get(grid_address(grid_id))
        twin = before or GridTwin(grid=Grid(id=grid_id))
        self._put_grid(before, replace(twin, evse_ids=twin.evse_ids | {evse_id}).pushed(update))

    def grid_pushed(self, evse_id: str, update: Update[Grid]) -> None:
        """A GRID_CURRENT: what flows at the connection that a charge point is behind."""
        for grid in self.grids():
            if evse_id in grid.evse_ids:
                self._put_grid(grid, grid.pushed(update))

    def _put_grid(self, before: GridTwin | None, after: GridTwin) -> None:
        if before != after:
            self._grids[after.address] = after
            self._on_grid_change(before, after)

    def _leave_grid(self, grid: GridTwin, evse_id: str) -> None:
        left = replace(grid, evse_ids=grid.evse_ids - {evse_id})
        if left.evse_ids:
            self._put_grid(grid, left)
        else:
            del self._grids[grid.address]
            self._on_grid_change(grid, None)

    def _make(self, evse_id: str, evse: ChargePointSettings) -> list[Twin]:
        sockets: list[int | None] = list(evse.socket_ids) if len(evse.socket_ids) > 1 else [None]
        twins = [Twin(evse_id=evse_id, socket=socket, settings=evse) for socket in sockets]
        return [self._remembered(twin) for twin in twins]

    def _remembered(self, twin: Twin) -> Twin:
        steering = self._steerings.get(twin.address, Steering())
        memory = self._memories.get(twin.address, Memory())
        return replace(twin, memory=memory, observed=steering.observed, limits=steering.limits)

    def _put(self, before: Twin | None, after: Twin) -> None:
        if before == after:
            return
        self._twins[after.address] = after
        if before is None:
            self._addresses.setdefault(after.evse_id, []).append(after.address)
        self._memories[after.address] = after.memory
        self._steerings[after.address] = after.steering
        self._on_change(before, after)
        for waiter in self._waiters:
            if waiter.address == after.address and not waiter.done.done() and waiter.condition(after):
                waiter.done.set_result(None)

    def _remove(self, twin: Twin) -> None:
        del self._twins[twin.address]
        self._addresses[twin.evse_id].remove(twin.address)
        if not self._addresses[twin.evse_id]:
            del self._addresses[twin.evse_id]
        self._on_change(twin, None)
        if twin.evse_id not in self._addresses:
            for grid in self.grids():
                if twin.evse_id in grid.evse_ids:
                    self._leave_grid(grid, twin.evse_id)

    # --- waiting ---

    async def wait_until(self, address: str, condition: Callable[[Twin], bool], timeout: float) -> None:
        """Wait until a twin fulfils a condition, but not longer than `timeout` seconds."""
        twin = self._twins.get(address)
        if twin is None or condition(twin):
            return
        waiter = _Waiter(address, condition, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter.done
        except TimeoutError:
            pass
        finally:
            self._waiters.remove(waiter)


def _concerns(status: SocketStatus, twin: Twin, *, alone: bool) -> bool:
    """Whether a status is about this socket: by its number, or because there is only one.

    Of a charge point with several, a status without a number can only say that all of it is away.
    """
    if alone:
        return True
    if status.socket is not None:
        return status.socket == twin.socket
    return status.update.values.activity is Activity.OFFLINE
