"""Releasing the cable of a socket (contract 4, `cmd.cable_lock.set`)."""

from functools import partial
from typing import Final

from bridge.account.capabilities import Capabilities
from bridge.account.endings import ended_by_us
from bridge.account.fleet import Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.app_api import AppApi
from bridge.bluecurrent.link import Link
from bridge.chargepoint import session
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import Forbidden, NotSupported, UnknownRequest

PORTABLE: Final = "UMOVE"
"""The `chargepoint_type` of portable charge points."""


class Unlocks:
    """Releases the cables of charge points.

    Args:
        link: the link to Blue Current, which unlocks portable charge points.
        app_api: the app's side of the cloud, which unlocks the others.
        capabilities: which charge points can be unlocked.
        fleet: the twins of the charge points.
        clock: the source of time.
    """

    def __init__(self, *, link: Link, app_api: AppApi, capabilities: Capabilities, fleet: Fleet, clock: Clock) -> None:
        self._link = link
        self._app_api = app_api
        self._capabilities = capabilities
        self._fleet = fleet
        self._clock = clock

    def possible(self, twin: Twin) -> bool:
        """Whether the cable of this socket can be unlocked: it is not fixed, and no unlock was refused for good."""
        if twin.settings.is_cable or not self._capabilities.unlocks(twin.evse_id):
            return False
        return not _is_portable(twin) or twin.socket is None or self._capabilities.takes_socket_id

    async def unlock(self, twin: Twin) -> None:
        """Release the cable of a socket, which ends its session.

        Raises:
            NotSupported: the cloud does not know the request, or the account may not make it. The refusal is
                remembered, so that the interfaces are no longer listed.
            BridgeError: the cloud cannot be reached, or did not carry out the request.
        """
        self._link.check()
        try:
            async with ended_by_us([twin.address], fleet=self._fleet, clock=self._clock):
                if _is_portable(twin):
                    await self._link.ask(requests.unlock_connector(twin.evse_id, twin.socket))
                else:
                    await self._app_api.unlock(twin.evse_id, twin.socket_id)
        except (UnknownRequest, Forbidden) as error:
            self._capabilities.learn_cannot_unlock(twin.evse_id)
            words = "does not know how" if isinstance(error, UnknownRequest) else "does not allow this account"
            raise NotSupported(
                f"Blue Current {words} to unlock the cable of {twin.evse_id} from here. Unlock it at the charge point, "
                "or in Blue Current's app."
            ) from error
        self._fleet.remember(twin.address, partial(session.cable_unlocked, opened=twin.memory.opened))


def _is_portable(twin: Twin) -> bool:
    """Whether UNLOCK_CONNECTOR unlocks the charge point: only portable ones take it (design page 3, "Requests")."""
    return twin.settings.chargepoint_type.upper() in ("", PORTABLE)
