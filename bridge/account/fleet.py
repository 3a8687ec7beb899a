"""The bridge's picture of the account: a twin for each socket and each grid connection, and the charge cards.

Each change is announced once per charge point, as its state before and after with all its sockets. `bridge.wiring`
lists the listeners and their order.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from bridge.account.address_book import SOCKETS, AddressBook, Claim
from bridge.account.grids import Grids
from bridge.account.waiters import Waiters
from bridge.bluecurrent.bodies import AccountBody, ListedChargePoint, SocketStatus
from bridge.chargepoint import limits
from bridge.chargepoint.charge_point import MOST_SOCKETS, ChargePoint, socket_numbers
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.power import NOMINAL_VOLTAGE_V
from bridge.chargepoint.session import Memory
from bridge.chargepoint.twin import Steering, Twin
from bridge.chargepoint.update import Update
from bridge.clock import Clock
from bridge.errors import UnknownAddress

ChargePointListener = Callable[[ChargePoint | None, ChargePoint | None], None]
"""Called with a charge point before and after a change. Before is None if it is new, after is None if it has left."""

CHUNK: Final = 50
"""How many charge points change before the event loop runs other work, when all of them change at once."""


class Fleet:
    """All charge points and grid connections.

    Args:
        clock: the source of time.
        memories: the memory of the sessions of each socket before a restart, by its identity.
        steerings: the limits and observations of each socket before a restart, by its identity.
        nominal_voltage: returns the nominal voltage in force, V.

    Attributes:
        addresses: the addresses in use.
        grids: the grid connections.
        listeners: called, in order, after a change of a charge point.
        remembered_listeners: called with the twin before and after a change by `remember` or `limit`, which no frame
            of the cloud shows.
        cards: the account's charge cards.
        account: the answer to GET_ACCOUNT; None before the first one.
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
        self._memories = {identity: memory.restored(now) for identity, memory in memories.items()}
        self._steerings = dict(steerings)
        self._nominal_voltage = nominal_voltage
        self._points: dict[str, ChargePoint] = {}
        self._waiters = Waiters()
        self._outages = 0
        self.addresses = AddressBook()
        self.addresses.vacant_listeners = (self._vacant,)
        self.grids = Grids(self.addresses)
        self.cards: Sequence[Card] = ()
        self.account: AccountBody | None = None
        self.listeners: tuple[ChargePointListener, ...] = ()
        self.remembered_listeners: tuple[Callable[[Twin, Twin], None], ...] = ()

    # --- looking up ---

    def twins(self) -> Sequence[Twin]:
        """Return the twins of all sockets, in the order of their charge points."""
        return [twin for evse_id in sorted(self._points) for twin in self._points[evse_id].sockets]

    def twin(self, address: str) -> Twin | None:
        """Return the twin of a socket by its address; None if there is none."""
        point = self._points.get(self.addresses.charge_point_at(address) or "")
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

    @property
    def points(self) -> Mapping[str, ChargePoint]:
        """All charge points, by evse_id."""
        return self._points

    # --- changing ---

    def restore(self, settings: Mapping[str, ChargePointSettings], grids: Mapping[str, Sequence[str]]) -> None:
        """Restore the charge points of before a restart. Each counts as unseen until its first status.

        Args:
            settings: the settings of each charge point, by evse_id.
            grids: the charge points behind each grid connection, by the cloud's id of it.
        """
        now = self._clock.now()
        for evse_id in settings:  # before any of them claims the addresses of its sockets
            self.addresses.take(Claim(SOCKETS, evse_id, evse_id))
        for grid_id, evse_ids in grids.items():
            self.grids.restore(grid_id, frozenset(evse_ids) & frozenset(settings), now)
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
        for item in self.known_first(listed):
            self.described(item.evse_id, item.update, may_be_new=True)
            for twin in self.sockets(item.evse_id):
                self._replace(twin, twin.listed(item.activity))

    def known_first(self, listed: Iterable[ListedChargePoint]) -> Sequence[ListedChargePoint]:
        """Return the entries of a list, those of known charge points first: one may free an address for a new one."""
        return sorted(listed, key=lambda item: item.evse_id not in self._points)

    def keep_only(self, evse_ids: Collection[str]) -> None:
        """Remove every charge point that is not one of these."""
        for evse_id in self.evse_ids():
            if evse_id not in evse_ids:
                self._remove(self._points[evse_id])
        for claim in self.addresses.left_out(SOCKETS):
            if claim.id not in evse_ids:
                self.addresses.withdraw(SOCKETS, claim.id)

    def is_left_out(self, evse_id: str) -> bool:
        """Whether a charge point of the account is left out, since its address is another thing's (contract 3)."""
        claim = Claim(SOCKETS, evse_id, evse_id)
        return not self.addresses.is_free_for(claim) and not self.addresses.take(claim)

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
        elif may_be_new and self.addresses.take(Claim(SOCKETS, evse_id, evse_id)):
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
                if status.concerns(twin.socket, alone=twin.socket is None):
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
        self.grids.link_lost(now)

    def link_found(self, grace: timedelta) -> None:
        """Handle that the link came up. A charge point counts as unseen until its first status.

        Args:
            grace: how long the values of a grid connection stay valid without the link.
        """
        self._outages += 1
        self.grids.link_found(self._clock.now(), grace)

    def clock_jumped(self, delta: timedelta) -> Coroutine[object, None, None]:
        """Move the bridge's own recorded times by `delta`, because the wall clock has jumped (contract 8).

        All of them move at once. The returned coroutine calls the listeners, which write to disk, in parts.
        """
        before = self._points
        self._points = {evse_id: point.each(lambda twin: twin.shifted(delta)) for evse_id, point in before.items()}
        self.grids.clock_jumped(delta)
        return self._tell_each(before)

    async def _tell_each(self, before: Mapping[str, ChargePoint]) -> None:
        """Call the listeners for the charge points that are not as before, and are still in the account."""
        for number, (evse_id, point) in enumerate(before.items(), 1):
            after = self._points.get(evse_id)
            if after is not None and after != point:
                self._tell(point, after)
            if number % CHUNK == 0:
                await asyncio.sleep(0)

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
            for number in self._numbers(evse_id, settings)
        )
        point = ChargePoint(evse_id, twins)
        if (
            twins[0].socket is not None
            and evse_id in self._memories
            and not any(t.identity in self._memories for t in twins)
        ):
            return replace(point, heir_of=self._remembered(Twin(evse_id=evse_id, settings=settings)))
        return point

    def _numbers(self, evse_id: str, settings: ChargePointSettings) -> Sequence[int | None]:
        """Return the numbers of the sockets with an address of their own; [None] if there is none, or only one socket.

        A socket whose address is another thing's is left out (contract 3).
        """
        numbers = socket_numbers(settings)
        claims = {number: _claim(evse_id, number) for number in numbers}
        self.addresses.withdraw(SOCKETS, evse_id, keep=claims.values())
        return [number for number in numbers if self.addresses.take(claims[number])] or [None]

    def _remembered(self, twin: Twin) -> Twin:
        steering = self._steerings.get(twin.identity, Steering())
        memory = self._memories.get(twin.identity, Memory())
        return replace(twin, memory=memory, observed=steering.observed, limits=limits.restored(steering.limits))

    def _with_sockets(self, point: ChargePoint) -> ChargePoint:
        """Return the charge point with the sockets that its settings name. A socket that stays keeps its twin."""
        numbers = self._numbers(point.evse_id, point.settings)
        if [twin.socket for twin in point.sockets] == list(numbers):
            return point
        now = self._clock.now()
        known = {twin.socket: twin for twin in point.sockets}
        made = self._make(point.evse_id, point.settings)
        twins = tuple(known.get(twin.socket) or twin.link_lost(now) for twin in made.sockets)
        several = twins[0].socket is not None
        heir_of = known.get(None) or point.heir_of if several else None
        if not several and None not in known:
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
            self._announce(point, point.with_twin(after))

    def _put(self, before: ChargePoint | None, after: ChargePoint) -> None:
        if before != after:
            self._announce(before, after)

    def _announce(self, before: ChargePoint | None, after: ChargePoint) -> None:
        self._points[after.evse_id] = after
        if before is not None and not before.has_sockets_of(after):
            self._keep_memories(before)
            self._release(before, after)
        self._tell(before, after)

    def _tell(self, before: ChargePoint | None, after: ChargePoint) -> None:
        for listener in self.listeners:
            listener(before, after)
        self._waiters.changed(after)

    def _remove(self, point: ChargePoint) -> None:
        del self._points[point.evse_id]
        self._keep_memories(point)
        for listener in self.listeners:
            listener(point, None)
        self.grids.leave(point.evse_id)
        self.addresses.withdraw(SOCKETS, point.evse_id)
        self._release(point, None)

    def _release(self, before: ChargePoint, after: ChargePoint | None) -> None:
        """Free the addresses that a charge point does not need any more."""
        kept = {after.evse_id, *(twin.address for twin in after.sockets)} if after is not None else set()
        freed = {before.evse_id, *(twin.address for twin in before.sockets)} - kept
        self.addresses.release(SOCKETS, before.evse_id, sorted(freed))

    def _vacant(self, address: str) -> None:
        """Serve the sockets or the grid connection that were left out, since their address is free now."""
        self.grids.vacant(address)
        for claim in self.addresses.left_out(SOCKETS):
            point = self._points.get(claim.id)
            if claim.address == address and point is not None:
                self._put(point, self._with_sockets(point))

    def _keep_memories(self, point: ChargePoint) -> None:
        """Keep the memory of the sockets of a charge point that leaves, or whose sockets change."""
        for twin in point.sockets:
            self._memories[twin.identity] = twin.memory
            self._steerings[twin.identity] = twin.steering

    async def wait_until(self, address: str, condition: Callable[[Twin], bool], timeout: float) -> None:
        """Wait until a twin fulfils a condition, but not longer than `timeout` seconds. A timeout raises nothing."""
        twin = self.twin(address)
        if twin is not None:
            await self._waiters.wait(twin, condition, timeout)


def _claim(evse_id: str, socket: int | None) -> Claim:
    return Claim(SOCKETS, evse_id, Twin(evse_id=evse_id, socket=socket).address)
