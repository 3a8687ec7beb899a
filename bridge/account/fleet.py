"""The bridge's picture of the account: a twin for each socket and each grid connection, and the charge cards.

Each change is announced once per charge point, as its state before and after with all its sockets. `bridge.wiring`
lists the listeners and their order.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from bridge.account.waiters import Waiters
from bridge.bluecurrent.bodies import AccountBody, ListedChargePoint, SocketStatus
from bridge.chargepoint import limits
from bridge.chargepoint.charge_point import MOST_SOCKETS, ChargePoint, socket_numbers
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.grid import Grid, GridTwin, grid_address, has_own_address
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.power import NOMINAL_VOLTAGE_V
from bridge.chargepoint.session import Memory
from bridge.chargepoint.twin import Steering, Twin
from bridge.chargepoint.update import Update
from bridge.clock import Clock
from bridge.errors import UnknownAddress

ChargePointListener = Callable[[ChargePoint | None, ChargePoint | None], None]
"""Called with a charge point before and after a change. Before is None if it is new, after is None if it has left."""

GridListener = Callable[[GridTwin | None, GridTwin | None], None]
"""Called with a grid connection before and after a change, with None as for a charge point."""

CHUNK: Final = 50
"""How many charge points change before the event loop runs other work, when all of them change at once."""


class Fleet:
    """All charge points and grid connections.

    Args:
        clock: the source of time.
        memories: the memory of the sessions of each socket before a restart, by address.
        steerings: the limits and observations of each socket before a restart, by address.
        nominal_voltage: returns the nominal voltage in force, V.

    Attributes:
        listeners: called, in order, after a change of a charge point.
        grid_listeners: called, in order, after a change of a grid connection.
        remembered_listeners: called with the twin before and after a change by `remember` or `limit`, which no frame
            of the cloud shows.
        cards: the account's charge cards.
        account: the answer to GET_ACCOUNT; None before the first one.
        grids_left_out: the ids of the grid connections that have no address of their own.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        memories: Mapping[str, Memory],
        steerings: Mapping[str, Steering],
        nominal_voltage: Callable[[], float] = lambda: NOMINAL_VOLTAGE_V,
    ) -> None:
        self._clock = clock
        now = clock.now()
        self._memories = {address: memory.restored(now) for address, memory in memories.items()}
        self._steerings = dict(steerings)
        self._nominal_voltage = nominal_voltage
        self._points: dict[str, ChargePoint] = {}
        self._evse_ids: dict[str, str] = {}  # by the address of a socket
        self._grids: dict[str, GridTwin] = {}
        self._grid_addresses: dict[str, str] = {}  # by the charge point behind it
        self._waiters = Waiters()
        self._outages = 0
        self.cards: Sequence[Card] = ()
        self.account: AccountBody | None = None
        self.grids_left_out: frozenset[str] = frozenset()
        self.listeners: tuple[ChargePointListener, ...] = ()
        self.grid_listeners: tuple[GridListener, ...] = ()
        self.remembered_listeners: tuple[Callable[[Twin, Twin], None], ...] = ()

    # --- looking up ---

    def twins(self) -> Sequence[Twin]:
        """Return the twins of all sockets, in the order of their charge points."""
        return [twin for evse_id in sorted(self._points) for twin in self._points[evse_id].sockets]

    def twin(self, address: str) -> Twin | None:
        """Return the twin of a socket by its address; None if there is none."""
        point = self._points.get(self._evse_ids.get(address, ""))
        return point.socket(address) if point is not None else None

    def expect(self, address: str) -> Twin:
        """Return the twin of a socket that a command names.

        Raises:
            UnknownAddress: the socket has left the account.
        """
        twin = self.twin(address)
        if twin is None:
            raise UnknownAddress(f"There is no charge point {address} any more.")
        return twin

    def charge_point(self, evse_id: str) -> ChargePoint | None:
        """Return a charge point; None if it is not in the account."""
        return self._points.get(evse_id)

    def sockets(self, evse_id: str) -> Sequence[Twin]:
        """Return the twins of a charge point, one for each socket; empty if it is not in the account."""
        point = self._points.get(evse_id)
        return point.sockets if point is not None else ()

    def evse_ids(self) -> Sequence[str]:
        """Return the ids of all charge points, sorted."""
        return sorted(self._points)

    def grids(self) -> Sequence[GridTwin]:
        """Return the twins of all grid connections, sorted by address."""
        return [self._grids[address] for address in sorted(self._grids)]

    def grid(self, address: str) -> GridTwin | None:
        """Return the twin of a grid connection by its address; None if there is none."""
        return self._grids.get(address)

    # --- changing ---

    def restore(self, settings: Mapping[str, ChargePointSettings], grids: Mapping[str, Sequence[str]]) -> None:
        """Restore the charge points of before a restart. Each counts as unseen until its first status.

        Args:
            settings: the settings of each charge point, by evse_id.
            grids: the charge points behind each grid connection, by the cloud's id of it.
        """
        now = self._clock.now()
        for grid_id, evse_ids in grids.items():
            grid = GridTwin(grid=Grid(id=grid_id), evse_ids=frozenset(evse_ids) & frozenset(settings))
            if has_own_address(grid_id, None, settings) and grid.evse_ids:
                self._put_grid(None, grid.link_lost(now))
        for evse_id, one in settings.items():
            point = replace(self._make(evse_id, one), complete=True)
            self._put(None, point.each(lambda twin: twin.link_lost(now)))

    def listed(self, listed: Sequence[ListedChargePoint], *, whole: bool = True) -> None:
        """Apply the account's list of charge points: add the new ones, remove those that are no longer listed.

        Args:
            listed: the entries of CHARGE_POINTS.
            whole: the list is complete. If it is not, no charge point is removed.
        """
        if whole:
            self.keep_only({item.evse_id for item in listed})
        for item in listed:
            self.described(item.evse_id, item.update, may_be_new=True)
            for twin in self.sockets(item.evse_id):
                self._replace(twin, twin.listed(item.activity))

    def keep_only(self, evse_ids: Collection[str]) -> None:
        """Remove every charge point that is not one of these."""
        for evse_id in self.evse_ids():
            if evse_id not in evse_ids:
                self._remove(self._points[evse_id])

    def described(self, evse_id: str, update: Update[ChargePointSettings], *, may_be_new: bool = False) -> None:
        """Apply a change of the description or the settings of a charge point.

        Args:
            evse_id: the charge point.
            update: the fields that the cloud sent.
            may_be_new: add the charge point if it is not known; else an unknown one is ignored.
        """
        before = self._points.get(evse_id)
        if before is not None:
            self._put(before, self._with_sockets(before.described(update)))
        elif may_be_new:
            now = self._clock.now()
            point = self._make(evse_id, update.onto(ChargePointSettings()))
            self._put(None, point.each(lambda twin: twin.link_lost(now)))

    def completed(self, evse_id: str) -> None:
        """Mark a charge point as complete: all requests about it were made, so it can be included in the hub."""
        before = self._points.get(evse_id)
        if before is not None and not before.complete:
            self._put(before, replace(before, complete=True))

    def pushed(self, evse_id: str, sockets: Iterable[SocketStatus]) -> None:
        """Apply the entries of a CH_STATUS. Each entry is one change and is announced separately."""
        for status in sockets:
            point = self._points.get(evse_id)
            if point is None:
                return
            if status.socket is not None:
                point = self._with_named_socket(point, status.socket)
            now = self._clock.now()
            for twin in point.sockets:
                if status.concerns(twin.socket, alone=len(point.sockets) == 1):
                    after = twin.pushed(status.update, now, self._nominal_voltage())
                    self._replace(twin, after.link_found())

    async def link_lost(self) -> None:
        """Mark every charge point as unseen, because the link is down."""
        now = self._clock.now()
        self._outages += 1
        outage = self._outages
        for number, evse_id in enumerate(self.evse_ids(), 1):
            point = self._points.get(evse_id)
            if point is not None:
                self._put(point, point.each(lambda twin: twin.link_lost(now)))
            if number % CHUNK == 0:
                await asyncio.sleep(0)
                if outage != self._outages:
                    return  # the link is up again, so the rest was unseen only for a moment
        for grid in self.grids():
            self._put_grid(grid, grid.link_lost(now))

    def link_found(self, grace: timedelta) -> None:
        """Handle that the link came up. A charge point counts as unseen until its first status.

        Args:
            grace: how long the values of a grid connection stay valid without the link.
        """
        now = self._clock.now()
        self._outages += 1
        for grid in self.grids():
            self._put_grid(grid, grid.link_found(now, grace))

    def clock_jumped(self, delta: timedelta) -> None:
        """Move the bridge's own recorded times by `delta`, because the wall clock has jumped (contract 8)."""
        for evse_id in self.evse_ids():
            point = self._points[evse_id]
            self._put(point, point.each(lambda twin: twin.shifted(delta)))
        for grid in self.grids():
            self._put_grid(grid, grid.shifted(delta))

    def remember(self, address: str, change: Callable[[Memory], Memory]) -> None:
        """Change a socket's memory after the outcome of a command or a correction from the account's transactions."""
        twin = self.twin(address)
        if twin is not None:
            self._remember(twin, twin.remembering(change))

    def limit(self, address: str, change: Callable[[Limits], Limits]) -> None:
        """Change the limits of a socket: the wanted ones, or those known to be in the cloud."""
        twin = self.twin(address)
        if twin is not None:
            self._remember(twin, twin.limited(change).at(self._clock.now()))

    def _remember(self, before: Twin, after: Twin) -> None:
        self._replace(before, after)
        if after != before:
            for listener in self.remembered_listeners:
                listener(before, after)

    # --- sockets ---

    def _make(self, evse_id: str, settings: ChargePointSettings) -> ChargePoint:
        twins = tuple(
            self._remembered(Twin(evse_id=evse_id, socket=number, settings=settings))
            for number in socket_numbers(settings)
        )
        point = ChargePoint(evse_id, twins)
        if len(twins) > 1 and evse_id in self._memories and not any(t.address in self._memories for t in twins):
            return replace(point, heir_of=self._remembered(Twin(evse_id=evse_id, settings=settings)))
        return point

    def _remembered(self, twin: Twin) -> Twin:
        steering = self._steerings.get(twin.address, Steering())
        memory = self._memories.get(twin.address, Memory())
        return replace(twin, memory=memory, observed=steering.observed, limits=limits.restored(steering.limits))

    def _with_sockets(self, point: ChargePoint) -> ChargePoint:
        """Return the charge point with the sockets that its settings name. A socket that stays keeps its twin."""
        numbers = socket_numbers(point.settings)
        if [twin.socket for twin in point.sockets] == list(numbers):
            return point
        now = self._clock.now()
        known = {twin.socket: twin for twin in point.sockets}
        made = self._make(point.evse_id, point.settings)
        twins = tuple(known.get(twin.socket) or twin.link_lost(now) for twin in made.sockets)
        heir_of = known.get(None) or point.heir_of if len(twins) > 1 else None
        if len(twins) == 1 and None not in known:
            # Several sockets became one: it keeps the energy and the session of the first.
            twins = (replace(point.sockets[0], socket=None),)
        return replace(point, sockets=twins, heir_of=heir_of)

    def _with_named_socket(self, before: ChargePoint, number: int) -> ChargePoint:
        """Return the charge point after a status has named a socket.

        The second socket to be named turns the charge point into one with several. The first of several to be named
        takes over the counter and the session of the single socket (contract 3).
        """
        seen = before.settings.seen_sockets
        after = before
        if number not in seen and len(seen) < MOST_SOCKETS:
            settings = replace(before.settings, seen_sockets=tuple(sorted({*seen, number})))
            after = self._with_sockets(before.each(lambda twin: replace(twin, settings=settings)))
        heir, first = after.heir_of, seen[0] if seen and after is not before else number
        twin = next((twin for twin in after.sockets if twin.socket == first), None)
        if heir is not None and twin is not None:
            heir = replace(heir, socket=first, settings=after.settings)
            after = replace(after.with_twin(heir), heir_of=None)
        self._put(before, after)
        return after

    # --- announcing ---

    def _replace(self, before: Twin, after: Twin) -> None:
        if after is before:
            return
        point = self._points[before.evse_id]
        if after == before:
            # Only the time of the last sight is new: it is kept, and not announced.
            self._points[point.evse_id] = point.with_twin(after)
        else:
            self._put(point, point.with_twin(after))

    def _put(self, before: ChargePoint | None, after: ChargePoint) -> None:
        if before is after or before == after:
            return
        self._points[after.evse_id] = after
        if before is None or len(before.sockets) != len(after.sockets):
            self._keep_memories(before)
        for twin in after.sockets:
            self._evse_ids[twin.address] = after.evse_id
        for listener in self.listeners:
            listener(before, after)
        self._waiters.changed(after)

    def _remove(self, point: ChargePoint) -> None:
        del self._points[point.evse_id]
        self._keep_memories(point)
        for listener in self.listeners:
            listener(point, None)
        grid = self.grid_of(point.evse_id)
        if grid is not None:
            self._leave_grid(grid, point.evse_id)

    def _keep_memories(self, point: ChargePoint | None) -> None:
        """Keep the memory of the sockets of a charge point that leaves, or whose sockets change."""
        for twin in point.sockets if point is not None else ():
            self._evse_ids.pop(twin.address, None)
            self._memories[twin.address] = twin.memory
            self._steerings[twin.address] = twin.steering

    # --- grid connections ---

    def grid_told(self, evse_id: str, update: Update[Grid]) -> None:
        """Apply a GRID_STATUS that names the grid connection of a charge point and its currents."""
        grid_id = update.values.id
        if not grid_id or evse_id not in self._points:
            return
        other = self.grid_of(evse_id)
        if other is not None and other.grid.id != grid_id:
            self._leave_grid(other, evse_id)
        before = self._grids.get(grid_address(grid_id))
        if not has_own_address(grid_id, before, self._evse_ids, self._points):
            self.grids_left_out |= {grid_id}
            return
        self.grids_left_out -= {grid_id}
        twin = before or GridTwin(grid=Grid(id=grid_id))
        self._put_grid(before, replace(twin, evse_ids=twin.evse_ids | {evse_id}).pushed(update))

    def grid_pushed(self, evse_id: str, update: Update[Grid]) -> None:
        """Apply a GRID_CURRENT: the currents at the grid connection of a charge point."""
        grid = self.grid_of(evse_id)
        if grid is not None:
            self._put_grid(grid, grid.pushed(update))

    def grid_changed(self, update: Update[Grid]) -> None:
        """Apply a GRID_STATUS that names the grid connection and no charge point."""
        grid = self._grids.get(grid_address(update.values.id))
        if grid is not None and grid.grid.id == update.values.id:
            self._put_grid(grid, grid.pushed(update))

    def grid_of(self, evse_id: str) -> GridTwin | None:
        """Return the grid connection of a charge point; None if none is known."""
        return self._grids.get(self._grid_addresses.get(evse_id, ""))

    def _put_grid(self, before: GridTwin | None, after: GridTwin) -> None:
        if before != after:
            self._grids[after.address] = after
            self._grid_addresses |= dict.fromkeys(after.evse_ids, after.address)
            self._announce_grid(before, after)

    def _leave_grid(self, grid: GridTwin, evse_id: str) -> None:
        del self._grid_addresses[evse_id]
        left = replace(grid, evse_ids=grid.evse_ids - {evse_id})
        if left.evse_ids:
            self._put_grid(grid, left)
        else:
            del self._grids[grid.address]
            self._announce_grid(grid, None)

    def _announce_grid(self, before: GridTwin | None, after: GridTwin | None) -> None:
        for listener in self.grid_listeners:
            listener(before, after)

    async def wait_until(self, address: str, condition: Callable[[Twin], bool], timeout: float) -> None:
        """Wait until a twin fulfils a condition, but not longer than `timeout` seconds. A timeout raises nothing."""
        twin = self.twin(address)
        if twin is not None:
            await self._waiters.wait(twin, condition, timeout)
