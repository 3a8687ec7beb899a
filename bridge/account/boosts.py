"""Overriding a smart-charging profile for one session, so that the session charges now (contract 4).

Blue Current calls this *boosting*.
"""

from functools import partial

from structlog.typing import FilteringBoundLogger

from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.profiles import is_on
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import session
from bridge.chargepoint.session import START_WINDOW
from bridge.chargepoint.status import Activity
from bridge.chargepoint.twin import Twin
from bridge.errors import BridgeError
from bridge.tasks import BackgroundTasks


class Boosts:
    """Overrides the profile that is on, at most once in a session.

    Args:
        link: the link to Blue Current.
        fleet: the twins of the charge points.
        locks: one lock for each charge point, for work in the background.
        tasks: runs work in the background.
        follow_up: how long to wait after a verdict for the CH_STATUS that shows its effect, s.
        log: gets a line for each failure in the background, which no command is answered with.
    """

    def __init__(
        self,
        *,
        link: Link,
        fleet: Fleet,
        locks: Locks,
        tasks: BackgroundTasks,
        follow_up: float,
        log: FilteringBoundLogger,
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._locks = locks
        self._tasks = tasks
        self._follow_up = follow_up
        self._log = log
        self._awaited: dict[str, int] = {}  # the opening (`Memory.opened`) to boost, by the address of the socket

    async def boost(self, address: str, *, held_only: bool = False) -> None:
        """Override the profile in the open session. The caller holds the lock of the charge point.

        Args:
            address: the socket.
            held_only: override only a profile that holds the session back.

        Raises:
            BridgeError: the cloud did not carry out the request.
        """
        twin = self._fleet.twin(address)
        override = _override(twin) if twin is not None else None
        if twin is None or override is None or (held_only and not _may_be_held_by_profile(twin)):
            return
        was_held = twin.held
        await self._link.ask(override)
        self._fleet.remember(address, partial(session.profile_lifted, opened=twin.memory.opened))
        await self._fleet.wait_until(address, lambda t: t.boosting or (was_held and not t.held), self._follow_up)

    async def boost_once_begun(self, twin: Twin, opening: int) -> None:
        """Override the profile for the session of this opening (`Memory.opened`), once a status shows the session.

        The caller holds the lock of the charge point. If the session has not begun yet, the wait is in the background.

        Raises:
            BridgeError: the cloud did not carry out the request.
        """
        opened = self._opened(twin.address)
        if opened is not None and opened < opening:
            self._awaited[twin.address] = opening
            self._tasks.start(self._boost_later(twin))
        elif opened == opening:
            await self.boost(twin.address)

    def cancel(self, address: str) -> None:
        """Do not override the profile for a session of this socket that has not begun yet."""
        self._awaited.pop(address, None)

    async def _boost_later(self, twin: Twin) -> None:
        await self._fleet.wait_until(twin.address, lambda t: t.memory.session_open, START_WINDOW.total_seconds())
        async with self._locks.of(twin.evse_id):
            opening = self._awaited.pop(twin.address, None)
            if opening is None or self._opened(twin.address) != opening:
                return  # a later command has replaced this one, or the session has not begun, or another one has
            try:
                await self.boost(twin.address)
            except BridgeError as error:
                self._log.warning(
                    "a smart-charging profile could not be overridden; the session charges when the profile allows it",
                    address=twin.address,
                    reason=str(error),
                )

    def _opened(self, address: str) -> int | None:
        twin = self._fleet.twin(address)
        return twin.memory.opened if twin is not None else None


def _may_be_held_by_profile(twin: Twin) -> bool:
    """Whether a profile holds the session back, or may do so.

    Price-based charging shows this by its heartbeat, or by a limit that is too low for any vehicle. Only the heartbeat
    is certain.
    """
    return twin.held_by_profile or (twin.held and is_on(twin.settings, "price_based"))


def _override(twin: Twin) -> Request[bool | None] | None:
    """Return the request that overrides the active profile in the open session.

    It is None if there is no open session, no profile is on, or the profile has already been overridden.
    """
    latest = twin.memory.session
    if latest is None or not latest.open or latest.profile_lifted or twin.boosting:
        return None
    delayed, price_based = is_on(twin.settings, "delayed"), is_on(twin.settings, "price_based")
    waits = twin.status is not None and twin.status.activity is Activity.DELAYED  # newer than the settings
    if price_based and not (delayed and waits):
        return requests.override_profiles(twin.evse_id)
    return requests.override_delayed_charging(twin.evse_id) if delayed or waits else None
