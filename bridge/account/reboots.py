"""Restarting a charge point (contract 5, `dev_sys`)."""

from bridge.account.endings import ended_by_us
from bridge.account.fleet import Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.clock import Clock


class Reboots:
    """Restarts charge points.

    Args:
        link: the link to Blue Current.
        fleet: the twins of the charge points.
        clock: the source of time.
    """

    def __init__(self, *, link: Link, fleet: Fleet, clock: Clock) -> None:
        self._link = link
        self._fleet = fleet
        self._clock = clock

    async def reboot(self, address: str, *, hard: bool) -> None:
        """Restart the charge point of a socket. A session that ends meanwhile counts as ended by the bridge.

        Args:
            address: the socket.
            hard: send REBOOT; else SOFT_RESET.

        Raises:
            VerdictTimeout: the outcome is unknown.
            BridgeError: the cloud cannot be reached, or did not carry out the request.
        """
        self._link.check()
        evse_id = self._fleet.expect(address).evse_id
        request = requests.reboot(evse_id) if hard else requests.soft_reset(evse_id)
        sockets = [socket.address for socket in self._fleet.sockets(evse_id)]
        async with ended_by_us(sockets, fleet=self._fleet, clock=self._clock):
            await self._link.ask(request)
