"""Synchronising the account: which requests are made to the cloud and when, and what its pushes change.

The cloud limits the requests of a day, so few are made. A start requests CHARGE_POINTS and CHARGE_CARDS, and CH_STATUS,
CH_SETTINGS and GRID_STATUS of each charge point. A reconnect requests CHARGE_POINTS and each CH_STATUS, and the rest
only if it is older than a day. In between the cloud pushes changes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from structlog.typing import FilteringBoundLogger

from bridge.account.address_book import SOCKETS
from bridge.account.capabilities import Capabilities
from bridge.account.exclusions import Exclusions
from bridge.account.fleet import CHUNK, Fleet
from bridge.account.overrides import Overrides
from bridge.account.profiles import switched
from bridge.account.read_times import ReadTimes
from bridge.bluecurrent import requests
from bridge.bluecurrent.frames import (
    AccountBody,
    ChargeCards,
    ChargePoints,
    Frame,
    GridValues,
    ListedChargePoint,
    Result,
    SettingsBody,
    Statuses,
)
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.protocol import LinkState, LinkStatus
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.grid import Grid, GridTwin
from bridge.chargepoint.update import Update
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.logs import Once
from bridge.runtime_settings import RuntimeSettings
from bridge.tasks import BackgroundTasks

T = TypeVar("T")

CONCURRENT_REFRESHES: Final = 5
"""How many charge points have requests in flight at the same time during a refresh."""

COMPLETE_AFTER_S: Final = 2.0
LOOKED_AFTER_S: Final = 4.0
"""How long a charge point, and the first look, wait for an answer that the cloud does not give."""

_ABOUT_SESSIONS: Final = {
    f"{step}_{command}"
    for step in ("RECEIVED", "STATUS")
    for command in ("START_SESSION", "STOP_SESSION", "UNLOCK_CONNECTOR")
}


ListAsker = Callable[[requests.Request[Sequence[ListedChargePoint]]], Awaitable[Sequence[ListedChargePoint]]]
"""Requests the list of charge points, on a link that is up or on one that is opening."""


class Sync:
    """Keeps the fleet equal to the account in the cloud.

    Args:
        link: the link to Blue Current.
        fleet: the twins of the charge points.
        overrides: reads the list of overrides after a reconnect.
        exclusions: the things that the user has deleted, for which no requests are made.
        capabilities: gets what an answer shows about the cloud.
        runtime: the grace, during which values stay valid without the link.
        is_valid_address: whether a text can be an address on the hub.
        clock: the source of time.
        tasks: runs work in the background.
        log: gets a line for each request that failed.

    Attributes:
        first_look: set once the first refresh has ended or has taken `LOOKED_AFTER_S`, or the link is down.
        looked_listeners: called at the same moments, at every refresh.
    """

    def __init__(
        self,
        *,
        link: Link,
        fleet: Fleet,
        overrides: Overrides,
        exclusions: Exclusions,
        capabilities: Capabilities,
        runtime: RuntimeSettings,
        is_valid_address: Callable[[str], bool],
        clock: Clock,
        tasks: BackgroundTasks,
        log: FilteringBoundLogger,
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._overrides = overrides
        self._exclusions = exclusions
        self._runtime = runtime
        self._is_valid_address = is_valid_address
        self._capabilities = capabilities
        self._tasks = tasks
        self._log = log
        self._once = Once()
        self._read_times = ReadTimes(clock)
        self._listing = False
        self._list_asked = 0  # requests for CHARGE_POINTS in flight
        self.first_look = asyncio.Event()
        self.looked_listeners: tuple[Callable[[], None], ...] = ()

    def link_changed(self, status: LinkStatus) -> None:
        """Refresh the account when the link comes up, and mark everything as unseen when it goes down."""
        if status.up:
            self._fleet.link_found(self._runtime.grace)
            self._tasks.start(self.refresh())
        else:
            self._tasks.start(self._fleet.link_lost())
        if status.state in (LinkState.DOWN, LinkState.WAITING):
            self.looked()

    # --- requests ---

    async def opened(self) -> None:
        """Request the list of charge points, as the first request on a new connection.

        Raises:
            BridgeError: the cloud did not answer; the connection cannot be used.
        """
        await self._list(self._link.ask_while_opening)

    async def refresh(self) -> None:
        """Make the requests that are due after the link came up. A refusal, or silence, costs only its own answer."""
        late = asyncio.get_running_loop().call_later(LOOKED_AFTER_S, self.looked)
        try:
            await self._refresh()
        finally:
            late.cancel()
        self.looked()

    async def _refresh(self) -> None:
        included = [evse_id for evse_id in self._fleet.evse_ids() if evse_id not in self._exclusions]
        waiting = iter(included)
        cards = self._if_due(requests.get_charge_cards(), self._cards_told)
        await asyncio.gather(cards, *(self._refresh_each(waiting) for _ in range(CONCURRENT_REFRESHES)))
        for evse_id in included:
            await self._refresh_grid(evse_id)
        await self._overrides.refresh()

    def looked(self) -> None:
        """Announce the end of a refresh, or that none is possible because the link is down."""
        self.first_look.set()
        for listener in self.looked_listeners:
            listener()

    async def _refresh_each(self, waiting: Iterator[str]) -> None:
        """Take charge points from an iterator that other tasks share, and make the requests about each."""
        for evse_id in waiting:
            await self._refresh_one(evse_id)

    async def _refresh_one(self, evse_id: str) -> None:
        if not all(self._is_valid_address(twin.address) for twin in self._fleet.sockets(evse_id)):
            self._fleet.completed(evse_id)  # the hub cannot have it (contract 3), so no requests are spent on it
            return
        late = asyncio.get_running_loop().call_later(COMPLETE_AFTER_S, self._fleet.completed, evse_id)
        try:
            # `frame_received` applies both answers, as it applies a push.
            await self._ask(requests.get_status(evse_id), _ignore)
            await self._if_due(requests.get_settings(evse_id), _ignore)
        finally:
            late.cancel()
        self._fleet.completed(evse_id)

    async def _refresh_grid(self, evse_id: str) -> None:
        """Request the grid connection of a charge point, with no other request in flight.

        Without one the cloud answers by an ERROR that names no request (design page 3, "Errors").
        """
        await self._if_due(requests.get_grid_status(evse_id), partial(self._grid_told, evse_id))

    def _cards_told(self, cards: Sequence[Card]) -> None:
        self._fleet.cards = cards

    def _grid_told(self, evse_id: str, update: Update[Grid]) -> None:
        if self._fleet.charge_point(evse_id) is not None:
            self._fleet.grids.told(evse_id, update)

    async def _if_due(self, request: requests.Request[T], take: Callable[[T], None]) -> None:
        """Make a request unless its last answer is still valid."""
        if self._read_times.is_due(request):
            self._read_times.note(request, await self._ask(request, take))

    async def _ask(self, request: requests.Request[T], take: Callable[[T], None]) -> BridgeError | None:
        """Make a request and pass its answer to `take`. A failure is logged and returned."""
        try:
            take(await self._link.ask(request))
        except BridgeError as error:
            if self._once.first((request.command, request.evse_id, str(error))):
                self._log.warning(
                    "Blue Current did not answer a request; values that depend on it stay as they were",
                    request=request.command,
                    evse_id=request.evse_id,
                    reason=str(error),
                )
            return error
        return None

    async def _list(self, ask: ListAsker) -> None:
        self._list_asked += 1
        try:
            listed = await ask(requests.get_charge_points())
            gone = set(self._fleet.evse_ids()) - {item.evse_id for item in listed}
            if gone:
                # An exclusion deletes the thing's place in the hub, so a second list must confirm it.
                listed = await ask(requests.get_charge_points())
            self._fleet.keep_only({item.evse_id for item in listed})
            listed = self._fleet.known_first(listed)
            for first in range(0, len(listed), CHUNK):
                self._fleet.listed(listed[first : first + CHUNK], whole=False)
                await asyncio.sleep(0)
        finally:
            self._list_asked -= 1
        for item in listed:
            self._once.forget(("unknown", item.evse_id))

    async def ask_status(self, evse_id: str) -> None:
        """Request the status of a charge point.

        Raises:
            BridgeError: the cloud cannot be reached, or did not answer.
        """
        await self._link.ask(requests.get_status(evse_id))

    async def ask_grid(self, grid: GridTwin) -> None:
        """Request the status of a grid connection.

        Raises:
            BridgeError: the cloud cannot be reached, or did not answer.
        """
        await self._link.ask(requests.get_grid_status(min(grid.evse_ids)))

    async def look_again(self) -> None:
        """Request the list of charge points, and the status and settings of the new ones in it.

        Raises:
            BridgeError: the cloud cannot be reached, or did not answer with a list.
        """
        if self._listing:
            return
        self._listing = True
        try:
            await self._list(self._link.ask)
            for evse_id in self._fleet.evse_ids():
                unseen = any(twin.status is None for twin in self._fleet.sockets(evse_id))
                if unseen and evse_id not in self._exclusions:
                    await self._refresh_one(evse_id)
                    await self._refresh_grid(evse_id)
        finally:
            self._listing = False

    def address_vacant(self, address: str) -> None:
        """Include a charge point that was left out, since its address is free now."""
        left_out = [claim.id for claim in self._fleet.addresses.left_out(SOCKETS) if claim.id == address]
        if left_out and not self._list_asked and self._link.status.up:
            self._tasks.start(self._look_for_new(address))

    async def _look_for_new(self, evse_id: str) -> None:
        try:
            await self.look_again()
        except BridgeError as error:
            self._log.warning(
                "the list of charge points could not be read; a charge point that is new stays unknown to the hub",
                reason=str(error),
                because_of=evse_id,
            )

    # --- frames ---

    def frame_received(self, frame: Frame) -> None:
        """Apply a frame. An answer and a push are applied in the same way (design page 3, "Pushes and data")."""
        if frame.error:
            return
        evse_id = frame.evse_id
        match frame.body:
            case Statuses():
                self._apply_statuses(evse_id, frame.body)
            case ChargePoints(listed):
                self._apply_list(listed)
            case ChargeCards(cards):
                self._fleet.cards = cards
            case AccountBody():
                self._fleet.account = frame.body
            case GridValues(update) if evse_id is None:
                self._fleet.grids.changed(update)
            case _ if evse_id is not None:
                self._apply_to_charge_point(evse_id, frame)

    def _apply_to_charge_point(self, evse_id: str, frame: Frame) -> None:
        """Apply a frame other than CH_STATUS that names one charge point."""
        match frame.body:
            case SettingsBody(update):
                self._fleet.described(evse_id, update)
            case GridValues(update) if update.values.id:
                self._grid_told(evse_id, update)
            case GridValues(update):
                self._fleet.grids.pushed(evse_id, update)
            case Result(bool(value), _, str(setting)):
                if frame.success is not False and self._fleet.sockets(evse_id):
                    now = self._fleet.sockets(evse_id)[0].settings
                    self._fleet.described(evse_id, switched(now, setting, value=value))
            case Result(_, int()) if frame.object in _ABOUT_SESSIONS:
                self._capabilities.learn_takes_socket_id()
            case _:
                pass

    def _apply_statuses(self, evse_id: str | None, statuses: Statuses) -> None:
        """Apply each entry of a CH_STATUS to its charge point."""
        if evse_id is not None and statuses.socket_ids is not None:
            sockets = ChargePointSettings(socket_ids=statuses.socket_ids)
            self._fleet.described(evse_id, Update(sockets, frozenset({"socket_ids"})))
        for status in statuses.sockets:
            if self._fleet.sockets(status.evse_id):
                self._fleet.pushed(status.evse_id, [status])
            elif self._list_asked or self._fleet.is_left_out(status.evse_id):
                pass  # the list that is on its way shows whether the account has it
            elif self._once.first(("unknown", status.evse_id)):
                self._tasks.start(self._look_for_new(status.evse_id))

    def _apply_list(self, listed: Sequence[ListedChargePoint]) -> None:
        """Apply a CHARGE_POINTS that was pushed.

        Entries of known charge points are applied at once. If it adds or lacks some, the list is requested.
        """
        if self._list_asked:
            return  # `_list` applies it
        known = set(self._fleet.evse_ids())
        self._fleet.listed([item for item in listed if item.evse_id in known], whole=False)
        changed = known ^ {item.evse_id for item in listed if not self._fleet.is_left_out(item.evse_id)}
        if changed:
            self._tasks.start(self._look_for_new(min(changed)))


def _ignore(_: object) -> None:
    return None
