"""The account: what is asked of the cloud, and when; and what its pushes change. It spends few requests.

At a start: CHARGE_POINTS and CHARGE_CARDS, and one CH_STATUS, CH_SETTINGS and GRID_STATUS for each charge point. After
a reconnect: CHARGE_POINTS and one CH_STATUS each; the rest only when it is older than a day. In between nothing, since
changes are pushed; but a link that has been silent for long is looked into.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from structlog.typing import FilteringBoundLogger

from bridge.account.capabilities import Capabilities
from bridge.account.exclusions import Exclusions
from bridge.account.fleet import CHUNK, Fleet
from bridge.account.overrides import Overrides
from bridge.account.profiles import confirmed_switch
from bridge.bluecurrent import requests
from bridge.bluecurrent.bodies import Switch
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
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, with_value
from bridge.chargepoint.grid import Grid, GridTwin
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.logs import Once
from bridge.runtime_settings import RuntimeSettings
from bridge.tasks import BackgroundTasks

T = TypeVar("T")

STALE_AFTER: Final = timedelta(days=1)
SILENCE_CHARGING: Final = timedelta(minutes=10)
WATCH_EVERY_S: Final = 2.0
SILENCE_IDLE: Final = timedelta(days=1)
"""How long a link may say nothing: while a car charges there are several pushes a minute."""

NO_DELAY: Final = 5
"""How many charge points are asked about at the same time."""

_ABOUT_SESSIONS: Final = {
    f"{step}_{command}"
    for step in ("RECEIVED", "STATUS")
    for command in ("START_SESSION", "STOP_SESSION", "UNLOCK_CONNECTOR")
}


ListAsker = Callable[[requests.Request[Sequence[ListedChargePoint]]], Awaitable[Sequence[ListedChargePoint]]]
"""Asks for the list of charge points, on a link that is up or one that is opening."""


class Sync:
    """Keeps the fleet true to the cloud.

    Args:
        link: the link.
        fleet: the twins.
        overrides: looks for the bridge's own limits after a reconnect.
        exclusions: what the user has deleted: no request is spent on it.
        capabilities: what the cloud was found to support.
        runtime: how long the link may be down before what was known is of no use.
        clock: tells the time.
        tasks: runs what nobody waits for.
        log: where to say what happens.

    Attributes:
        first_look: is set once the account has been looked at after a start, or cannot be for a while.
        looked_listeners: who hears that a look at the account is through.
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
        clock: Clock,
        tasks: BackgroundTasks,
        log: FilteringBoundLogger,
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._overrides = overrides
        self._exclusions = exclusions
        self._runtime = runtime
        self._capabilities = capabilities
        self._clock = clock
        self._tasks = tasks
        self._log = log
        self._once = Once()
        self._read_at: dict[tuple[str, str | None], datetime] = {}
        self._listing = False
        self._list_asked = 0  # how many CHARGE_POINTS are being waited for
        self._probing = False
        self._watch_at = 0.0
        self._status_at: dict[str, float] = {}  # when each charge point sent its last status, on the monotonic clock
        self.first_look = asyncio.Event()
        self.looked_listeners: tuple[Callable[[], None], ...] = ()

    def link_changed(self, status: LinkStatus) -> None:
        """The link came up or went down."""
        if status.up:
            self._fleet.link_found(self._runtime.grace)
            self._tasks.start(self.refresh())
        else:
            self._tasks.start(self._fleet.link_lost())
        if status.state in (LinkState.DOWN, LinkState.WAITING):
            self.looked()

    # --- what is asked ---

    async def opened(self) -> None:
        """The first question on a new connection: which charge points are there?"""
        await self._list(self._link.ask_while_opening)

    async def refresh(self) -> None:
        """What is asked once the link is up: how each of them is."""
        await self._if_stale(requests.get_charge_cards(), self._cards_told)
        gate = asyncio.Semaphore(NO_DELAY)

        async def one(evse_id: str) -> None:
            async with gate:
                await self._refresh_one(evse_id)

        included = [evse_id for evse_id in self._fleet.evse_ids() if evse_id not in self._exclusions]
        await asyncio.gather(*(one(evse_id) for evse_id in included))
        for evse_id in included:
            await self._refresh_grid(evse_id)
        await self._overrides.refresh()
        self.looked()

    def looked(self) -> None:
        """The account has been looked at, or cannot be for a while."""
        self.first_look.set()
        for listener in self.looked_listeners:
            listener()

    async def _refresh_one(self, evse_id: str) -> None:
        # What comes of the first two is taken from the frame, as a push would be.
        await self._ask(requests.get_status(evse_id), _ignore)
        await self._if_stale(requests.get_settings(evse_id), _ignore)
        self._fleet.completed(evse_id)

    async def _refresh_grid(self, evse_id: str) -> None:
        """Ask for the grid connection, with nothing else in flight.

        A charge point without one is answered by an ERROR that names no request, so it has to be the only one waiting.
        """
        await self._if_stale(requests.get_grid_status(evse_id), partial(self._grid_told, evse_id))

    def _cards_told(self, cards: Sequence[Card]) -> None:
        self._fleet.cards = cards

    def _grid_told(self, evse_id: str, update: Update[Grid]) -> None:
        self._fleet.grid_told(evse_id, update)

    async def _if_stale(self, request: requests.Request[T], take: Callable[[T], None]) -> None:
        """Ask only for what was never answered, or a day ago."""
        key = (request.command, request.evse_id)
        read = self._read_at.get(key)
        if (read is None or self._clock.now() - read > STALE_AFTER) and await self._ask(request, take):
            self._read_at[key] = self._clock.now()

    async def _ask(self, request: requests.Request[T], take: Callable[[T], None]) -> bool:
        """Ask. A refusal costs only this one answer."""
        try:
            take(await self._link.ask(request))
        except BridgeError as error:
            if self._once.first((request.command, request.evse_id, str(error))):
                self._log.warning(
                    "Blue Current did not answer a question",
                    question=request.command,
                    evse_id=request.evse_id,
                    reason=str(error),
                )
            return False
        return True

    async def _list(self, ask: ListAsker) -> None:
        self._list_asked += 1
        try:
            listed = await ask(requests.get_charge_points())
            gone = set(self._fleet.evse_ids()) - {item.evse_id for item in listed}
            if gone:
                # An exclusion loses the thing's place in the hub, so the list is asked for twice first.
                listed = await ask(requests.get_charge_points())
        finally:
            self._list_asked -= 1
        self._fleet.keep_only({item.evse_id for item in listed})
        for first in range(0, len(listed), CHUNK):
            self._fleet.listed(listed[first : first + CHUNK], whole=False)
            await asyncio.sleep(0)
        for item in listed:
            self._once.forget(("unknown", item.evse_id))

    async def ask_status(self, evse_id: str) -> None:
        """Ask for the status of a charge point, once.

        Raises:
            BridgeError: there was no answer.
        """
        await self._link.ask(requests.get_status(evse_id))

    async def ask_grid(self, grid: GridTwin) -> None:
        """Ask for the status of a grid connection, once.

        Raises:
            BridgeError: there was no answer.
        """
        await self._link.ask(requests.get_grid_status(min(grid.evse_ids)))

    async def look_again(self) -> None:
        """Ask for the list once, and about what is new in it."""
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

    async def _look_for_new(self, evse_id: str) -> None:
        try:
            await self.look_again()
        except BridgeError as error:
            self._log.warning("the list of charge points could not be read", reason=str(error), because_of=evse_id)

    # --- what is pushed ---

    def frame_came(self, frame: Frame) -> None:
        """Take a frame, whether it was asked for or not: what it says is news in either case (page 3)."""
        if frame.error:
            return
        evse_id = frame.evse_id
        match frame.body:
            case Statuses():
                self._statuses_came(evse_id, frame.body)
            case ChargePoints(listed):
                self._list_came(listed)
            case ChargeCards(cards):
                self._fleet.cards = cards
            case AccountBody():
                self._fleet.account = frame.body
            case GridValues(update) if evse_id is None:
                self._fleet.grid_changed(update)
            case _ if evse_id is not None:
                self._news_of(evse_id, frame)
            case _:
                pass

    def _news_of(self, evse_id: str, frame: Frame) -> None:
        """Take what a frame says of one charge point beside its status."""
        match frame.body:
            case SettingsBody(update):
                self._fleet.described(evse_id, update)
            case GridValues(update) if update.values.id:
                self._fleet.grid_told(evse_id, update)
            case GridValues(update):
                self._fleet.grid_pushed(evse_id, update)
            case Result(bool(value), _, str(setting)):
                if frame.success is not False and self._fleet.sockets(evse_id):
                    now = self._fleet.sockets(evse_id)[0].settings
                    self._fleet.described(evse_id, _switched(now, setting, value=value))
            case Result(_, int()) if frame.object in _ABOUT_SESSIONS:
                self._capabilities.learn_takes_socket_id()  # an answer has named a socket
            case _:
                pass

    def _statuses_came(self, evse_id: str | None, statuses: Statuses) -> None:
        """Take a CH_STATUS, entry after entry, each to its own charge point."""
        if evse_id is not None and statuses.socket_ids is not None:
            sockets = ChargePointSettings(socket_ids=statuses.socket_ids)
            self._fleet.described(evse_id, Update(sockets, frozenset({"socket_ids"})))
        for status in statuses.sockets:
            if self._fleet.sockets(status.evse_id):
                self._status_at[status.evse_id] = self._clock.monotonic()
                self._fleet.pushed(status.evse_id, [status])
            elif self._once.first(("unknown", status.evse_id)):
                self._tasks.start(self._look_for_new(status.evse_id))

    def _list_came(self, listed: Sequence[ListedChargePoint]) -> None:
        """Take a CHARGE_POINTS: at once where it describes what is known, and by asking where it adds or lacks some."""
        if self._list_asked:
            return  # `_list` takes it
        known = set(self._fleet.evse_ids())
        self._fleet.listed([item for item in listed if item.evse_id in known], whole=False)
        changed = known ^ {item.evse_id for item in listed}
        if changed:
            self._tasks.start(self._look_for_new(min(changed)))

    # --- a link that only looks alive ---

    def look_into_silence(self) -> None:
        """A connection can be up while pushes have stopped: if nothing came for too long, ask once and compare.

        While a car charges, its own statuses are watched. Other frames, such as GRID_CURRENT, prove nothing of them.
        """
        now = self._clock.monotonic()
        if self._probing or not self._link.status.up or now < self._watch_at:
            return
        self._watch_at = now + WATCH_EVERY_S
        silent = self._silent_while_charging(now)
        if silent is None and now - self._link.last_frame_at >= SILENCE_IDLE.total_seconds():
            silent = next(iter(self._fleet.twins()), None)
        if silent is not None:
            self._probing = True
            self._tasks.start(self._probe(silent))

    def _silent_while_charging(self, now: float) -> Twin | None:
        """A charge point with a session that has sent no status for long; None if there is none."""
        for twin in self._fleet.twins():
            if twin.memory.session_open:
                heard_at = self._status_at.setdefault(twin.evse_id, now)
                if now - heard_at >= SILENCE_CHARGING.total_seconds():
                    return twin
        return None

    async def _probe(self, before: Twin) -> None:
        try:
            answered = await self._ask(requests.get_status(before.evse_id), _ignore)
        finally:
            self._probing = False
        after = self._fleet.twin(before.address)
        if answered and after is not None and after.status == before.status:
            return  # nothing had changed, so no push was due
        self._log.warning("Blue Current had stopped telling of changes; connecting anew", evse_id=before.evse_id)
        self._link.reconnect()


def _switched(now: ChargePointSettings, setting: Switch, *, value: bool) -> Update[ChargePointSettings]:
    """What the cloud's word that a setting was switched on or off says of the settings."""
    match setting:
        case "delayed_charging":
            return confirmed_switch(now, "delayed", on=value)
        case "price_based_charging":
            return confirmed_switch(now, "price_based", on=value)
        case "plug_and_charge":
            told = ChargePointSettings(plug_and_charge=with_value(now.plug_and_charge, value))
        case "public_charging":
            told = ChargePointSettings(public_charging=with_value(now.public_charging, value))
    return Update(told, frozenset({setting}))


def _ignore(_: object) -> None:
    return None
