"""Blocking a charge point and making it available: parameter `available` (contract 5)."""

from bridge.account.endings import ended_by_us
from bridge.account.fleet import Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.app_api import AppApi
from bridge.bluecurrent.link import Link
from bridge.clock import Clock
from bridge.errors import Forbidden, UnknownRequest


class Availability:
    """Blocks charge points, and makes them available again.

    The link is asked first. If the cloud does not know the request or forbids it, the app's REST API is asked.

    Args:
        link: the link to Blue Current.
        app_api: the app's side of the cloud.
        fleet: the twins of the charge points.
        clock: the source of time.
    """

    def __init__(self, *, link: Link, app_api: AppApi, fleet: Fleet, clock: Clock) -> None:
        self._link = link
        self._app_api = app_api
        self._fleet = fleet
        self._clock = clock

    async def set(self, evse_id: str, *, available: bool) -> None:
        """Make a charge point available, or block it. A block ends its sessions.

        Args:
            evse_id: the charge point.
            available: False blocks it.

        Raises:
            BridgeError: the cloud cannot be reached, or did not carry out the request.
        """
        self._link.check()
        if available:
            await self._ask(evse_id, available=True)
            return
        sockets = [socket.address for socket in self._fleet.sockets(evse_id)]
        async with ended_by_us(sockets, fleet=self._fleet, clock=self._clock):
            await self._ask(evse_id, available=False)

    async def _ask(self, evse_id: str, *, available: bool) -> None:
        try:
            await self._link.ask(requests.set_operative(evse_id, operative=available))
        except (UnknownRequest, Forbidden):
            for socket in self._fleet.sockets(evse_id):
                await self._app_api.set_operative(evse_id, socket.socket_id, operative=available)
