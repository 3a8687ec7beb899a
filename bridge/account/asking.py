"""Asking for things that end a session: a stop, an unlock, a reboot, a block."""

from functools import partial
from typing import TypeVar

from bridge.account.cloud import Cloud
from bridge.account.fleet import Fleet
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import session
from bridge.clock import Clock
from bridge.errors import BridgeError, Disconnected, VerdictTimeout

T = TypeVar("T")


async def ask_for_an_end(request: Request[T], addresses: list[str], *, cloud: Cloud, fleet: Fleet, clock: Clock) -> T:
    """Ask, and remember that a session of these sockets that ends from now on was ended by us.

    An end can come before its verdict, so this is noted first, and taken back if the cloud refuses.
    """
    sent = partial(session.ending_sent, now=clock.now())
    for address in addresses:
        fleet.remember(address, sent)
    try:
        return await cloud.ask(request)
    except (VerdictTimeout, Disconnected):
        raise  # nobody knows; if the session ends soon, it was this
    except BridgeError:
        for address in addresses:
            fleet.remember(address, session.ending_refused)
        raise
