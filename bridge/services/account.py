"""The account: what is asked of the cloud, and when; and what its pushes change. It spends few requests.

At a start: CHARGE_POINTS, and one CH_STATUS and one CH_SETTINGS for each. After a reconnect: CHARGE_POINTS and one
CH_STATUS each; settings only when they are older than a day. In between nothing, since changes are pushed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from structlog.typing import FilteringBoundLogger

from bridge.bluecurrent import requests
from bridge.bluecurrent.frames import Frame, Settings, Statuses
from bridge.bluecurrent.link import Link
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.logs import Once
from bridge.services.devices import Devices
from bridge.services.fleet import Fleet
from bridge.storage import Storage

STALE_AFTER: Final = timedelta(days=1)
AT_ONCE: Final = 5
"""How many charge points are asked about at the same time."""


class Account:
    """Keeps the fleet true to the cloud.

    Args:
        link: the link.
        fleet: the twins.
        devices: what is said of them.
        storage: remembers the charge points.
        clock: tells the time.
        spawn: starts a coroutine beside the others.
        log: where to say what happens.
    """

    def __init__(
        self,
        *,
        link: Link,
        fleet: Fleet,
        devices: Devices,
        storage: Storage,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        log: FilteringBoundLogger,
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._devices = devices
        self._storage = storage
        self._clock = clock
        self._spawn = spawn
        self._log = log
        self._once = Once()
        self._settings_read: dict[str, datetime] = {}
        self._listing = False

    # --- what is asked ---

    async def opened(self) -> None:
        """The first question on a new connection: which charge points are there?"""
        await self._list(self._link.ask_while_opening)

    async def refresh(self) -> None:
        """What is asked once the link is up: how each of them is."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(evse_id: str) -> None:
            async with gate:
                await self._refresh_one(evse_id)

        await asyncio.gather(*(one(evse_id) for evse_id in self._fleet.evse_ids()))

    async def _refresh_one(self, evse_id: str) -> None:
        await self._try(requests.get_status(evse_id))
        read = self._settings_read.get(evse_id)
        if (read is None or self._clock.now() - read > STALE_AFTER) and await self._try(requests.get_settings(evse_id)):
            self._settings_read[evse_id] = self._clock.now()
        self._devices.announce(evse_id)

    async def _try(self, request: requests.Request[Any]) -> bool:
        """Ask; what comes is taken from the frame. A refusal costs only this one answer."""
        try:
            await self._link.ask(request)
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

    async def _list(self, ask: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        listed = await ask(requests.get_charge_points())
        gone = set(self._fleet.evse_ids()) - {item.evse_id for item in listed}
        if gone:
            # Before a thing and its place in the house are thrown away, ask twice.
            listed = await ask(requests.get_charge_points())
        self._fleet.listed(listed)
        for item in listed:
            self._once.forget(("unknown", item.evse_id))

    async def look_again(self) -> None:
        """Ask for the list once, and about what is new in it."""
        if self._listing:
            return
        self._listing = True
        try:
            known = set(self._fleet.evse_ids())
            await self._list(self._link.ask)
            for evse_id in self._fleet.evse_ids():
                if evse_id not in known:
                    await self._refresh_one(evse_id)
        finally:
            self._listing = False

    async def _look_for_new(self, evse_id: str) -> None:
        try:
            await self.look_again()
        except BridgeError as error:
            self._log.warning("the list of charge points could not be read", reason=str(error), because_of=evse_id)

    # --- what is pushed ---

    def pushed(self, frame: Frame) -> None:
        """Take a frame, whether it was asked for or not."""
        evse_id = frame.evse_id
        if evse_id is None or frame.error:
            return
        match frame.body:
            case Statuses(sockets):
                if self._fleet.sockets(evse_id):
                    self._fleet.pushed(evse_id, sockets)
                elif self._once.first(("unknown", evse_id)):
                    self._spawn(self._look_for_new(evse_id))
            case Settings(update):
                self._fleet.described(evse_id, update)
            case _:
                pass
